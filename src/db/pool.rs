//! The connections that requests share.
//!
//! r2d2 would ping at every check-out, which costs as much as the question itself; that is switched off. A connection is
//! pinged only after a second of idleness, and one that broke, or is older than the last outage, is replaced.
//!
//! A connection to a server that froze may never come back, and the thread that waits on it neither. So after each outage
//! there is a new set of connections, and the old set is left to those that still wait on it. At most four sets are kept
//! like that: then new connections have to fit in beside what is stuck.

use std::{
    any::Any,
    cell::RefCell,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::{
    ConnectionError, PgConnection,
    connection::{Connection as _, SimpleConnection as _},
    r2d2::R2D2Connection as _,
};

use super::{
    Error, Result,
    count::{Counted, Counter},
    outage::Outage,
};

/// How long a thread waits for a free connection.
const WAIT: Duration = Duration::from_secs(2);
/// A connection idle for longer is pinged before use.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How many sets of connections may be left to whoever still waits on them.
const ABANDONED_MOST: usize = 4;

thread_local! {
    static PRESENT: RefCell<Option<Companion>> = const { RefCell::new(None) };
}

/// What belongs to a database without being in it: a store that keeps a part of what its rows tell of. Whoever works with a
/// connection of the pool finds it, as it finds the rows, so that nobody has to hand it on who doesn't know it.
#[derive(Clone)]
struct Companion(Arc<dyn Any + Send + Sync>);

impl Companion {
    fn of_kind<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).downcast().ok()
    }
}

impl std::fmt::Debug for Companion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Companion")
    }
}

/// What stands beside the database that this thread works with at this moment, inside of [`Pool::with`].
#[must_use]
pub fn companion<T: Any + Send + Sync>() -> Option<Arc<T>> {
    PRESENT.with_borrow(|present| present.as_ref().and_then(Companion::of_kind))
}

/// The pool. Cloning it is cheap and shares it.
#[derive(Clone, Debug)]
pub struct Pool {
    url: Arc<str>,
    size: u32,
    sets: Arc<Mutex<Sets>>,
    outage: Arc<Outage>,
    companion: Option<Companion>,
}

/// The connections since the last outage, and those of earlier ones that somebody still waits on.
#[derive(Debug)]
struct Sets {
    generation: u64,
    current: Connections,
    abandoned: Vec<Connections>,
}

type Connections = diesel::r2d2::Pool<Manager>;

/// Makes connections; what r2d2 asks for.
#[derive(Debug)]
pub struct Manager {
    url: String,
    outage: Arc<Outage>,
}

/// A connection, and what is known of it.
pub struct Pooled {
    conn: PgConnection,
    counter: Counter,
    used_at: Instant,
    broken: bool,
    generation: u64,
}

impl Pool {
    /// A pool of at most `size` connections; the first is made when it is needed.
    pub fn new(url: &str, size: u32) -> Result<Self> {
        let url = with_timeouts(url);
        let outage = Outage::new(url.clone());
        let current = connections(&url, size, &outage);
        let sets = Sets { generation: outage.generation(), current, abandoned: Vec::new() };
        let sets = Arc::new(Mutex::new(sets));
        Ok(Self { url: url.into(), size, sets, outage, companion: None })
    }

    /// The same connections, with something beside them.
    #[must_use]
    pub fn beside<T: Any + Send + Sync>(self, companion: Arc<T>) -> Self {
        Self { companion: Some(Companion(companion)), ..self }
    }

    /// What stands beside the connections.
    #[must_use]
    pub fn companion<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.companion.as_ref().and_then(Companion::of_kind)
    }

    /// The set of connections to take one from: a new one after each outage.
    fn connections(&self) -> Connections {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.outage.generation();
        if sets.generation != generation {
            sets.generation = generation;
            sets.abandoned.retain(is_waited_on);
            if !is_waited_on(&sets.current) {
                sets.current = connections(&self.url, self.size, &self.outage);
            } else if sets.abandoned.len() < ABANDONED_MOST {
                let old = std::mem::replace(&mut sets.current, connections(&self.url, self.size, &self.outage));
                sets.abandoned.push(old);
            }
        }
        sets.current.clone()
    }

    pub(super) fn outage(&self) -> &Outage {
        &self.outage
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
        let before = PRESENT.replace(self.companion.clone());
        let result = work(&mut pooled.conn);
        PRESENT.set(before);
        let counted = pooled.counter.take();
        pooled.used_at = Instant::now();
        if counted.broken || pooled.conn.is_broken() {
            pooled.broken = true;
            self.outage.begin("a connection broke");
        }
        (result, counted)
    }

    fn check_out(&self) -> Result<diesel::r2d2::PooledConnection<Manager>> {
        loop {
            let connections = self.connections();
            let mut pooled = connections.get().map_err(|error| {
                // All of them at work is no outage: the next one who is done hands one on.
                if connections.state().connections < self.size {
                    self.outage.begin("no connection to be had");
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

fn connections(url: &str, size: u32, outage: &Arc<Outage>) -> Connections {
    diesel::r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(WAIT)
        // An outage is told once, by the breaker.
        .error_handler(Box::new(diesel::r2d2::NopErrorHandler))
        .build_unchecked(Manager { url: url.to_owned(), outage: Arc::clone(outage) })
}

fn is_waited_on(connections: &Connections) -> bool {
    let state = connections.state();
    state.connections > state.idle_connections
}

impl Pooled {
    fn answers(&mut self) -> bool {
        if self.used_at.elapsed() < TRUSTED_IDLE {
            return true;
        }
        self.counter.ignore_next();
        self.conn.ping().is_ok()
    }
}

impl diesel::r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Pooled, ConnectionError> {
        let generation = self.outage.generation();
        let mut conn = PgConnection::establish(&self.url)?;
        // A lock that is not had in time, or a client that vanished in the middle, must not hold others up.
        conn.batch_execute(
            "SET TIME ZONE 'UTC'; SET statement_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s'",
        )
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
        let counter = Counter::default();
        let events = counter.clone();
        conn.set_instrumentation(move |event: diesel::connection::InstrumentationEvent<'_>| events.on_event(&event));
        Ok(Pooled { conn, counter, used_at: Instant::now(), broken: false, generation })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), ConnectionError> {
        pooled.conn.ping().map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.broken || std::thread::panicking()
    }
}

impl Deref for Pooled {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

/// Adds libpq's own time limits to a connection string that doesn't name them (a URL or `name=value` pairs).
pub(super) fn with_timeouts(url: &str) -> String {
    let is_url = url.contains("://");
    let mut url = url.to_owned();
    for (name, value) in [
        ("connect_timeout", "3"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "8000"),
        ("application_name", "two-doors"),
    ] {
        if !url.contains(name) {
            let separator = match (is_url, url.contains('?')) {
                (false, _) => ' ',
                (true, false) => '?',
                (true, true) => '&',
            };
            url.extend([separator.to_string().as_str(), name, "=", value]);
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::with_timeouts;

    #[test]
    fn time_limits_are_added_to_both_forms_and_never_twice() {
        assert!(with_timeouts("postgres://u@h/d").contains("/d?connect_timeout=3&keepalives"));
        assert!(with_timeouts("host=/run dbname=d").contains("dbname=d connect_timeout=3"));
        assert_eq!(with_timeouts("postgres://h/d?connect_timeout=9").matches("connect_timeout").count(), 1);
    }
}
