//! **Missing: a new id at log-in, and the refusal of ids that this server never gave out.** (X8)
//!
//! Whoever plants an id in somebody's browser knows the id of the session that they then log in to.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::{
    super::visit::{Lost, Visit},
    lock, refused, services,
    sessions::{Session, cookie, shown},
};

/// `GET /{run}/fixation/page`: any page. It gives a session to whoever has none, and adopts an id that it never gave out.
pub(in super::super) async fn page(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let mut sessions = lock(&services(&visit)?.fixation);
    match shown(&request) {
        Some(id) => {
            sessions.adopt(&id);
            Ok(HttpResponse::Ok().json(json!({})))
        }
        None => Ok(HttpResponse::Ok().cookie(cookie(&sessions.insert(Session::default()))).json(json!({}))),
    }
}

/// `POST /{run}/fixation/login`: whatever id came is logged in.
pub(in super::super) async fn log_in(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let mut sessions = lock(&services(&visit)?.fixation);
    let id = shown(&request).unwrap_or_else(|| sessions.insert(Session::default()));
    sessions.adopt(&id).user = Some("the victim".to_owned());
    Ok(HttpResponse::Ok().cookie(cookie(&id)).json(json!({})))
}

/// `GET /{run}/fixation/me`
pub(in super::super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let sessions = lock(&services(&visit)?.fixation);
    let session = shown(&request).and_then(|id| sessions.find(&id));
    Ok(session
        .and_then(|session| session.user.as_ref())
        .map_or_else(refused, |user| HttpResponse::Ok().json(json!({ "user": user }))))
}
