//! Ten questions to check oneself, each with the experiment that shows why.

/// A question.
#[derive(Debug)]
pub struct Question {
    /// As it is asked.
    pub text: &'static str,
    /// The answers; the question's name in the address is its number, an answer's is a letter.
    pub answers: [&'static str; 3],
    /// Which of them is right.
    pub right: usize,
    /// Why.
    pub why: &'static str,
    /// The experiment that shows it.
    pub experiment: &'static str,
}

/// The names of answers in the address.
pub const LETTERS: [&str; 3] = ["a", "b", "c"];

/// All ten.
pub const QUESTIONS: [Question; 10] = [
    Question {
        text: "Somebody copied your session cookie, and you log out. What is the copy good for?",
        answers: [
            "Until the cookie’s own expiry",
            "Nothing: the row that it names has ended",
            "Until the thief’s browser is closed",
        ],
        right: 1,
        why: "Owner and thief hold the same key to the same row. Log-out ends the row, and every request reads it.",
        experiment: "s5",
    },
    Question {
        text: "Somebody copied your access token, and you log out. What does a route say that reads only its claims?",
        answers: [
            "It refuses it: log-out ended the login",
            "It refuses it as soon as the refresh token is gone",
            "It accepts it until it expires",
        ],
        right: 2,
        why: "The signature and the clock are right, and nobody else is asked. Nothing but time, or the end of the signing key, reaches that route.",
        experiment: "r1",
    },
    Question {
        text: "What does it cost to make log-out count at once for tokens?",
        answers: [
            "A look-up for each request, as a session does",
            "Nothing, if the list of refused tokens is short",
            "A shorter signature",
        ],
        right: 0,
        why: "Whoever wants to know now must ask now. A denylist is a look-up as well, however short it is.",
        experiment: "r5",
    },
    Question {
        text: "An old refresh token is redeemed a second time, long after its successor was used. What does the server know?",
        answers: [
            "Who the thief is: whoever comes second",
            "That two hold copies, but not which of them is the thief",
            "Nothing: old refresh tokens are simply refused",
        ],
        right: 1,
        why: "Reuse is a signal. The thief may have come first, so the family ends for both (RFC 9700, section 4.14.2).",
        experiment: "r7",
    },
    Question {
        text: "A hostile script runs in your page. What does HttpOnly prevent?",
        answers: [
            "That the script reads the cookie; it can still use it",
            "That the script acts in your name",
            "That the script runs",
        ],
        right: 0,
        why: "The browser attaches the cookie to the script’s own requests. Theft is prevented, riding is not.",
        experiment: "x3",
    },
    Question {
        text: "A page on a sibling host (evil.example.com beside app.example.com) posts a form to you. Does SameSite=Lax keep your cookie back?",
        answers: [
            "Yes, it is another origin",
            "Yes, if the page is served over https",
            "No: siblings are the same site",
        ],
        right: 2,
        why: "SameSite asks for the site, not for the origin. A form token and a look at the Origin header close the gap.",
        experiment: "x4",
    },
    Question {
        text: "Your pages are on app.example.com and your API on api.example.com. Can a session cookie serve both?",
        answers: [
            "No, cookies never cross origins",
            "Yes: that is another origin, but the same site",
            "Only with SameSite=None",
        ],
        right: 1,
        why: "With CORS that names the origin and allows credentials it works. Only another site is where browsers keep cookies back.",
        experiment: "c7",
    },
    Question {
        text: "An admin is demoted. Who still takes them for an admin a second later?",
        answers: [
            "A session that reads the role from the user’s row",
            "Nobody",
            "Whatever reads the role from a copy: a token’s claim, or a session’s own state",
        ],
        right: 2,
        why: "It is the copy that is stale, not the cookie or the token. A session that keeps the role in its state is as old as a token.",
        experiment: "f3",
    },
    Question {
        text: "Which of the two is faster to verify with the library that is used here: RS256 with 2048 bits, or ES256?",
        answers: ["RS256", "ES256", "They take the same time"],
        right: 0,
        why: "RSA’s public exponent is small, so checking is cheap. ES256 signs faster, and its signature is a quarter as long.",
        experiment: "f8",
    },
    Question {
        text: "Rails with its default session store: somebody copied the cookie, and the owner logs out. What is the copy good for?",
        answers: [
            "Nothing: the session is destroyed on the server",
            "It still works: the cookie is the session",
            "It works until the server is restarted",
        ],
        right: 1,
        why: "Rails’ default store is the cookie itself. Log-out tells one browser to forget it, and there is no row to end.",
        experiment: "f11",
    },
];

/// What was answered: for each question the place of the answer, as far as one was given.
#[derive(Debug)]
pub struct Answered([Option<usize>; 10]);

impl Answered {
    /// Reads an address: `1=b&2=c…`. Whatever else stands in it is nothing.
    #[must_use]
    pub fn of(query: &[(String, String)]) -> Self {
        let given = |number: usize| {
            let (_, letter) = query.iter().find(|(name, _)| *name == number.to_string())?;
            LETTERS.iter().position(|known| known == letter)
        };
        Self(std::array::from_fn(|place| given(place + 1)))
    }

    /// Whether anything was answered.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// How many are right, once all are answered.
    #[must_use]
    pub fn right(&self) -> Option<usize> {
        let all = self.0.iter().all(Option::is_some);
        all.then(|| (0..QUESTIONS.len()).filter(|question| self.is_right(*question)).count())
    }

    /// The answer to a question, counted from 0.
    #[must_use]
    pub fn given(&self, question: usize) -> Option<usize> {
        self.0.get(question).copied().flatten()
    }

    /// Whether a question, counted from 0, is answered rightly.
    #[must_use]
    pub fn is_right(&self, question: usize) -> bool {
        QUESTIONS.get(question).is_some_and(|asked| self.given(question) == Some(asked.right))
    }

    /// Whether a question still has to be answered, of an address that answers others.
    #[must_use]
    pub fn is_missing(&self, question: usize) -> bool {
        self.was_sent() && self.given(question).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::QUESTIONS;

    #[test]
    fn the_right_answers_are_not_all_in_one_place_and_each_has_an_experiment() {
        let places: Vec<usize> = QUESTIONS.iter().map(|question| question.right).collect();
        assert!((0..3).all(|place| places.iter().filter(|right| **right == place).count() >= 2), "{places:?}");
        let experiments: std::collections::BTreeSet<_> = QUESTIONS.iter().map(|question| question.experiment).collect();
        assert_eq!(experiments.len(), QUESTIONS.len(), "each shows something else");
    }
}
