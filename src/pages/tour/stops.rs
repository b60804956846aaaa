//! The eight stops: where, what to do, what to look for.

/// A stop of the tour.
#[derive(Debug)]
pub struct Stop {
    /// The page that it leads to.
    pub place: &'static str,
    /// Its name in a line.
    pub title: &'static str,
    /// How long it takes.
    pub minutes: u8,
    /// What to do there, in order.
    pub to_do: &'static [&'static str],
    /// What is worth noticing.
    pub to_see: &'static str,
    /// Further on, for who has the time: a page, and what is there.
    pub aside: (&'static str, &'static str),
}

/// Every stop, in order. A path, a code or a header stands between backticks.
pub const STOPS: &[Stop] = &[
    Stop {
        place: "/",
        title: "Two doors, one house",
        minutes: 1,
        to_do: &[
            "Read the two signs: a ticket whose coat stays with us, and a wristband that says it all itself.",
            "Look which of the two doors knows you already.",
        ],
        to_see: "The same accounts stand behind both. What differs is only what you carry away, and who has to be asked when you show it.",
        aside: ("/concepts", "What your framework calls all this"),
    },
    Stop {
        place: "/login",
        title: "Log in, twice",
        minutes: 2,
        to_do: &[
            "Log in through the form: with an account of your own, or with a demo account if the page offers some.",
            "Copy the line beside the form into a terminal: the same password, at the other door.",
        ],
        to_see: "Both doors check the password with the same code and the same work. The form sets a cookie that no script can read; the line answers with two tokens for you to keep.",
        aside: ("/spa", "The token door from a browser"),
    },
    Stop {
        place: "/account/session",
        title: "What you hold, what we hold",
        minutes: 2,
        to_do: &[
            "Compare the two sides: your ticket is a random key, our row has the rest.",
            "Then look at a token: everything is in it, and there is hardly a row.",
        ],
        to_see: "We keep only a hash of your key: whoever reads our table can’t log in with it. Anybody who sees your token can read it, and nobody can change it.",
        aside: ("/inspect", "Your token, taken apart"),
    },
    Stop {
        place: "/compare",
        title: "Log out, and replay the copies",
        minutes: 3,
        to_do: &[
            "Run the comparison. Somebody has copied both credentials, then the owner logs out at both doors.",
            "Watch the copies until both are refused.",
        ],
        to_see: "The session’s copy dies with the log-out. The token’s copy lives until it expires where only its claims are read, and dies at once where somebody is asked: that question costs what a session costs.",
        aside: ("/what-still-works/after-log-out-at-the-token-door", "The test behind it"),
    },
    Stop {
        place: "/experiments",
        title: "One claim, put to the test",
        minutes: 2,
        to_do: &[
            "Pick a claim that you believe, guess its verdict, and run it.",
            "Then pick R7, on a refresh token that comes back.",
        ],
        to_see: "Each run sends real requests and judges by what came back. Several claims hold with a “but”, and a few are false as they are usually written.",
        aside: ("/experiments/f8", "A claim that is false as written"),
    },
    Stop {
        place: "/what-still-works",
        title: "The table of endings",
        minutes: 2,
        to_do: &[
            "Find the event that you fear most: a theft, a ban, a change of password.",
            "Follow one cell to the test that proves it.",
        ],
        to_see: "Read the second column downwards. Everything that says “until it expires” is the price of asking nobody; only the retirement of a signing key reaches it.",
        aside: ("/left-out", "What this application leaves out, and why"),
    },
    Stop {
        place: "/measure",
        title: "What it costs",
        minutes: 2,
        to_do: &[
            "Measure on this very machine: signatures, look-ups, bytes.",
            "Compare checking a signature with looking a session up.",
        ],
        to_see: "A look-up by key costs about as much as many believe a signature saves. Checking a password costs more than all of it together, at both doors.",
        aside: ("/experiments/c5", "What a look-up costs, under load"),
    },
    Stop {
        place: "/choose",
        title: "Your own case",
        minutes: 1,
        to_do: &[
            "Answer the eight questions as your project would.",
            "Keep the address of the answer: it can be shared.",
        ],
        to_see: "The answer may be “both”, and it may be “neither is your problem”. Each reason leads to a page where it can be seen.",
        aside: ("/read", "Where to begin reading the source"),
    },
];

#[cfg(test)]
mod tests {
    use super::STOPS;

    #[test]
    fn the_tour_takes_about_a_quarter_of_an_hour_in_eight_stops() {
        assert_eq!((STOPS.len(), STOPS.iter().map(|stop| stop.minutes).sum::<u8>()), (8, 15));
    }
}
