//! Tokens as an attacker makes them: any header, any claims, any key or none.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use serde_json::Value;

use crate::experiments::lab::Stopped;

/// Header and payload, as they are signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token with these parts, signed with this key, whatever its header says.
pub(super) fn signed(
    header: &Value,
    claims: &Value,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<String, Stopped> {
    let message = message(header, claims);
    let signature = sign(message.as_bytes(), key, algorithm)
        .map_err(|error| Stopped::because(format!("a token could not be signed: {error}")))?;
    Ok(format!("{message}.{signature}"))
}
