//! `/experiments`: the claims, what was found of each on this server, and runs to watch.
//!
//! A run has an address of its own. Its page shows the lines as they come (`live`), and the finding when it is over; without
//! script it asks again every two seconds until then.

mod live;
mod show;
mod start;

use std::sync::Arc;

use askama::Template;

pub use self::{
    live::follow,
    show::{list, run, show},
    start::start,
};
use super::frame::Frame;
use crate::experiments::{
    claims,
    excerpt::{Excerpt, Source},
    exchange::Door,
    experiment::{Experiment, Section, Test},
    finding::{Finding, Row},
};

/// Runs an hour for one address.
const RUNS: u32 = 60;

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
#[template(path = "experiment.html")]
struct ExperimentPage {
    frame: Frame,
    is_open: bool,
    experiment: &'static Experiment,
    finding: Option<Arc<Finding>>,
    code: Vec<Excerpt>,
    problem: Option<String>,
    neighbours: (Option<&'static Experiment>, Option<&'static Experiment>),
}

#[derive(Template)]
#[template(path = "experiment_run.html")]
struct RunPage {
    frame: Frame,
    experiment: &'static Experiment,
    run: String,
    rows: Vec<Arc<Row>>,
    ahead: Option<usize>,
}

#[derive(Template)]
#[template(source = r#"{% import "parts/spine.html" as spine %}{{ spine::row(row) }}"#, ext = "html")]
struct Line<'a> {
    row: &'a Row,
}

impl ExperimentPage {
    fn new(frame: Frame, is_open: bool, experiment: &'static Experiment, finding: Option<Arc<Finding>>) -> Self {
        let code = experiment.code.iter().map(Source::cut).collect();
        Self { frame, is_open, experiment, finding, code, problem: None, neighbours: neighbours(experiment) }
    }
}

/// The experiments before and after, in the order of the subject.
fn neighbours(experiment: &Experiment) -> (Option<&'static Experiment>, Option<&'static Experiment>) {
    let place = claims::ALL.iter().position(|one| one.id == experiment.id).unwrap_or_default();
    (place.checked_sub(1).map(|before| claims::ALL[before]), claims::ALL.get(place + 1).copied())
}
