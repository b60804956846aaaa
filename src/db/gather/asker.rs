//! The thread that asks.
//!
//! It sleeps until something waits. A thread that still waits on a frozen server when the outage is over may wait for ever:
//! it is given up, with its connection, and another one takes its place; at most four are left behind like that.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::connected::Connected;
use crate::db::{Error, Result, connection::Manager, outage::Outage};

/// How many threads may be left to a server that never answers.
const GIVEN_UP_MOST: usize = 4;

/// How often it looks for more before it goes to sleep: to be woken takes longer than the next question under load, and whoever
/// wakes it pays, too. Each time any other thread may run first.
const LOOKS_MOST: usize = 40;

/// What waits to be asked, of one kind.
pub(super) trait Work: Send + Sync {
    fn is_waited_for(&self) -> bool;
    fn carry_out(&self, connected: &mut Connected);
}

/// Wakes the thread; dropping it lets the thread end.
#[derive(Debug)]
pub(super) struct Asker(Arc<Shared>);

struct Shared {
    manager: Manager,
    deadline: Duration,
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    kinds: Vec<Arc<dyn Work>>,
    /// The thread that asks, by number; 0 before the first.
    present: u64,
    is_asleep: bool,
    /// The system gave no thread of that number.
    is_missing: bool,
    /// The outages that were over when it last took something up.
    generation: u64,
    given_up: usize,
    is_closed: bool,
}

/// Who is to be woken.
#[derive(Debug, PartialEq, Eq)]
enum Wake {
    /// The thread is at work, and sees to what came meanwhile.
    Nobody,
    Sleeper,
    /// There is none yet, or it hangs: a new thread.
    Another,
    /// As many hang as may.
    NobodyIsLeft,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Asker {
    pub fn new(manager: Manager, deadline: Duration) -> Self {
        Self(Arc::new(Shared { manager, deadline, state: Mutex::default(), ready: Condvar::new() }))
    }

    pub fn outage(&self) -> &Outage {
        &self.0.manager.outage
    }

    /// How long an answer may take.
    pub fn deadline(&self) -> Duration {
        self.0.deadline
    }

    /// Takes on another kind of work.
    pub fn serve(&self, work: Arc<dyn Work>) {
        self.0.lock().kinds.push(work);
    }

    /// Whether as many threads hang as may, and nobody asks any more.
    pub fn is_lost(&self) -> bool {
        self.0.lock().is_lost(self.outage().generation())
    }

    /// Says that something waits.
    pub fn wake(&self) -> Result<()> {
        let mut state = self.0.lock();
        match state.wake(self.outage().generation()) {
            Wake::Nobody => return Ok(()),
            Wake::Sleeper => {
                self.0.ready.notify_one();
                return Ok(());
            }
            Wake::Another => {}
            Wake::NobodyIsLeft => return Err(Error::Unavailable("too many connections hang".to_owned())),
        }
        let (shared, number) = (Arc::clone(&self.0), state.present);
        let started = thread::Builder::new().name("gathered".to_owned()).spawn(move || shared.work(number));
        started.map(drop).map_err(|error| {
            state.has_not_started();
            Error::Unavailable(error.to_string())
        })
    }
}

impl State {
    /// Who is to be woken for what waits, after so many outages.
    fn wake(&mut self, generation: u64) -> Wake {
        if std::mem::take(&mut self.is_asleep) {
            return Wake::Sleeper;
        }
        let is_there = self.present != 0 && !std::mem::take(&mut self.is_missing);
        if is_there && self.generation == generation {
            return Wake::Nobody;
        }
        if is_there && self.is_lost(generation) {
            return Wake::NobodyIsLeft;
        }
        self.given_up += usize::from(is_there);
        self.present += 1;
        self.generation = generation;
        Wake::Another
    }

    fn is_lost(&self, generation: u64) -> bool {
        let hangs = self.present != 0 && !self.is_asleep && !self.is_missing && self.generation != generation;
        hangs && self.given_up == GIVEN_UP_MOST
    }

    /// The system gave no thread: the next one who has something to ask tries again.
    fn has_not_started(&mut self) {
        self.is_missing = true;
    }

    /// Whether a thread is no longer the one that asks: it is given up no more, as it has come back.
    fn has_replaced(&mut self, number: u64) -> bool {
        let is_replaced = self.present != number;
        self.given_up -= usize::from(is_replaced);
        is_replaced
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.ready.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, number: u64) {
        let mut connected = Connected::with_manager(self.manager.clone());
        while let Some(works) = self.next(number) {
            for work in works {
                // Its connection is gone with it, and whoever shared it is told that the answer is lost.
                let carried_out = catch_unwind(AssertUnwindSafe(|| work.carry_out(&mut connected)));
                if carried_out.is_err() {
                    tracing::error!("a gathered statement panicked");
                }
            }
        }
    }

    /// Waits for work; `None` if this thread is not wanted any more.
    fn next(&self, number: u64) -> Option<Vec<Arc<dyn Work>>> {
        let mut state = self.lock();
        let mut looks = 0;
        loop {
            if state.has_replaced(number) || state.is_closed {
                return None;
            }
            let works: Vec<_> = state.kinds.iter().filter(|work| work.is_waited_for()).cloned().collect();
            if !works.is_empty() {
                state.is_asleep = false;
                state.generation = self.manager.outage.generation();
                return Some(works);
            }
            if looks < LOOKS_MOST {
                looks += 1;
                drop(state);
                thread::yield_now();
                state = self.lock();
                continue;
            }
            state.is_asleep = true;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thread takes up what waits, after so many outages, and does not come back.
    fn hang(state: &mut State, generation: u64) {
        (state.is_asleep, state.generation) = (false, generation);
    }

    #[test]
    fn a_thread_that_hangs_is_replaced_after_the_outage_and_as_often_as_that_may_be() {
        let mut state = State::default();
        assert_eq!(state.wake(0), Wake::Another, "the first");
        for outages in 1..=4 {
            hang(&mut state, outages - 1);
            assert_eq!(state.wake(outages - 1), Wake::Nobody, "it may be at work: nobody knows of an outage");
            assert!(!state.is_lost(outages));
            assert_eq!(state.wake(outages), Wake::Another);
        }
        hang(&mut state, 4);
        assert!(!state.is_lost(4) && state.is_lost(5));
        for _ in 0..3 {
            assert_eq!(state.wake(5), Wake::NobodyIsLeft);
        }
        assert_eq!(state.given_up, GIVEN_UP_MOST);
        // One that was given up comes back, whenever that may be; the present one does not.
        assert!(state.has_replaced(2));
        assert_eq!(state.wake(5), Wake::Another);
        assert!(!state.has_replaced(6));
    }

    #[test]
    fn a_thread_that_the_system_does_not_give_is_asked_for_again_and_is_not_one_that_hangs() {
        let mut state = State::default();
        for number in 1..=9 {
            assert_eq!((state.wake(0), state.present), (Wake::Another, number));
            state.has_not_started();
            assert!(!state.is_lost(1));
        }
        assert_eq!(state.given_up, 0);
        assert_eq!(state.wake(0), Wake::Another);
        assert_eq!(state.wake(0), Wake::Nobody);
    }

    #[test]
    fn a_thread_that_sleeps_is_woken_however_many_outages_it_slept_through() {
        let mut state = State { present: 1, is_asleep: true, given_up: GIVEN_UP_MOST, ..State::default() };
        assert!(!state.is_lost(7));
        assert_eq!(state.wake(7), Wake::Sleeper);
    }
}
