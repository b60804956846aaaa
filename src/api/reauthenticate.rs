//! `POST /api/auth/reauthenticate`: the password once more, and an access token that says so in exchange.
//!
//! What a client does about the problem `step-up-required` (RFC 9470). The login stays the same one, and so does its refresh
//! token: what that yields from then on says the new `auth_time` too. The site has no such route: there a page asks.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Error,
    body::{self, Json},
    error::present_password,
    log_in::Issued,
};
use crate::{
    accounts::{
        Accounts,
        credentials::{self, Asker},
        events::{self, Door, Event, Kind},
    },
    db,
    http::problem,
    token::{
        LiveTokenUser, Tokens,
        authenticate::NotAuthenticated,
        reauthenticate::{Reauthenticated, reauthenticate},
    },
};

/// The body of a re-authentication.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reauthenticate {
    #[schema(format = "password", example = "marble otter gravel trumpet")]
    current_password: String,
    /// Seconds, for an access token that lives less long than usual.
    #[schema(minimum = 5)]
    #[serde(default, deserialize_with = "body::whole")]
    expires_in: Option<i64>,
    /// What the client is known by, if it keeps no cookies: strangers' guesses do not use up what it may try.
    device_token: Option<String>,
}

/// `POST /api/auth/reauthenticate`
#[utoipa::path(
    post,
    path = "/api/auth/reauthenticate",
    summary = "Checks the password again, for routes that want that to have been lately.",
    request_body = Reauthenticate,
    responses((status = 200, body = Issued<'_>, description = "An access token of the same login, with a new `auth_time`.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["wrong-password", "conflict", "throttled", "busy"])))
)]
pub async fn submit(
    user: LiveTokenUser,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: Json<Reauthenticate>,
) -> Result<HttpResponse, Error> {
    let Json(Reauthenticate { current_password, expires_in, device_token }) = body;
    let asker = asker.known_by(device_token.as_deref());
    let expires_in = body::expires_in(expires_in)?;
    let present = credentials::check_present(&accounts, Door::Token, &user.user, &current_password, &asker)
        .await
        .map_err(present_password)?;
    let (family, access_seconds) = (user.claims.sid, tokens.ttls().access_seconds());
    let (present, grounds) = db::transaction(&accounts.pool, move |conn| {
        let grounds = match reauthenticate(conn, family, &present, access_seconds)? {
            Reauthenticated::Renewed(grounds) => grounds,
            Reauthenticated::VersionChanged => return Err(Error::of(&problem::CONFLICT)),
            Reauthenticated::Ended(reason) => return Err(NotAuthenticated::Ended(reason).into()),
        };
        let event = Event::new(Door::Token, Kind::Reauthenticated).user(present.id).login(family);
        events::record(conn, &asker.client, &event)?;
        Ok((present, grounds))
    })
    .await?;
    let access = tokens.issue(&present, &grounds, expires_in)?;
    Ok(HttpResponse::Ok().json(Issued { access, refresh_token: None, device_token: None, user: present.public() }))
}
