//! The API on a host of its own: lets in whoever has a session cookie or a bearer token, and pages of two other origins by CORS.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::{
    cookies,
    hosts::Role,
    steps,
    victim::has_bearer,
    visit::{Lost, Visit},
};

/// `POST /{run}/api/login`: sets one session cookie for each kind of `SameSite`.
pub(super) async fn log_in(visit: Visit) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Api)?;
    let mut answer = HttpResponse::Ok().json(json!({}));
    steps::set(&visit, cookies::API, answer.headers_mut());
    Ok(answer)
}

/// `GET /{run}/api/me`: says by which cookies the caller is known.
pub(super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    visit.only_at(Role::Api)?;
    let cookies: Vec<String> = visit.run.jar.seen(request.headers()).into_keys().collect();
    let known = !cookies.is_empty() || has_bearer(&visit, &request);
    let mut answer = if known { HttpResponse::Ok() } else { HttpResponse::Unauthorized() };
    Ok(answer.json(json!({ "cookies": cookies })))
}
