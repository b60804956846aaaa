//! `POST /api/auth/login`: e-mail address and password, and two tokens in exchange.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    Error,
    body::{self, Json, RefreshTokenIn},
    refresh_cookie,
};
use crate::{
    accounts::{
        Accounts, PublicUser, User,
        credentials::{self, Asker},
        events::{self, Door, Event, Kind},
    },
    db,
    http::problem,
    token::{self, AccessToken, Tokens, audience::Wanted, log_in::Login},
};

/// The body of a log-in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    email: String,
    password: String,
    #[serde(default)]
    refresh_token_in: RefreshTokenIn,
    expires_in: Option<i64>,
    audience: Option<Vec<String>>,
}

/// The answer to a log-in, a refresh, a re-authentication and a change of password (RFC 6749, section 5.1).
#[derive(Serialize)]
pub(super) struct Issued<'a> {
    #[serde(flatten)]
    pub access: AccessToken,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
    pub user: PublicUser<'a>,
}

/// `POST /api/auth/login`
pub async fn submit(
    request: HttpRequest,
    accounts: web::Data<Accounts>,
    tokens: web::Data<Tokens>,
    asker: Asker,
    body: Json<LogIn>,
) -> Result<HttpResponse, Error> {
    let Json(LogIn { email, password, refresh_token_in, expires_in, audience }) = body;
    let wanted = body::wanted(&tokens, expires_in, audience)?;
    let user = credentials::check(&accounts, Door::Token, &email, &password, &asker).await?;
    let (ttls, client) = (tokens.ttls(), asker.client);
    let (user, login) = db::transaction(&accounts.pool, move |conn| {
        let login = token::log_in::log_in(conn, &user, ttls, &client)?.ok_or(Error::of(&problem::CONFLICT))?;
        token::log_in::keep_newest(conn, &user, &login, ttls, &client)?;
        let event = Event::new(Door::Token, Kind::LoggedIn).user(user.id).login(login.grounds.family);
        events::record(conn, &client, &event)?;
        Ok::<_, Error>((user, login))
    })
    .await?;
    issue(&request, &tokens, &user, &login, wanted, refresh_token_in)
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
    let access = tokens.issue(user, &login.grounds, wanted)?;
    let mut response = HttpResponse::Ok();
    let refresh_token = match refresh_token_in {
        RefreshTokenIn::Body => {
            // One of an earlier login would contradict the new one at every refresh.
            if refresh_cookie::is_shown(request) {
                response.cookie(refresh_cookie::removal(request));
            }
            Some(login.refresh_token.as_str())
        }
        RefreshTokenIn::Cookie => {
            response.cookie(refresh_cookie::carrying(request, &login.refresh_token, login.refresh_seconds));
            None
        }
    };
    Ok(response.json(Issued { access, refresh_token, user: user.public() }))
}
