//! What an experiment is: a claim, what it takes to put it to the test, and the test itself.
//!
//! One value a claim, in a file of its own below `claims`. Everything that pages, the command line and the tests show of it
//! stands here or comes out of a run.

use std::{future::Future, pin::Pin};

use serde::Serialize;

use super::{
    excerpt::Source,
    finding::Stamp,
    lab::{Run, Stopped},
};

/// Which part of the subject a claim belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// How sessions work.
    Sessions,
    /// How tokens work.
    Tokens,
    /// Taking back what was given.
    Revocation,
    /// What attackers do.
    Security,
    /// More than one machine.
    Scale,
    /// Which one to take.
    Choosing,
}

impl Section {
    /// All of them, in the order of the subject.
    pub const ALL: [Self; 6] =
        [Self::Sessions, Self::Tokens, Self::Revocation, Self::Security, Self::Scale, Self::Choosing];

    /// As a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sessions => "How sessions work",
            Self::Tokens => "How tokens work",
            Self::Revocation => "Taking a credential back",
            Self::Security => "What attackers do",
            Self::Scale => "More than one server",
            Self::Choosing => "Which one to take",
        }
    }
}

/// What a run needs besides this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Instances of its own with throwaway data: for what no visitor may do.
    Instance,
    /// A Redis of its own.
    Redis,
    /// The specimens: deliberately weak code on a listener of its own.
    Specimens,
    /// A browser: the visitor's own, or a headless one.
    Browser,
    /// The machine for itself, as it measures time.
    Quiet,
}

impl Need {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Instance => "private instances with throwaway data",
            Self::Redis => "a private Redis",
            Self::Specimens => "specimens that are weak on purpose",
            Self::Browser => "a new tab of your browser",
            Self::Quiet => "the machine for itself for a moment",
        }
    }
}

/// Where something can be read that a correction rests on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Reference {
    /// What it is.
    pub title: &'static str,
    /// Where it is.
    pub url: &'static str,
}

/// What the evidence says of the claim.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// In a word.
    pub stamp: Stamp,
    /// Why that is the right word, with the numbers.
    pub condition: String,
}

impl Outcome {
    /// The claim is as written.
    pub fn holds(condition: impl Into<String>) -> Self {
        Self { stamp: Stamp::Holds, condition: condition.into() }
    }

    /// The claim needs a condition.
    pub fn holds_but(condition: impl Into<String>) -> Self {
        Self { stamp: Stamp::HoldsBut, condition: condition.into() }
    }

    /// The evidence contradicts the claim.
    pub fn is_false(condition: impl Into<String>) -> Self {
        Self { stamp: Stamp::FalseAsWritten, condition: condition.into() }
    }
}

/// What a run comes to, or why it came to nothing.
pub type Told<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Stopped>> + 'a>>;

/// How a claim is put to the test.
#[derive(Debug, Clone, Copy)]
pub enum Test {
    /// By a run, which takes about so many seconds.
    Run {
        /// About how long it takes, in seconds.
        seconds: u32,
        /// What is done.
        observe: for<'a> fn(&'a mut Run) -> Told<'a>,
    },
    /// By no run: the entry sums up others.
    Reference {
        /// Where the summary stands, or the page that goes on from it.
        page: &'static str,
        /// What its lines are about: the head of their column.
        about: &'static str,
        /// The summary.
        lines: &'static [Line],
    },
}

/// A line of a summary.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What it is about.
    pub what: &'static str,
    /// What the session door has to do with it.
    pub session: Side,
    /// The same at the token door.
    pub token: Side,
}

/// One door's side of a line.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    /// In a sentence.
    pub says: &'static str,
    /// The experiments that show it.
    pub shown_by: &'static [&'static str],
}

/// What one door has to do with something, and the experiments that show it.
pub(super) const fn side(says: &'static str, shown_by: &'static [&'static str]) -> Side {
    Side { says, shown_by }
}

/// A claim and its test.
#[derive(Debug, Clone, Copy)]
pub struct Experiment {
    /// Its name in addresses and on the command line: the section's letter and a number.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// The claim, in our words.
    pub claim: &'static str,
    /// Where it belongs.
    pub section: Section,
    /// What a run needs.
    pub needs: &'static [Need],
    /// What is done, one line a step.
    pub steps: &'static [&'static str],
    /// The test.
    pub test: Test,
    /// The code that decides, of both doors.
    pub code: &'static [Source],
    /// What corrections rest on.
    pub references: &'static [Reference],
    /// The verdict that this software is known to give; a test holds it. `None` for a reference.
    pub expected: Option<Stamp>,
}

impl Experiment {
    /// Whether a run takes much of the machine: then one runs at a time.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Instance | Need::Redis | Need::Quiet))
    }

    /// Whether a run needs a browser.
    #[must_use]
    pub fn needs_browser(&self) -> bool {
        self.needs.contains(&Need::Browser)
    }
}
