//! The table itself: what becomes of each copied credential after each event in a login's life.
//!
//! It is written down once. The README shows the same rows, and the test that a row names replays copies of all four
//! credentials and holds what it saw against the row, so that neither can say anything that is not the case.

/// What becomes of a copied credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It lets nobody in any more.
    No,
    /// It goes on.
    Yes,
    /// It goes on, as it belongs to a login that this does not concern.
    AnotherLogin,
    /// It goes on because nobody is asked; nothing but time ends it.
    UntilItExpires,
    /// Nobody can tell: it is neither accepted nor refused, and is good again afterwards.
    Unavailable,
}

/// How a server answers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Somebody is let in.
    Accepted,
    /// Nobody is.
    Refused,
    /// 503.
    Unavailable,
}

impl Cell {
    /// What a server answers to the credential.
    #[must_use]
    pub fn fate(self) -> Fate {
        match self {
            Self::No => Fate::Refused,
            Self::Yes | Self::AnotherLogin | Self::UntilItExpires => Fate::Accepted,
            Self::Unavailable => Fate::Unavailable,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::AnotherLogin => "yes: another login",
            Self::UntilItExpires => "yes, until it expires",
            Self::Unavailable => "503",
        }
    }
}

/// A row: an event, and what works after it.
#[derive(Debug)]
pub struct Ending {
    /// The name of the test that proves it.
    pub test: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Why the credentials fare as they do.
    pub why: &'static str,
    /// Session cookie; access token where only claims are read; access token where it is checked live; refresh token.
    pub cells: [Cell; 4],
}

impl Ending {
    /// Its name in the address of its page.
    #[must_use]
    pub fn slug(&self) -> String {
        self.test.replace('_', "-")
    }

    /// The experiment that lets a cell be watched, where there is one: the test proves every cell.
    #[must_use]
    pub fn experiment(&self, cell: usize) -> Option<&'static str> {
        EXPERIMENTS.iter().find(|(test, _)| *test == self.test)?.1.get(cell).copied().flatten()
    }
}

/// Rows that belong together.
#[derive(Debug)]
pub struct Group {
    /// What they have in common.
    pub title: &'static str,
    /// The rows.
    pub endings: &'static [Ending],
}

const NO: Cell = Cell::No;
const YES: Cell = Cell::Yes;
const ELSE: Cell = Cell::AnotherLogin;
const EXP: Cell = Cell::UntilItExpires;
const DOWN: Cell = Cell::Unavailable;

const fn row(test: &'static str, what: &'static str, cells: [Cell; 4], why: &'static str) -> Ending {
    Ending { test, what, why, cells }
}

const ELSEWHERE: [Option<&str>; 4] = [Some("r6"); 4];

/// The experiments behind cells, by the row's test.
pub(super) const EXPERIMENTS: &[(&str, [Option<&str>; 4])] = &[
    ("after_log_out_at_the_session_door", [Some("r2"), None, None, None]),
    ("after_log_out_at_the_token_door", [None, Some("r1"), Some("r5"), Some("r4")]),
    ("after_the_end_of_one_other_session_from_the_site", ELSEWHERE),
    ("after_the_end_of_one_other_token_login_from_the_site", ELSEWHERE),
    ("after_the_end_of_one_other_token_login_from_the_api", ELSEWHERE),
    ("after_log_out_everywhere_from_the_site", ELSEWHERE),
    ("after_log_out_everywhere_from_the_api", ELSEWHERE),
    ("after_log_out_everywhere_from_the_api_with_the_sessions", ELSEWHERE),
    ("after_a_change_of_password_at_the_session_door", ELSEWHERE),
    ("after_a_change_of_password_at_the_token_door", ELSEWHERE),
    ("after_a_ban", ELSEWHERE),
    ("after_a_promotion", [Some("f3"); 4]),
    ("after_a_demotion", [Some("f3"), Some("f3"), Some("f3"), Some("f4")]),
    ("after_a_stolen_cookie_and_a_log_out", [Some("s5"), None, None, None]),
    ("after_an_old_refresh_token_came_back", [Some("r7"); 4]),
    ("after_a_restart_of_the_server", [Some("x11"), None, None, None]),
    ("while_the_database_is_down", [Some("c1"); 4]),
];

