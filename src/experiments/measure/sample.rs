//! A sample: how long something took, each time of many.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::experiments::{exchange::Door, figure::Bar};

/// What times are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// `µs`
    Microseconds,
    /// `ms`
    Milliseconds,
}

/// Many measurements of one thing, as their order shows them. A mean would be whatever the slowest makes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// How many.
    pub n: usize,
    /// As many were above as below.
    pub median: f64,
    /// One in ten was below.
    pub p10: f64,
    /// One in ten was above.
    pub p90: f64,
    /// What they count.
    pub unit: Unit,
}

impl Unit {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
        }
    }

    fn of(self, time: Duration) -> f64 {
        match self {
            Self::Microseconds => time.as_secs_f64() * 1e6,
            Self::Milliseconds => time.as_secs_f64() * 1e3,
        }
    }
}

impl Sample {
    /// Nothing, if nothing was measured.
    #[must_use]
    pub fn of(times: &[Duration], unit: Unit) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let percentile = |percent: usize| unit.of(sorted[(last * percent + 50) / 100]);
        Some(Self { n: sorted.len(), median: percentile(50), p10: percentile(10), p90: percentile(90), unit })
    }

    /// Its bar in a figure.
    #[must_use]
    pub fn bar(&self, label: impl Into<String>, door: Option<Door>) -> Bar {
        Bar { low: self.p10, high: self.p90, ..Bar::exact(label, door, self.median) }
    }
}

/// Times some work, after a tenth as many turns that don't count.
pub fn repeat<T, E>(n: usize, mut work: impl FnMut() -> Result<T, E>) -> Result<Vec<Duration>, E> {
    for _ in 0..n / 10 {
        black_box(work()?);
    }
    let timed = |_| {
        let began = Instant::now();
        black_box(work()?);
        Ok(began.elapsed())
    };
    (0..n).map(timed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_its_order_and_no_outlier_moves_it() {
        let mut times: Vec<Duration> = (1..=99).rev().map(Duration::from_micros).collect();
        times.push(Duration::from_secs(1));
        let sample = Sample::of(&times, Unit::Microseconds).expect("a sample");
        assert_eq!((sample.n, sample.p10, sample.median, sample.p90), (100, 11.0, 51.0, 90.0));
        // Half a millisecond, which a float can hold as it is.
        let one = Sample::of(&[Duration::from_micros(500)], Unit::Milliseconds).expect("a sample");
        assert_eq!((one.p10, one.median, one.p90), (0.5, 0.5, 0.5));
        assert_eq!(Sample::of(&[], Unit::Milliseconds), None);
    }

    #[test]
    fn what_fails_is_not_measured() {
        let mut turns = 0;
        let work = || {
            turns += 1;
            if turns < 5 { Ok(()) } else { Err("no more") }
        };
        assert_eq!(repeat(20, work), Err("no more"));
        assert_eq!(turns, 5);
    }
}
