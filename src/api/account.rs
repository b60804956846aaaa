//! `/api/me` and `/api/account`: who am I, and what I can change about it.
//!
//! `GET /api/me` is this API's only claims-only route: it shows what a token says without asking anybody, for as long as the
//! token lives. Everything else here asks whether the login is alive.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Error, access_cookie,
    body::{self, Json, NewPassword, RefreshTokenIn},
    error::present_password,
    log_in::{Issued, issue},
    refresh_cookie,
};
use crate::{
    accounts::{
        self, Accounts, Me, PublicUser,
        credentials::{self, Asker},
        demo, email,
        ending::EndReason,
        events::{self, Door, Event, Kind},
        fields::DisplayName,
        standing,
    },
    everywhere,
    http::problem,
    token::{self, FreshTokenUser, LiveTokenUser, TokenUser, Tokens, authenticate::NotAuthenticated},
};

/// `GET /api/me`: the twin of `GET /account/me`.
#[utoipa::path(
    get,
    path = "/api/me",
    summary = "Who the token says you are; asks no database.",
    responses((status = 200, body = Me, description = "What the token says.")),
    security(("access_token_claims_only" = []))
)]
pub async fn me(user: TokenUser) -> web::Json<Me> {
    web::Json(user.0.me())
}

/// `GET /api/account`
#[utoipa::path(
    get,
    path = "/api/account",
    summary = "Your account.",
    responses((status = 200, body = PublicUser<'_>, description = "The account.")),
    security(("access_token" = []))
)]
pub async fn show(user: LiveTokenUser) -> HttpResponse {
    HttpResponse::Ok().json(user.user.public())
}

/// The body of a change: one field of it, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[schema(min_length = 1, max_length = 80, example = "You", nullable = false)]
    #[serde(default, deserialize_with = "body::given")]
    display_name: Option<String>,
    #[schema(format = "email", max_length = 254, example = "you@example.org", nullable = false)]
    #[serde(default, deserialize_with = "body::given")]
    email: Option<String>,
}

/// `PATCH /api/account`: all of it or nothing. With another e-mail address no login ends; it is what the next one is asked for.
#[utoipa::path(
    patch,
    path = "/api/account",
    summary = "Changes the name that is shown, the e-mail address (after a password of the last 10 minutes), or both.",
    request_body = Change,
    responses((status = 200, body = PublicUser<'_>, description = "The account as it is now.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!([
        "refused-fields",
        "email-taken",
        "step-up-required",
        "demo-account",
        "throttled",
        "conflict"
    ])))
)]
pub async fn change(
    user: LiveTokenUser,
    accounts: web::Data<Accounts>,
    asker: Asker,
    body: Json<Change>,
) -> Result<HttpResponse, Error> {
    let Json(Change { display_name, email }) = body;
    if display_name.is_none() && email.is_none() {
        return Err(Error::with(&problem::MALFORMED_JSON, "Send `display_name`, `email`, or both."));
    }
    if user.user.demo && email.is_some() {
        return Err(Error::with(&problem::DEMO_ACCOUNT, demo::LOCKED));
    }
    // A name is nobody's way in, an address is.
    if email.is_some() {
        FreshTokenUser::check(user.clone())?;
    }
    let display_name = display_name.map(|typed| DisplayName::parse(&typed)).transpose();
    let email = email.map(|typed| email::parse(&typed, &asker)).transpose();
    let change = match (display_name, email) {
        (Ok(display_name), Ok(email)) => email::Change { display_name, email },
        (display_name, email) => {
            let refused = [email.err(), display_name.err()].into_iter().flatten().collect();
            return Err(credentials::Error::Refused(refused).into());
        }
    };
    let at = (Door::Token, user.claims.sid);
    match email::change(&accounts, at, &user.user, change, &asker).await? {
        Some(user) => Ok(HttpResponse::Ok().json(user.public())),
        None => Err(Error::of(&problem::CONFLICT)),
    }
}

/// The body of a change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(format = "password", example = "marble otter gravel trumpet")]
    current_password: String,
    #[schema(value_type = NewPassword)]
    new_password: String,
    #[serde(default)]
    refresh_token_in: RefreshTokenIn,
    /// Seconds, for an access token that lives less long than usual.
    #[schema(minimum = 5)]
    #[serde(default, deserialize_with = "body::whole")]
    expires_in: Option<i64>,
    /// What the client is known by, if it keeps no cookies: strangers' guesses do not use up what it may try.
    device_token: Option<String>,
}

