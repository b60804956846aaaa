//! A chart of a few measured numbers: horizontal bars on a linear axis from zero, each with its spread.
//!
//! The title says the finding, so it is computed from the numbers as well. The axis never begins elsewhere than at zero and
//! is never logarithmic: what looks twice as long is twice as much. `parts/figure.html` draws it, with the same numbers as
//! a table.

use serde::Serialize;

use super::exchange::Door;

/// How much of the chart's width the axis takes, in percent: the rest is for the number beside the longest bar.
const AXIS_PERCENT: f64 = 80.0;
/// On a phone no more of them have room side by side.
const TICKS_MOST: f64 = 5.0;

/// A chart.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The finding, in a sentence.
    pub title: String,
    /// What the numbers count, such as `µs`.
    pub unit: &'static str,
    /// One for each thing that was measured.
    pub bars: Vec<Bar>,
    /// How often each was measured; 1 if there was nothing to repeat.
    pub n: usize,
    /// Where and when, such as `measured on this server at 14:02 UTC`.
    pub note: String,
}

/// One measured number.
#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    /// What was measured.
    pub label: String,
    /// Whose it is, if it is one scheme's.
    pub door: Option<Door>,
    /// The median, or the number itself.
    pub value: f64,
    /// The 10th percentile; the number itself if it has no spread.
    pub low: f64,
    /// The 90th percentile.
    pub high: f64,
    /// What another machine took, to see this one's number against.
    pub reference: Option<f64>,
}

/// The axis of a chart.
#[derive(Debug)]
pub struct Axis {
    end: f64,
    step: f64,
}

/// Where the parts of a bar stand, in percent of the chart's width.
#[derive(Debug)]
pub struct Places {
    /// Its end.
    pub value: f64,
    /// The beginning of its spread.
    pub low: f64,
    /// The end of its spread.
    pub high: f64,
    /// The other machine's number, if there is one.
    pub reference: f64,
}

impl Bar {
    /// A number without a spread, such as a count of bytes.
    #[must_use]
    pub fn exact(label: impl Into<String>, door: Option<Door>, value: f64) -> Self {
        Self { label: label.into(), door, value, low: value, high: value, reference: None }
    }

    /// The number with what another machine took.
    #[must_use]
    pub fn beside(self, reference: Option<f64>) -> Self {
        Self { reference, ..self }
    }

    /// The class that sets its ink.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.door {
            Some(Door::Session) => "ses",
            Some(Door::Token) => "tok",
            None => "",
        }
    }

    /// Whether there is a spread to draw.
    #[must_use]
    pub fn is_spread(&self) -> bool {
        self.high > self.low
    }

    /// The number, as it is written.
    #[must_use]
    pub fn text(&self) -> String {
        amount(self.value)
    }

    /// The spread, as it is written.
    #[must_use]
    pub fn spread_text(&self) -> String {
        format!("{} to {}", amount(self.low), amount(self.high))
    }

    /// The other machine's number, as it is written.
    #[must_use]
    pub fn reference_text(&self) -> String {
        self.reference.map(amount).unwrap_or_default()
    }

    /// The farthest thing that is drawn for it.
    #[must_use]
    pub fn farthest(&self) -> f64 {
        self.value.max(self.high)
    }
}

impl Figure {
    /// An axis that has room for every bar, in round steps.
    #[must_use]
    pub fn axis(&self) -> Axis {
        let farthest = |bar: &Bar| bar.farthest().max(bar.reference.unwrap_or(0.0));
        let most = self.bars.iter().map(farthest).filter(|value| value.is_finite()).fold(0.0, f64::max);
        let rough = if most > 0.0 { most / TICKS_MOST } else { 1.0 };
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|round| round * ten).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * ten);
        Axis { end: (most / step).ceil().max(1.0) * step, step }
    }

    /// Whether another machine's numbers are in it.
    #[must_use]
    pub fn has_reference(&self) -> bool {
        self.bars.iter().any(|bar| bar.reference.is_some())
    }

    /// Whether its numbers have a spread.
    #[must_use]
    pub fn has_spread(&self) -> bool {
        self.bars.iter().any(Bar::is_spread)
    }
}

