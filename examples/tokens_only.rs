//! The token door alone: what is left of this application for a project that lifts out `token/` and nothing else.
//!
//! Six routes, enough to log in, to be recognised with and without asking anybody, to refresh and to log out. It stands on no
//! room but those that `docs/lifting.md` copies, and that recipe takes this file for its `src/main.rs`. Its twin is
//! `sessions_only.rs`.
//!
//! ```sh
//! DATABASE_URL=postgres://… SECRETS=… cargo run --example tokens_only
//! ```
//!
//! Limit: its refusals are bare words, nobody can sign up, and both tokens travel in bodies and headers only: a browser's
//! refresh token belongs in a cookie, with a check of the origin, as `src/api/refresh_cookie.rs` does it.

use std::net::TcpListener;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, ResponseError,
    dev::Server,
    http::{StatusCode, header},
    rt,
    web::{self, Data, Json},
};
use serde_json::json;
use two_doors::{
    accounts::{
        Accounts, User,
        credentials::{self, Asker},
        ending::EndReason,
        events::{self, Door, Event, Kind},
        throttle::Throttled,
    },
    config::{Config, Database},
    db::{self, Pool},
    http::client::TrustedProxies,
    token::{
        self, LiveTokenUser, TokenUser, Tokens,
        authenticate::NotAuthenticated,
        keys::Keyring,
        log_in::Login,
        record::{self, PlainRefreshToken},
        renew::Renewed,
    },
};

/// Anything that keeps the server from starting.
type Failed = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> Result<(), Failed> {
    let config = Config::from_env()?;
    Ok(serve(TcpListener::bind(config.bind_address)?, &config)?.await?)
}

/// Serves the door on this listener.
pub fn serve(listener: TcpListener, config: &Config) -> Result<Server, Failed> {
    let Database::Given { url, migration_url } = &config.database else { return Err("DATABASE_URL is not set".into()) };
    let secrets = config.secrets.clone().ok_or("SECRETS is not set")?;
    if config.migrate {
        db::migrate(migration_url)?;
        db::grant(migration_url, url)?;
    }
    let here = format!("http://{}", listener.local_addr()?);
    let address = config.public_url.as_ref().map_or(here, |url| url.as_str().trim_end_matches('/').to_owned());
    // Ten instances may start at once: the first one makes the first key.
    let keyring = db::exclusively(&mut db::connect(url)?, |conn| Keyring::open(conn, &secrets, &config.token))?;
    let pool = Pool::new(url, config.pool_size, config.database_timeout)?;
    let tokens = Data::new(Tokens::new(pool.clone(), keyring, &config.token, &address));
    rt::spawn(tokens.keys.clone().follow(pool.clone()));
    let accounts = Data::new(Accounts::new(pool, &config.accounts, &secrets, false));
    let proxies = Data::new(TrustedProxies(config.trusted_proxies.clone()));
    let app = move || {
        App::new()
            .app_data(accounts.clone())
            .app_data(tokens.clone())
            .app_data(proxies.clone())
            .route("/login", web::post().to(log_in))
            .route("/refresh", web::post().to(refresh))
            .route("/logout", web::post().to(log_out))
            .route("/me", web::get().to(me))
            .route("/account", web::get().to(account))
            .route("/.well-known/jwks.json", web::get().to(jwks))
    };
    Ok(HttpServer::new(app).listen(listener)?.run())
}

/// `GET /me`: what the token says; nobody is asked, so a login that has ended goes on until the token expires.
async fn me(request: HttpRequest, tokens: Data<Tokens>) -> Result<HttpResponse, Refused> {
    let user = TokenUser::of(&request, &tokens)?;
    // `TOKEN_CHECK=live`: the operator wants every route to ask.
    let user = if tokens.always_live() { LiveTokenUser::check(user, &tokens).await?.into() } else { user };
    Ok(HttpResponse::Ok().json(user.0.me()))
}

/// `GET /account`: one statement asks whether the login still stands.
async fn account(request: HttpRequest, tokens: Data<Tokens>) -> Result<HttpResponse, Refused> {
    let live = LiveTokenUser::check(TokenUser::of(&request, &tokens)?, &tokens).await?;
    Ok(HttpResponse::Ok().json(live.user.public()))
}

/// `GET /.well-known/jwks.json`: what other services verify with.
async fn jwks(tokens: Data<Tokens>) -> HttpResponse {
    let jwks = tokens.keys.jwks();
    let keep = format!("public, max-age={}", jwks.max_age);
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, keep)).content_type("application/json").body(jwks.body)
}

#[derive(serde::Deserialize)]
struct Typed {
    email: String,
    password: String,
}

#[derive(serde::Deserialize)]
struct Shown {
    refresh_token: String,
}

impl Shown {
    fn token(&self) -> Result<PlainRefreshToken, Refused> {
        PlainRefreshToken::shown(&self.refresh_token).ok_or(Refused::NotLoggedIn)
    }
}