/// `POST /api/account/password`: ends every login at both doors, and gives this client a new one.
#[utoipa::path(
    post,
    path = "/api/account/password",
    summary = "Changes the password, ends every login at both doors, and starts a new one for you.",
    request_body = ChangePassword,
    responses((status = 200, body = Issued<'_>, description = "The tokens of the new login.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!([
        "refused-fields",
        "wrong-password",
        "demo-account",
        "conflict",
        "throttled",
        "busy"
    ])))
)]
pub async fn change_password(
    request: HttpRequest,
    user: LiveTokenUser,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: Json<ChangePassword>,
) -> Result<HttpResponse, Error> {
    let Json(ChangePassword { current_password, new_password, refresh_token_in, expires_in, device_token }) = body;
    let asker = asker.known_by(device_token.as_deref());
    let expires_in = body::expires_in(expires_in)?;
    if user.user.demo {
        return Err(Error::with(&problem::DEMO_ACCOUNT, demo::LOCKED));
    }
    let present = credentials::check_present(&accounts, Door::Token, &user.user, &current_password, &asker)
        .await
        .map_err(present_password)?;
    let about = vec![present.email.clone(), present.display_name.clone()];
    let hash = credentials::hash_new(&accounts, "new_password", &new_password, about).await?;
    let (ttls, client, family) = (tokens.ttls(), asker.client, user.claims.sid);
    let changing = accounts.change(move |conn| {
        let changed = accounts::set_password(conn, &present, &hash)?.ok_or(Error::of(&problem::CONFLICT))?;
        // Logged out while the password was being hashed: then there is nobody to give a new login to.
        if !token::log_out::log_out(conn, family, EndReason::PasswordChanged)? {
            return Err(Error::from(NotAuthenticated::Ended(EndReason::LoggedOut)));
        }
        everywhere::end_all(conn, changed.id, EndReason::PasswordChanged)?;
        let login = token::log_in::log_in(conn, &changed, ttls, &client)?.ok_or(Error::of(&problem::CONFLICT))?;
        let event = Event::new(Door::Token, Kind::PasswordChanged).user(changed.id).login(login.grounds.family);
        events::record(conn, &client, &event)?;
        Ok::<_, Error>((changed, login))
    });
    let (changed, login) = changing.await?;
    issue(&request, &tokens, &changed, &login, expires_in, refresh_token_in)
}

/// The body of a deletion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    #[schema(format = "password", example = "marble otter gravel trumpet")]
    current_password: String,
    /// What the client is known by, if it keeps no cookies: strangers' guesses do not use up what it may try.
    device_token: Option<String>,
}

/// `DELETE /api/account`: the account goes, and with it every login at both doors.
#[utoipa::path(
    delete,
    path = "/api/account",
    summary = "Deletes the account and ends every login at both doors.",
    request_body = Delete,
    responses((status = 204, description = "It is gone.")),
    security(("access_token" = [])),
    extensions(("x-problems" = json!(["wrong-password", "demo-account", "last-admin", "conflict", "throttled", "busy"])))
)]
pub async fn remove(
    request: HttpRequest,
    user: LiveTokenUser,
    accounts: web::Data<Accounts>,
    asker: Asker,
    body: Json<Delete>,
) -> Result<HttpResponse, Error> {
    if user.user.demo {
        return Err(Error::with(&problem::DEMO_ACCOUNT, demo::LOCKED));
    }
    let Json(Delete { current_password: password, device_token }) = body;
    let asker = asker.known_by(device_token.as_deref());
    let present = credentials::check_present(&accounts, Door::Token, &user.user, &password, &asker)
        .await
        .map_err(present_password)?;
    let deleting = accounts.change(move |conn| {
        standing::keep_an_admin(conn, &present)?;
        let deleted = accounts::delete(conn, &present, &asker.client, (Door::Token, user.claims.sid))?;
        if deleted { Ok(()) } else { Err(Error::of(&problem::CONFLICT)) }
    });
    deleting.await?;
    let mut response = HttpResponse::NoContent();
    response.cookie(refresh_cookie::removal(&request));
    access_cookie::take(&mut response, &request);
    Ok(response.finish())
}
