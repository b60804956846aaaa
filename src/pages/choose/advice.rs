//! Weighs the answers, and says what was weighed.

use super::questions::{For, QUESTIONS, Reason};

/// What the guide advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Scheme 1.
    Sessions,
    /// Scheme 2.
    Tokens,
    /// Each at a door of its own.
    Both,
    /// Take whichever is nearest: the choice is not what troubles you.
    Neither,
}

impl Advice {
    /// The heading of the answer.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Tokens => "Tokens",
            Self::Both => "Both, like this application",
            Self::Neither => "Neither is your problem",
        }
    }

    /// What to do.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Sessions => {
                "Keep the state on your side: a random key in an HttpOnly cookie, a row for it in a store, and a look at that row at every request. Ending a login is then one write, and it counts at once."
            }
            Self::Tokens => {
                "Let the client carry the state: a short-lived signed access token, and a refresh token that rotates and is kept as a row. Check live where an ended login must not go on, and only the claims where nobody needs to be asked."
            }
            Self::Both => {
                "Give pages a session and programs tokens, over the same accounts, and let neither door take the other’s credential. What ends every login (a new password, a ban) must end both kinds, in one transaction."
            }
            Self::Neither => {
                "Nothing that you said speaks for one of the two. Take what your framework brings (it is most likely sessions), set it up with care, and spend the time on what troubles you."
            }
        }
    }

    /// What one accepts with it.
    #[must_use]
    pub fn price(self) -> &'static [&'static str] {
        const SESSIONS: &[&str] = &[
            "Every request asks the store, and while it is away nobody is known.",
            "The browser sends the cookie by itself, so every form needs a defence against forgery from other sites.",
            "Services that can’t reach the store can’t know who is asking.",
        ];
        const TOKENS: &[&str] = &[
            "Wherever only the claims are read, a copied token works until it expires, after log-out and ban as well.",
            "Clients must renew, and two tabs must not throw each other out when they do.",
            "There are keys to make, publish, rotate and guard.",
        ];
        const BOTH: &[&str] = &[
            "There are two schemes to keep right, and one place that must end both kinds.",
            "A token’s claims stay stale until they are renewed, beside a session that never is.",
        ];
        const NEITHER: &[&str] = &["You may be back here when the second service or the first mobile app comes."];
        match self {
            Self::Sessions => SESSIONS,
            Self::Tokens => TOKENS,
            Self::Both => BOTH,
            Self::Neither => NEITHER,
        }
    }
}

/// The reasons that the given answers carry, in the order of the questions.
#[must_use]
pub fn reasons(given: &[Option<&str>]) -> Vec<&'static Reason> {
    let answered = QUESTIONS.iter().zip(given);
    answered
        .filter_map(|(question, given)| {
            let choice = question.choices.iter().find(|choice| Some(choice.id) == *given)?;
            choice.reason.as_ref()
        })
        .collect()
}

/// Weighs the reasons.
#[must_use]
pub fn weigh(reasons: &[&Reason]) -> Advice {
    let (mut session, mut token, mut both, mut neither) = (0_u8, 0_u8, false, false);
    for reason in reasons {
        match reason.speaks_for {
            For::Session(weight) => session += weight,
            For::Token(weight) => token += weight,
            For::Both => both = true,
            For::Neither => neither = true,
        }
    }
    // Reasons of full weight (3) are needs; others are leanings.
    let needs = |scheme: fn(For) -> bool| reasons.iter().any(|reason| scheme(reason.speaks_for));
    let needs_both = needs(|what| what == For::Session(3)) && needs(|what| what == For::Token(3));
    match () {
        () if both || needs_both => Advice::Both,
        () if neither && session.abs_diff(token) <= 1 => Advice::Neither,
        () if session > token => Advice::Sessions,
        () if token > session => Advice::Tokens,
        () => Advice::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(given: [&str; 8]) -> Advice {
        for (question, given) in QUESTIONS.iter().zip(given) {
            assert!(question.choices.iter().any(|choice| choice.id == given), "{} has no answer {given}", question.id);
        }
        weigh(&reasons(&given.map(Some)))
    }

    #[test]
    fn every_advice_is_somebodys() {
        for (given, expected) in [
            (["browsers", "one", "at-once", "at-once", "wait", "same", "few", "start"], Advice::Sessions),
            (["programs", "apart", "minutes", "later", "go-on", "nowhere", "huge", "start"], Advice::Tokens),
            (["both", "one", "at-once", "at-once", "wait", "same", "few", "start"], Advice::Both),
            (["browsers", "apart", "minutes", "later", "go-on", "same", "few", "start"], Advice::Both),
            (["programs", "one", "no-matter", "at-once", "wait", "nowhere", "few", "slow"], Advice::Neither),
        ] {
            assert_eq!(advice(given), expected, "{given:?}");
        }
    }

    #[test]
    fn questions_and_answers_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = QUESTIONS.iter().map(|question| question.id).collect();
        assert_eq!(names.len(), 8);
        for question in QUESTIONS {
            let names: std::collections::BTreeSet<_> = question.choices.iter().map(|choice| choice.id).collect();
            assert_eq!(names.len(), question.choices.len(), "{}", question.id);
        }
    }
}
