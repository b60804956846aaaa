//! Each concept, and what it is called elsewhere.
//!
//! "None built in" means that the framework leaves it to packages, of which the usual ones are named. Names in code stand between
//! backticks; what is said of this code names files, and a test looks the names after each up in it.

mod session;
mod shared;
mod token;

/// What our own row is headed with.
pub const OURS: &str = "This code";

/// A framework that people come from.
#[derive(Debug)]
pub struct Framework {
    /// In the address.
    pub id: &'static str,
    /// As shown.
    pub name: &'static str,
}

const fn framework(id: &'static str, name: &'static str) -> Framework {
    Framework { id, name }
}

/// The frameworks, in the order of [`Concept::names`].
pub const FRAMEWORKS: [Framework; 6] = [
    framework("express", "Express"),
    framework("django", "Django"),
    framework("laravel", "Laravel"),
    framework("rails", "Rails"),
    framework("spring", "Spring Security"),
    framework("aspnet", "ASP.NET Core"),
];

/// A concept, and its name everywhere.
#[derive(Debug)]
pub struct Concept {
    /// Whose it is: "ses", "tok", or "none" for what both doors share.
    pub door: &'static str,
    /// Its plain name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// Where it is in this code: a file, then names in it.
    pub ours: &'static str,
    /// What it is called in each of [`FRAMEWORKS`].
    pub names: [&'static str; 6],
}

/// Every concept: first the session's, then what both doors share, then the token's.
pub const CONCEPTS: [&[Concept]; 3] = [session::CONCEPTS, shared::CONCEPTS, token::CONCEPTS];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::CONCEPTS;

    #[test]
    fn what_is_said_of_this_code_is_in_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for concept in CONCEPTS.iter().copied().flatten() {
            let (mut file, mut text) = ("no file", String::new());
            for name in concept.ours.split('`').skip(1).step_by(2) {
                if name.starts_with("src/") {
                    file = name;
                    text = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
                }
                assert!(name == file || text.contains(name), "{}: {file} has no {name}", concept.name);
            }
        }
    }

    #[test]
    fn every_framework_has_a_word_for_everything() {
        for concept in CONCEPTS.iter().copied().flatten() {
            for name in concept.names {
                assert!(name.len() > 8 && name.matches('`').count() % 2 == 0, "{}: {name}", concept.name);
            }
        }
    }
}
