//! What is counted, for Prometheus: `GET /metrics` on a listener of its own (`METRICS_ADDRESS`).
//!
//! A leaf: whoever does something worth counting says so here, and pays an atomic addition for it. Requests are counted only
//! while somebody listens, as finding a request's route costs more than that. Labels are our own words, route patterns and
//! status codes: nothing that a client chooses makes a series.
//!
//! Limit: it counts for this process, and from its start.

mod series;

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus_client::encoding::prometheus_text;

use self::series::{Kind, Metrics, Request};

/// What [`text`] is to be sent as.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
static COUNTS_REQUESTS: AtomicBool = AtomicBool::new(false);

/// What was checked, at which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// A session's row.
    Session,
    /// An access token's signature and claims.
    Claims,
    /// Whether an access token still stands. Its claims were counted before.
    Live,
    /// A password, at the session door.
    SessionPassword,
    /// A password, at the token door.
    TokenPassword,
}

/// What the check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Let in.
    Accepted,
    /// Not a credential that was ever good, as far as anybody knows.
    Refused,
    /// It was good once, and expired, or was ended.
    Ended,
    /// Whoever it belongs to is kept out.
    Banned,
    /// Too many guesses.
    Throttled,
    /// Nobody knows: what would be asked is away or has too much to do.
    Unavailable,
}

const CHECKS: [(Check, &str, &str); 5] = [
    (Check::Session, "session", "row"),
    (Check::Claims, "token", "claims"),
    (Check::Live, "token", "live"),
    (Check::SessionPassword, "session", "password"),
    (Check::TokenPassword, "token", "password"),
];
const OUTCOMES: [(Outcome, &str); 6] = [
    (Outcome::Accepted, "accepted"),
    (Outcome::Refused, "refused"),
    (Outcome::Ended, "ended"),
    (Outcome::Banned, "banned"),
    (Outcome::Throttled, "throttled"),
    (Outcome::Unavailable, "unavailable"),
];

/// What is read when somebody asks.
#[derive(Debug, Clone, Copy)]
pub struct Gauges {
    /// Requests that wait for a connection to the database.
    pub database_waiting: usize,
    /// Connections at work.
    pub database_in_use: usize,
    /// Whether no outage of the database is known.
    pub database_up: bool,
}

/// From now on requests are counted.
pub fn begin_to_count_requests() {
    COUNTS_REQUESTS.store(true, Ordering::Relaxed);
}

/// Whether requests are counted.
#[must_use]
pub fn counts_requests() -> bool {
    COUNTS_REQUESTS.load(Ordering::Relaxed)
}

/// Counts an answer; without a route it was one to a path that nobody knows.
pub fn answered(route: Option<&str>, status: u16) {
    let route = route.unwrap_or("none").to_owned();
    METRICS.requests.get_or_create(&Request { route, status }).inc();
}

/// Counts a credential that was checked.
pub fn authenticated(check: Check, outcome: Outcome) {
    if let Some(counter) = METRICS.authentications.get(check as usize * OUTCOMES.len() + outcome as usize) {
        counter.inc();
    }
}

/// Counts a refresh token that came back.
pub fn reused(kind: &'static str) {
    METRICS.reuses.get_or_create(&Kind { kind }).inc();
}

/// Counts a statement by the look-ups that it answered, or the notes that it made.
pub fn gathered(lookups: usize) {
    METRICS.batches.observe(lookups as f64);
}

/// Takes note of how long work waited for a connection to the database.
pub fn database_waited(time: Duration) {
    METRICS.database_waits.observe(time.as_secs_f64());
}

/// Counts work that was not done in the database.
pub fn database_refused(kind: &'static str) {
    METRICS.database_refusals.get_or_create(&Kind { kind }).inc();
}

/// Takes note of how long a password waited for the gate.
pub fn password_waited(time: Duration) {
    METRICS.passwords_waits.observe(time.as_secs_f64());
}

/// A password more in the queue, or one less.
pub fn passwords_waiting(change: i64) {
    METRICS.passwords_waiting.inc_by(change);
}

/// Counts a password that found the queue full.
pub fn password_turned_away() {
    METRICS.passwords_turned_away.inc();
}

/// Everything, in the text format of Prometheus ([`CONTENT_TYPE`]).
#[must_use]
pub fn text(gauges: Gauges) -> String {
    let [waiting, in_use, up] = &METRICS.at_scrape;
    waiting.set(i64::try_from(gauges.database_waiting).unwrap_or(i64::MAX));
    in_use.set(i64::try_from(gauges.database_in_use).unwrap_or(i64::MAX));
    up.set(i64::from(gauges.database_up));
    let mut text = String::with_capacity(8 * 1024);
    // Writing to a `String` never fails.
    let _ = prometheus_text::encode(&mut text, &METRICS.registry);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_stands_under_its_own_labels() {
        for (index, (check, ..)) in CHECKS.iter().enumerate() {
            assert_eq!(*check as usize, index);
        }
        for (index, (outcome, _)) in OUTCOMES.iter().enumerate() {
            assert_eq!(*outcome as usize, index);
        }
    }
}
