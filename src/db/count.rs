//! Counts statements by Diesel's instrumentation: measured, not estimated.
//!
//! `BEGIN`, `COMMIT`, `ROLLBACK` and pings don't count: they carry no question. A failed connection is noticed here too,
//! whatever the caller makes of the error.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::connection::InstrumentationEvent;

/// What was sent since the last [`Counter::take`].
#[derive(Debug, Default, Clone, Copy)]
pub struct Counted {
    /// Statements sent.
    pub statements: u32,
    /// Time until their answers were there.
    pub time: Duration,
    /// Whether the connection broke meanwhile.
    pub broken: bool,
}

#[derive(Debug, Default)]
struct State {
    counted: Counted,
    uncounted_next: bool,
    started: Option<Instant>,
}

/// Shared by a connection and its instrumentation.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<Mutex<State>>);

impl Counter {
    /// The count so far; counting begins anew.
    pub fn take(&self) -> Counted {
        std::mem::take(&mut self.lock().counted)
    }

    /// The next statement is none that was asked for.
    pub fn ignore_next(&self) {
        self.lock().uncounted_next = true;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what Diesel does.
    pub fn on_event(&self, event: &InstrumentationEvent<'_>) {
        let mut state = self.lock();
        match event {
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => state.uncounted_next = true,
            InstrumentationEvent::StartQuery { .. } if !std::mem::take(&mut state.uncounted_next) => {
                state.counted.statements += 1;
                state.started = Some(Instant::now());
            }
            InstrumentationEvent::FinishQuery { error, .. } => {
                if let Some(started) = state.started.take() {
                    state.counted.time += started.elapsed();
                }
                state.counted.broken |= error.is_some_and(super::error::is_lost);
            }
            _ => {}
        }
    }
}
