//! What the experiments send, and what comes back, as it goes over the wire.

use std::{borrow::Cow, time::Instant};

use reqwest::{
    Method,
    header::{self, HeaderMap},
};
use serde_json::Value;

/// What a request shows of itself.
#[derive(Debug, Clone, Default)]
pub enum Shown {
    /// No credential.
    #[default]
    Nothing,
    /// The cookies of the client's jar.
    Cookies,
    /// This `Cookie` header, as it is.
    Cookie(String),
    /// An access token.
    Bearer(String),
}

/// What a request carries.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// The fields of a form.
    Form(Vec<(&'static str, String)>),
    /// A program's body.
    Json(Value),
}

/// A request to send.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Such as `POST`.
    pub method: Method,
    /// Such as `/login`.
    pub path: Cow<'static, str>,
    /// Its credential.
    pub shown: Shown,
    /// What it says besides.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Body,
}

/// What was sent and what came back, as it went over the wire.
#[derive(Debug)]
pub struct Answered {
    /// The headers that matter, as they were sent.
    pub sent: Vec<(&'static str, String)>,
    /// The body, as it was sent.
    pub sent_body: String,
    /// When it was sent.
    pub sent_at: Instant,
    /// When the whole answer was there.
    pub answered_at: Instant,
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Body {
    /// As it goes over the wire.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Form(fields) => url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish(),
            Self::Json(value) => value.to_string(),
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json"),
        }
    }
}

impl Answered {
    /// A header, if there is one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The cookies that the answer sets or removes: name, value, and whether it is removed.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| {
            let (pair, attributes) = line.to_str().ok()?.split_once(';')?;
            let (name, value) = pair.split_once('=')?;
            Some((name, value, attributes.split(';').any(|attribute| attribute.trim() == "Max-Age=0")))
        })
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text of the JSON body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.json()[name].as_str().map(str::to_owned)
    }

    /// Whether the server says that a statement answered others as well.
    #[must_use]
    pub fn shares_statements(&self) -> bool {
        self.header("server-timing").is_some_and(|timing| timing.contains("shared"))
    }

    /// How many SQL statements the server says it took; nothing if it does not say.
    #[must_use]
    pub fn statements(&self) -> Option<u32> {
        let sql = self.header("server-timing")?.split(',').find(|entry| entry.trim().starts_with("sql"))?;
        sql.split_once("desc=\"")?.1.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    }
}
