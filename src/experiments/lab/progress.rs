//! A run as others watch it: the lines so far, and the finding once there is one.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::experiments::finding::{Finding, Lives, Row};

/// A run under way, or a finished one. Cloning it shares it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rows: Mutex<Vec<Arc<Row>>>,
    lives: Mutex<Option<Lives>>,
    finding: OnceLock<Arc<Finding>>,
    changed: watch::Sender<()>,
    cancelled: watch::Sender<bool>,
}

impl Default for Progress {
    fn default() -> Self {
        let shared = Shared {
            rows: Mutex::default(),
            lives: Mutex::default(),
            finding: OnceLock::new(),
            changed: watch::Sender::new(()),
            cancelled: watch::Sender::new(false),
        };
        Self(Arc::new(shared))
    }
}

impl Progress {
    /// The lines from this one on.
    #[must_use]
    pub fn rows_from(&self, first: usize) -> Vec<Arc<Row>> {
        let rows = self.0.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(first..).unwrap_or_default().to_vec()
    }

    /// The lives that the run watches, as far as they have come.
    #[must_use]
    pub fn lives(&self) -> Option<Lives> {
        self.0.lives.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was found, once the run is over.
    #[must_use]
    pub fn finding(&self) -> Option<Arc<Finding>> {
        self.0.finding.get().cloned()
    }

    /// Wakes its holder at every change that comes after this call.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Has the run break off; it still cleans up, and then there is a finding that says so.
    pub fn cancel(&self) {
        self.0.cancelled.send_replace(true);
    }

    /// Waits until somebody does.
    pub(super) async fn cancelled(&self) {
        // The sender lives as long as this value does.
        let _ = self.0.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    pub(super) fn add(&self, row: Row) {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(row));
        self.0.changed.send_replace(());
    }

    pub(super) fn draw(&self, lives: Lives) {
        *self.0.lives.lock().unwrap_or_else(PoisonError::into_inner) = Some(lives);
        self.0.changed.send_replace(());
    }

    /// Tells everybody who watches that the run has ended, with this.
    pub fn finish(&self, finding: Arc<Finding>) {
        let _ = self.0.finding.set(finding);
        self.0.changed.send_replace(());
    }
}
