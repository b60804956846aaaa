//! `POST /api/introspect` (RFC 7662): what a token is worth now, for configured services.

use actix_web::web;

use super::{
    Error,
    token_form::{Form, TokenForm},
};
use crate::token::{
    Tokens,
    introspect::{self, Introspection},
    service::Service,
};

/// The answer, as it is described.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only described")]
struct Introspected {
    /// Whether it counts now. Of a token that does not, nothing else is said.
    active: bool,
    /// `Bearer`, or `refresh_token`, which is good for nothing but a refresh.
    token_type: Option<String>,
    client_id: Option<String>,
    iss: Option<String>,
    /// One audience, or a list of them.
    #[schema(value_type = Option<serde_json::Value>)]
    aud: Option<serde_json::Value>,
    sub: Option<uuid::Uuid>,
    /// Its login.
    sid: Option<uuid::Uuid>,
    /// The user's role now, which may be newer than the claim.
    role: Option<String>,
    /// When the password was last checked, in seconds since 1970, as are `iat` and `exp`.
    auth_time: Option<i64>,
    iat: Option<i64>,
    exp: Option<i64>,
    /// Of an access token only.
    jti: Option<String>,
}

/// `POST /api/introspect`
#[utoipa::path(
    post,
    path = "/api/introspect",
    summary = "What a token is worth at this moment.",
    request_body(content = Form, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Introspected, description = "As RFC 7662 has it, section 2.2.")),
    security(("service" = [])),
    extensions(("x-problems" = json!(["not-a-service", "unavailable"])))
)]
pub async fn submit(_: Service, tokens: web::Data<Tokens>, form: TokenForm) -> Result<web::Json<Introspection>, Error> {
    Ok(web::Json(introspect::introspect(&tokens, &form.0).await?))
}
