//! The time between a signal and the end: everything is still answered, and nobody is asked to come back.
//!
//! `/readyz` says that this instance is leaving, so that a load balancer takes it out, and every answer closes its connection,
//! so that none is open, with a request perhaps under way on it, when the listener goes (`DRAIN`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the server is leaving.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// The server is leaving from now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
