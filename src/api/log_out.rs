//! `POST /api/auth/logout`: ends this login, and says what that can't reach.
//!
//! The login is named by its refresh token (also a used one), by an access token (also of a login that has ended), or by both,
//! if they agree. If the row can't be ended the answer is an error and the cookie stays.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
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
    http::problem,
    token::{
        self, TokenUser, Tokens, access,
        authenticate::NotAuthenticated,
        record::{self, FamilyRecord},
    },
};

/// The body of a log-out.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogOut {
    /// Unless the cookie carries it, or the access token names the login.
    refresh_token: Option<String>,
}

/// What log-out did, and what it could not do.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOut {
    /// The login that has ended.
    login: Uuid,
    /// From then on the access token that was shown works nowhere. If none was shown: none of the login's does.
    #[schema(value_type = OffsetDateTime)]
    access_token_works_until: String,
    note: &'static str,
}

impl LoggedOut {
    /// `until`: the second at which the token expires.
    pub(super) fn new(login: Uuid, until: i64) -> Self {
        let until = OffsetDateTime::from_unix_timestamp(until).ok().and_then(|until| until.format(&Rfc3339).ok());
        Self { login, access_token_works_until: until.unwrap_or_default(), note: NOTE }
    }
}

const NOTE: &str = "The refresh token is dead, and so is the access token wherever it is checked live. Routes that read only its \
    claims accept it until then: throw it away.";

/// `POST /api/auth/logout`
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    summary = "Ends the login. The answer says how long an access token still works at claims-only routes.",
    request_body = Option<LogOut>,
    responses((status = 200, body = LoggedOut, description = "It has ended, now or before.")),
    security(("refresh_cookie" = []), ("access_token_claims_only" = []), ()),
    extensions(("x-problems" = json!(["invalid-request", "invalid-refresh-token", "another-origin", "unavailable"])))
)]
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: OptionalJson<LogOut>,
) -> Result<HttpResponse, Error> {
    let presented = refresh_cookie::presented(&request, body.0.refresh_token.as_deref())?;
    let bearer = match TokenUser::of(&request, &tokens) {
        Ok(TokenUser(claims)) => Some(claims),
        Err(error @ NotAuthenticated::Malformed) => return Err(error.into()),
        Err(_) => None,
    };
    let refresh_token = presented.and_then(|presented| presented.token);
    let by_bearer = bearer.as_ref().map(|claims| (claims.sid, claims.sub));
    let (login, user, lives) = db::transaction(&accounts.pool, move |conn| {
        let family = match &refresh_token {
            Some(token) => record::family_of(conn, token)?,
            None => None,
        };
        let (login, user) = agree(family.as_ref(), by_bearer)?;
        if token::log_out::log_out(conn, login, EndReason::LoggedOut)? {
            let event = Event::new(Door::Token, Kind::LoggedOut).user(user).login(login);
            events::record(conn, &asker.client, &event)?;
        }
        let lives = family.map_or(0, |family| family.access_ttl_seconds);
        Ok::<_, Error>((login, user, lives))
    })
    .await?;
    crate::telemetry::record_who(user);
    // Tokens that were issued under an earlier configuration may live longer.
    let longest = || access::now() + tokens.ttls().access_seconds().max(lives);
    let until = bearer.map_or_else(longest, |claims| claims.exp);
    let mut response = HttpResponse::Ok();
    access_cookie::take(&mut response, &request);
    Ok(response.cookie(refresh_cookie::removal(&request)).json(LoggedOut::new(login, until)))
}

/// The login and user that the credentials name, if they name one.
fn agree(family: Option<&FamilyRecord>, bearer: Option<(Uuid, Uuid)>) -> Result<(Uuid, Uuid), Error> {
    match (family, bearer) {
        (Some(family), Some((sid, _))) if family.id != sid => Err(Error::with(
            &problem::INVALID_REQUEST,
            "The access token and the refresh token belong to different logins.",
        )),
        (Some(family), _) => Ok((family.id, family.user_id)),
        (None, Some(named)) => Ok(named),
        (None, None) => {
            Err(Error::with(&problem::INVALID_REFRESH_TOKEN, "No login of ours was named by what was sent.")
                .and_remove_cookie())
        }
    }
}
