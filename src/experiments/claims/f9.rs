//! F9: neither scheme is more secure than the other by its nature.
//!
//! No run of its own: each attack at each door, with the experiments that try it.

use crate::experiments::experiment::{Experiment, Line, Reference, Section, Test, side};

/// The entry.
pub static EXPERIMENT: Experiment = Experiment {
    id: "f9",
    title: "Which is safer",
    claim: "Neither sessions nor tokens are more secure by their nature; what counts is how they are made.",
    section: Section::Choosing,
    needs: &[],
    steps: &[],
    test: Test::Reference { page: "/experiments/f9", about: "Attack", lines: ATTACKS },
    code: &[],
    references: &[
        Reference {
            title: "OWASP Session Management Cheat Sheet",
            url: "https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html",
        },
        Reference {
            title: "RFC 8725: best practices for JSON Web Tokens",
            url: "https://www.rfc-editor.org/rfc/rfc8725",
        },
        Reference {
            title: "RFC 9700: best practices for the security of OAuth 2.0",
            url: "https://www.rfc-editor.org/rfc/rfc9700",
        },
    ],
    expected: None,
};

const ATTACKS: &[Line] = &[
    Line {
        what: "A hostile script gets into the page",
        session: side("It can’t read an HttpOnly cookie, but it can use it while the page is open.", &["x1", "x3"]),
        token: side("It carries off what storage holds, and uses what is in memory or in a cookie.", &["x2", "f12"]),
    },
    Line {
        what: "Another site’s page sends requests",
        session: side(
            "The browser adds the cookie: SameSite is a part of the answer, the origin check is the rest.",
            &["x4", "x6"],
        ),
        token: side("No browser adds a header. It does add the refresh cookie, which needs the same check.", &["x5"]),
    },
    Line {
        what: "A credential is planted before log-in",
        session: side("Log-in makes a new key, and the store adopts none.", &["x8"]),
        token: side("There is nothing to plant: a token is made at log-in.", &[]),
    },
    Line {
        what: "A credential is made up",
        session: side("A key is looked up, and only what was given out is found.", &["x8"]),
        token: side(
            "Refused by a verifier that names the algorithm itself. Whoever has the signing key makes any token.",
            &["t2", "t5", "x9", "x10", "f6"],
        ),
    },
    Line {
        what: "Somebody listens on the wire",
        session: side("Over http the cookie is read, over https not.", &["x7", "x12"]),
        token: side("Over http the token is read, over https not.", &["x12"]),
    },
    Line {
        what: "A copy is used after log-out",
        session: side(
            "Refused from the next request on; but not where the cookie is all there is of the session.",
            &["s5", "r2", "f11"],
        ),
        token: side("Let in until it expires, unless somebody is asked.", &["r1", "r4", "r5"]),
    },
    Line {
        what: "A copy is used after a new password or a ban",
        session: side("Refused from the next request on.", &["s4", "r6"]),
        token: side("Let in until it expires, be that a day.", &["r3", "r6"]),
    },
    Line {
        what: "What renews a login is stolen",
        session: side("The cookie is all there is. Nothing tells a copy from the original.", &["r2"]),
        token: side("A refresh token that is used twice ends its family, for thief and owner.", &["r7", "r8"]),
    },
    Line {
        what: "Somebody goes on with a role that was taken away",
        session: side("Not where the role is read from the user’s row.", &["f3"]),
        token: side("Until the token is renewed or expires.", &["f3", "f4"]),
    },
    Line {
        what: "A service of yours turns rogue",
        session: side("It gets no cookie of another host, but can plant one for the domain.", &["f2"]),
        token: side("It can be the user wherever its token is accepted: hence an audience for each.", &["c4", "f7"]),
    },
    Line {
        what: "The store is put out of action",
        session: side("Nobody is let in, and nobody logged out.", &["c1", "x11"]),
        token: side("Claims go on, also those of a thief; nothing can be ended meanwhile.", &["c1", "t1"]),
    },
];