impl Axis {
    /// Where a number stands, in percent of the chart's width.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        (value / self.end).clamp(0.0, 1.0) * AXIS_PERCENT
    }

    /// Where the parts of a bar stand.
    #[must_use]
    pub fn places(&self, bar: &Bar) -> Places {
        let reference = self.at(bar.reference.unwrap_or_default());
        Places { value: self.at(bar.value), low: self.at(bar.low), high: self.at(bar.high), reference }
    }

    /// The numbers that are written below it, with where they stand.
    #[must_use]
    pub fn ticks(&self) -> Vec<(f64, String)> {
        (0..=20u8)
            .map(|tick| f64::from(tick) * self.step)
            .take_while(|value| *value <= self.end * 1.001)
            .map(|value| (self.at(value), tick_text(value)))
            .collect()
    }
}

/// A number in three digits, as it is written beside its bar: more would be noise.
#[must_use]
pub fn amount(value: f64) -> String {
    match value {
        _ if value.fract() == 0.0 || value >= 99.95 => grouped(value),
        _ if value >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn tick_text(value: f64) -> String {
    let text = amount(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number, with commas between the thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    fn figure(values: &[f64]) -> Figure {
        let bars = values.iter().map(|value| Bar::exact("<a bar>", Some(Door::Token), *value)).collect();
        Figure { title: "A finding".to_owned(), unit: "µs", bars, n: 7, note: "measured here".to_owned() }
    }

    #[test]
    fn every_bar_fits_on_an_axis_of_few_round_steps_from_zero() {
        for most in [0.0, 0.004, 0.9, 1.0, 31.0, 80.5, 999.0, 1400.0, 25_000_000.0] {
            let axis = figure(&[most / 3.0, most]).axis();
            assert!(axis.end >= most && axis.at(most) <= AXIS_PERCENT, "{most}: {axis:?}");
            let ticks = axis.ticks();
            assert!((2..=6).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!(ticks[0].0 == 0.0 && (ticks[ticks.len() - 1].0 - AXIS_PERCENT).abs() < 0.01, "{most}: {ticks:?}");
        }
        assert_eq!(figure(&[900.0]).axis().ticks().last().map(|tick| tick.1.clone()), Some("1,000".to_owned()));
    }

    #[test]
    fn what_looks_twice_as_long_is_twice_as_much() {
        let axis = figure(&[40.0, 80.0]).axis();
        assert!((axis.at(80.0) - 2.0 * axis.at(40.0)).abs() < 1e-9);
    }

    #[test]
    fn numbers_are_written_in_three_digits() {
        for (value, text) in [(0.0, "0"), (0.4512, "0.45"), (9.996, "10.0"), (80.46, "80.5"), (99.96, "100")] {
            assert_eq!(amount(value), text);
        }
        for (value, text) in [(123.4, "123"), (1400.0, "1,400"), (1_234_567.8, "1,234,568")] {
            assert_eq!(amount(value), text);
        }
    }

    #[derive(Template)]
    #[template(
        source = r#"{% import "parts/figure.html" as parts %}{{ parts::chart(figure, "f1") }}"#,
        ext = "html",
        escape = "html"
    )]
    struct Page {
        figure: Figure,
    }

    #[test]
    fn the_drawing_and_the_table_say_the_same() {
        let mut figure = figure(&[40.0, 80.0]);
        figure.bars[1].high = 90.0;
        figure.bars[0] = figure.bars[0].clone().beside(Some(20.0));
        let html = Page { figure }.render().expect("a page");
        assert_eq!(html.matches("<rect class=\"on\"").count(), 2);
        assert_eq!(html.matches("class=\"spread\"").count(), 1, "only what has a spread shows one");
        assert_eq!(html.matches("class=\"mark-ref\"").count(), 1);
        assert_eq!(
            html.matches("&#60;a bar&#62;").count(),
            6,
            "beside its bar, in the drawing's name, in the table: {html}"
        );
        assert!(html.contains("80 to 90") && html.contains("n = 7") && html.contains("measured here"), "{html}");
    }
}
