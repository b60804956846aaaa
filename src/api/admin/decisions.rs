//! What an admin decides about somebody: a role, a ban, its end, the end of every login.
//!
//! Each is decided and carried out in one transaction, with its event; the answer tells what the account is like after it.

use actix_web::web;
use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use utoipa::ToSchema;

use super::{
    super::{
        Error,
        body::{Json, OptionalJson},
        tokens::Nothing,
    },
    account, refused, refused_field, refused_fields,
    users::{AccountAndLogins, Logins},
};
use crate::{
    accounts::{
        Accounts, Role,
        events::Door,
        fields::Refused,
        standing::{self, Author},
    },
    everywhere,
    http::client::Client,
    token::FreshTokenAdmin,
};

/// The body of a change of role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// `user` or `admin`.
    role: String,
}

/// `PATCH /api/admin/users/{id}`: a role that somebody has already is no change.
#[utoipa::path(
    patch,
    path = "/api/admin/users/{id}",
    summary = "Gives an account a role. A demotion ends its token logins; the last admin stays one.",
    params(("id" = Uuid, Path, description = "Of an account.")),
    request_body = ChangeRole,
    responses((status = 200, body = AccountAndLogins, description = "The account as it is now.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "step-up-required", "not-found", "demo-account", "refused-fields", "last-admin", "conflict"])))
)]
pub async fn change_role(
    admin: FreshTokenAdmin,
    accounts: web::Data<Accounts>,
    client: Client,
    id: web::Path<String>,
    body: Json<ChangeRole>,
) -> Result<web::Json<AccountAndLogins>, Error> {
    let id = account(&id)?;
    let role = match body.0.role.as_str() {
        "user" => Role::User,
        "admin" => Role::Admin,
        _ => return Err(refused_field("role", "Send \"user\" or \"admin\".")),
    };
    let author = author(&admin, client);
    let deciding = accounts.change(move |conn| {
        everywhere::change_role(conn, id, role, &author)?;
        AccountAndLogins::read(conn, &admin.user, id)
    });
    Ok(web::Json(deciding.await.map_err(refused)?))
}

/// The body of a ban.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// The person will read it.
    reason: String,
    /// Without an end if not said.
    #[schema(format = "date-time")]
    until: Option<String>,
}

impl Ban {
    fn parse(self) -> Result<standing::Ban, Error> {
        let until = self.until.as_deref().map(instant).transpose();
        match (standing::Ban::parse(&self.reason, None), until) {
            (Ok(ban), Ok(until)) => Ok(standing::Ban { until, ..ban }),
            (ban, until) => Err(refused_fields([ban.err(), until.err()].into_iter().flatten().collect())),
        }
    }
}

/// The year may be the last one that can be written down, and another one in UTC.
fn instant(text: &str) -> Result<OffsetDateTime, Refused> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|at| at.checked_to_offset(UtcOffset::UTC));
    let advice = || "Write it as in 2030-01-31T12:00:00Z (RFC 3339).".to_owned();
    instant.ok_or_else(|| Refused { field: "until", advice: advice() })
}

/// `POST /api/admin/users/{id}/ban`: a ban in force is replaced.
#[utoipa::path(
    post,
    path = "/api/admin/users/{id}/ban",
    summary = "Bans somebody and ends every login at both doors.",
    params(("id" = Uuid, Path, description = "Of an account.")),
    request_body = Ban,
    responses((status = 200, body = AccountAndLogins, description = "The account as it is now.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "step-up-required", "not-found", "demo-account", "refused-fields", "last-admin", "conflict"])))
)]
pub async fn ban(
    admin: FreshTokenAdmin,
    accounts: web::Data<Accounts>,
    client: Client,
    id: web::Path<String>,
    body: Json<Ban>,
) -> Result<web::Json<AccountAndLogins>, Error> {
    let id = account(&id)?;
    let ban = body.0.parse()?;
    let author = author(&admin, client);
    let deciding = accounts.change(move |conn| {
        everywhere::ban(conn, id, &ban, &author)?;
        AccountAndLogins::read(conn, &admin.user, id)
    });
    Ok(web::Json(deciding.await.map_err(refused)?))
}

/// `POST /api/admin/users/{id}/unban`: where there is no ban, there is none after it either.
#[utoipa::path(
    post,
    path = "/api/admin/users/{id}/unban",
    summary = "Takes a ban back. What ended stays ended.",
    params(("id" = Uuid, Path, description = "Of an account.")),
    responses((status = 200, body = AccountAndLogins, description = "The account as it is now.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "step-up-required", "not-found", "demo-account", "malformed-json", "too-large", "request-timeout", "unsupported-media-type", "conflict"])))
)]
pub async fn unban(
    admin: FreshTokenAdmin,
    accounts: web::Data<Accounts>,
    client: Client,
    id: web::Path<String>,
    _body: OptionalJson<Nothing>,
) -> Result<web::Json<AccountAndLogins>, Error> {
    let id = account(&id)?;
    let author = author(&admin, client);
    let deciding = accounts.change(move |conn| {
        standing::unban(conn, id, &author)?;
        AccountAndLogins::read(conn, &admin.user, id)
    });
    Ok(web::Json(deciding.await.map_err(refused)?))
}

/// `POST /api/admin/users/{id}/logout-everywhere`
#[utoipa::path(
    post,
    path = "/api/admin/users/{id}/logout-everywhere",
    summary = "Ends every login of somebody at both doors.",
    params(("id" = Uuid, Path, description = "Of an account.")),
    responses((status = 200, body = Logins, description = "How many ended at each.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["forbidden", "step-up-required", "not-found", "demo-account", "malformed-json", "too-large", "request-timeout", "unsupported-media-type", "conflict"])))
)]
pub async fn log_out_everywhere(
    admin: FreshTokenAdmin,
    accounts: web::Data<Accounts>,
    client: Client,
    id: web::Path<String>,
    _body: OptionalJson<Nothing>,
) -> Result<web::Json<Logins>, Error> {
    let id = account(&id)?;
    let author = author(&admin, client);
    let ending = accounts.change(move |conn| everywhere::log_out_user(conn, id, &author));
    Ok(web::Json(ending.await.map_err(refused)?.into()))
}

fn author(admin: &FreshTokenAdmin, client: Client) -> Author {
    Author::Admin { id: admin.user.id, door: Door::Token, client }
}
