//! **Missing: a store that outlives the process.** (X11)

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::{
    super::visit::{Lost, Visit},
    lock, refused, services,
    sessions::{Session, cookie, shown},
};

/// `POST /{run}/memory/login`
pub(in super::super) async fn log_in(visit: Visit) -> Result<HttpResponse, Lost> {
    let session = Session { user: Some("the victim".to_owned()), role: None };
    let id = lock(&services(&visit)?.memory).insert(session);
    Ok(HttpResponse::Ok().cookie(cookie(&id)).json(json!({})))
}

/// `GET /{run}/memory/me`
pub(in super::super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let sessions = lock(&services(&visit)?.memory);
    let known = shown(&request).is_some_and(|id| sessions.find(&id).is_some());
    Ok(if known { HttpResponse::Ok().json(json!({})) } else { refused() })
}

/// `POST /{run}/memory/restart`: does to the store what an end of the process does. (The process itself serves other runs.)
pub(in super::super) async fn restart(visit: Visit) -> Result<HttpResponse, Lost> {
    lock(&services(&visit)?.memory).clear();
    Ok(HttpResponse::NoContent().finish())
}
