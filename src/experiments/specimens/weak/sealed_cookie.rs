//! **Missing: a row.** (F11) actix-session's own `CookieSessionStore`, which keeps the whole session in an encrypted
//! cookie, as Rails does by default. Log-out can only ask the browser to forget it: a copy lives on.

use actix_session::Session;
use actix_web::HttpResponse;
use serde_json::json;

use super::{
    super::visit::{Lost, Visit},
    refused, services,
};

/// `POST /{run}/sealed/login`
pub(in super::super) async fn log_in(visit: Visit, session: Session) -> Result<HttpResponse, Lost> {
    services(&visit)?;
    session.renew();
    session.insert("run", &visit.run.id).map_err(|_| Lost::Unreadable)?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// `GET /{run}/sealed/me`
pub(in super::super) async fn me(visit: Visit, session: Session) -> Result<HttpResponse, Lost> {
    services(&visit)?;
    let known = session.get::<String>("run").ok().flatten().is_some_and(|run| run == visit.run.id);
    Ok(if known { HttpResponse::Ok().json(json!({})) } else { refused() })
}

/// `POST /{run}/sealed/logout`
pub(in super::super) async fn log_out(visit: Visit, session: Session) -> Result<HttpResponse, Lost> {
    services(&visit)?;
    session.purge();
    Ok(HttpResponse::NoContent().finish())
}
