//! What people type about themselves, checked once and then carried in types that say so.
//!
//! Every refusal is a sentence that tells what to do. Lengths are counted in characters after NFC, so that one name has one
//! length on every keyboard (RFC 8265; NIST SP 800-63B-4, section 3.1.1.2).

use unicode_normalization::UnicodeNormalization as _;

/// Something typed that can't be used: the field, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The field's name in forms and JSON.
    pub field: &'static str,
    /// A sentence for the person.
    pub advice: String,
}

fn refused<T>(field: &'static str, advice: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { field, advice: advice.into() })
}

/// An e-mail address: trimmed, plausible, at most 254 bytes (RFC 5321, erratum 1690).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    folded: String,
}

impl Email {
    /// Checks the shape only: whether it can be written to, a mail would have to find out.
    pub fn parse(typed: &str) -> Result<Self, Refused> {
        let typed: String = typed.trim().nfc().collect();
        if typed.is_empty() {
            return refused("email", "Enter an e-mail address.");
        }
        if typed.len() > 254 {
            return refused("email", "Enter an e-mail address of at most 254 characters.");
        }
        let Some((local, domain)) = typed.rsplit_once('@') else {
            return refused("email", "Enter an e-mail address with an @, such as ada@example.com.");
        };
        let odd = |letter: char| {
            letter.is_whitespace()
                || letter.is_control()
                || is_unseen(letter)
                || is_override(letter)
                || "<>()[]\\,;:\"@".contains(letter)
        };
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|letter| (letter.is_alphanumeric() && !is_unseen(letter)) || letter == '-')
        };
        let local_fits = !local.is_empty() && local.len() <= 64 && !local.contains(odd);
        let domain_fits = domain.contains('.') && domain.split('.').all(label);
        if !(local_fits && domain_fits) {
            return refused("email", "Enter an e-mail address such as ada@example.com.");
        }
        let folded = typed.to_lowercase().nfc().collect();
        Ok(Self { typed, folded })
    }

    /// An address that nobody can have, to look up in place of what is none: the same work, for the same time.
    #[must_use]
    pub fn nobodys() -> Self {
        Self { typed: String::new(), folded: String::new() }
    }

    /// Whether it belongs to an experiment, whose account lives for a quarter of an hour at most.
    #[must_use]
    pub fn is_throwaway(&self) -> bool {
        self.folded.ends_with("@throwaway.invalid")
    }

    /// As it was typed, trimmed.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// As it is looked up: two addresses that differ only in case are one.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// Whether a letter leaves no trace: with one, two addresses look the same, and an admin bans the wrong person.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a letter turns the text around it: a format character, none that is called a control character.
