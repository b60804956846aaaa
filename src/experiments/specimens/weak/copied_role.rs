//! **Missing: a look at the user's row.** (F3) The role is copied into the session at log-in, as the article's own code
//! does: it is as stale there as in a token.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{
    super::visit::{Lost, Visit},
    lock, refused, services,
    sessions::{Session, Sessions, cookie, shown},
};

/// One user with a role, and the sessions.
#[derive(Debug)]
pub(super) struct Users {
    role: String,
    sessions: Sessions,
}

impl Default for Users {
    fn default() -> Self {
        Self { role: "user".to_owned(), sessions: Sessions::default() }
    }
}

/// `POST /{run}/copied/login`
pub(in super::super) async fn log_in(visit: Visit) -> Result<HttpResponse, Lost> {
    let mut users = lock(&services(&visit)?.copied);
    let session = Session { user: Some("somebody".to_owned()), role: Some(users.role.clone()) };
    let id = users.sessions.insert(session);
    Ok(HttpResponse::Ok().cookie(cookie(&id)).json(json!({})))
}

/// `GET /{run}/copied/me`: the role as the session has it, which is what counts here, and as the user's row has it.
pub(in super::super) async fn me(visit: Visit, request: HttpRequest) -> Result<HttpResponse, Lost> {
    let users = lock(&services(&visit)?.copied);
    let role = shown(&request).and_then(|id| users.sessions.find(&id)?.role.clone());
    Ok(role.map_or_else(refused, |role| HttpResponse::Ok().json(json!({ "role": role, "row": users.role }))))
}

/// `POST /{run}/copied/role/{role}`: promotes or demotes the user.
pub(in super::super) async fn change(visit: Visit, path: web::Path<(String, String)>) -> Result<HttpResponse, Lost> {
    if !["user", "admin"].contains(&path.1.as_str()) {
        return Err(Lost::Nowhere);
    }
    lock(&services(&visit)?.copied).role.clone_from(&path.1);
    Ok(HttpResponse::NoContent().finish())
}
