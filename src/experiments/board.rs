//! The runs of this server: which are under way, which wait for their turn, and what was found last.
//!
//! Each run has a thread of its own with a small runtime, so that it neither waits for the workers nor holds them up. Of those
//! that take much of the machine one runs at a time, first come, first served; a measurement takes its turn among them.
//!
//! Limit: runs are kept in memory, the last fifty of them. After a restart the board is empty.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::OwnedMutexGuard;

use super::{
    experiment::Experiment,
    finding::{Finding, Stamp},
    lab::{Lab, Progress, perform},
};
use crate::secrets::{hex, random};

/// Runs that may wait or be under way at one time.
const AT_MOST: usize = 20;
/// Of these, for one address: nobody fills the board alone.
pub const AT_MOST_FOR_ONE: usize = AT_MOST / 2;
/// Finished runs that can still be looked at.
const KEPT: usize = 50;

/// All runs. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct Board(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lab: Lab,
    is_open: bool,
    /// Whoever holds it runs something heavy; tokio's mutex is fair.
    turn: Arc<tokio::sync::Mutex<()>>,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    all: HashMap<String, Arc<Entry>>,
    waiting: Vec<String>,
    under_way: usize,
    finished: VecDeque<String>,
    /// The last finding of each experiment, the newest first.
    last: Vec<Arc<Finding>>,
}

/// One run.
#[derive(Debug)]
pub struct Entry {
    /// What is put to the test.
    pub experiment: &'static Experiment,
    /// How far it is.
    pub progress: Progress,
    /// Who started it.
    by: IpAddr,
}

/// Too many runs wait already.
#[derive(Debug, Clone, Copy)]
pub enum Full {
    /// Everybody's.
    ForAll,
    /// This address's own.
    ForOne,
}

impl Board {
    /// A board for runs in this laboratory; one that is not open starts none.
    #[must_use]
    pub fn new(lab: Lab, is_open: bool) -> Self {
        Self(Arc::new(Shared { lab, is_open, turn: Arc::default(), runs: Mutex::default() }))
    }

    /// Whether visitors may start runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_open
    }

    /// The machine for oneself, as long as what this gives is held; nothing if something heavy runs.
    #[must_use]
    pub fn take_turn(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.0.turn).try_lock_owned().ok()
    }

    /// Starts a run for whoever has this address, or puts it in the queue; gives its name.
    pub fn start(&self, experiment: &'static Experiment, by: IpAddr) -> Result<String, Full> {
        let id = hex(&random::<8>());
        let entry = Arc::new(Entry { experiment, progress: Progress::default(), by });
        {
            let mut runs = self.runs();
            if runs.waiting.len() + runs.under_way >= AT_MOST {
                return Err(Full::ForAll);
            }
            let own = runs.all.values().filter(|entry| entry.by == by && entry.progress.finding().is_none());
            if own.count() >= AT_MOST_FOR_ONE {
                return Err(Full::ForOne);
            }
            runs.all.insert(id.clone(), Arc::clone(&entry));
            runs.waiting.push(id.clone());
        }
        let (board, name) = (self.clone(), id.clone());
        let started = thread::Builder::new().name("experiment".to_owned()).spawn(move || board.go(&name, &entry));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for an experiment");
            self.over(&id, None);
            return Err(Full::ForAll);
        }
        Ok(id)
    }

    /// A run, if it is still known.
    #[must_use]
    pub fn run(&self, id: &str) -> Option<Arc<Entry>> {
        self.runs().all.get(id).cloned()
    }

    /// How many have to end before this one can begin; `None` once it has begun.
    #[must_use]
    pub fn ahead_of(&self, id: &str) -> Option<usize> {
        let runs = self.runs();
        let place = runs.waiting.iter().position(|waiting| waiting == id)?;
        let heavy = |id: &&String| runs.all.get(*id).is_some_and(|entry| entry.experiment.is_heavy());
        let ahead = runs.waiting[..place].iter().filter(heavy).count();
        Some(ahead + usize::from(self.0.turn.try_lock().is_err()))
    }

    /// What the last run of an experiment found.
    #[must_use]
    pub fn last(&self, id: &str) -> Option<Arc<Finding>> {
        self.runs().last.iter().find(|finding| finding.id == id).cloned()
    }

    /// What was found last, the newest first: at most so many.
    #[must_use]
    pub fn latest(&self, most: usize) -> Vec<Arc<Finding>> {
        self.runs().last.iter().take(most).cloned().collect()
    }

    /// Whatever becomes of it, its place is free again.
    fn go(&self, id: &str, entry: &Entry) {
        let carried_out = catch_unwind(AssertUnwindSafe(|| self.carry_out(id, entry)));
        if carried_out.is_err() {
            tracing::error!(experiment = entry.experiment.id, "an experiment panicked");
        }
        let finding = carried_out.ok().flatten().map(Arc::new);
        // First: whoever is told of the end looks at what was found last.
        self.over(id, finding.clone());
        if let Some(finding) = finding {
            entry.progress.finish(finding);
        }
    }

    fn carry_out(&self, id: &str, entry: &Entry) -> Option<Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(async {
                let turn = match entry.experiment.is_heavy() {
                    true => Some(self.0.turn.lock().await),
                    false => None,
                };
                self.begun(id);
                let finding = perform(entry.experiment, &self.0.lab, &entry.progress).await;
                drop(turn);
                Some(finding)
            }),
            Err(error) => {
                tracing::error!(%error, "no runtime for an experiment");
                None
            }
        }
    }

    fn begun(&self, id: &str) {
        let mut runs = self.runs();
        runs.waiting.retain(|waiting| waiting != id);
        runs.under_way += 1;
    }

    fn over(&self, id: &str, finding: Option<Arc<Finding>>) {
        let mut runs = self.runs();
        match runs.waiting.iter().position(|waiting| waiting == id) {
            Some(place) => drop(runs.waiting.remove(place)),
            None => runs.under_way -= 1,
        }
        match finding {
            Some(finding) => {
                // What could not run is told to whoever started it, and takes no verdict from everybody else.
                let same = runs.last.iter().position(|older| older.id == finding.id);
                let keeps = |at: usize| runs.last[at].stamp != Stamp::CouldNotRun;
                if finding.stamp != Stamp::CouldNotRun || !same.is_some_and(keeps) {
                    runs.last.retain(|older| older.id != finding.id);
                    runs.last.insert(0, finding);
                }
            }
            None => drop(runs.all.remove(id)),
        }
        runs.finished.push_back(id.to_owned());
        if runs.finished.len() > KEPT
            && let Some(oldest) = runs.finished.pop_front()
        {
            runs.all.remove(&oldest);
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
