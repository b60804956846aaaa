//! The record of one request and its answer, as it is shown.
//!
//! Of the headers only those that matter here are kept; credentials become pieces of their own.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer};

use super::{
    credentials::{Credentials, Piece},
    message::{Answered, Request},
    specimens::Witnessed,
};

/// Which door a request knocked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// The site.
    Session,
    /// The API.
    Token,
}

/// Seconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Seconds(pub f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s", self.0)
    }
}

/// How long an answer took.
#[derive(Debug, Clone, Copy)]
pub struct Took(Duration);

impl Took {
    /// In milliseconds.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        self.0.as_secs_f64() * 1000.0
    }
}

/// In milliseconds.
impl Serialize for Took {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.milliseconds())
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.milliseconds())
    }
}

/// A header, or a body, which has no name.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The header's name.
    pub name: &'static str,
    /// What it says.
    pub pieces: Vec<Piece>,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// Where it knocked.
    pub door: Door,
    /// When it was sent.
    pub at: Seconds,
    /// When the answer was there.
    pub answered: Seconds,
    /// Whether it was sent with the copy, from the second client.
    pub by_thief: bool,
    /// Such as `POST`.
    pub method: String,
    /// Such as `/login`.
    pub path: String,
    /// What was sent.
    pub sent: Vec<Line>,
    /// The answer's status.
    pub status: u16,
    /// Whether it did what it asked for.
    pub accepted: bool,
    /// What came back.
    pub received: Vec<Line>,
    /// How long it took, as the client saw it.
    pub took: Took,
    /// How many SQL statements the server says it took.
    pub statements: Option<u32>,
    /// What there is to say of it.
    pub says: String,
}

const RECEIVED: [&str; 5] = ["Location", "Set-Cookie", "Clear-Site-Data", "WWW-Authenticate", "Retry-After"];

impl Exchange {
    /// Writes down an exchange of a run that began at `start`.
    #[must_use]
    pub fn new(
        (door, by_thief): (Door, bool),
        start: Instant,
        request: &Request,
        answer: &Answered,
        accepted: bool,
        known: &Credentials,
    ) -> Self {
        let line = |name: &'static str, text: &str| Line { name, pieces: known.pieces(text) };
        let mut sent: Vec<Line> = answer.sent.iter().map(|(name, value)| line(name, value)).collect();
        if !answer.sent_body.is_empty() {
            sent.push(line("", &answer.sent_body));
        }
        let values = |name: &'static str| answer.headers.get_all(name).iter().map(move |value| (name, value));
        let mut received: Vec<Line> = RECEIVED
            .into_iter()
            .flat_map(values)
            .filter_map(|(name, value)| Some(line(name, value.to_str().ok()?)))
            .collect();
        if is_worth_showing(answer) {
            received.push(line("", &answer.body));
        }
        let since = |instant: Instant| Seconds(instant.duration_since(start).as_secs_f64());
        Self {
            door,
            at: since(answer.sent_at),
            answered: since(answer.answered_at),
            by_thief,
            method: request.method.to_string(),
            path: request.path.to_string(),
            sent,
            status: answer.status,
            accepted,
            received,
            took: Took(answer.answered_at - answer.sent_at),
            statements: answer.statements(),
            says: String::new(),
        }
    }

    /// Writes down what a specimen saw.
    #[must_use]
    pub fn witnessed(start: Instant, seen: &Witnessed, known: &Credentials) -> Self {
        let line = |(name, text): &(&'static str, String)| Line { name, pieces: known.pieces(text) };
        let since = |instant: Instant| Seconds(instant.saturating_duration_since(start).as_secs_f64());
        Self {
            door: seen.door,
            at: since(seen.came_at),
            answered: since(seen.answered_at),
            by_thief: seen.by_thief,
            method: seen.method.clone(),
            path: seen.path.clone(),
            sent: seen.sent.iter().map(line).collect(),
            status: seen.status,
            accepted: seen.status < 400,
            received: seen.received.iter().map(line).collect(),
            took: Took(seen.answered_at - seen.came_at),
            statements: None,
            says: String::new(),
        }
    }

    /// With something to say of it.
    #[must_use]
    pub fn saying(self, says: impl Into<String>) -> Self {
        Self { says: says.into(), ..self }
    }
}

/// JSON is; but a challenge that names the error says all that its body does.
fn is_worth_showing(answer: &Answered) -> bool {
    answer.header("content-type").is_some_and(|media_type| media_type.contains("json"))
        && !answer.header("www-authenticate").is_some_and(|challenge| challenge.contains("error="))
}
