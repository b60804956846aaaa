//! What is counted, for Prometheus: `GET /metrics` on a listener of its own (`METRICS_ADDRESS`).
//!
//! A leaf: whoever does something worth counting says so here, and pays an atomic addition for it. Requests are counted only
//! while somebody listens, as finding a request's route costs more than that. Labels are our own words, route patterns and
//! status codes: nothing that a client chooses makes a series.
//!
//! Limit: it counts for this process, and from its start.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// What [`text`] is to be sent as.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
static COUNTS_REQUESTS: AtomicBool = AtomicBool::new(false);

struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    authentications: Vec<Counter>,
    reuses: Family<Kind, Counter>,
    batches: Histogram,
    database_waits: Histogram,
    database_refusals: Family<Kind, Counter>,
    passwords_waits: Histogram,
    passwords_waiting: Gauge,
    passwords_turned_away: Counter,
    at_scrape: [Gauge; 3],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Authentication {
    door: &'static str,
    check: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

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

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("two_doors");
        let requests: Family<Request, Counter> = Family::default();
        let authenticated: Family<Authentication, Counter> = Family::default();
        let (reuses, database_refusals): (Family<Kind, Counter>, Family<Kind, Counter>) = Default::default();
        // A tenth of a millisecond to a bit over three seconds.
        let waits = || Histogram::new(exponential_buckets(0.0001, 2.0, 16));
        let (database_waits, passwords_waits) = (waits(), waits());
        let batches = Histogram::new(exponential_buckets(1.0, 2.0, 9));
        let (passwords_waiting, passwords_turned_away) = (Gauge::default(), Counter::default());
        let at_scrape: [Gauge; 3] = std::array::from_fn(|_| Gauge::default());
        registry.register("requests", "Answers, by route pattern and status", Family::clone(&requests));
        registry.register("authentications", "Credentials checked, by door", Family::clone(&authenticated));
        registry.register("refresh_reuses", "Refresh tokens that came back", Family::clone(&reuses));
        registry.register("gathered_lookups", "Look-ups that shared one statement", batches.clone());
        let mut waited = |name: &str, help: &str, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        waited("database_wait", "Waiting for a connection to the database", &database_waits);
        waited("password_wait", "Waiting for the gate before password hashing", &passwords_waits);
        registry.register("database_refusals", "Work not done in the database", Family::clone(&database_refusals));
        registry.register("passwords_waiting", "Passwords in the queue or being hashed", passwords_waiting.clone());
        registry.register("passwords_turned_away", "Found the queue full", passwords_turned_away.clone());
        let [waiting, in_use, up] = &at_scrape;
        registry.register("database_waiting", "Requests that wait for a connection", waiting.clone());
        registry.register("database_connections_in_use", "Connections at work", in_use.clone());
        registry.register("database_up", "0 while an outage is known", up.clone());
        let labels = CHECKS
            .iter()
            .flat_map(|(_, door, check)| OUTCOMES.iter().map(|(_, outcome)| Authentication { door, check, outcome }));
        let authentications = labels.map(|labels| Counter::clone(&*authenticated.get_or_create(&labels))).collect();
        Self {
            registry,
            requests,
            authentications,
            reuses,
            batches,
            database_waits,
            database_refusals,
            passwords_waits,
            passwords_waiting,
            passwords_turned_away,
            at_scrape,
        }
    }
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

/// Counts a statement by the look-ups that it answered.
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
