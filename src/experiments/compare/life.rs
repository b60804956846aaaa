//! The life of one copy: when it was let in, when it was refused, and how that looks in the chart.
//!
//! Positions are thousandths of the time axis. A bar is solid up to the last request that was let in and hatched from the first
//! that was refused; between the two nobody knows, and nothing is drawn.

use crate::experiments::{
    exchange::Door,
    finding::{Lane, Lives},
};

/// One try of a copy, in seconds since the run began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    pub at: f64,
    pub answered: f64,
    pub accepted: bool,
}

/// Every try of one copy.
#[derive(Debug)]
pub(super) struct Life {
    pub door: Door,
    pub name: &'static str,
    /// When the credential was issued.
    pub since: f64,
    /// When the event was over at this door.
    pub event: Option<f64>,
    /// What asking about it cost while it was good, in statements; nothing if the server does not say.
    pub price: Option<u32>,
    pub tries: Vec<Try>,
}

impl Life {
    pub fn new(door: Door, name: &'static str, since: f64) -> Self {
        Self { door, name, since, event: None, price: None, tries: Vec::new() }
    }

    /// The tries that were sent when the event was over.
    pub fn after(&self) -> impl DoubleEndedIterator<Item = &Try> + Clone {
        let event = self.event.unwrap_or(f64::INFINITY);
        self.tries.iter().filter(move |one| one.at >= event)
    }

    /// How many of them were let in.
    pub fn let_in(&self) -> usize {
        self.after().filter(|one| one.accepted).count()
    }

    pub fn probes(&self) -> usize {
        self.after().count()
    }

    /// How many seconds after the event it was last let in.
    pub fn residual(&self) -> f64 {
        let last = self.after().rfind(|one| one.accepted);
        last.map_or(0.0, |last| last.at - self.event.unwrap_or(last.at))
    }

    /// Whether the last try was let in: then nobody saw the end.
    pub fn outlived_the_run(&self) -> bool {
        self.after().next_back().is_some_and(|last| last.accepted)
    }

    /// Whether it was refused before the instant at which it would have died of age.
    pub fn was_revoked(&self, expires_at: f64) -> bool {
        self.after().any(|one| !one.accepted && one.answered < expires_at)
    }

    fn lane(&self, axis: f64, event_name: &str) -> Lane {
        let x = |seconds: f64| (seconds / axis * 1000.0).clamp(0.0, 1000.0);
        let good = self.tries.iter().filter(|one| one.accepted).map(|one| one.at).fold(self.since, f64::max);
        let end = self.tries.last().map_or(good, |last| last.answered);
        let refused = self.tries.iter().find(|one| !one.accepted && one.at >= good).map_or(end, |one| one.at);
        let residual = seconds(self.residual());
        let end_unseen = if self.outlived_the_run() { ", and its end was not waited for" } else { "" };
        Lane {
            door: self.door,
            name: self.name,
            accepted_from: x(self.since),
            accepted_width: x(good) - x(self.since),
            refused_from: x(refused),
            refused_width: x(end) - x(refused),
            label: (self.let_in() > 0).then(|| format!("accepted {residual} s after {event_name}{end_unseen}")),
            let_in: self.let_in(),
            probes: self.probes(),
            residual: format!("{residual} s"),
            residual_seconds: self.residual(),
        }
    }
}

/// The lives on one axis, as far as they have come.
pub(super) fn draw(lives: &[&Life], event: Option<f64>, event_name: &str, now: f64) -> Lives {
    let axis = now.ceil().max(1.0);
    let step = if axis > 20.0 { 5 } else { 2 };
    let ticks = (0..=300).step_by(step).map(f64::from).take_while(|second| *second <= axis);
    Lives {
        ticks: ticks.map(|second| (second / axis * 1000.0, format!("{second:.0} s"))).collect(),
        event_at: event.map_or(1000.0, |event| event / axis * 1000.0),
        event_text: event.map_or_else(|| "now".to_owned(), |event| format!("{event_name}, {event:.1} s")),
        event_name: event_name.to_owned(),
        lanes: lives.iter().map(|life| life.lane(axis, event_name)).collect(),
    }
}

/// A number of seconds as it is shown large.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        0.05.. => format!("{seconds:.1}"),
        _ if seconds > 0.0 => "under 0.1".to_owned(),
        _ => "0".to_owned(),
    }
}
