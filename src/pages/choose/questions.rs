//! The questions, and what each answer speaks for.
//!
//! An answer that speaks for neither scheme carries no weight, and says so where that is worth knowing.

/// What an answer speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Sessions, so strongly (1 to 3).
    Session(u8),
    /// Tokens, so strongly (1 to 3).
    Token(u8),
    /// Each scheme, for a part of what there is.
    Both,
    /// Neither: what is asked for is not theirs to give.
    Neither,
}

/// Why an answer speaks for what it speaks for.
#[derive(Debug)]
pub struct Reason {
    /// For what.
    pub speaks_for: For,
    /// A sentence or two.
    pub because: &'static str,
    /// The page where it can be seen, and what is seen there.
    pub evidence: (&'static str, &'static str),
}

/// An answer that can be given.
#[derive(Debug)]
pub struct Choice {
    /// Its name in the URL.
    pub id: &'static str,
    /// As it is shown.
    pub text: &'static str,
    /// What it speaks for, if for anything.
    pub reason: Option<Reason>,
}

/// A question with its answers.
#[derive(Debug)]
pub struct Question {
    /// Its name in the URL.
    pub id: &'static str,
    /// As it is shown.
    pub text: &'static str,
    /// The answers.
    pub choices: &'static [Choice],
}

const fn choice(id: &'static str, text: &'static str) -> Choice {
    Choice { id, text, reason: None }
}

impl Choice {
    const fn speaks(mut self, speaks_for: For, because: &'static str, path: &'static str, shows: &'static str) -> Self {
        self.reason = Some(Reason { speaks_for, because, evidence: (path, shows) });
        self
    }
}

