//! F10: which one to take.
//!
//! No run of its own: the guide at `/choose` asks and answers; here are the experiments that carry its reasons.

use crate::experiments::experiment::{Experiment, Line, Section, Test, side};

/// The entry.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f10",
    title: "Which one to take",
    claim: "Take sessions where revocation has to be immediate, tokens for APIs and microservices.",
    section: Section::Choosing,
    needs: &[],
    steps: &[],
    test: Test::Reference { page: "/choose", about: "What you need", lines: NEEDS },
    code: &[],
    references: &[],
    expected: None,
};

const NEEDS: &[Line] = &[
    Line {
        what: "An end that counts at once",
        session: side("It is one column of a row.", &["s4", "s5", "r2"]),
        token: side(
            "Claims alone don’t know. Asking somebody does it, and costs what a session costs.",
            &["r1", "r5", "r6"],
        ),
    },
    Line {
        what: "Services that share nothing",
        session: side("They have to share the store, and a secret.", &["c2"]),
        token: side("A public key is enough; and each needs an audience of its own.", &["c3", "c4", "f7"]),
    },
    Line {
        what: "Programs, or pages of another site",
        session: side("A cookie works on every host of one site, and on no other site.", &["c7"]),
        token: side("A header goes anywhere, and nobody’s browser adds it by itself.", &["c7", "x5"]),
    },
    Line {
        what: "Pages in a browser",
        session: side("The browser keeps the cookie where no script reads it.", &["x1", "s3"]),
        token: side("Somebody has to keep it, and every place has its attack.", &["x2", "f12"]),
    },
    Line {
        what: "Rights that can be taken away",
        session: side("At the next request, if they are read from the user’s row.", &["f3"]),
        token: side("When the token is renewed; in exchange nobody is asked.", &["f3", "f4", "f5"]),
    },
    Line {
        what: "To go on while the store is away",
        session: side("Nobody does.", &["c1"]),
        token: side("Claims are read as before; log-in and renewal wait.", &["c1", "t1"]),
    },
    Line {
        what: "Many requests a second",
        session: side("A look-up each, and one for many where they wait together.", &["s2", "c5"]),
        token: side("No look-up, but a signature each, and more bytes.", &["c5", "c6", "f8"]),
    },
    Line {
        what: "Both",
        session: side("One application can have both, kept apart.", &["f1"]),
        token: side("Neither door takes the other’s credential.", &["f1"]),
    },
];
