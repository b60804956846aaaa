//! The connections that requests share, and the queue before them.
//!
//! Who wants a connection waits without a thread, in a queue that is bounded in length and time, so that overload is a quick
//! refusal and no growing delay. A connection that broke, or is older than the last outage, is replaced.
//!
//! A connection to a server that froze may never come back, and the thread that waits on it neither. So after each outage
//! there is a new set of connections, and the old set is left to those that still wait on it. At most four sets are kept
//! like that: then new connections have to fit in beside what is stuck.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::{PgConnection, r2d2::R2D2Connection as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Error, Result,
    companion::{self, Companion},
    connection::{Manager, with_timeouts},
    count::Counted,
    gather::Gatherer,
    outage::Outage,
    queue::Queue,
};

/// How many sets of connections may be left to whoever still waits on them.
const ABANDONED_MOST: usize = 4;

/// The pool. Cloning it is cheap and shares it.
#[derive(Clone, Debug)]
pub struct Pool {
    limits: Limits,
    sets: Arc<Mutex<Sets>>,
    queue: Arc<Queue>,
    outage: Arc<Outage>,
    gatherer: Gatherer,
    noter: Gatherer,
    companion: Option<Companion>,
}

/// What a pool may do.
#[derive(Debug, Clone)]
struct Limits {
    url: Arc<str>,
    size: u32,
    deadline: Duration,
}

/// The connections since the last outage, and those of earlier ones that somebody still waits on.
#[derive(Debug)]
struct Sets {
    generation: u64,
    current: Set,
    abandoned: Vec<Set>,
}

#[derive(Debug, Clone)]
struct Set {
    connections: diesel::r2d2::Pool<Manager>,
    places: Arc<Semaphore>,
}

/// The right to one connection, for as long as the work takes: a request that gave up doesn't free what its work still holds.
#[derive(Debug)]
pub(super) struct Place {
    pool: Pool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool of at most `size` connections; the first is made when it is needed. Work waits no longer than `deadline`, the
    /// queue included.
    pub fn new(url: &str, size: u32, deadline: Duration) -> Result<Self> {
        let url = with_timeouts(url);
        let outage = Outage::new(url.clone());
        let limits = Limits { url: url.into(), size, deadline };
        let sets = Sets { generation: outage.generation(), current: limits.set(&outage), abandoned: Vec::new() };
        let gatherer = || Gatherer::new(limits.manager(&outage), deadline);
        let (gatherer, noter) = (gatherer(), gatherer());
        let (sets, queue) = (Arc::new(Mutex::new(sets)), Arc::default());
        Ok(Self { limits, sets, queue, outage, gatherer, noter, companion: None })
    }

    /// What asks for many requests at once, over a connection of its own.
    #[must_use]
    pub fn gatherer(&self) -> &Gatherer {
        &self.gatherer
    }

    /// What notes something for many requests at once: not over that connection, as no look-up may wait for a lock.
    #[must_use]
    pub fn noter(&self) -> &Gatherer {
        &self.noter
    }

    /// The same connections, with something beside them.
    #[must_use]
    pub fn beside<T: Any + Send + Sync>(self, companion: Arc<T>) -> Self {
        Self { companion: Some(Companion::new(companion)), ..self }
    }

