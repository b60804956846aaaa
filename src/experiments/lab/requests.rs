//! The requests that many experiments send.

use serde_json::json;

use super::{get, post};
use crate::experiments::message::{Body, Request, Shown};

/// Who am I, at the session door.
#[must_use]
pub fn session_me() -> Request {
    get("/account/me", Shown::Cookies)
}

/// Its twin at the token door, which reads only the claims.
#[must_use]
pub fn claims_me(access_token: &str) -> Request {
    get("/api/me", Shown::Bearer(access_token.to_owned()))
}

/// A route of the token door that also asks whether the login is alive.
#[must_use]
pub fn live_account(access_token: &str) -> Request {
    get("/api/account", Shown::Bearer(access_token.to_owned()))
}

/// Redeems a refresh token.
#[must_use]
pub fn refresh(refresh_token: &str) -> Request {
    post("/api/auth/refresh", Shown::Nothing, Body::Json(json!({ "refresh_token": refresh_token })))
}

/// Ends the login of a refresh token.
#[must_use]
pub fn api_log_out(refresh_token: &str) -> Request {
    post("/api/auth/logout", Shown::Nothing, Body::Json(json!({ "refresh_token": refresh_token })))
}

/// Ends every login at the token door.
#[must_use]
pub fn api_log_out_everywhere(access_token: &str) -> Request {
    post("/api/auth/logout-everywhere", Shown::Bearer(access_token.to_owned()), Body::Empty)
}

/// Sends one of the site's forms, with what it says besides its token.
#[must_use]
pub fn form(path: &'static str, form_token: &str, fields: &[(&'static str, &str)]) -> Request {
    let own = [("form_token", form_token)];
    let fields = own.iter().chain(fields).map(|(name, value)| (*name, (*value).to_owned())).collect();
    post(path, Shown::Cookies, Body::Form(fields))
}
