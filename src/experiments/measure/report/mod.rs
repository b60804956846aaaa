//! Makes figures of what was measured; where nothing was, of what was measured on the reference machine.
//!
//! Every title is computed from the numbers below it, so that it says what was found here, whatever other machines find.

mod computing;
mod requests;

use super::{Measurement, Sample, reference::MACHINE};
use crate::experiments::{
    exchange::Door,
    figure::{Bar, Figure},
};

/// Where this server keeps its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In the database.
    Postgres,
    /// Beside it.
    Redis,
}

/// A figure, and what there is to say of it.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name within the page.
    pub id: &'static str,
    /// What it and those after it are about; nothing, if it goes on with what the one before was.
    pub heading: Option<&'static str>,
    /// The chart.
    pub figure: Figure,
    /// A paragraph.
    pub says: String,
}

/// What the figures are made of.
struct Source<'a> {
    run: Option<&'a Measurement>,
    store: Store,
    note: String,
}

/// The figures of a run that ended at `at`, or of the reference machine's.
#[must_use]
pub fn parts(run: Option<(&Measurement, &str)>, store: Store) -> Vec<Part> {
    let note =
        run.map_or_else(|| format!("measured on {MACHINE}"), |(_, at)| format!("measured on this server at {at}"));
    let source = Source { run: run.map(|(run, _)| run), store, note };
    let parts = [source.verify(), source.sign(), source.bytes(), source.password()];
    source.look_up().into_iter().chain(source.round_trip()).chain(parts).collect()
}

impl Source<'_> {
    fn figure(&self, title: String, unit: &'static str, n: usize, bars: Vec<Bar>) -> Figure {
        Figure { title, unit, bars, n, note: self.note.clone() }
    }

    /// A bar of this run with the reference beside it, or of the reference.
    fn bar(label: &str, door: Door, sample: Option<&Sample>, reference: f64) -> Bar {
        match sample {
            Some(sample) => sample.bar(label, Some(door)).beside(Some(reference)),
            None => Bar::exact(label, Some(door), reference),
        }
    }

    fn n(&self, of: fn(&Measurement) -> usize, reference: usize) -> usize {
        self.run.map_or(reference, of)
    }
}

/// The number of the bar with this label.
fn value(bars: &[Bar], label: &str) -> f64 {
    bars.iter().find(|bar| bar.label == label).map_or(0.0, |bar| bar.value)
}

/// Which of two is faster, and how much, as a sentence.
fn contest(verb: &str, one: (&str, f64), other: (&str, f64)) -> String {
    let (fast, slow) = if one.1 <= other.1 { (one, other) } else { (other, one) };
    let ratio = if slow.1 > 0.0 { slow.1 / fast.1 } else { 1.0 };
    let (fast, slow) = (fast.0, slow.0);
    let sentence = match ratio {
        _ if ratio.is_infinite() => format!("{fast} takes less time than can be measured here, unlike {slow}"),
        ..1.05 => format!("{fast} and {slow} are about even"),
        ..9.5 => format!("{fast} {verb} {ratio:.1} times as fast as {slow}"),
        _ => format!("{fast} {verb} {ratio:.0} times as fast as {slow}"),
    };
    let first: String = sentence.chars().take(1).flat_map(char::to_uppercase).collect();
    first + &sentence.chars().skip(1).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_say_what_was_found_whoever_wins() {
        let contest = |one, other| contest("checks", ("RS256", one), ("ES256", other));
        assert_eq!(contest(31.0, 80.0), "RS256 checks 2.6 times as fast as ES256");
        assert_eq!(contest(80.0, 31.0), "ES256 checks 2.6 times as fast as RS256");
        assert_eq!(contest(2.0, 80.0), "RS256 checks 40 times as fast as ES256");
        assert_eq!(contest(80.0, 81.0), "RS256 and ES256 are about even");
        assert_eq!(contest(0.0, 81.0), "RS256 takes less time than can be measured here, unlike ES256");
        assert_eq!(contest(0.0, 0.0), "RS256 and ES256 are about even");
    }

    #[test]
    fn without_a_run_the_reference_machine_s_numbers_are_shown_and_said_to_be_its() {
        let parts = parts(None, Store::Postgres);
        assert_eq!(parts.len(), 5);
        for part in parts {
            assert!(part.figure.note.contains(MACHINE), "{part:?}");
            assert!(!part.figure.has_reference() && part.figure.bars.iter().all(|bar| bar.value > 0.0), "{part:?}");
        }
    }
}
