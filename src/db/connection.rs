//! One connection of the pool: how it is made, and what is known of it.
//!
//! r2d2 would ping at every check-out, which costs as much as the question itself; that is switched off. A connection is
//! pinged only after a second of idleness.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{
    ConnectionError, PgConnection,
    connection::{Connection as _, SimpleConnection as _},
    r2d2::R2D2Connection as _,
};

use super::{count::Counter, outage::Outage};

/// A connection idle for longer is pinged before use.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Makes connections; what r2d2 asks for.
#[derive(Debug, Clone)]
pub struct Manager {
    pub(super) url: String,
    pub(super) outage: Arc<Outage>,
    /// What a statement may take.
    pub(super) statement: Duration,
}

/// A connection, and what is known of it.
pub struct Pooled {
    pub(super) conn: PgConnection,
    pub(super) counter: Counter,
    pub(super) used_at: Instant,
    pub(super) broken: bool,
    pub(super) generation: u64,
}

impl Pooled {
    /// Whether the connection can be trusted; one that lay idle is pinged.
    pub(super) fn answers(&mut self) -> bool {
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
        let statement = self.statement.as_millis();
        conn.batch_execute(&format!(
            "SET TIME ZONE 'UTC'; SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = '10s'"
        ))
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
