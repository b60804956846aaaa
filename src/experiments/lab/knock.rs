//! Requests as experiments send them, and what is seen of each.

use std::borrow::Cow;

use reqwest::Method;

use super::Stopped;
use crate::experiments::{
    exchange::Exchange,
    message::{Answered, Body, Request, Shown},
};

/// A request that was answered: as it is shown, and as it came.
#[derive(Debug)]
pub struct Seen {
    /// For the spine.
    pub exchange: Exchange,
    /// The answer.
    pub answer: Answered,
}

impl Seen {
    /// Whether it was let in.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.exchange.accepted
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// For the spine, with something to say of it.
    #[must_use]
    pub fn saying(&self, says: impl Into<String>) -> Exchange {
        self.exchange.clone().saying(says)
    }
}

/// A `GET`.
pub fn get(path: impl Into<Cow<'static, str>>, shown: Shown) -> Request {
    Request { path: path.into(), shown, ..Request::default() }
}

/// A `POST`.
pub fn post(path: impl Into<Cow<'static, str>>, shown: Shown, body: Body) -> Request {
    Request { method: Method::POST, path: path.into(), shown, body, ..Request::default() }
}

/// Whether an answer lets in. A redirect to the log-in page that says what to go on to afterwards does not.
pub(super) fn lets_in(answer: &Answered) -> bool {
    match answer.status {
        200..300 => true,
        300..400 => !answer.header("location").is_some_and(|location| location.starts_with("/login?")),
        _ => false,
    }
}

impl Seen {
    /// Breaks the run off unless the answer has this status: from then on nothing would follow from what is seen.
    pub fn must_be(&self, status: u16) -> Result<(), Stopped> {
        if self.answer.status == status {
            return Ok(());
        }
        let Exchange { method, path, .. } = &self.exchange;
        Err(Stopped::because(format!("{method} {path} was answered {}, not {status}", self.answer.status)))
    }
}
