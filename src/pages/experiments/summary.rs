//! The summary of a reference entry: its lines, and what each experiment behind them says on this server.

use crate::experiments::{
    board::Board,
    claims,
    experiment::{Experiment, Side, Test},
    finding::Stamp,
};

/// A line.
pub(super) struct Summed {
    pub what: &'static str,
    pub session: Shown,
    pub token: Shown,
}

/// One door's side of it.
pub(super) struct Shown {
    pub says: &'static str,
    pub by: Vec<Verdict>,
}

/// An experiment with its verdict: the last one seen on this server, else the one that tests hold.
pub(super) struct Verdict {
    pub experiment: &'static Experiment,
    pub stamp: Stamp,
    pub is_seen: bool,
}

/// The lines of an entry; none for an experiment that is run.
pub(super) fn of(experiment: &Experiment, board: &Board) -> Vec<Summed> {
    let Test::Reference { lines, .. } = experiment.test else { return Vec::new() };
    let shown = |side: &Side| {
        let by = side.shown_by.iter().filter_map(|id| verdict(claims::find(id)?, board)).collect();
        Shown { says: side.says, by }
    };
    lines
        .iter()
        .map(|line| Summed { what: line.what, session: shown(&line.session), token: shown(&line.token) })
        .collect()
}

fn verdict(experiment: &'static Experiment, board: &Board) -> Option<Verdict> {
    let seen = board.last(experiment.id).map(|finding| finding.stamp);
    let stamp = seen.or(experiment.expected)?;
    Some(Verdict { experiment, stamp, is_seen: seen.is_some() })
}
