//! `GET /api/auth/tokens`: the live logins of this kind.

use actix_web::web;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use crate::{
    accounts::Accounts,
    db,
    token::{LiveTokenUser, record},
};

/// One login at the token door. Its id opens nothing.
#[derive(Serialize, ToSchema)]
pub struct Login {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// The last log-in or refresh: requests with an access token leave no trace.
    #[serde(with = "time::serde::rfc3339")]
    seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    address: String,
    user_agent: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// `GET /api/auth/tokens`
#[utoipa::path(
    get,
    path = "/api/auth/tokens",
    summary = "Lists the logins of this kind.",
    responses((status = 200, body = Vec<Login>, description = "The live ones, newest first.")),
    security(("access_token" = []))
)]
pub async fn list(user: LiveTokenUser, accounts: web::Data<Accounts>) -> Result<web::Json<Vec<Login>>, Error> {
    let (id, current) = (user.user.id, user.claims.sid);
    let families = db::run(&accounts.pool, move |conn| record::list(conn, id)).await?;
    let logins = families.into_iter().map(|family| Login {
        id: family.id,
        started_at: family.created_at,
        seen_at: family.seen_at,
        expires_at: family.absolute_expires_at,
        address: family.address.addr().to_string(),
        user_agent: family.user_agent,
        current: family.id == current,
    });
    Ok(web::Json(logins.collect()))
}
