//! The session door alone: what is left of this application for a project that lifts out `session/` and nothing else.
//!
//! Three routes, enough to log in, to be recognised and to log out, with all that the scheme promises. It stands on no room but
//! those that `docs/lifting.md` copies, and that recipe takes this file for its `src/main.rs`. Its twin is `tokens_only.rs`.
//!
//! ```sh
//! DATABASE_URL=postgres://… SECRETS=… cargo run --example sessions_only
//! ```
//!
//! Limit: its refusals are bare words, nobody can sign up, and its forms are protected by the browser's own word alone
//! (`Origin`, `Sec-Fetch-Site`): `src/pages/same_origin.rs` has the second layer, a token in each form.

use std::{
    future::{Ready, ready},
    net::TcpListener,
};

use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{Payload, Server, ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn},
    web::{self, Data, Form},
};
use two_doors::{
    accounts::{
        Accounts,
        credentials::{self, Asker},
        ending::EndReason,
        events::{self, Door, Event, Kind},
        throttle::Throttled,
    },
    config::{Config, Database},
    db::{self, Pool},
    http::{
        client::TrustedProxies,
        origin::{CameFrom, Site},
    },
    session::{self, Failure, SessionUser, Sessions},
};
use url::Url;

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
    let here = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let site = Data::new(Site::new(config.public_url.clone().unwrap_or(here), None, &[]));
    let pool = Pool::new(url, config.pool_size, config.database_timeout)?;
    let sessions = Data::new(Sessions::new(pool.clone(), config.session, &secrets, site.is_https()));
    let accounts = Data::new(Accounts::new(pool, &config.accounts, &secrets, false));
    let proxies = Data::new(TrustedProxies(config.trusted_proxies.clone()));
    let app = move || {
        let door = web::scope("")
            .route("/", web::get().to(home))
            .route("/login", web::post().to(log_in))
            .route("/logout", web::post().to(log_out))
            .wrap(from_fn(only_from_here));
        App::new()
            .app_data(accounts.clone())
            .app_data(sessions.clone())
            .app_data(proxies.clone())
            .app_data(site.clone())
            .service(session::wrap(door, &sessions))
    };
    Ok(HttpServer::new(app).listen(listener)?.run())
}

/// Somebody with a live session. A handler that needs one takes it as a parameter: what isn't there can't be forgotten.
struct LoggedIn(SessionUser);

impl FromRequest for LoggedIn {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    /// During an outage no request comes as far as this: the session's layer has said 503.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(SessionUser::of(request).map(Self).map_err(|_| Refused::NotLoggedIn))
    }
}

/// `GET /`: who is asking.
async fn home(LoggedIn(user): LoggedIn) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).content_type("text/plain; charset=utf-8");
    response.body(user.user().email.clone())
}

#[derive(serde::Deserialize)]
struct Typed {
    email: String,
    password: String,
}

/// `POST /login`: a new row and a new key, in place of what the browser had.
async fn log_in(
    request: HttpRequest,
    accounts: Data<Accounts>,
    sessions: Data<Sessions>,
    asker: Asker,
    Form(typed): Form<Typed>,
) -> Result<HttpResponse, Refused> {
    let user = credentials::check(&accounts, Door::Session, &typed.email, &typed.password, &asker).await?;
    let (terms, client, before) = (sessions.terms(false), asker.client, SessionUser::of(&request).ok());
    let new = db::transaction(&accounts.pool, move |conn| {
        let new = session::log_in::log_in(conn, &user, &terms, &client)?.ok_or(Refused::ChangedMeanwhile)?;
        if let Some(before) = before {
            session::log_out::log_out(conn, &before, EndReason::Replaced)?;
        }
        session::log_in::keep_newest(conn, &new, &terms, &client)?;
        let event = Event::new(Door::Session, Kind::LoggedIn).user(user.id).login(new.id);
        events::record(conn, &client, &event)?;
        Ok::<_, Refused>(new)
    });
    session::log_in::enter(&request, new.await?)?;
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/")).finish())
}

/// `POST /logout`: the row is ended before the answer says so.
async fn log_out(
    request: HttpRequest,
    accounts: Data<Accounts>,
    LoggedIn(user): LoggedIn,
    asker: Asker,
) -> Result<HttpResponse, Refused> {
    db::transaction(&accounts.pool, move |conn| {
        if session::log_out::log_out(conn, &user, EndReason::LoggedOut)? {
            let event = Event::new(Door::Session, Kind::LoggedOut).user(user.user().id).login(user.record().id);
            events::record(conn, &asker.client, &event)?;
        }
        Ok::<_, Refused>(())
    })
    .await?;
    session::log_out::leave(&request);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/")).finish())
}

/// Refuses unsafe requests that another origin's page made the browser send.
async fn only_from_here<B: MessageBody + 'static>(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.method() != Method::GET && site.judge_page(request.headers()) == CameFrom::Elsewhere {
        return Ok(request.error_response(Refused::AnotherOrigin).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// How this door says no.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("Log in first.")]
    NotLoggedIn,
    #[error("Wrong e-mail address or password.")]
    Wrong,
    #[error("This account is banned.")]
    Banned,
    #[error("Too many attempts: wait a while.")]
    Throttled(Throttled),
    #[error("The account changed meanwhile: try again.")]
    ChangedMeanwhile,
    #[error("Another site's page sent this.")]
    AnotherOrigin,
    #[error("Nobody can tell just now: try again.")]
    Unavailable,
    #[error("That is our fault.")]
    Failed,
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Banned | Self::AnotherOrigin => StatusCode::FORBIDDEN,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ChangedMeanwhile => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
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

impl From<Failure> for Refused {
    fn from(_: Failure) -> Self {
        Self::Failed
    }
}
