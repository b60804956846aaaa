//! JSON bodies, as handlers get them: read, limited to 16 KiB, decoded strictly.
//!
//! A refusal names the place or the unknown field. Text with a NUL character is refused here, as the database can't keep it.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::CONTENT_TYPE, web::Bytes};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use super::Error;
use crate::{
    http::{
        body::{self, Body, Unread},
        problem,
    },
    token::{Tokens, audience::Wanted},
};

const MOST_BYTES: usize = 16 * 1024;

/// A JSON body that must be there.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be left away; then every field has its default. Without a body no Content-Type is looked at.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

/// Where the client wants its refresh token: in a cookie that scripts can't read, or, without a cookie jar, in the body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefreshTokenIn {
    /// `Set-Cookie`.
    #[default]
    Cookie,
    /// The JSON answer.
    Body,
}

/// A password that is to be set. Common ones, and ones made of the person's own name or address, are refused whatever their
/// length; there are no rules about which characters it must have. Its bounds are added where the settings are known.
#[derive(ToSchema)]
#[schema(format = "password", example = "marble otter gravel trumpet")]
pub struct NewPassword(#[allow(dead_code, reason = "only described")] String);

/// How the client wants its access token: in the body, to keep it itself, or in a cookie that its scripts can't read. Then the
/// refresh token goes in a cookie, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deliver {
    /// The JSON answer.
    #[default]
    Body,
    /// `Set-Cookie`.
    Cookie,
}

/// Refuses to put one token where scripts can't read it and the other where they can.
pub fn agree(deliver: Deliver, refresh_token_in: Option<RefreshTokenIn>) -> Result<(), Error> {
    if deliver == Deliver::Cookie && refresh_token_in == Some(RefreshTokenIn::Body) {
        let detail = "With `deliver: \"cookie\"` the refresh token comes and goes in its cookie.";
        return Err(Error::with(&problem::INVALID_REQUEST, detail));
    }
    Ok(())
}

/// The shortest life of an access token that can be asked for, in seconds.
pub const EXPIRES_IN_LEAST: i64 = 5;

/// Reads a whole number however it is written: JSON knows numbers only, and 900.0 is one without a fraction.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    // Up to here every whole number is one of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT);
    #[allow(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
    let whole = number.as_i64().or(whole.map(|whole| whole as i64));
    whole.map(Some).ok_or_else(|| serde::de::Error::custom("a whole number was expected"))
}

/// Reads a text that may be left away, but not be `null`: in a change that would mean to remove it (RFC 7396).
pub fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Checks an asked-for life of an access token.
pub fn expires_in(asked: Option<i64>) -> Result<Option<i64>, Error> {
    match asked {
        Some(seconds) if seconds < EXPIRES_IN_LEAST => Err(Error::with(
            &problem::MALFORMED_JSON,
            format!("`expires_in` must be {EXPIRES_IN_LEAST} seconds or more."),
        )),
        asked => Ok(asked),
    }
}

/// Checks what is asked for of an access token.
pub fn wanted(
    tokens: &Tokens,
    deliver: Deliver,
    expires_in: Option<i64>,
    audience: Option<Vec<String>>,
) -> Result<Wanted, Error> {
    let audience = tokens.audience(audience).map_err(|_| Error::of(&problem::INVALID_TARGET))?;
    // The browser shows the cookie to us alone, and no script can carry it to others.
    if deliver == Deliver::Cookie && audience.as_ref().is_some_and(|audience| !audience.names(tokens.own_audience())) {
        let detail = "With `deliver: \"cookie\"` the access token must be for this API, too, as nobody else ever gets the cookie.";
        return Err(Error::with(&problem::INVALID_TARGET, detail));
    }
    Ok(Wanted { expires_in: self::expires_in(expires_in)?, audience })
}

pub(super) async fn read(payload: Option<Body>) -> Result<Bytes, Error> {
    body::read(payload, MOST_BYTES).await.map_err(|unread| match unread {
        Unread::TooLarge => Error::of(&problem::TOO_LARGE),
        Unread::TooSlow => Error::of(&problem::REQUEST_TIMEOUT),
        Unread::Broken => Error::with(&problem::MALFORMED_JSON, "The body broke off."),
    })
}

fn decode<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Error> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Error::of(&problem::UNSUPPORTED_MEDIA_TYPE));
    }
    let malformed = |error: serde_json::Error| Error::with(&problem::MALFORMED_JSON, sentence(&error));
    let decoded = serde_json::from_slice(body).map_err(malformed)?;
    // Where an object belongs, the library takes a list of its values as well.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Error::with(&problem::MALFORMED_JSON, "The body must be an object, not a list."));
    }
    let has_escape = body.windows(6).any(|bytes| bytes == b"\\u0000");
    if has_escape && serde_json::from_slice(body).is_ok_and(|value: Value| has_nul(&value)) {
        return Err(Error::with(&problem::MALFORMED_JSON, "Text must not contain NUL characters."));
    }
    Ok(decoded)
}

/// What serde says of fields and places is for the client; the values that it quotes may be secrets and are left out.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!("line {}, column {}", error.line(), error.column());
    if text.starts_with("unknown field") || text.starts_with("missing field") || text.starts_with("duplicate field") {
        return format!("{} ({place}).", text.split(" at line").next().unwrap_or_default());
    }
    match error.classify() {
        serde_json::error::Category::Data => format!("A value has the wrong type ({place})."),
        _ => format!("The JSON is not well formed ({place})."),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), body::take(request, payload));
        Box::pin(async move { Ok(Self(decode(&request, &read(payload).await?)?)) })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), body::take(request, payload));
        Box::pin(async move {
            let body = read(payload).await?;
            if body.is_empty() { Ok(Self(T::default())) } else { Ok(Self(decode(&request, &body)?)) }
        })
    }
}