/// `POST /login`: a new family, its first refresh token, and an access token.
async fn log_in(
    accounts: Data<Accounts>,
    tokens: Data<Tokens>,
    asker: Asker,
    Json(typed): Json<Typed>,
) -> Result<HttpResponse, Refused> {
    let user = credentials::check(&accounts, Door::Token, &typed.email, &typed.password, &asker).await?;
    let (ttls, client) = (tokens.ttls(), asker.client);
    let (user, login) = db::transaction(&accounts.pool, move |conn| {
        let login = token::log_in::log_in(conn, &user, ttls, &client)?.ok_or(Refused::ChangedMeanwhile)?;
        token::log_in::keep_newest(conn, &user, &login, ttls, &client)?;
        let event = Event::new(Door::Token, Kind::LoggedIn).user(user.id).login(login.grounds.family);
        events::record(conn, &client, &event)?;
        Ok::<_, Refused>((user, login))
    })
    .await?;
    issue(&tokens, &user, &login)
}

/// `POST /refresh`: the successor of a refresh token; an old one that comes back ends the login.
async fn refresh(
    accounts: Data<Accounts>,
    tokens: Data<Tokens>,
    asker: Asker,
    Json(shown): Json<Shown>,
) -> Result<HttpResponse, Refused> {
    let (token, ttls, shared) = (shown.token()?, tokens.ttls(), accounts.clone());
    let renewed = db::transaction(&accounts.pool, move |conn| {
        token::renew::renew(conn, &token, ttls, &asker.client, &shared.throttle)
    });
    match renewed.await? {
        Renewed::Successor(user, login) => issue(&tokens, &user, &login),
        Renewed::Banned(_) => Err(Refused::Banned),
        Renewed::Throttled(throttled) => Err(Refused::Throttled(throttled)),
        _ => Err(Refused::NotLoggedIn),
    }
}

/// `POST /logout`: the family is ended before the answer says so.
async fn log_out(accounts: Data<Accounts>, asker: Asker, Json(shown): Json<Shown>) -> Result<HttpResponse, Refused> {
    let token = shown.token()?;
    db::transaction(&accounts.pool, move |conn| {
        let family = record::family_of(conn, &token)?.ok_or(Refused::NotLoggedIn)?;
        if token::log_out::log_out(conn, family.id, EndReason::LoggedOut)? {
            let event = Event::new(Door::Token, Kind::LoggedOut).user(family.user_id).login(family.id);
            events::record(conn, &asker.client, &event)?;
        }
        Ok::<_, Refused>(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn issue(tokens: &Tokens, user: &User, login: &Login) -> Result<HttpResponse, Refused> {
    let access = tokens.issue(user, &login.grounds, None)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "access_token": access.as_str(),
        "token_type": "Bearer",
        "expires_in": access.seconds(),
        "refresh_token": login.refresh_token.as_str(),
    })))
}

/// How this door says no.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("Log in first.")]
    NotLoggedIn,
    #[error("This access token lets nobody in: refresh, or log in again.")]
    InvalidToken,
    #[error("Wrong e-mail address or password.")]
    Wrong,
    #[error("This account is banned.")]
    Banned,
    #[error("Too many attempts: wait a while.")]
    Throttled(Throttled),
    #[error("The account changed meanwhile: try again.")]
    ChangedMeanwhile,
    #[error("Nobody can tell just now: try again.")]
    Unavailable,
    #[error("That is our fault.")]
    Failed,
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::InvalidToken | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Banned => StatusCode::FORBIDDEN,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ChangedMeanwhile => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            // No `error` where nothing was shown (RFC 6750, section 3.1).
            Self::NotLoggedIn | Self::Wrong => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            Self::InvalidToken => response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
            Self::Throttled(throttled) => response.insert_header((header::RETRY_AFTER, throttled.seconds())),
            Self::Unavailable => response.insert_header((header::RETRY_AFTER, 2)),
            _ => &mut response,
        };
        response.insert_header((header::CACHE_CONTROL, "no-store")).content_type("text/plain; charset=utf-8");
        response.body(self.to_string())
    }
}

impl From<credentials::Error> for Refused {
    fn from(error: credentials::Error) -> Self {
        match error {
            credentials::Error::Banned(_) => Self::Banned,
            credentials::Error::Throttled(throttled) => Self::Throttled(throttled),
            credentials::Error::Busy(_) => Self::Unavailable,
            credentials::Error::Database(error) => error.into(),
            _ => Self::Wrong,
        }
    }
}

impl From<NotAuthenticated> for Refused {
    fn from(error: NotAuthenticated) -> Self {
        match error {
            NotAuthenticated::Banned(_) => Self::Banned,
            NotAuthenticated::Database(error) => error.into(),
            NotAuthenticated::Missing => Self::NotLoggedIn,
            _ => Self::InvalidToken,
        }
    }
}

impl From<db::Error> for Refused {
    fn from(error: db::Error) -> Self {
        if error.absence().is_some() {
            return Self::Unavailable;
        }
        tracing::error!(%error, "the database");
        Self::Failed
    }
}

impl From<diesel::result::Error> for Refused {
    fn from(error: diesel::result::Error) -> Self {
        db::Error::from(error).into()
    }
}
