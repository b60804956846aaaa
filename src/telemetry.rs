//! What the server tells of itself: one log line a request, and the `Server-Timing` header.
//!
//! Each request carries a [`Measured`] through a task-local, into which the database and the two schemes write what really
//! happened: the number and time of SQL statements, the time that authentication took, who it was. A leaf: it knows no room.
//!
//! Promise: no credential is ever logged; a path is logged as its route's pattern, never with its query.
//! Limit: work that a request hands to a task of its own is not counted with it.

use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing_subscriber::{EnvFilter, prelude::*};
use uuid::Uuid;

use crate::metrics;

/// What is measured while a request is answered.
#[derive(Debug, Default)]
pub struct Measured {
    statements: Cell<u32>,
    shared: Cell<u32>,
    sql: Cell<Duration>,
    waited: Cell<Duration>,
    authentication: Cell<Duration>,
    token_check: Cell<Option<&'static str>>,
    who: RefCell<Who>,
}

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

tokio::task_local! {
    static MEASURED: Rc<Measured>;
}

/// Whether answers carry `Server-Timing`.
#[derive(Debug, Clone, Copy)]
pub struct ServerTiming(pub bool);

/// The id under which a request stands in the log; error pages show it.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Counts statements that were sent for the present request.
pub fn record_sql(statements: u32, time: Duration) {
    let _ = MEASURED.try_with(|measured| {
        measured.statements.set(measured.statements.get() + statements);
        measured.sql.set(measured.sql.get() + time);
    });
}

/// Adds time that the present request waited for its rows, in whichever store, in the queue or for an answer.
pub fn record_wait(time: Duration) {
    let _ = MEASURED.try_with(|measured| measured.waited.set(measured.waited.get() + time));
}

/// What was added up by [`record_wait`].
#[must_use]
pub fn waited() -> Duration {
    MEASURED.try_with(|measured| measured.waited.get()).unwrap_or_default()
}

/// Notes how many of the statements were sent for other requests as well.
pub fn record_shared_sql(statements: u32) {
    let _ = MEASURED.try_with(|measured| measured.shared.set(measured.shared.get() + statements));
}

/// Adds time that finding out who asks took, database included.
pub fn record_authentication(time: Duration) {
    let _ = MEASURED.try_with(|measured| measured.authentication.set(measured.authentication.get() + time));
}

/// Notes who the present request was made by: a user's id, never a credential.
pub fn record_who(user: Uuid) {
    let _ = MEASURED.try_with(|measured| drop(measured.who.replace(Who::User(user))));
}

/// Notes that the present request was made by a program that is known by name.
pub fn record_service(name: &str) {
    let _ = MEASURED.try_with(|measured| drop(measured.who.replace(Who::Service(name.to_owned()))));
}

/// Notes which check of an access token the present request rests on.
pub fn record_token_check(check: &'static str) {
    let _ = MEASURED.try_with(|measured| measured.token_check.set(Some(check)));
}

/// What was noted last by [`record_token_check`].
#[must_use]
pub fn token_check() -> Option<&'static str> {
    MEASURED.try_with(|measured| measured.token_check.get()).ok().flatten()
}

/// Where libraries call a stranger's fault an error or a warning of ours: what is no HTTP, and cookies that we never signed. Anybody
/// could fill the log with them. A filter that names these has them back.
const STRANGERS: &str = "actix_http::h1::dispatcher=off,actix_http::h1::decoder=off,actix_session=error";

/// Starts logging; a second call in one process does nothing.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::builder().parse_lossy(format!("{STRANGERS},{filter}"));
    let registry = tracing_subscriber::registry().with(filter);
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(is_terminal);
    let _ = if json {
        registry.with(layer.json().flatten_event(true)).try_init()
    } else {
        registry.with(layer.compact()).try_init()
    };
}

/// The outermost layer: measures the request, logs its line, adds `Server-Timing`.
pub async fn measure(
    timing: web::Data<ServerTiming>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let measured = Rc::new(Measured::default());
    let method = request.method().clone();
    let id = next_id();
    request.extensions_mut().insert(id);
    let answered = MEASURED.scope(Rc::clone(&measured), next.call(request)).await;
    let took = started.elapsed();
    let line = |status: StatusCode, route: Option<String>| {
        tracing::info!(
            %id,
            %method,
            route = route.as_deref().unwrap_or("-"),
            status = status.as_u16(),
            ms = milliseconds(took),
            statements = measured.statements.get(),
            who = %measured.who.borrow(),
            "request"
        );
    };
    let header = timing.0.then(|| HeaderValue::try_from(server_timing(&measured, took)).ok()).flatten();
    let add = |headers: &mut HeaderMap| {
        if let Some(value) = header {
            headers.insert(SERVER_TIMING, value);
        }
    };
    match answered {
        Ok(mut response) => {
            add(response.headers_mut());
            let (is_counted, is_logged) = (metrics::counts_requests(), tracing::enabled!(tracing::Level::INFO));
            if is_counted || is_logged {
                let route = response.request().match_pattern();
                if is_counted {
                    metrics::answered(route.as_deref(), response.status().as_u16());
                }
                if is_logged {
                    line(response.status(), route);
                }
            }
            Ok(response)
        }
        // A layer failed, and the request is gone with it: its line is the one that will be looked for.
        Err(error) => {
            let mut response = error.error_response();
            add(response.headers_mut());
            if metrics::counts_requests() {
                metrics::answered(Some("failed in a layer"), response.status().as_u16());
            }
            line(response.status(), None);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn server_timing(measured: &Measured, took: Duration) -> String {
    let (statements, shared) = (measured.statements.get(), measured.shared.get());
    let mut text = String::with_capacity(112);
    let _ = write!(text, "auth;dur={}", Milliseconds(measured.authentication.get()));
    if let Some(check) = measured.token_check.get() {
        let _ = write!(text, ";desc={check}");
    }
    let plural = if statements == 1 { "" } else { "s" };
    let _ = write!(text, ", sql;dur={};desc=\"{statements} statement{plural}", Milliseconds(measured.sql.get()));
    if shared > 0 {
        let _ = write!(text, ", {shared} shared");
    }
    let _ = write!(text, "\", total;dur={}", Milliseconds(took));
    text
}

/// With three decimals, and without floating point: this is written for every request.
struct Milliseconds(Duration);

impl std::fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let microseconds = self.0.as_micros();
        write!(f, "{}.{:03}", microseconds / 1000, microseconds % 1000)
    }
}

/// Who a request was made by.
#[derive(Debug, Default)]
enum Who {
    #[default]
    Unknown,
    User(Uuid),
    Service(String),
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("-"),
            Self::User(id) => id.fmt(f),
            Self::Service(name) => f.write_str(name),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number that tells requests apart in the log, and processes too by where it begins.
fn next_id() -> RequestId {
    static FIRST: std::sync::LazyLock<u64> =
        std::sync::LazyLock::new(|| u64::from_be_bytes(crate::secrets::random()) & 0xffff_ffff_0000_0000);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    RequestId(*FIRST | (COUNT.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff))
}
