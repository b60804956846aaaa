//! The life of one copy: when it was let in, when it was refused, and how that looks in the chart.

use crate::experiments::{
    exchange::{Door, Exchange},
    finding::Lane,
};

/// Every try of one copy.
pub struct Life<'a> {
    pub door: Door,
    pub name: &'static str,
    /// When the credential was issued.
    pub since: f64,
    /// When its owner last used it.
    pub used_at: f64,
    /// When its owner's log-out was answered.
    pub log_out: f64,
    pub before: Vec<&'a Exchange>,
    pub after: Vec<&'a Exchange>,
}

impl Life<'_> {
    /// How many of the requests after log-out were let in.
    pub fn let_in(&self) -> usize {
        self.after.iter().filter(|probe| probe.accepted).count()
    }

    /// What asking about it cost while it was good, in words; nothing if the server does not say.
    pub fn price(&self) -> Option<String> {
        let probe = self.before.last().or(self.after.first())?;
        probe.statements.map(|count| format!("{count} SQL statement{}", if count == 1 { "" } else { "s" }))
    }

    /// How many seconds after log-out it was last let in.
    pub fn residual(&self) -> f64 {
        self.after.iter().rfind(|probe| probe.accepted).map_or(0.0, |probe| (probe.at.0 - self.log_out).max(0.0))
    }

    /// Its bar, on an axis of so many seconds.
    pub fn lane(&self, axis: f64) -> Lane {
        let x = |seconds: f64| (seconds / axis * 1000.0).clamp(0.0, 1000.0);
        let let_in = self.before.iter().chain(&self.after).filter(|probe| probe.accepted).map(|probe| probe.at.0);
        let good = let_in.fold(self.used_at, f64::max);
        let end = self.after.last().map_or(good, |probe| probe.answered.0);
        let refused =
            self.after.iter().find(|probe| !probe.accepted && probe.at.0 >= good).map_or(end, |probe| probe.at.0);
        let residual = seconds(self.residual());
        Lane {
            door: self.door,
            name: self.name,
            accepted_from: x(self.since),
            accepted_width: x(good) - x(self.since),
            refused_from: x(refused),
            refused_width: x(end) - x(refused),
            label: (self.let_in() > 0).then(|| format!("accepted {residual} s after log-out")),
            let_in: self.let_in(),
            probes: self.after.len(),
            residual: format!("{residual} s"),
        }
    }
}

/// A number of seconds as it is shown large.
pub fn seconds(seconds: f64) -> String {
    if seconds > 0.0 { format!("{seconds:.1}") } else { "0".to_owned() }
}