    /// What stands beside the connections.
    #[must_use]
    pub fn companion<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.companion.as_ref().and_then(Companion::of_kind)
    }

    /// How long work waits for the database, the queue included.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.limits.deadline
    }

    /// What a statement may take before the server itself gives it up: less than the deadline, so that a lock that is not had
    /// in time leaves a healthy connection behind.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        self.limits.statement_timeout()
    }

    /// How many wait for a connection, and how many of the connections are in use.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let set = self.set();
        (self.queue.length(), self.limits.size as usize - set.places.available_permits())
    }

    /// How many threads may wait for the database at once, in one worker: those left to connections that hang are of no use to
    /// anybody any more.
    #[must_use]
    pub fn threads_most(&self) -> usize {
        (ABANDONED_MOST + 1) * self.limits.size as usize
    }

    /// Returns when nobody works in the database any more, also not for a request that gave up. A connection may hang for ever.
    pub async fn until_idle(&self) {
        let _ = self.set().places.acquire_many(self.limits.size).await;
    }

    /// Whether an outage is known.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.outage.is_known()
    }

    /// Refuses at once during an outage: for work that would be in vain.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] during an outage that is known.
    pub fn check(&self) -> Result<()> {
        self.outage.check()
    }

    pub(super) fn outage(&self) -> &Outage {
        &self.outage
    }

    /// Waits for a connection's turn, at most half of a deadline: who came so late would not be answered within it.
    pub(super) async fn place(&self) -> Result<Place> {
        let places = self.set().places;
        let permit = match Arc::clone(&places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.queue.wait(places, self.limits.deadline / 2).await.inspect_err(|error| {
                if matches!(error, Error::Unavailable(_)) {
                    self.outage.suspect("nobody in the queue gets on");
                }
            })?,
        };
        Ok(Place { pool: self.clone(), _permit: permit })
    }

    /// The set of connections to take one from: a new one after each outage.
    fn set(&self) -> Set {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.outage.generation();
        if sets.generation != generation {
            sets.generation = generation;
            sets.abandoned.retain(Set::is_waited_on);
            if !sets.current.is_waited_on() {
                sets.current = self.limits.set(&self.outage);
            } else if sets.abandoned.len() < ABANDONED_MOST {
                let old = std::mem::replace(&mut sets.current, self.limits.set(&self.outage));
                sets.abandoned.push(old);
            }
        }
        sets.current.clone()
    }

    /// Runs `work` on this thread, which waits; [`super::run`] is the way for requests.
    pub fn with<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> (Result<T, E>, Counted) {
        let mut pooled = match self.check_out() {
            Ok(pooled) => pooled,
            Err(error) => return (Err(error.into()), Counted::default()),
        };
        pooled.counter.take();
        let result = companion::beside(self.companion.clone(), || work(&mut pooled.conn));
        let counted = pooled.counter.take();
        pooled.used_at = Instant::now();
        if counted.broken || pooled.conn.is_broken() {
            pooled.broken = true;
            self.outage.suspect("a connection broke");
        }
        (result, counted)
    }

    fn check_out(&self) -> Result<diesel::r2d2::PooledConnection<Manager>> {
        loop {
            let connections = self.set().connections;
            let mut pooled = connections.get().map_err(|error| {
                // All of them at work is no outage: the next one who is done hands one on.
                if connections.state().connections < self.limits.size {
                    self.outage.suspect("no connection to be had");
                }
                Error::Unavailable(error.to_string())
            })?;
            if pooled.generation == self.outage.generation() && pooled.answers() {
                return Ok(pooled);
            }
            pooled.broken = true;
        }
    }
}

impl Place {
    /// [`Pool::with`], in its turn.
    pub(super) fn with<T, E: From<Error>>(
        self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> (Result<T, E>, Counted) {
        let answer = self.pool.with(work);
        self.pool.queue.got_on();
        answer
    }
}

impl Limits {
    fn statement_timeout(&self) -> Duration {
        self.deadline * 4 / 5
    }

    fn manager(&self, outage: &Arc<Outage>) -> Manager {
        Manager { url: self.url.to_string(), outage: Arc::clone(outage), statement: self.statement_timeout() }
    }

    fn set(&self, outage: &Arc<Outage>) -> Set {
        let connections = diesel::r2d2::Pool::builder()
            .max_size(self.size)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(self.deadline)
            // An outage is told once, by the breaker.
            .error_handler(Box::new(diesel::r2d2::NopErrorHandler))
            .build_unchecked(self.manager(outage));
        Set { connections, places: Arc::new(Semaphore::new(self.size as usize)) }
    }
}

impl Set {
    fn is_waited_on(&self) -> bool {
        let state = self.connections.state();
        state.connections > state.idle_connections
    }
}