fn is_override(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name to show: 1 to 80 characters, none of which controls the terminal or the direction of the page around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Trims, and refuses control characters. Any script, and emoji, is welcome.
    pub fn parse(typed: &str) -> Result<Self, Refused> {
        let name: String = typed.trim().nfc().collect();
        let length = name.chars().count();
        // They join and part letters in many scripts; a name of nothing else can't be seen.
        if name.chars().all(is_unseen) {
            return refused("display_name", "Enter the name that others may see.");
        }
        if length > 80 {
            return refused("display_name", format!("Enter a name of at most 80 characters; this one has {length}."));
        }
        if name.chars().any(|letter| letter.is_control() || is_override(letter)) {
            return refused("display_name", "Enter a name without control characters, such as line breaks.");
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The longest password, in characters.
pub const PASSWORD_MAX: usize = 256;

/// What anybody would try first against accounts of this very application (ASVS 5.0, 6.1.2): as much of a password of one's own
/// name as one's own name is.
const WORDS_OF_OURS: &[&str] = &["two doors", "two-doors", "twodoors", "two_doors"];

/// How much of a password is judged by how soon it is guessed.
const JUDGED_MOST: usize = 40;

/// A password after NFC, in whose form alone passwords are hashed and compared. Never printed.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes what was typed at a log-in; whether it is any good was asked when it was set.
    #[must_use]
    pub fn typed(typed: &str) -> Self {
        Self(typed.nfc().collect())
    }

    /// The bytes to hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Checks a password that is to be set: `least` to 256 characters, any characters, no composition rules, but none that
    /// is guessed soon (NIST SP 800-63B-4, section 3.1.1.2): common ones, and ones made of the person's own e-mail and name.
    ///
    /// Takes some milliseconds of computing: not for a worker thread.
    pub fn check_new(&self, field: &'static str, least: usize, about: &[&str]) -> Result<(), Refused> {
        let length = self.0.chars().count();
        if length < least {
            return refused(
                field,
                format!(
                    "Use at least {least} characters; a few words in a row are easy to keep. This one has {length}."
                ),
            );
        }
        if length > PASSWORD_MAX {
            return refused(field, format!("Use at most {PASSWORD_MAX} characters; this one has {length}."));
        }
        let parts: Vec<&str> = about
            .iter()
            .flat_map(|text| text.split(['@', '.', ' ']).chain([*text]))
            .chain(WORDS_OF_OURS.iter().copied())
            .filter(|part| part.len() > 2)
            .collect();
        // Its search for letters written as digits explodes with the length; what follows can only make a password stronger.
        let beginning: String = self.0.chars().take(JUDGED_MOST).collect();
        let common = zxcvbn::zxcvbn(&beginning, &parts).score() < zxcvbn::Score::Three;
        // zxcvbn sees each use of a name; that hardly anything else is left, it does not weigh.
        let lower = self.0.to_lowercase();
        let own = parts.iter().map(|part| part.to_lowercase()).any(|part| {
            lower.contains(&part)
                && lower.replace(&part, "").chars().filter(|letter| letter.is_alphanumeric()).count() < 8
        });
        if common || own {
            return refused(
                field,
                "This password would be guessed soon: it is common, repeats itself, or is made of your own name or e-mail address, or of ours. Choose another.",
            );
        }
        Ok(())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_trimmed_and_folded_but_shown_as_typed() {
        let email = Email::parse("  Ada.Lovelace@Example.COM ").expect("fine");
        assert_eq!(email.as_typed(), "Ada.Lovelace@Example.COM");
        assert_eq!(email.folded(), "ada.lovelace@example.com");
        assert_eq!(Email::parse("ÅSA@exämple.org").expect("fine").folded(), "åsa@exämple.org");
    }

    #[test]
    fn what_is_no_email_address_is_refused_with_advice() {
        let long = format!("{}@example.com", "a".repeat(250));
        for typed in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "ada@example",
            "a@b@example.com",
            "ada@-x.org",
            "ada@x..org",
            "a\u{0}@x.org",
            "<a>@x.org",
            "a\u{200b}da@x.org",
            "\u{202e}ada@x.org",
            "ad\u{e0061}a@x.org",
            "ada@x\u{3164}.org",
            &long,
        ] {
            assert!(Email::parse(typed).is_err_and(|refused| refused.advice.starts_with("Enter")), "{typed}");
        }
    }

    #[test]
    fn names_of_every_script_are_welcome_and_control_characters_are_not() {
        for typed in ["Ada", "عمر الخيام", "山田太郎", "👩‍🚀 Ripley", "<b>bold</b>", &"x".repeat(80)]
        {
            assert!(DisplayName::parse(typed).is_ok(), "{typed}");
        }
        for typed in ["", "  ", "\u{200b}\u{200d}", "a\nb", "a\u{0}b", "a\u{202e}b", &"x".repeat(81)] {
            assert!(DisplayName::parse(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters_after_nfc() {
        let decomposed = Password::typed(&"e\u{301}".repeat(15));
        assert_eq!(decomposed.as_bytes(), "\u{e9}".repeat(15).as_bytes());
        assert!(decomposed.check_new("password", 16, &[]).is_err_and(|refused| refused.advice.contains("has 15")));
    }

    #[test]
    fn passwords_that_are_guessed_soon_are_refused() {
        let about = ["ada.lovelace@example.com", "Ada Lovelace"];
        let check = |typed: &str| Password::typed(typed).check_new("password", 15, &about);
        for typed in [
            "aaaaaaaaaaaaaaaaaaaa",
            "passwordpassword",
            "123456789012345",
            "ada.lovelace@example.com",
            "Ada LovelaceAda",
            "lovelacelovelace1",
            "two-doors two-doors",
            "TwoDoors TwoDoors 2026",
        ] {
            assert!(check(typed).is_err(), "{typed}");
        }
        for typed in [
            "marble otter gravel trumpet",
            "Tr0ub4dor&3 and then some",
            "пятнадцать лишних слов",
            &crate::secrets::hex(&crate::secrets::random::<128>()),
        ] {
            assert!(check(typed).is_ok(), "{typed}");
        }
    }
}
