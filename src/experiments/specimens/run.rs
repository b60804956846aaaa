//! One run of a story: what it has seen so far, and whom it tells.
//!
//! Runs are few, kept for a quarter of an hour, and in memory: a specimen leaves nothing behind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    hosts::Hosts,
    jar::{Jar, SECONDS, Seen},
    report::{Arrival, Calls, Knock, Report, ScriptReport, TokenReport, Wait},
    story::{Step, Story},
    weak::Services,
    witness,
};
use crate::secrets::{hex, random};

/// How many there may be at once.
const MOST: usize = 100;
const KEPT: Duration = Duration::from_secs(SECONDS);
/// A little more than what Chromium takes for young.
const MARGIN: Duration = Duration::from_secs(2);
/// More than any story has to tell: a page is an exchange and says something, and the end comes last.
const REPORTS: usize = 2 * witness::MOST;

/// There are too many runs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many specimens are open; each closes after a quarter of an hour")]
pub struct Full;

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub id: String,
    pub story: Story,
    pub steps: Vec<Step>,
    /// What the victim's session cookie holds.
    pub secret: String,
    /// What the victim's bearer token begins with: the place where it is kept follows.
    pub token: String,
    pub jar: Jar,
    /// For [`Story::Services`].
    pub services: Option<Services>,
    began: Instant,
    reports: Sender<Report>,
    seen: Mutex<State>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct State {
    /// When cookies were first set.
    pub set_at: Option<Instant>,
    pub user_agent: String,
    /// By step: the cookies that came with the page's request.
    pub cookies: BTreeMap<usize, Seen>,
    pub arrivals: BTreeMap<usize, Arrival>,
    pub knocks: BTreeMap<usize, Vec<Knock>>,
    pub calls: BTreeMap<usize, Calls>,
    pub token: Option<TokenReport>,
    pub script: ScriptReport,
    /// How many exchanges there were.
    pub witnessed: usize,
    /// Whether the last page was opened.
    pub is_at_its_end: bool,
    pub is_over: bool,
}

impl Run {
    fn new(story: Story, hosts: &Hosts) -> (Arc<Self>, Receiver<Report>) {
        let (sender, receiver) = channel(REPORTS);
        let (id, secret, token) = (hex(&random::<16>()), hex(&random::<16>()), hex(&random::<16>()));
        let mut steps = story.steps();
        steps.retain(|step| !step.other_port || hosts.at_other_port(step.at).is_some());
        let jar = Jar::new(&id, &secret, hosts.common());

        let services = matches!(story, Story::Services).then(Services::new).flatten();
        let (began, seen) = (Instant::now(), Mutex::default());
        (Arc::new(Self { id, story, steps, secret, token, jar, services, began, reports: sender, seen }), receiver)
    }

    /// What was seen so far.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever began the run, if they still listen.
    pub(super) fn tell(&self, report: Report) {
        let _ = self.reports.try_send(report);
    }

    /// Where a step's page is.
    pub(super) fn url(&self, hosts: &Hosts, index: usize) -> String {
        let origin = self.steps.get(index).map_or_else(String::new, |step| {
            let other = step.other_port.then(|| hosts.at_other_port(step.at)).flatten();
            other.unwrap_or_else(|| hosts.origin(step.at))
        });
        format!("{origin}/{}/{index}", self.id)
    }

    /// How long it is until the cookies are old.
    pub(super) fn to_wait(&self) -> Duration {
        let threshold = match &self.story {
            Story::CrossSite { wait: Wait::TwoMinutes, .. } => Duration::from_mins(2),
            Story::CrossSite { wait: Wait::TenSeconds, .. } => Duration::from_secs(10),
            _ => return Duration::ZERO,
        };
        let age = self.state().set_at.map_or(Duration::ZERO, |set_at| set_at.elapsed());
        (threshold + MARGIN).saturating_sub(age)
    }
}

/// The runs that are open.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<HashMap<String, Arc<Run>>>);

impl Runs {
    pub(super) fn begin(&self, story: Story, hosts: &Hosts) -> Result<(Arc<Run>, Receiver<Report>), Full> {
        let mut runs = self.open();
        if runs.len() >= MOST {
            return Err(Full);
        }
        let (run, receiver) = Run::new(story, hosts);
        runs.insert(run.id.clone(), Arc::clone(&run));
        Ok((run, receiver))
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Run>> {
        self.open().get(id).cloned()
    }

    /// Forgets one, and makes room for another.
    pub(super) fn end(&self, id: &str) {
        self.open().remove(id);
    }

    /// Those that are not too old.
    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<Run>>> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| run.began.elapsed() < KEPT);
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_end_to_how_many_may_be_open() {
        let hosts = Hosts::new(None, false, ([127, 0, 0, 1], 1).into(), None, &[]).expect("fit");
        let runs = Runs::default();
        for _ in 0..MOST {
            assert!(runs.begin(Story::Names, &hosts).is_ok());
        }
        assert_eq!(runs.begin(Story::Names, &hosts).err(), Some(Full));
        assert!(runs.find("unknown").is_none());
        let one = runs.open().keys().next().expect("one").clone();
        runs.end(&one);
        assert!(runs.begin(Story::Names, &hosts).is_ok());
    }
}
