//! `/api/auth/tokens`: the live logins of this kind, and the end of one of them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, access_cookie, body::OptionalJson, refresh_cookie};
use crate::{
    accounts::{
        Accounts,
        credentials::Asker,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db,
    http::{problem, software},
    token::{self, FreshTokenUser, LiveTokenUser, record},
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
    /// Not told of other people's logins to a demo account.
    address: Option<String>,
    /// The user agent, in words.
    client: String,
    user_agent: String,
    /// Whether it is the one that asks.
    current: bool,
    /// Whether it was started from a device that had never logged in to this account.
    new_device: bool,
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
    let (id, current, user) = (user.user.id, user.claims.sid, user.user);
    let families = db::run(&accounts.pool, move |conn| record::list(conn, id)).await?;
    let logins = families.into_iter().map(|(family, new_device)| Login {
        id: family.id,
        started_at: family.created_at,
        seen_at: family.seen_at,
        expires_at: family.absolute_expires_at,
        address: user.may_know_where(Some(family.id), current).then(|| family.address.addr().to_string()),
        client: software::in_words(&family.user_agent),
        user_agent: family.user_agent,
        current: family.id == current,
        new_device,
    });
    Ok(web::Json(logins.collect()))
}

/// No body is wanted; one that says something is refused.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `DELETE /api/auth/tokens/{id}`: ends one of the user's logins of this kind. To log out of one's own takes no password that was
/// checked lately: there is `POST /api/auth/logout`.
#[utoipa::path(
    delete,
    path = "/api/auth/tokens/{id}",
    summary = "Ends one of them.",
    params(("id" = Uuid, Path, description = "Of one of your live logins, as they are listed.")),
    responses((status = 204, description = "It has ended.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!([
        "not-found",
        "step-up-required",
        "malformed-json",
        "too-large",
        "request-timeout",
        "unsupported-media-type"
    ])))
)]
pub async fn end(
    request: HttpRequest,
    user: FreshTokenUser,
    accounts: web::Data<Accounts>,
    asker: Asker,
    id: web::Path<String>,
    _body: OptionalJson<Nothing>,
) -> Result<HttpResponse, Error> {
    let unknown = || Error::with(&problem::NOT_FOUND, "None of your live logins has this id.");
    let login = Uuid::try_parse(&id).map_err(|_| unknown())?;
    let (owner, is_this) = (user.user.id, login == user.claims.sid);
    let (reason, kind) = match is_this {
        true => (EndReason::LoggedOut, Kind::LoggedOut),
        false => (EndReason::EndedElsewhere, Kind::LoginEnded),
    };
    let ended = db::transaction(&accounts.pool, move |conn| {
        let ended = token::log_out::log_out_one(conn, owner, login, reason)?;
        if ended {
            events::record(conn, &asker.client, &Event::new(Door::Token, kind).user(owner).login(login))?;
        }
        Ok::<_, db::Error>(ended)
    });
    if !ended.await? {
        return Err(unknown());
    }
    let mut response = HttpResponse::NoContent();
    if is_this {
        response.cookie(refresh_cookie::removal(&request));
        access_cookie::take(&mut response, &request);
    }
    Ok(response.finish())
}
