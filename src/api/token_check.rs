//! Every answer of the API says which check of an access token it rests on, in the header `Token-Check` and in `Server-Timing`.
//!
//! `none`: no access token was looked at. `claims`: its signature and its clock were, and nobody was asked. `live`: the database
//! was asked whether token, login and user still stand. A refusal names the check that refused: a forged token gets no further than
//! `claims`, also at a route that is live.

use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

use crate::telemetry;

/// The header's name.
pub(super) const TOKEN_CHECK: HeaderName = HeaderName::from_static("token-check");

/// The layer, around all others of the API.
pub(super) async fn say<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    telemetry::record_token_check("none");
    let mut response = next.call(request).await?;
    let check = HeaderValue::from_static(telemetry::token_check().unwrap_or("none"));
    response.headers_mut().insert(TOKEN_CHECK, check);
    Ok(response)
}
