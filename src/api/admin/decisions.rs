//! What an admin decides about somebody: a role, a ban, its end, the end of every login.
//!
//! Each is decided and carried out in one transaction, with its event; the answer tells what the account is like after it.

use actix_web::web;
use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    role: String,
}

/// `PATCH /api/admin/users/{id}`: a role that somebody has already is no change.
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    reason: String,
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
