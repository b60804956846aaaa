//! `/experiments` and `/compare`: the claims and the comparisons, what was found of each on this server, and runs to watch.
//!
//! A run has an address of its own. Its page shows the lines as they come (`live`), and the finding when it is over; without
//! script it asks again every two seconds until then.

mod live;
mod show;
mod start;
mod summary;

use std::sync::Arc;

use actix_web::HttpRequest;
use askama::Template;

use self::summary::Summed;
pub use self::{
    live::follow,
    show::{compare, list, run, show},
    start::start,
};
use super::frame::Frame;
use crate::experiments::{
    board::Board,
    claims, compare as comparisons,
    excerpt::{Excerpt, Source},
    exchange::Door,
    experiment::{Experiment, Section, Test},
    finding::{Finding, Lives, Row},
};

/// Runs an hour for one address: of experiments, comparisons and measurements together.
pub(super) const RUNS: u32 = 60;
/// What they are counted as.
pub(super) const BUDGET: &str = "run";

#[derive(Template)]
#[template(path = "experiments.html")]
struct ListPage {
    frame: Frame,
    is_open: bool,
    sections: Vec<(Section, Vec<Listed>)>,
}

/// An experiment, and what was found last.
type Listed = (&'static Experiment, Option<Arc<Finding>>);

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    is_open: bool,
    events: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "experiment.html")]
struct ExperimentPage {
    frame: Frame,
    shelf: Shelf,
    is_open: bool,
    experiment: &'static Experiment,
    finding: Option<Arc<Finding>>,
    code: Vec<Excerpt>,
    summary: Vec<Summed>,
    problem: Option<String>,
    neighbours: (Option<&'static Experiment>, Option<&'static Experiment>),
}

#[derive(Template)]
#[template(path = "experiment_run.html")]
struct RunPage {
    frame: Frame,
    shelf: Shelf,
    experiment: &'static Experiment,
    run: String,
    rows: Vec<Arc<Row>>,
    lives: Option<Lives>,
    ahead: Option<usize>,
}

#[derive(Template)]
#[template(source = r#"{% import "parts/spine.html" as spine %}{{ spine::row(row) }}"#, ext = "html")]
struct Line<'a> {
    row: &'a Row,
}

#[derive(Template)]
#[template(source = r#"{% import "parts/life.html" as life %}{{ life::chart(lives) }}"#, ext = "html")]
struct Chart<'a> {
    lives: &'a Lives,
}

/// Where an experiment stands: among the claims or among the comparisons.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    base: &'static str,
    title: &'static str,
    all: &'static [&'static Experiment],
}

const CLAIMS: Shelf = Shelf { base: "/experiments", title: "Experiments", all: &claims::ALL };
const COMPARISONS: Shelf = Shelf { base: "/compare", title: "Compare", all: &comparisons::ALL };

impl Shelf {
    fn of(request: &HttpRequest) -> Self {
        if request.path().starts_with(COMPARISONS.base) { COMPARISONS } else { CLAIMS }
    }

    /// The experiment of this name, however it is capitalised.
    fn find(self, id: &str) -> Option<&'static Experiment> {
        self.all.iter().find(|experiment| experiment.id.eq_ignore_ascii_case(id)).copied()
    }

    /// The experiments before and after.
    fn neighbours(self, experiment: &Experiment) -> (Option<&'static Experiment>, Option<&'static Experiment>) {
        let place = self.all.iter().position(|one| one.id == experiment.id).unwrap_or_default();
        (place.checked_sub(1).map(|before| self.all[before]), self.all.get(place + 1).copied())
    }
}

/// The page of an experiment or a comparison.
#[must_use]
pub fn path_of(id: &str) -> String {
    let shelf = if CLAIMS.find(id).is_some() { CLAIMS } else { COMPARISONS };
    format!("{}/{id}", shelf.base)
}

impl ExperimentPage {
    fn new(
        request: &HttpRequest,
        board: &Board,
        experiment: &'static Experiment,
        finding: Option<Arc<Finding>>,
        problem: Option<String>,
    ) -> Self {
        let shelf = Shelf::of(request);
        Self {
            frame: Frame::with_form(request),
            shelf,
            is_open: board.is_open(),
            experiment,
            finding,
            summary: summary::of(experiment, board),
            code: experiment.code.iter().map(Source::cut).collect(),
            problem,
            neighbours: shelf.neighbours(experiment),
        }
    }
}
