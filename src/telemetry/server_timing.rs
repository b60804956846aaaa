//! The `Server-Timing` header: how long a request took to answer, and how much of that was finding out who asks, and SQL.

use std::{fmt::Write as _, time::Duration};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Measured;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Whether answers carry `Server-Timing`.
#[derive(Debug, Clone, Copy)]
pub struct ServerTiming(pub bool);

impl ServerTiming {
    /// Says it, if it is to be said.
    pub(super) fn tell(self, headers: &mut HeaderMap, measured: &Measured, took: Duration) {
        if self.0
            && let Ok(value) = HeaderValue::try_from(text(measured, took))
        {
            headers.insert(SERVER_TIMING, value);
        }
    }
}

/// What a request came to, in milliseconds.
fn text(measured: &Measured, took: Duration) -> String {
    let (statements, shared) = (measured.statements.get(), measured.shared.get());
    let mut text = String::with_capacity(112);
    text.push_str("auth;dur=");
    push_milliseconds(&mut text, measured.authentication.get());
    if let Some(check) = measured.token_check.get() {
        text.push_str(";desc=");
        text.push_str(check);
    }
    text.push_str(", sql;dur=");
    push_milliseconds(&mut text, measured.sql.get());
    text.push_str(";desc=\"");
    match statements {
        0 => text.push_str("0 statements"),
        1 => text.push_str("1 statement"),
        _ => drop(write!(text, "{statements} statements")),
    }
    if shared > 0 {
        let _ = write!(text, ", {shared} shared");
    }
    text.push_str("\", total;dur=");
    push_milliseconds(&mut text, took);
    text
}

/// With three decimals, and by hand: this is written three times for every request.
fn push_milliseconds(text: &mut String, time: Duration) {
    let microseconds = time.as_micros();
    match microseconds / 1000 {
        0 => text.push('0'),
        whole => drop(write!(text, "{whole}")),
    }
    text.push('.');
    for unit in [100, 10, 1] {
        let digit = u8::try_from(microseconds / unit % 10).unwrap_or_default();
        text.push(char::from(b'0' + digit));
    }
}
