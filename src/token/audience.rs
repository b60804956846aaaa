//! Who a token is for: the claim `aud` (RFC 7519, section 4.1.3).
//!
//! By default a token is for this API alone. A client may ask for one that other services accept, out of those that are
//! configured (`AUDIENCES`), as RFC 8707 has it with `resource`; each accepts only what names it. A choice holds for one
//! token: a refresh begins with the default again, so that a client gets no more than it asks for each time.

use serde::{Deserialize, Serialize};

use super::Tokens;

/// One name is written as text, several as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// For one service.
    One(String),
    /// For each of several.
    Several(Vec<String>),
}

impl Audience {
    /// Whether a service of this name is meant.
    #[must_use]
    pub fn names(&self, service: &str) -> bool {
        match self {
            Self::One(name) => name == service,
            Self::Several(names) => names.iter().any(|name| name == service),
        }
    }
}

/// What was asked for is not among the configured audiences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an audience that is not configured")]
pub struct UnknownAudience;

/// What a client wants of an access token, within what it can have.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A shorter life, in seconds.
    pub expires_in: Option<i64>,
    /// Other services than this API.
    pub audience: Option<Audience>,
}

impl From<Option<i64>> for Wanted {
    /// For this API.
    fn from(expires_in: Option<i64>) -> Self {
        Self { expires_in, audience: None }
    }
}

impl Tokens {
    /// The name of this API.
    #[must_use]
    pub fn own_audience(&self) -> &str {
        &self.audience
    }

    /// Every name that can be asked for, our own first.
    pub fn known_audiences(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.audience).chain(self.audiences.iter().map(String::as_str))
    }

    /// Checks an asked-for audience: a list of names, each either our own or configured. None stands for our own.
    pub fn audience(&self, asked: Option<Vec<String>>) -> Result<Option<Audience>, UnknownAudience> {
        let Some(asked) = asked else { return Ok(None) };
        let mut names: Vec<String> = Vec::with_capacity(asked.len());
        for name in asked {
            if !self.known_audiences().any(|known| known == name) {
                return Err(UnknownAudience);
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.len() {
            0 => Err(UnknownAudience),
            1 => Ok(names.pop().map(Audience::One)),
            _ => Ok(Some(Audience::Several(names))),
        }
    }
}
