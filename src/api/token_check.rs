//! Every answer of the API says which check of an access token it rests on, in the header `Token-Check` and in `Server-Timing`.
//!
//! `none`: no access token was looked at. `claims`: its signature and its clock were, and nobody was asked. `live`: the
//! database was asked whether token, login and user still stand. A refusal names the check that refused: a forged token
//! gets no further than `claims`, also at a route that is live.

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

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

/// The layer for what is answered before anybody gets to the API itself: what a browser asks beforehand (CORS).
pub(super) async fn say_none<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    begin();
    let mut response = next.call(request).await?;
    say(response.headers_mut());
    Ok(response)
}
