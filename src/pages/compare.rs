//! `/compare`: runs the comparison of a log-out at both doors, and shows what it measured.
//!
//! One run at a time, as runs would disturb one another's measurements, and 30 an hour for an address. A run is a task of its
//! own: it talks to this very server and must not wait for the request that started it, and if the visitor leaves, it still
//! cleans up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, rt, web};
use askama::Template;

use super::{
    Error,
    form::SafeForm,
    frame::{self, Frame},
};
use crate::{
    accounts::{
        Accounts,
        throttle::{Throttle, Throttled},
    },
    experiments::{
        client::Target,
        exchange::Door,
        finding::{Comparison, Row},
        log_out,
    },
    http::client::Client,
};

/// Runs an hour for one address.
const RUNS: u32 = 30;

/// What the page needs to know: where the server is, and whether a run is under way.
#[derive(Debug)]
pub struct Comparisons {
    target: Target,
    since: Arc<Mutex<Option<Instant>>>,
}

/// The one turn that there is; dropping it lets the next one run.
#[derive(Debug)]
struct Turn(Arc<Mutex<Option<Instant>>>);

/// Why no run was started.
#[derive(Debug)]
enum Refusal {
    /// Another run is under way, for about so many seconds more.
    Busy(u64),
    /// The address has had its runs.
    Throttled(Throttled),
}

impl Comparisons {
    /// Comparisons at this server.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self { target, since: Arc::default() }
    }

    /// Takes the turn, if it is free and the address has one left. A visitor who is told to wait has used none.
    fn take_turn(&self, throttle: &Throttle, network: std::net::IpAddr) -> Result<Turn, Refusal> {
        let attempt = throttle.hourly("compare", network, RUNS).map_err(Refusal::Throttled)?;
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = *since {
            throttle.give_back(attempt);
            return Err(Refusal::Busy(log_out::SECONDS.saturating_sub(since.elapsed().as_secs()).max(1)));
        }
        *since = Some(Instant::now());
        Ok(Turn(Arc::clone(&self.since)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    seconds: u64,
    run: Option<Comparison>,
    problem: Option<String>,
}

impl ComparePage {
    fn new(request: &HttpRequest, run: Option<Comparison>, problem: Option<String>) -> Self {
        Self { frame: Frame::with_form(request), seconds: log_out::SECONDS, run, problem }
    }
}

/// `GET /compare`
pub async fn show(request: HttpRequest) -> Result<HttpResponse, Error> {
    frame::page(&request, StatusCode::OK, &ComparePage::new(&request, None, None))
}

/// `POST /compare`: answers when the run is over.
pub async fn submit(
    request: HttpRequest,
    comparisons: web::Data<Comparisons>,
    accounts: web::Data<Accounts>,
    client: Client,
    _form: SafeForm,
) -> Result<HttpResponse, Error> {
    let turn = match comparisons.take_turn(&accounts.throttle, client.network()) {
        Ok(turn) => turn,
        Err(refusal) => return refuse(&request, &refusal),
    };
    let target = comparisons.target.clone();
    let run = rt::spawn(async move {
        let run = log_out::run(&target).await;
        drop(turn);
        run
    });
    let run = run.await.map_err(|error| Error::Internal(format!("the comparison was lost: {error}")))?;
    let problem = run.stopped.as_ref().map(|why| format!("The run broke off, so it shows nothing: {why}. Try again."));
    frame::page(&request, StatusCode::OK, &ComparePage::new(&request, Some(run), problem))
}

fn refuse(request: &HttpRequest, refusal: &Refusal) -> Result<HttpResponse, Error> {
    let (status, seconds, problem) = match refusal {
        Refusal::Busy(seconds) => (
            StatusCode::SERVICE_UNAVAILABLE,
            *seconds,
            format!(
                "A comparison is under way for somebody else, and two would disturb each other. Try again in {seconds} s."
            ),
        ),
        Refusal::Throttled(throttled) => {
            let minutes = throttled.seconds().div_ceil(60);
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            let problem = format!(
                "{RUNS} comparisons an hour is the most for one address. The next one is possible in {minutes} {unit}."
            );
            (StatusCode::TOO_MANY_REQUESTS, throttled.seconds(), problem)
        }
    };
    let mut response = frame::page(request, status, &ComparePage::new(request, None, Some(problem)))?;
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    Ok(response)
}
