//! What the server tells of itself: one log line a request, answered or not, and the `Server-Timing` header.
//!
//! Each request carries a [`Measured`] through a task-local, into which the database and the two schemes write what really
//! happened: the number and time of SQL statements, the time that authentication took, who it was. A leaf: it knows no room.
//!
//! Promise: no credential is ever logged; a path is logged as its route's pattern, never with its query.
//! Limit: work that a request hands to a task of its own is not counted with it, but by [`carry_on`].

mod request_id;
mod server_timing;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{Method, StatusCode},
    rt,
};
use tracing_subscriber::{EnvFilter, prelude::*};
use uuid::Uuid;

pub use self::{request_id::RequestId, server_timing::ServerTiming};
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
    id: Option<RequestId>,
}

tokio::task_local! {
    static MEASURED: Rc<Measured>;
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

/// Has work of the present request go on when whoever waits for it goes away, as a client may at any moment.
pub fn carry_on<T: 'static>(work: impl Future<Output = T> + 'static) -> rt::task::JoinHandle<T> {
    match MEASURED.try_with(Rc::clone) {
        Ok(measured) => rt::spawn(MEASURED.scope(measured, work)),
        Err(_) => rt::spawn(work),
    }
}

/// Where libraries call a stranger's fault an error or a warning of ours: what is no HTTP, and cookies that we never
/// signed. Anybody could fill the log with them. A filter that names these has them back.
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

/// One request, from its arrival to its answer. The outermost layer measures it, and logs its line.
pub struct Measuring {
    started: Instant,
    measured: Rc<Measured>,
    method: Method,
    /// Its pattern, if it is to be told.
    route: Option<String>,
    is_answered: Cell<bool>,
}

impl Measuring {
    /// Begins when a request arrives.
    #[must_use]
    pub fn begin(request: &ServiceRequest) -> Self {
        let measured = Rc::new(Measured { id: Some(RequestId::next()), ..Measured::default() });
        // A layer that fails takes the request with it.
        let is_told = metrics::counts_requests() || tracing::enabled!(tracing::Level::INFO);
        // As it is routed: letters may come percent-encoded.
        let route = || request.resource_map().match_pattern(request.match_info().unprocessed());
        let route = is_told.then(route).flatten();
        let (started, method) = (Instant::now(), request.method().clone());
        Self { started, measured, method, route, is_answered: Cell::new(false) }
    }

    /// What is done in here is measured.
    pub async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        MEASURED.scope(Rc::clone(&self.measured), work).await
    }

    /// Ends with an answer, which says how long it took if it is to say that; also with that of a layer that failed: its line is
    /// the one that will be looked for.
    pub fn end<B>(&self, response: &mut HttpResponse<B>, timing: ServerTiming) {
        let took = self.started.elapsed();
        timing.tell(response.headers_mut(), &self.measured, took);
        if metrics::counts_requests() {
            metrics::answered(self.route.as_deref(), response.status().as_u16());
        }
        self.is_answered.set(true);
        self.log(Some(response.status()), took);
    }

    fn log(&self, status: Option<StatusCode>, took: Duration) {
        tracing::info!(
            id = self.measured.id.map(tracing::field::display),
            method = %self.method,
            route = self.route.as_deref().unwrap_or("-"),
            status = status.map(|status| status.as_u16()),
            ms = milliseconds(took),
            statements = self.measured.statements.get(),
            who = %self.measured.who.borrow(),
            "request"
        );
    }
}

impl Drop for Measuring {
    /// Its client went away before there was an answer: that it came is told all the same, without a status.
    fn drop(&mut self) {
        if !self.is_answered.get() {
            self.log(None, self.started.elapsed());
        }
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
