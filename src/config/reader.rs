//! How a variable becomes a value, and the line that says what is wrong with it.

use std::{ffi::OsString, time::Duration};

use super::parse::duration;

/// Why the configuration can't be used: one line for the person who starts the server.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) String);

impl Error {
    pub(super) fn dotenv(error: &dotenvy::Error) -> Self {
        // The error's own text quotes the line, which may hold a secret.
        let kind = match error {
            dotenvy::Error::LineParse(_, at) => format!("its line can't be read from column {at} on"),
            dotenvy::Error::Io(error) => error.to_string(),
            _ => "it can't be read".to_owned(),
        };
        Self(format!(".env: {kind}; accepted are lines NAME=value as in .env.example"))
    }
}

/// Reads variables by name; an unset or empty one has its default.
pub(super) struct Reader<'a>(pub(super) &'a dyn Fn(&str) -> Option<OsString>);

impl Reader<'_> {
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match (self.0)(name) {
            None => Ok(None),
            Some(value) => match value.into_string() {
                Ok(value) if value.trim().is_empty() => Ok(None),
                Ok(value) => Ok(Some(value.trim().to_owned())),
                Err(_) => Err(Error(format!("{name}: its value is not UTF-8"))),
            },
        }
    }

    /// Reads with `parse`; an error names the variable, the value and what is `accepted`.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(Error(format!("{name}={value:?} can't be used: accepted is {accepted}"))),
        }
    }

    pub(super) fn or<T>(
        &self,
        name: &str,
        default: T,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        Ok(self.optional(name, accepted, parse)?.unwrap_or(default))
    }

    pub(super) fn ttl(&self, name: &str, default_seconds: u64, least: Duration) -> Result<Duration, Error> {
        let accepted =
            format!("a time such as 90s, 15m, 12h or 14d, at least {} s and at most 10 years", least.as_secs_f64());
        self.or(name, Duration::from_secs(default_seconds), &accepted, |value| {
            duration(value).filter(|time| (least..=Duration::from_hours(87_600)).contains(time))
        })
    }

    pub(super) fn count(&self, name: &str, default: u32, least: u32, most: u32) -> Result<u32, Error> {
        let accepted = format!("a whole number from {least} to {most}");
        self.or(name, default, &accepted, |value| value.parse().ok().filter(|count| (least..=most).contains(count)))
    }

    pub(super) fn switch(&self, name: &str, on: &str, off: &str) -> Result<Option<bool>, Error> {
        self.optional(name, &format!("{on} or {off}"), |value| match value.to_ascii_lowercase() {
            value if value == on => Some(true),
            value if value == off => Some(false),
            _ => None,
        })
    }
}
