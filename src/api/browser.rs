//! `/api/browser/…`: the routes where the access cookie counts, and nothing else does.
//!
//! Twins of `/api/me`, `/api/account` and `/api/auth/logout` for scripts that hold no token. A bearer token is no key here,
//! as the cookie is none there: each route has one way in, which its parameter's type names.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Error, access_cookie,
    body::Json,
    log_out::LoggedOut,
    refresh_cookie,
    same_origin::{self, SafeCall},
};
use crate::{
    accounts::{
        Accounts, Me, PublicUser,
        credentials::{self, Asker},
        email,
        ending::EndReason,
        events::{self, Door, Event, Kind},
        fields::DisplayName,
    },
    db,
    http::problem,
    token::{self, CookieTokenUser, LiveCookieTokenUser, in_cookie::ByCookie as _},
};

/// `GET /api/browser/me`
#[utoipa::path(
    get,
    path = "/api/browser/me",
    summary = "Who the cookie's token says you are.",
    responses((status = 200, body = Me, description = "What the token says.")),
    security(("access_cookie_claims_only" = []))
)]
pub async fn me(user: CookieTokenUser) -> web::Json<Me> {
    web::Json(user.claims().me())
}

/// What an unsafe call must carry.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
struct Csrf {
    csrf_token: String,
}

/// `GET /api/browser/csrf`: a token for the next unsafe call, for a page that was just loaded.
#[utoipa::path(
    get,
    path = "/api/browser/csrf",
    summary = "A token for `X-CSRF-Token`.",
    responses((status = 200, body = Csrf, description = "A fresh one, for this login.")),
    security(("access_cookie_claims_only" = []))
)]
pub async fn csrf(request: HttpRequest, user: CookieTokenUser) -> Result<HttpResponse, Error> {
    let token = same_origin::token(&request, user.claims().sid)?;
    Ok(HttpResponse::Ok().json(json!({ "csrf_token": token })))
}

/// `GET /api/browser/account`
#[utoipa::path(
    get,
    path = "/api/browser/account",
    summary = "Your account.",
    responses((status = 200, body = PublicUser<'_>, description = "The account.")),
    security(("access_cookie" = []))
)]
pub async fn show(user: LiveCookieTokenUser) -> HttpResponse {
    HttpResponse::Ok().json(user.0.user.public())
}

/// The body of a renaming.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BrowserRename)]
pub struct Rename {
    #[schema(min_length = 1, max_length = 80, example = "You")]
    display_name: String,
}

/// `PATCH /api/browser/account`
#[utoipa::path(
    patch,
    path = "/api/browser/account",
    summary = "Changes the name that is shown.",
    request_body = Rename,
    params(("X-CSRF-Token" = String, Header, description = "A token that was given out for this login.")),
    responses((status = 200, body = PublicUser<'_>, description = "The account as it is now.")),
    security(("access_cookie" = [])),
    extensions(("x-problems" = json!(["forged-call", "refused-fields", "conflict"])))
)]
pub async fn rename(
    SafeCall(user): SafeCall<LiveCookieTokenUser>,
    accounts: web::Data<Accounts>,
    asker: Asker,
    body: Json<Rename>,
) -> Result<HttpResponse, Error> {
    let display_name = DisplayName::parse(&body.0.display_name)
        .map_err(|refused| Error::from(credentials::Error::Refused(vec![refused])))?;
    let (at, change) =
        ((Door::Token, user.claims().sid), email::Change { display_name: Some(display_name), email: None });
    match email::change(&accounts, at, &user.0.user, change, &asker).await? {
        Some(user) => Ok(HttpResponse::Ok().json(user.public())),
        None => Err(Error::of(&problem::CONFLICT)),
    }
}

/// `POST /api/browser/logout`: ends the login that the cookie names, also one that has ended, and takes both cookies.
#[utoipa::path(
    post,
    path = "/api/browser/logout",
    summary = "Ends the login and takes both cookies.",
    params(("X-CSRF-Token" = String, Header, description = "A token that was given out for this login.")),
    responses((status = 200, body = LoggedOut, description = "It has ended, now or before.")),
    security(("access_cookie_claims_only" = [])),
    extensions(("x-problems" = json!(["forged-call"])))
)]
pub async fn log_out(
    request: HttpRequest,
    SafeCall(user): SafeCall<CookieTokenUser>,
    accounts: web::Data<Accounts>,
    asker: Asker,
) -> Result<HttpResponse, Error> {
    let (login, user_id, until) = (user.claims().sid, user.claims().sub, user.claims().exp);
    db::transaction(&accounts.pool, move |conn| {
        if token::log_out::log_out(conn, login, EndReason::LoggedOut)? {
            let event = Event::new(Door::Token, Kind::LoggedOut).user(user_id).login(login);
            events::record(conn, &asker.client, &event)?;
        }
        Ok::<_, Error>(())
    })
    .await?;
    Ok(HttpResponse::Ok()
        .cookie(access_cookie::removal(&request))
        .cookie(refresh_cookie::removal(&request))
        .json(LoggedOut::new(login, until)))
}
