//! The application as each worker has it: what they share, every route of both doors, and the layers around them.

use std::{io, net::TcpListener, rc::Rc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::Method,
    middleware::from_fn,
    web::{self, Data},
};

use super::edge::{self, Edge};
use crate::{
    accounts::Accounts,
    api,
    db::{self, Pool},
    everywhere::TokenLogins,
    experiments::board::Board,
    http::{client::TrustedProxies, drain::Drain, origin::Site, routes},
    pages,
    session::Sessions,
    telemetry::ServerTiming,
    token::{Tokens, endings::Endings},
};

/// How long requests in flight may go on after a signal.
pub(super) const SHUTDOWN_SECONDS: u64 = 10;

/// What the workers share.
#[derive(Clone)]
pub(super) struct State {
    pub(super) endings: Data<Endings>,
    pub(super) token_logins: Data<TokenLogins>,
    pub(super) accounts: Data<Accounts>,
    pub(super) tokens: Data<Tokens>,
    pub(super) sessions: Data<Sessions>,
    pub(super) settings: Data<pages::frame::Settings>,
    pub(super) proxies: Data<TrustedProxies>,
    pub(super) timing: ServerTiming,
    pub(super) board: Data<Board>,
    pub(super) measurements: Data<pages::Measurements>,
    pub(super) description: Data<api::description::Description>,
    pub(super) docs: Data<pages::docs::Docs>,
    pub(super) csrf_keys: Data<api::CsrfKeys>,
    pub(super) site: Data<Site>,
    pub(super) pool: Data<Pool>,
    pub(super) drain: Data<Drain>,
}

/// Serves every route of both doors on this listener.
pub(super) fn serve(listener: TcpListener, state: State) -> io::Result<actix_web::dev::Server> {
    let threads_most = state.pool.threads_most();
    let factory = move || {
        let state = state.clone();
        let sessions = state.sessions.clone();
        let edge = Rc::new(Edge { site: state.site.clone(), drain: state.drain.clone(), timing: state.timing });
        App::new()
            .app_data(state.accounts)
            .app_data(state.tokens)
            .app_data(state.endings)
            .app_data(state.token_logins)
            .app_data(state.sessions)
            .app_data(state.settings)
            .app_data(state.proxies)
            .app_data(state.board)
            .app_data(state.measurements)
            .app_data(state.description)
            .app_data(state.docs)
            .app_data(state.csrf_keys)
            .app_data(state.site.clone())
            .app_data(state.pool)
            .app_data(state.drain)
            .service(routes::resource("/healthz", [(Method::GET, web::get().to(alive))], only_get))
            .service(routes::resource("/readyz", [(Method::GET, web::get().to(ready))], only_get))
            .configure(|config| pages::mount_docs(config, &sessions, &state.site))
            .configure(|config| api::mount(config, &state.site))
            .configure(|config| pages::mount(config, &sessions, &state.site))
            .wrap(from_fn(move |request, next| edge::around(Rc::clone(&edge), request, next)))
    };
    Ok(HttpServer::new(factory)
        .disable_signals()
        .worker_max_blocking_threads(threads_most)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .client_request_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(15))
        .listen(listener)?
        .run())
}

/// What was so a moment ago says nothing of now.
const NOT_KEPT: (&str, &str) = ("cache-control", "no-store");
const WORDS: &str = "text/plain; charset=utf-8";

/// `GET /healthz`: the process is alive.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().insert_header(NOT_KEPT).content_type(WORDS).body("alive\n")
}

/// `GET /readyz`: the database answers, also those who look sessions up, and so does the session store, where that is
/// another one; and nobody told us to stop.
async fn ready(accounts: Data<Accounts>, drain: Data<Drain>) -> HttpResponse {
    if drain.has_begun() {
        return unready("this instance is leaving\n");
    }
    let asked = db::run(&accounts.pool, |conn| {
        Ok::<_, db::Error>(diesel::RunQueryDsl::execute(diesel::sql_query("SELECT 1"), conn)?)
    });
    let silent = match (asked.await, accounts.check_copies().await) {
        _ if [accounts.pool.gatherer(), accounts.pool.noter()].iter().any(|gatherer| gatherer.is_lost()) => {
            "too many connections to the database hang\n"
        }
        // Being busy is no reason to leave the others with all of it.
        (Ok(_) | Err(db::Error::Overloaded), Ok(())) => {
            return HttpResponse::Ok().insert_header(NOT_KEPT).content_type(WORDS).body("ready\n");
        }
        (Err(_), _) => "the database does not answer\n",
        (_, Err(_)) => "the session store does not answer\n",
    };
    unready(silent)
}

fn unready(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header(("retry-after", "2"))
        .insert_header(NOT_KEPT)
        .content_type(WORDS)
        .body(why)
}

fn only_get(_: &actix_web::HttpRequest, _: &str) -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header(NOT_KEPT).finish()
}