/// Every row.
pub const TABLE: &[Group] = &[
    Group {
        title: "Logging out",
        endings: &[
            row(
                "after_log_out_at_the_session_door",
                "log-out at the session door",
                [NO, ELSE, ELSE, ELSE],
                "The row is marked as ended, and every request reads the row. A log-out ends one login; the other door's is another.",
            ),
            row(
                "after_log_out_at_the_token_door",
                "log-out at the token door",
                [ELSE, EXP, NO, NO],
                "The family is marked as ended: nothing renews it, and whoever asks is told. Who reads only the claims asks nobody.",
            ),
            row(
                "after_the_end_of_one_other_session_from_the_site",
                "log out one other session, from the site",
                [NO, ELSE, ELSE, ELSE],
                "Another login of the same user marks the row, by its public name; the next request reads it.",
            ),
            row(
                "after_the_end_of_one_other_token_login_from_the_site",
                "log out one token login, from the site",
                [ELSE, EXP, NO, NO],
                "The list of devices shows both kinds of login, so that either door can end what came through the other.",
            ),
            row(
                "after_the_end_of_one_other_token_login_from_the_api",
                "log out one other token login, from the API",
                [ELSE, EXP, NO, NO],
                "The same, by `DELETE /api/auth/tokens/{id}`.",
            ),
            row(
                "after_log_out_everywhere_from_the_site",
                "log out everywhere, from the site",
                [NO, EXP, NO, NO],
                "Every row of both kinds is marked, and the user's version counts up, so that nothing under way slips past.",
            ),
            row(
                "after_log_out_everywhere_from_the_api",
                "log out everywhere, from the API",
                [ELSE, EXP, NO, NO],
                "A program ends the logins of programs; what people do in browsers goes on unless it asks for that too.",
            ),
            row(
                "after_log_out_everywhere_from_the_api_with_the_sessions",
                "log out everywhere with the sessions, from the API",
                [NO, EXP, NO, NO],
                "The same as from the site, with `{\"sessions\":true}`.",
            ),
        ],
    },
    Group {
        title: "The account",
        endings: &[
            row(
                "after_a_change_of_password_at_the_session_door",
                "change of password at the session door",
                [NO, EXP, NO, NO],
                "Every login of both doors ends in the transaction that stores the new password. Who changed it gets a new session.",
            ),
            row(
                "after_a_change_of_password_at_the_token_door",
                "change of password at the token door",
                [NO, EXP, NO, NO],
                "The same, whichever door it came through. Who changed it gets new tokens.",
            ),
            row(
                "after_a_ban",
                "a ban",
                [NO, EXP, NO, NO],
                "Every login of both doors ends with the ban, and none begins while it lasts. Who holds one is told why: a page, a problem `banned`. Claims say nothing of it.",
            ),
            row(
                "after_an_un_ban",
                "an un-ban",
                [NO, EXP, NO, NO],
                "What ended stays ended: nobody knows in whose hands it was meanwhile. The password lets its owner in again.",
            ),
            row(
                "after_a_promotion",
                "a promotion",
                [YES, YES, YES, YES],
                "The session and the live check read the role from the user's row and know it at once. The claims say the old one until the token is renewed.",
            ),
            row(
                "after_a_demotion",
                "a demotion",
                [YES, EXP, NO, NO],
                "The session goes on with the lesser role, read from the row. The token says the greater one until it expires, so its family ends: nothing renews it.",
            ),
            row(
                "after_deletion_of_the_account",
                "deletion of the account",
                [NO, EXP, NO, NO],
                "The rows are gone with the account. The token still says that there is one.",
            ),
        ],
    },
    Group {
        title: "Theft",
        endings: &[
            row(
                "after_a_stolen_cookie_and_a_log_out",
                "theft of the cookie, then log-out of its owner",
                [NO, ELSE, ELSE, ELSE],
                "Owner and thief hold the same key to the same row, so that log-out ends it for both. Until then nothing tells them apart.",
            ),
            row(
                "after_an_old_refresh_token_came_back",
                "an old refresh token came back",
                [ELSE, EXP, NO, NO],
                "A refresh token works once. That one came twice is a sign of a copy, so the family ends, for owner and thief.",
            ),
        ],
    },
    Group {
        title: "Time",
        endings: &[
            row(
                "after_lying_unused_for_too_long",
                "lying unused too long (30 min; 14 days)",
                [NO, EXP, EXP, NO],
                "The session's row says how long it may lie unused. A family is over when its refresh token expired unused; an access token would have expired long before.",
            ),
            row(
                "after_reaching_the_greatest_age",
                "reaching the greatest age (12 h; 90 days)",
                [NO, EXP, NO, NO],
                "However busy a login was, it ends. Access tokens are never issued beyond that; this one was given more on purpose.",
            ),
            row(
                "with_a_clock_40_seconds_off",
                "an instance whose clock is 40 s off",
                [YES, YES, YES, YES],
                "Instants in rows are set and compared by the database's clock alone. A token may seem issued up to 60 s in the future; it dies at the very second that it names.",
            ),
        ],
    },
    Group {
        title: "Keys and secrets",
        endings: &[
            row(
                "after_a_rotation_of_the_signing_key",
                "rotation of the signing key",
                [YES, YES, YES, YES],
                "The new key signs, the one before goes on verifying what it signed. Sessions and refresh tokens are not signed with it.",
            ),
            row(
                "after_the_retirement_of_a_signing_key",
                "retirement of the signing key",
                [YES, NO, NO, YES],
                "Every access token that the key signed is refused, everybody's at once: the one way to reach claims-only routes. The logins go on, and each refresh token yields an access token signed by another key.",
            ),
            row(
                "after_a_rotation_of_the_secrets",
                "rotation of the secrets",
                [YES, YES, YES, YES],
                "What an older secret signed or sealed is still understood, and is signed or sealed anew with the newest when it is next used.",
            ),
        ],
    },
    Group {
        title: "Machines",
        endings: &[
            row(
                "after_a_restart_of_the_server",
                "a restart of the server",
                [YES, YES, YES, YES],
                "Nothing that matters is kept in the process: rows are in the database, keys are rows, secrets are configured.",
            ),
            row(
                "while_the_database_is_down",
                "while the database is down",
                [DOWN, YES, DOWN, DOWN],
                "An outage is never taken for a log-out: nobody can tell, so the answer is 503. Claims need no database.",
            ),
            row(
                "while_redis_is_down",
                "while Redis is down, with sessions in it",
                [DOWN, YES, YES, YES],
                "Where sessions are kept in Redis (SESSION_STORE), the site can't tell who asks and answers 503; nobody is logged out. The token door does not need it, but for changes that must end sessions too: they are refused.",
            ),
        ],
    },
];

/// Every row, without its group.
pub fn rows() -> impl Iterator<Item = &'static Ending> {
    TABLE.iter().flat_map(|group| group.endings)
}

/// The table as the README shows it.
#[must_use]
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let mut text = "| after … | session cookie | access token, claims only | access token, live check | refresh token | proven by |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for ending in rows() {
        let cells = ending.cells.map(|cell| match cell {
            Cell::UntilItExpires => format!("**{}**", cell.words()),
            cell => cell.words().to_owned(),
        });
        let _ = writeln!(text, "| {} | {} | `{}` |", ending.what, cells.join(" | "), ending.test);
    }
    text
}
