//! Every answer of the API says which check of an access token it rests on, in the header `Token-Check` and in `Server-Timing`.
//!
//! `none`: no access token was looked at. `claims`: its signature and its clock were, and nobody was asked. `live`: the
//! database was asked whether token, login and user still stand. A refusal names the check that refused: a forged token
//! gets no further than `claims`, also at a route that is live.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::telemetry;

/// The header's name.
pub(super) const TOKEN_CHECK: HeaderName = HeaderName::from_static("token-check");

/// No access token has been looked at yet.
pub(super) fn begin() {
    telemetry::record_token_check("none");
}

/// Writes the header.
pub(super) fn say(headers: &mut HeaderMap) {
    headers.insert(TOKEN_CHECK, HeaderValue::from_static(telemetry::token_check().unwrap_or("none")));
}
