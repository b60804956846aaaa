//! `POST /api/auth/login`: e-mail address and password, and two tokens in exchange.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Error,
    access_cookie::{self, Delivered},
    body::{self, Deliver, Json, RefreshTokenIn},
    refresh_cookie,
};
use crate::{
    accounts::{
        Accounts, PublicUser, User,
        credentials::{self, Asker},
        devices::{self, Entry},
        events::{self, Door, Event, Kind},
    },
    db,
    http::problem,
    token::{self, AccessToken, Tokens, audience::Wanted, log_in::Login},
};

/// The body of a log-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    #[schema(example = "you@example.org")]
    email: String,
    #[schema(format = "password", example = "marble otter gravel trumpet")]
    password: String,
    #[serde(default)]
    refresh_token_in: RefreshTokenIn,
    #[serde(default)]
    deliver: Deliver,
    /// Seconds, for an access token that lives less long than usual.
    #[schema(minimum = 5)]
    #[serde(default, deserialize_with = "body::whole")]
    expires_in: Option<i64>,
    /// The services that the access token is for; this API alone if not said.
    audience: Option<Vec<String>>,
    /// What the client is known by, if it has logged in before and keeps no cookies.
    device_token: Option<String>,
}

/// The answer to a log-in, a refresh, a re-authentication and a change of password (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct Issued<'a> {
    #[serde(flatten)]
    pub access: AccessToken,
    /// Only if it was asked for in the body; else it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
    /// To be shown at the next log-in by a client that keeps no cookies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    pub user: PublicUser<'a>,
}

/// Tokens in the body, or with `"deliver": "cookie"` both in cookies.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only described")]
pub(super) enum Answer<'a> {
    Issued(Issued<'a>),
    Delivered(Delivered<'a>),
}

/// `POST /api/auth/login`
#[utoipa::path(
    post,
    path = "/api/auth/login",
    summary = "Starts a login: an access token and a refresh token.",
    request_body = LogIn,
    responses((status = 200, body = Answer<'_>, description = "Both tokens; the refresh token in a cookie or in the body.")),
    extensions(("x-problems" = json!(["invalid-request", "invalid-target", "wrong-credentials", "banned", "conflict", "throttled", "busy", "unavailable"])))
)]
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: Json<LogIn>,
) -> Result<HttpResponse, Error> {
    let Json(LogIn { email, password, refresh_token_in, deliver, expires_in, audience, device_token }) = body;
    let wanted = body::wanted(&tokens, deliver, expires_in, audience)?;
    body::agree(deliver, Some(refresh_token_in))?;
    let asker = asker.known_by(device_token.as_deref());
    let user = credentials::check(&accounts, Door::Token, &email, &password, &asker).await?;
    let device = accounts.devices.entry_of(&asker.devices, &user).filter(|_| !asker.is_own);
    let (ttls, client, shown) = (tokens.ttls(), asker.client, asker.devices);
    let (user, login) = db::transaction(&accounts.pool, move |conn| {
        let login = token::log_in::log_in(conn, &user, ttls, &client)?.ok_or(Error::of(&problem::CONFLICT))?;
        token::log_in::keep_newest(conn, &user, &login, ttls, &client)?;
        let event = Event::new(Door::Token, Kind::LoggedIn).user(user.id).login(login.grounds.family);
        events::record(conn, &client, &event)?;
        if let Some(device) = device {
            devices::note(conn, user.id, (Door::Token, login.grounds.family), device, &client)?;
        }
        Ok::<_, Error>((user, login))
    })
    .await?;
    // It goes the way of the refresh token: into the cookie jar, or for clients without one into the body.
    let told = device.filter(|_| refresh_token_in == RefreshTokenIn::Body);
    let mut response = match deliver {
        Deliver::Body => answer(&request, &tokens, (&user, &login), wanted, refresh_token_in, told)?,
        Deliver::Cookie => access_cookie::issue(&request, &tokens, &user, &login, wanted)?,
    };
    if let Some(device) = device.filter(|_| refresh_token_in == RefreshTokenIn::Cookie) {
        let _ = response.add_cookie(&shown.cookie(&request, device));
    }
    Ok(response)
}

/// Signs an access token and hands out both tokens.
pub(super) fn issue(
    request: &HttpRequest,
    tokens: &Tokens,
    user: &User,
    login: &Login,
    wanted: impl Into<Wanted>,
    refresh_token_in: RefreshTokenIn,
) -> Result<HttpResponse, Error> {
    answer(request, tokens, (user, login), wanted, refresh_token_in, None)
}

fn answer(
    request: &HttpRequest,
    tokens: &Tokens,
    (user, login): (&User, &Login),
    wanted: impl Into<Wanted>,
    refresh_token_in: RefreshTokenIn,
    device: Option<Entry>,
) -> Result<HttpResponse, Error> {
    let access = tokens.issue(user, &login.grounds, wanted)?;
    let mut response = HttpResponse::Ok();
    access_cookie::take(&mut response, request);
    let refresh_token = match refresh_token_in {
        RefreshTokenIn::Body => {
            // One of an earlier login would contradict the new one at every refresh.
            if refresh_cookie::may_be_held(request) {
                response.cookie(refresh_cookie::removal(request));
            }
            Some(login.refresh_token.as_str())
        }
        RefreshTokenIn::Cookie => {
            response.cookie(refresh_cookie::carrying(request, &login.refresh_token, login.refresh_seconds));
            None
        }
    };
    Ok(response.json(Issued {
        access,
        refresh_token,
        device_token: device.map(|device| device.text()),
        user: user.public(),
    }))
}
