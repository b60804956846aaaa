//! The credentials of a run, recognised wherever they stand.
//!
//! They are shown shortened, and whole on request: a run is over when its page appears, and what it shows then opens nothing any
//! more. The password is not shown at all.

use serde::Serialize;

/// Text, or a credential, which has a whole behind what is shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// What is shown.
    pub text: String,
    /// All of it.
    pub whole: Option<String>,
}

/// Every credential that a run has met.
#[derive(Debug, Default)]
pub struct Credentials(Vec<(String, bool)>);

impl Credentials {
    /// Remembers a credential, to be shown shortened.
    pub fn learn(&mut self, credential: &str) {
        self.add(credential, true);
    }

    /// Remembers a password, never to be shown.
    pub fn hide(&mut self, password: &str) {
        self.add(password, false);
    }

    fn add(&mut self, credential: &str, is_shown: bool) {
        if !credential.is_empty() && !self.0.iter().any(|(known, _)| known == credential) {
            self.0.push((credential.to_owned(), is_shown));
        }
    }

    /// Some text, cut at every credential in it.
    #[must_use]
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let first = |rest: &str| {
            let found = self.0.iter().filter_map(|known| Some((rest.find(&known.0)?, known)));
            // Where one contains another, the whole one counts.
            found.min_by_key(|(at, known)| (*at, std::cmp::Reverse(known.0.len())))
        };
        while let Some((at, (credential, is_shown))) = first(rest) {
            if at > 0 {
                pieces.push(Piece { text: rest[..at].to_owned(), whole: None });
            }
            pieces.push(match is_shown {
                true => Piece { text: shorten(credential), whole: Some(credential.clone()) },
                false => Piece { text: "…".to_owned(), whole: None },
            });
            rest = &rest[at + credential.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece { text: rest.to_owned(), whole: None });
        }
        pieces
    }
}

/// Enough to tell credentials apart. Tokens of one kind begin alike, so their ends count.
fn shorten(credential: &str) -> String {
    let letters: Vec<char> = credential.chars().collect();
    match letters.len() {
        0..12 => "…".to_owned(),
        length => letters[..3].iter().chain(&['…']).chain(&letters[length - 4..]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_shortened_wherever_they_stand_and_the_password_is_gone() {
        let mut known = Credentials::default();
        known.learn("abcdefghijklmnop");
        known.learn("abcdefghijklmnop.qrstuvwxyz");
        known.hide("correct horse");
        let pieces = known.pieces("a=abcdefghijklmnop.qrstuvwxyz; b=abcdefghijklmnop; c=correct horse!");
        let shown: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(shown, "a=abc…wxyz; b=abc…mnop; c=…!");
        assert_eq!(pieces[1].whole.as_deref(), Some("abcdefghijklmnop.qrstuvwxyz"));
        assert!(pieces.iter().all(|piece| piece.whole.as_deref() != Some("correct horse")));
    }
}
