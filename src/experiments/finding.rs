//! What a run found, ready to be shown: its exchanges in order, how long each credential lived, and the verdict.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{
    exchange::{Door, Exchange, Seconds},
    experiment::Need,
    figure::Figure,
    grid::Grid,
};

/// What a verdict says of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stamp {
    /// As written.
    Holds,
    /// Under a condition.
    HoldsBut,
    /// The evidence contradicts it.
    FalseAsWritten,
    /// There is no evidence.
    CouldNotRun,
}

impl Stamp {
    /// In one word, for programs and style sheets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsBut => "holds-but",
            Self::FalseAsWritten => "false-as-written",
            Self::CouldNotRun => "could-not-run",
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::HoldsBut => "holds, but…",
            Self::FalseAsWritten => "false as written",
            Self::CouldNotRun => "could not run",
        })
    }
}

/// One line of the story.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// What happened at both doors, or at one.
    Pair {
        /// When the first of the two was sent.
        at: Seconds,
        /// At the session door.
        session: Option<Box<Exchange>>,
        /// At the token door.
        token: Option<Box<Exchange>>,
    },
    /// What happened besides.
    Moment {
        /// When.
        at: Seconds,
        /// What.
        text: String,
    },
    /// A page that a browser opened on its way.
    Page {
        /// When.
        at: Seconds,
        /// What it said of itself.
        text: String,
    },
    /// A page that the visitor is to open, as the run goes on in their browser.
    Invitation {
        /// When.
        at: Seconds,
        /// Where the page is.
        url: String,
        /// What it does.
        text: String,
    },
}

/// A number that a verdict rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Number {
    /// What was counted or measured.
    pub label: String,
    /// As it is shown.
    pub value: String,
    /// Such as `ms`; empty for a plain count.
    pub unit: &'static str,
}

/// What a run of an experiment found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Which experiment.
    pub id: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// The claim.
    pub claim: &'static str,
    /// The verdict in a word.
    pub stamp: Stamp,
    /// Why it is the right one; or why nothing could be run.
    pub condition: String,
    /// What was not to be had, if that is why nothing could be run.
    pub lacks: Option<Need>,
    /// When it ended.
    pub measured_at: String,
    /// How long it took, in seconds.
    pub took: Seconds,
    /// What the verdict rests on.
    pub numbers: Vec<Number>,
    /// The same as charts, where there is something to compare.
    pub figures: Vec<Figure>,
    /// What was seen under several conditions, where a list of numbers would hide it.
    pub grids: Vec<Grid>,
    /// How long copied credentials lived, where that is the question.
    pub lives: Option<Lives>,
    /// What was sent, and what came back.
    pub rows: Vec<Arc<Row>>,
}

impl Finding {
    /// For each line, whether a copy of the session and one of the token are still let in further down.
    #[must_use]
    pub fn rails(&self) -> Vec<(bool, bool)> {
        let accepted = |row: &Row| match row {
            Row::Pair { session, token, .. } => {
                let is_in = |exchange: &Option<Box<Exchange>>| exchange.as_ref().is_some_and(|one| one.accepted);
                (is_in(session), is_in(token))
            }
            Row::Moment { .. } | Row::Page { .. } | Row::Invitation { .. } => (false, false),
        };
        let mut rails = vec![(false, false); self.rows.len()];
        let mut lives = (false, false);
        for (rail, row) in rails.iter_mut().zip(&self.rows).rev() {
            let (session, token) = accepted(row);
            lives = (lives.0 || session, lives.1 || token);
            *rail = lives;
        }
        rails
    }
}

impl Row {
    /// The line as it stands in a finding: nobody is invited any more.
    #[must_use]
    pub fn over(row: Arc<Self>) -> Arc<Self> {
        match row.as_ref() {
            Self::Invitation { at, text, .. } => Arc::new(Self::Moment { at: *at, text: text.clone() }),
            _ => row,
        }
    }

    /// The same step at both doors.
    #[must_use]
    pub fn pair(session: Exchange, token: Exchange) -> Self {
        let at = session.at.min(token.at);
        Self::Pair { at, session: Some(Box::new(session)), token: Some(Box::new(token)) }
    }

    /// A step that the session door alone has.
    #[must_use]
    pub fn session(session: Exchange) -> Self {
        Self::Pair { at: session.at, session: Some(Box::new(session)), token: None }
    }

    /// A step that the token door alone has.
    #[must_use]
    pub fn token(token: Exchange) -> Self {
        Self::Pair { at: token.at, session: None, token: Some(Box::new(token)) }
    }
}

impl Seconds {
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

/// The lives of copied credentials on one time axis. Positions are thousandths of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lives {
    /// The time axis: position and text.
    pub ticks: Vec<(f64, String)>,
    /// Where on it the event was over.
    pub event_at: f64,
    /// When that was.
    pub event_text: String,
    /// What happened.
    pub event_name: String,
    /// The copies.
    pub lanes: Vec<Lane>,
}

impl Lives {
    /// The longest that a copy of this door's was let in after the event, in seconds as they are shown.
    #[must_use]
    pub fn residual(&self, door: Door) -> &str {
        let lanes = self.lanes.iter().filter(|lane| lane.door == door);
        let longest = lanes.max_by(|one, other| one.residual_seconds.total_cmp(&other.residual_seconds));
        longest.map_or("0", |lane| lane.residual.trim_end_matches(" s"))
    }
}

/// The life of one copied credential.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// Whose credential it is.
    pub door: Door,
    /// What it is, and where it is shown.
    pub name: &'static str,
    /// Where the solid bar begins.
    pub accepted_from: f64,
    /// How long it is.
    pub accepted_width: f64,
    /// Where the hatched bar begins.
    pub refused_from: f64,
    /// How long it is.
    pub refused_width: f64,
    /// What stands in the chart.
    pub label: Option<String>,
    /// How many requests after the event were let in.
    pub let_in: usize,
    /// Of how many.
    pub probes: usize,
    /// How long after the event the last one was let in.
    pub residual: String,
    /// The same, to be compared.
    pub residual_seconds: f64,
}