/// Every question.
pub const QUESTIONS: &[Question] = &[
    Question {
        id: "who",
        text: "Who sends you requests?",
        choices: &[
            choice("browsers", "Browsers, from pages of my own").speaks(
                For::Session(3),
                "A browser keeps a cookie where no script can read it and sends it by itself: there is nothing for your pages to store, renew or lose.",
                "/experiments/x1",
                "what a script can read, and what it can’t",
            ),
            choice("programs", "Programs: mobile apps, scripts, other people’s servers").speaks(
                For::Token(3),
                "A program has no cookie jar and no forms. It sends a header, and a token that carries its own expiry tells it when to renew.",
                "/experiments/r4",
                "what a client’s two tokens are worth after log-out",
            ),
            choice("both", "Both kinds").speaks(
                For::Both,
                "Pages and programs keep credentials differently. This application gives each its own door over the same accounts, and neither door takes the other’s credential.",
                "/experiments/f1",
                "each credential at the other door",
            ),
        ],
    },
    Question {
        id: "services",
        text: "How many services must know who is asking?",
        choices: &[
            choice("one", "One").speaks(
                For::Session(1),
                "What one service wrote down it can look up again: a signature proves something to itself.",
                "/experiments/t1",
                "one statement a request, or none",
            ),
            choice("together", "Several, which share a database or Redis").speaks(
                For::Session(1),
                "A shared store is a shared session. It is one more thing that all of them depend on, which you have accepted already.",
                "/experiments/c2",
                "two instances on one store, and what else they share",
            ),
            choice("apart", "Several, which should share nothing but a public key").speaks(
                For::Token(3),
                "Whoever has the public key can check a token and cannot make one. No session can do that. Give each service an audience of its own, or each can pose as the user at the others.",
                "/experiments/c4",
                "three services, and a rogue one among them",
            ),
        ],
    },
    Question {
        id: "end",
        text: "Someone logs out, is banned, or reports a theft. When must the old credential be dead?",
        choices: &[
            choice("at-once", "At once").speaks(
                For::Session(3),
                "A session is looked up at every request, so its end counts at the next one. A token can be looked up too; then it costs what a session costs.",
                "/experiments/r5",
                "the same token, refused where it is looked up and accepted where it is not",
            ),
            choice("minutes", "Within a quarter of an hour").speaks(
                For::Token(1),
                "That is what a short-lived access token gives by itself: nothing renews it, and then it expires.",
                "/experiments/r1",
                "the residual life, measured",
            ),
            choice("no-matter", "It does not matter much"),
        ],
    },
    Question {
        id: "role",
        text: "You take a right away from somebody. When must that count?",
        choices: &[
            choice("at-once", "At the next request").speaks(
                For::Session(2),
                "The role is read from the user’s row with the session. A role in a token is as old as the token. (A session that copies the role when it begins is just as stale: the reading matters, not the cookie.)",
                "/experiments/f3",
                "who notices a promotion and a demotion, and when",
            ),
            choice("later", "When the token is next renewed will do").speaks(
                For::Token(1),
                "Then the role may travel in the token, and a service can decide without asking anybody.",
                "/experiments/f5",
                "a route that asks nobody",
            ),
        ],
    },
    Question {
        id: "outage",
        text: "The store of logins is away for ten minutes. What about people who are logged in?",
        choices: &[
            choice("wait", "They have to wait, like everybody").speaks(
                For::Session(1),
                "Then a 503 is an honest answer, as long as it is never taken for a log-out.",
                "/experiments/c1",
                "503 for whatever must be looked up",
            ),
            choice("go-on", "They go on where nothing else needs the store").speaks(
                For::Token(2),
                "A signature can be checked without a store. Nobody can log in, renew or be logged out meanwhile.",
                "/experiments/c1",
                "claims accepted, everything else 503",
            ),
        ],
    },
    Question {
        id: "place",
        text: "Where do your pages live, seen from your API?",
        choices: &[
            choice("same", "On the same host").speaks(
                For::Session(2),
                "A cookie with the __Host- prefix stays on that host, and your forms can prove that they are yours.",
                "/experiments/f2",
                "which cookies stay on their host, and which don’t",
            ),
            choice("siblings", "On a sibling host, such as app.example.com and api.example.com").speaks(
                For::Session(1),
                "That is another origin but the same site, so browsers send SameSite cookies between them: a session works there too. Trust the siblings, or check the origin.",
                "/experiments/c7",
                "an API that is asked from its own site and from another one",
            ),
            choice("elsewhere", "On another site altogether").speaks(
                For::Token(2),
                "Browsers keep cookies of other sites back. A token in a header, asked for with exact CORS, does not depend on that.",
                "/experiments/c7",
                "an API that is asked from its own site and from another one",
            ),
            choice("nowhere", "There are no pages"),
        ],
    },
    Question {
        id: "load",
        text: "How many requests a second do you expect at most?",
        choices: &[
            choice("few", "Up to a few thousand"),
            choice("many", "Tens of thousands"),
            choice("huge", "More than one database can answer").speaks(
                For::Token(1),
                "Checking a signature scales with the machines that do it. (So does a sharded session store, with more to look after.)",
                "/experiments/c5",
                "what a look-up and a signature cost",
            ),
        ],
    },
    Question {
        id: "trouble",
        text: "What made you ask?",
        choices: &[
            choice("start", "I am starting something new"),
            choice("slow", "Log-ins are slow").speaks(
                For::Neither,
                "A log-in is slow because checking a password is made to be slow. Both schemes begin with the same check; neither changes it.",
                "/measure",
                "what checking a password costs, beside everything else",
            ),
            choice("phished", "Passwords are phished or reused").speaks(
                For::Neither,
                "Whoever has the password gets a session or a token, whichever you hand out. A second factor or passkeys help; that choice comes before this one.",
                "/experiments/r6",
                "what ends a thief’s credentials, and what does not",
            ),
            choice("scripts", "A hostile script might run in my pages").speaks(
                For::Neither,
                "It can’t read an HttpOnly cookie but it can use it, and it can use a token as well as carry it off. A strict content security policy and escaping come first; then HttpOnly limits the damage.",
                "/experiments/x3",
                "a script that uses a cookie which it can’t read",
            ),
            choice("store", "The session store is my bottleneck").speaks(
                For::Neither,
                "Measure first. A look-up by key is about the cheapest thing a database does; what makes it slow is usually a pool, a driver or one statement for each request.",
                "/experiments/c5",
                "what a look-up costs, alone and among a hundred",
            ),
        ],
    },
];
