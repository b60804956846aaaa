//! A token's text, taken apart as anybody can who holds it. Nothing here needs a key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::Stopped;

/// The header, the payload and the signature, decoded.
pub fn parts(token: &str) -> Result<[Vec<u8>; 3], Stopped> {
    let not_three = || Stopped::because("the access token has not three parts in base64url");
    let decoded: Result<Vec<Vec<u8>>, _> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part)).collect();
    decoded.ok().and_then(|parts| parts.try_into().ok()).ok_or_else(not_three)
}

/// Puts a token together again.
#[must_use]
pub fn join(parts: &[Vec<u8>; 3]) -> String {
    parts.each_ref().map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// What the header says.
pub fn header(token: &str) -> Result<Value, Stopped> {
    let [header, ..] = parts(token)?;
    Ok(serde_json::from_slice(&header).unwrap_or_default())
}

/// When the token ends, in seconds since 1970.
pub fn expires_at(token: &str) -> Result<f64, Stopped> {
    claims(token)?["exp"].as_f64().ok_or_else(|| Stopped::because("the access token does not say when it ends"))
}

/// What the payload says.
pub fn claims(token: &str) -> Result<Value, Stopped> {
    let [_, payload, _] = parts(token)?;
    Ok(serde_json::from_slice(&payload).unwrap_or_default())
}
