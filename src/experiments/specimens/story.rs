//! The stories: which page of which host comes after which, and what each of them does.
//!
//! A page is a step. It may set cookies, its script does one thing and goes on to the next page; which cookies the browser
//! brought is written down by the server, which is who would be fooled by them.

use serde_json::Value;

use super::{
    cookies::{
        API_REMOVED, NAMES, NAMES_PLANTED, NAMES_REMOVED, SECURE, SECURE_PLANTED, SECURE_REMOVED, VICTIM,
        VICTIM_REMOVED,
    },
    hosts::Role,
    jar::Set,
    report::{How, Wait},
};

/// A story, with what it has to be told.
#[derive(Debug, Clone)]
pub enum Story {
    /// A script in the victim's page looks for credentials, uses them, and carries them away (X1, X2, X3).
    Script,
    /// Another site's and a sibling host's pages send requests to the victim (X4, X5, X6).
    CrossSite {
        /// How long the cookies age in between.
        wait: Wait,
        /// The real door's origin, to be knocked at with the same attacks.
        door: Option<String>,
    },
    /// Both of the above against a token in a cookie beside one in memory (F12).
    Delivery,
    /// `Secure` over http, and cookies planted by a sibling (X7).
    Secure {
        /// Whether the browser resolves `plain.specimen.test` to this machine.
        plain: bool,
    },
    /// An API called from its own site and from another one (C7).
    CrossOrigin,
    /// Cookies between hosts and between ports (F2).
    Names,
    /// A token taken apart and verified in the browser (T3, T4).
    Token {
        /// The token.
        token: String,
        /// The key set that is to verify it.
        jwks: Value,
    },
    /// No page: the weak services, for a client of the experiment's own.
    Services,
}

/// What a page's script does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// Nothing but going on.
    Go,
    /// Keeps the token wherever a page can keep one, then goes on.
    Keep,
    /// Sends the browser to the victim.
    Send(How, Age),
    /// Sends the browser to the page with the hole, with a script in the link.
    Lure,
    /// Sends attacks to the real door.
    Knock,
    /// Waits until the cookies are old.
    Wait,
    /// Runs the module of this name and sends in what it found.
    Find(&'static str),
    /// Clears the storage. The story is over.
    Done,
}

/// Which half of a story a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Young,
    Old,
}

/// One page.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub at: Role,
    pub other_port: bool,
    pub act: Act,
    pub sets: &'static [Set],
    pub says: &'static str,
}

const fn step(at: Role, act: Act, says: &'static str) -> Step {
    Step { at, other_port: false, act, sets: &[], says }
}

impl Step {
    const fn setting(mut self, sets: &'static [Set]) -> Self {
        self.sets = sets;
        self
    }
}

impl Story {
    /// What the page of this story says of it, in one sentence.
    pub(super) fn says(&self) -> &'static str {
        match self {
            Self::Script => "An attacker's script gets into the page of a victim, and does what it can.",
            Self::CrossSite { .. } => {
                "Pages of other hosts make your browser send forms to a victim that has no defence."
            }
            Self::Delivery => "A token in a cookie and a token in memory, both under the same attacks.",
            Self::Secure { .. } => {
                "Cookies marked Secure are sent over http, and a sibling host plants some of its own."
            }
            Self::CrossOrigin => "A page asks an API on another host, first of its own site, then of another one.",
            Self::Names => "Cookies go, or don't go, from host to host and from port to port.",
            Self::Token { .. } => "A page takes a token apart, verifies it, and forges another one.",
            Self::Services => "There is nothing to see: these services are for programs.",
        }
    }

    /// Its pages.
    pub(super) fn steps(&self) -> Vec<Step> {
        use Role::{Api, App, Attacker, Plain, Sibling, Victim};
        let keep = step(Victim, Act::Keep, "You log in at the victim: it sets cookies, its page keeps tokens.")
            .setting(VICTIM);
        let lure = step(Attacker, Act::Lure, "The attacker's page sends you to the victim, with a script in the link.");
        let done = |at| {
            step(
                at,
                Act::Done,
                "That was all. What was kept here is removed: this tab can be closed, the finding stands in the other one.",
            )
        };
        let end = done(Victim).setting(VICTIM_REMOVED);
        match self {
            Self::Script => vec![keep, lure, end],
            Self::CrossSite { wait, door } => {
                let mut steps = vec![keep];
                steps.extend(sends(Age::Young));
                if door.is_some() {
                    let says = "This page sends the same attacks to the real door.";
                    steps.extend([Attacker, Sibling].map(|role| step(role, Act::Knock, says)));
                }
                if *wait != Wait::No {
                    steps.push(step(Attacker, Act::Wait, "The attacker waits until the victim's cookies are older."));
                    steps.extend(sends(Age::Old));
                }
                steps.push(end);
                steps
            }
            Self::Delivery => [vec![keep, lure], sends(Age::Young), vec![end]].concat(),
            Self::Secure { plain } => {
                let back = "The victim looks at the cookies that came back.";
                let mut steps = vec![
                    step(Victim, Act::Go, "The victim sets cookies, one of them Secure.").setting(SECURE),
                    step(Victim, Act::Go, back),
                    step(Sibling, Act::Go, "A sibling host plants cookies of the same names.").setting(SECURE_PLANTED),
                    step(Victim, Act::Go, back).setting(SECURE_REMOVED),
                ];
                if *plain {
                    steps.push(
                        step(Plain, Act::Go, "The same under a name that is not this machine's own.").setting(SECURE),
                    );
                    steps.push(step(Plain, Act::Go, back).setting(SECURE_REMOVED));
                }
                steps.push(done(Victim));
                steps
            }
            Self::CrossOrigin => vec![
                step(
                    App,
                    Act::Find("cross_origin"),
                    "This page logs in at the API on another host, and asks it things.",
                ),
                step(Attacker, Act::Find("cross_origin"), "A page of another site asks the same API."),
                done(Api).setting(API_REMOVED),
            ],
            Self::Names => {
                let app = |says| step(App, Act::Go, says);
                let mut steps = vec![
                    app("The app sets cookies: for its host, for the whole domain, and with __Host-.").setting(NAMES),
                    app("The app looks at what came back."),
                    step(Api, Act::Go, "The API looks at what came, and plants cookies of the same names.")
                        .setting(NAMES_PLANTED),
                    app("The app looks again."),
                ];
                steps.push(Step { other_port: true, ..app("The same host at another port looks.") });
                steps.push(done(App).setting(NAMES_REMOVED));
                steps
            }
            Self::Token { .. } => vec![
                step(Victim, Act::Find("token"), "This page has the token and the public keys, and no secret."),
                done(Victim),
            ],
            Self::Services => Vec::new(),
        }
    }
}

/// Every way to the victim.
fn sends(age: Age) -> Vec<Step> {
    let send = |at, how, says| step(at, Act::Send(how, age), says);
    vec![
        send(Role::Attacker, How::Post, "The attacker's page sends you to the victim with a form."),
        send(Role::Attacker, How::Get, "The attacker's page sends you to the victim by script."),
        send(Role::Attacker, How::Link, "The attacker's page has a link to the victim, and it is clicked."),
        send(Role::Sibling, How::Post, "A page on a sibling host sends you to the victim with a form."),
        send(Role::Sibling, How::Get, "A page on a sibling host sends you to the victim by script."),
    ]
}
