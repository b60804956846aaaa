//! The series: their names, their labels, and what Prometheus is told about them.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::{CHECKS, OUTCOMES};

/// Every series, in its registry.
pub(super) struct Metrics {
    pub(super) registry: Registry,
    pub(super) requests: Family<Request, Counter>,
    pub(super) authentications: Vec<Counter>,
    pub(super) reuses: Family<Kind, Counter>,
    pub(super) batches: Histogram,
    pub(super) database_waits: Histogram,
    pub(super) database_refusals: Family<Kind, Counter>,
    pub(super) passwords_waits: Histogram,
    pub(super) passwords_waiting: Gauge,
    pub(super) passwords_turned_away: Counter,
    pub(super) at_scrape: [Gauge; 3],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) route: String,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Authentication {
    door: &'static str,
    check: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub(super) kind: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Self {
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
        registry.register("gathered_lookups", "Look-ups, or notes of use, that shared one statement", batches.clone());
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
