//! The thread that asks, and its connection.
//!
//! It sleeps until something waits. A connection that broke, or is older than the last outage, is replaced before the next
//! statement. A thread that still waits on a frozen server when the outage is over may wait for ever: it is given up, with its
//! connection, and another one takes its place; at most four are left behind like that.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{connection::SimpleConnection as _, r2d2::ManageConnection as _};

use crate::db::{
    Asking, Error, Result,
    connection::{Manager, Pooled},
    count::Counted,
    outage::Outage,
};

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
    /// The outages that were over when it last took something up.
    generation: u64,
    given_up: usize,
    is_closed: bool,
}

/// The connection, made when it is needed.
pub(super) struct Connected {
    manager: Manager,
    pooled: Option<Pooled>,
    /// Of the connection, among all of them.
    number: u64,
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

    /// Says that something waits.
    pub fn wake(&self) -> Result<()> {
        let mut state = self.0.lock();
        if state.is_asleep {
            state.is_asleep = false;
            self.0.ready.notify_one();
            return Ok(());
        }
        if state.present != 0 && state.generation == self.outage().generation() {
            return Ok(());
        }
        if state.present != 0 {
            if state.given_up == GIVEN_UP_MOST {
                return Err(Error::Unavailable("too many connections hang".to_owned()));
            }
            state.given_up += 1;
        }
        state.present += 1;
        state.generation = self.outage().generation();
        let (shared, number) = (Arc::clone(&self.0), state.present);
        let started = thread::Builder::new().name("gathered".to_owned()).spawn(move || shared.work(number));
        started.map(drop).map_err(|error| Error::Unavailable(error.to_string()))
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
        let mut connected = Connected { manager: self.manager.clone(), pooled: None, number: 0 };
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
            if state.present != number {
                state.given_up -= 1;
                return None;
            }
            if state.is_closed {
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

impl Connected {
    /// Runs `work` with a connection that is not known to be dead. Look-ups and notes may be made twice: if a connection breaks in
    /// the middle and a new one is to be had, nobody need notice.
    pub fn with<T>(&mut self, work: impl Fn(&mut Asking<'_>) -> Result<T>) -> (Result<T>, Counted) {
        let (result, counted) = self.once(&work);
        if counted.broken { self.once(&work) } else { (result, counted) }
    }

    fn once<T>(&mut self, work: impl Fn(&mut Asking<'_>) -> Result<T>) -> (Result<T>, Counted) {
        let generation = self.manager.outage.generation();
        let trusted = |pooled: &mut Pooled| pooled.generation == generation && pooled.answers();
        let mut pooled = match self.pooled.take_if(trusted) {
            Some(pooled) => pooled,
            None => match self.connect() {
                Ok(pooled) => pooled,
                Err(error) => return (Err(error), Counted::default()),
            },
        };
        pooled.counter.take();
        let result = work(&mut Asking { conn: &mut pooled.conn, connection: self.number });
        let mut counted = pooled.counter.take();
        pooled.used_at = Instant::now();
        counted.broken |= diesel::r2d2::R2D2Connection::is_broken(&mut pooled.conn);
        if counted.broken {
            self.manager.outage.suspect("a connection broke");
        } else {
            self.pooled = Some(pooled);
        }
        (result, counted)
    }

    fn connect(&mut self) -> Result<Pooled> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let connect = || {
            let mut pooled = self.manager.connect()?;
            // However many keys there are, the way to the rows is the same: making a plan each time costs more than it saves. Each
            // key leads to one row, so there is nothing to be gained from putting rows in order before they are fetched. No note is
            // worth waiting for a disk.
            let settings =
                "SET plan_cache_mode = force_generic_plan; SET enable_bitmapscan = off; SET synchronous_commit = off";
            pooled.conn.batch_execute(settings).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            pooled.counter.take();
            Ok(pooled)
        };
        connect().map_err(|error| {
            self.manager.outage.suspect("no connection to be had");
            Error::no_connection(&error)
        })
    }
}
