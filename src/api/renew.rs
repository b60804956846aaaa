//! `POST /api/auth/refresh`: a refresh token for its successor and a new access token.
//!
//! A body is not needed: the cookie carries the token. The successor comes back the way the token went.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Error, access_cookie,
    body::{self, Deliver, OptionalJson, RefreshTokenIn},
    log_in::{Answer, issue},
    refresh_cookie,
};
use crate::{
    accounts::{
        Accounts,
        credentials::{self, Asker},
        ending::EndReason,
    },
    db,
    http::problem,
    token::{self, Tokens, renew::Renewed},
};

/// The body of a refresh.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    /// Unless the cookie carries it.
    refresh_token: Option<String>,
    refresh_token_in: Option<RefreshTokenIn>,
    deliver: Deliver,
    /// Seconds, for an access token that lives less long than usual.
    #[schema(minimum = 5)]
    #[serde(default, deserialize_with = "body::whole")]
    expires_in: Option<i64>,
    /// The services that the access token is for; this API alone if not said.
    audience: Option<Vec<String>>,
}

/// `POST /api/auth/refresh`
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    summary = "Exchanges the refresh token for its successor and a new access token.",
    request_body = Option<Refresh>,
    responses((status = 200, body = Answer<'_>, description = "Both tokens; the successor comes back the way the token went.")),
    security(("refresh_cookie" = []), ()),
    extensions(("x-problems" = json!([
        "invalid-request",
        "invalid-target",
        "invalid-refresh-token",
        "reused-refresh-token",
        "another-origin",
        "banned",
        "throttled",
        "unavailable"
    ])))
)]
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: OptionalJson<Refresh>,
) -> Result<HttpResponse, Error> {
    let OptionalJson(Refresh { refresh_token, refresh_token_in, deliver, expires_in, audience }) = body;
    // Before the refresh token is used up.
    let wanted = body::wanted(&tokens, deliver, expires_in, audience)?;
    let refused = |detail: &str| Error::with(&problem::INVALID_REFRESH_TOKEN, detail).and_remove_cookie();
    let presented = refresh_cookie::presented(&request, refresh_token.as_deref())?
        .ok_or_else(|| refused("No refresh token was sent, neither in the cookie nor in the body."))?;
    let back = if presented.by_cookie { RefreshTokenIn::Cookie } else { RefreshTokenIn::Body };
    // Else any script of our own pages could carry off what the cookie keeps from scripts.
    if presented.by_cookie && refresh_token_in == Some(RefreshTokenIn::Body) {
        let detail = "A refresh token that came in the cookie goes back in the cookie.";
        return Err(Error::with(&problem::INVALID_REQUEST, detail));
    }
    body::agree(deliver, Some(refresh_token_in.unwrap_or(back)))?;
    let token = presented.token.ok_or_else(|| refused("This is no refresh token of ours."))?;
    let ttls = tokens.ttls();
    let shared = accounts.clone();
    let renewed = db::transaction(&accounts.pool, move |conn| {
        token::renew::renew(conn, &token, ttls, &asker.client, &shared.throttle)
    });
    match renewed.await? {
        Renewed::Successor(user, login) => {
            crate::telemetry::record_who(user.id);
            match deliver {
                Deliver::Body => issue(&request, &tokens, &user, &login, wanted, refresh_token_in.unwrap_or(back)),
                Deliver::Cookie => access_cookie::issue(&request, &tokens, &user, &login, wanted),
            }
        }
        Renewed::Unknown => Err(refused("This is no refresh token of ours.")),
        Renewed::Expired => Err(refused("The refresh token expired.")),
        Renewed::Ended(reason) => Err(refused(reason.explanation())),
        Renewed::Reused => {
            let detail = format!("{} If it was not you, change your password.", EndReason::Reuse.explanation());
            Err(Error::with(&problem::REUSED_REFRESH_TOKEN, detail).and_remove_cookie())
        }
        Renewed::Throttled(throttled) => Err(credentials::Error::from(throttled).into()),
        Renewed::Banned(ban) => Err(Error::with(&problem::BANNED, ban.sentence())),
    }
}
