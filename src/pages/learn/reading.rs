//! In which order to read the source: what both schemes stand on, the twins side by side, what is built on top.
//!
//! `docs/reading.md` shows the same; a test holds the two together and every file against the tree.

/// A file, and why to read it now.
#[derive(Debug)]
pub struct Stop {
    /// From the repository's root.
    pub file: &'static str,
    /// One sentence.
    pub why: &'static str,
}

/// Files that belong together.
#[derive(Debug)]
pub struct Stage {
    /// What they have in common.
    pub title: &'static str,
    /// In order.
    pub stops: &'static [Stop],
}

/// The same thing in both schemes.
#[derive(Debug)]
pub struct Twin {
    /// What they do.
    pub verb: &'static str,
    /// Scheme 1.
    pub session: Stop,
    /// Scheme 2.
    pub token: Stop,
}

const fn stop(file: &'static str, why: &'static str) -> Stop {
    Stop { file, why }
}

/// First.
pub const BEGINNING: Stage = Stage {
    title: "What both stand on",
    stops: &[
        stop("src/lib.rs", "The map: the rooms, in the order in which they may import one another."),
        stop(
            "migrations/2026-11-23-000002_sessions/up.sql",
            "A session is this row; each column says why it is there.",
        ),
        stop(
            "migrations/2026-11-23-000003_tokens/up.sql",
            "A token login is a family and its refresh tokens; access tokens are in no table.",
        ),
        stop(
            "src/accounts/credentials.rs",
            "Both doors check e-mail and password here, with the same work whether or not there is such an account.",
        ),
        stop("src/db/mod.rs", "The only way to the database: what runs, on which thread, and what an outage is."),
    ],
};

/// Then, left and right.
pub const TWINS: &[Twin] = &[
    Twin {
        verb: "the scheme",
        session: stop("src/session/mod.rs", "Its life story, promise, price and limit."),
        token: stop("src/token/mod.rs", "The same four, and how long a copied token outlives log-out."),
    },
    Twin {
        verb: "log in",
        session: stop("src/session/log_in.rs", "A new row and a new key, only if the password's version still holds."),
        token: stop("src/token/log_in.rs", "A new family and its first refresh token, under the same condition."),
    },
    Twin {
        verb: "where the state lives",
        session: stop("src/session/store.rs", "On our side: a cookie is looked up, and a late write makes nothing."),
        token: stop(
            "src/token/access.rs",
            "On their side: a signature and a clock are checked, and nobody is asked. This pair is the difference between the models.",
        ),
    },
    Twin {
        verb: "authenticate",
        session: stop("src/session/authenticate.rs", "Who asks, as the row says at this request."),
        token: stop("src/token/authenticate.rs", "Who asks, as the claims say; or live, with one statement."),
    },
    Twin {
        verb: "renew",
        session: stop("src/session/renew.rs", "By being used: the idle timeout slides."),
        token: stop(
            "src/token/renew.rs",
            "By asking: one successor for each refresh token, and what an old one gives away.",
        ),
    },
    Twin {
        verb: "log out",
        session: stop("src/session/log_out.rs", "The row is marked, and every copy of the cookie is dead."),
        token: stop("src/token/log_out.rs", "The family is marked, and access tokens go on where nobody asks."),
    },
    Twin {
        verb: "the door that says no",
        session: stop("src/pages/error.rs", "A page, or a redirect to the log-in."),
        token: stop("src/api/error.rs", "A problem in JSON, with the header that 401 owes."),
    },
    Twin {
        verb: "the route",
        session: stop("src/pages/log_in.rs", "The form, the transaction, the cookie."),
        token: stop("src/api/log_in.rs", "The JSON, the transaction, the two tokens."),
    },
];

/// Last.
pub const END: Stage = Stage {
    title: "What is built on both",
    stops: &[
        stop("src/everywhere.rs", "The only module that sees both schemes: what ends every login."),
        stop("src/pages/same_origin.rs", "Why a cookie needs a defence that a bearer token does not."),
        stop("src/token/keys/mod.rs", "How signing keys are published, rotated and retired."),
        stop(
            "tests/it/what_still_works.rs",
            "After each event, the copies of all credentials are replayed: the promises as tests.",
        ),
        stop("tests/it/races.rs", "What requests at the same moment must never achieve."),
        stop("tests/it/architecture.rs", "How the order of the rooms is held."),
    ],
};

/// The order as `docs/reading.md` shows it.
#[must_use]
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let link = |file: &str| format!("[`{file}`](../{file})");
    let list = |stage: &Stage| {
        let lines = stage.stops.iter().map(|stop| format!("1. {} {}\n", link(stop.file), stop.why));
        format!("## {}\n\n{}", stage.title, lines.collect::<String>())
    };
    let mut text = list(&BEGINNING);
    let _ = write!(text, "\n## The twins\n\n| | sessions | tokens |\n|---|---|---|\n");
    for twin in TWINS {
        let cell = |stop: &Stop| format!("{} {}", link(stop.file), stop.why);
        let _ = writeln!(text, "| {} | {} | {} |", twin.verb, cell(&twin.session), cell(&twin.token));
    }
    let _ = write!(text, "\n{}", list(&END));
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{BEGINNING, END, TWINS, markdown};

    #[test]
    fn every_file_of_the_reading_order_is_there() {
        let stops =
            BEGINNING.stops.iter().chain(END.stops).chain(TWINS.iter().flat_map(|twin| [&twin.session, &twin.token]));
        for stop in stops {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(stop.file).is_file(), "{} is gone", stop.file);
            assert!(stop.why.ends_with('.'), "{}: {}", stop.file, stop.why);
        }
    }

    #[test]
    fn the_document_shows_the_same_order_as_the_page() {
        let document =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reading.md")).expect("the document");
        assert!(document.contains(&markdown()), "docs/reading.md should show this:\n\n{}", markdown());
    }
}
