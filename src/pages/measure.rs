//! `/measure`: what signatures, look-ups, passwords and bytes cost, measured on this machine when somebody asks for it.
//!
//! One run at a time, as runs would disturb one another's measurements: it takes its turn and its share of an address' runs
//! with the experiments. The last run is kept for everybody until the next one, or the end of the process; before the first
//! one the page shows what was measured on the reference machine. A run is a task of its own, so that it cleans up after a
//! visitor who leaves. Where experiments are off, nobody starts one.

use std::sync::{Arc, PoisonError, RwLock};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, rt, web};
use askama::Template;
use time::{OffsetDateTime, macros::format_description};
use tokio::sync::OwnedMutexGuard;

use super::{
    Error,
    experiments::{BUDGET, RUNS},
    form::SafeForm,
    frame::{self, Frame},
};
use crate::{
    accounts::Accounts,
    experiments::{
        board::Board,
        client::Target,
        measure::{
            self, Measurement, Unmeasured,
            report::{Part, Store, parts},
        },
    },
    http::client::Client,
};

/// What the page needs to know: where the server is, and what was measured last.
#[derive(Debug)]
pub struct Measurements {
    target: Target,
    store: Store,
    last: Arc<RwLock<Option<Kept>>>,
}

/// A run, and when it ended.
#[derive(Debug)]
struct Kept {
    measured: Measurement,
    at: String,
}

impl Measurements {
    /// Measurements of this server, which keeps its sessions in this store.
    #[must_use]
    pub fn new(target: Target, store: Store) -> Self {
        Self { target, store, last: Arc::default() }
    }

    fn page(&self, request: &HttpRequest, is_open: bool, problem: Option<String>) -> MeasurePage {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        let kept = last.as_ref();
        MeasurePage {
            frame: Frame::with_form(request),
            seconds: measure::SECONDS,
            is_open,
            here: kept.is_some(),
            silent: kept.is_some_and(|kept| kept.measured.doors.session.authentication.is_none()),
            parts: parts(kept.map(|kept| (&kept.measured, kept.at.as_str())), self.store),
            problem,
        }
    }

    /// Runs, and keeps what it came to.
    async fn run(&self, turn: OwnedMutexGuard<()>) -> Result<Result<(), Unmeasured>, Error> {
        let (target, last) = (self.target.clone(), Arc::clone(&self.last));
        let run = rt::spawn(async move {
            let measured = measure::run(&target, measure::USUAL).await;
            drop(turn);
            let measured = measured.inspect_err(|unmeasured| tracing::warn!(%unmeasured, "nothing was measured"))?;
            *last.write().unwrap_or_else(PoisonError::into_inner) = Some(Kept { measured, at: clock() });
            Ok(())
        });
        run.await.map_err(|error| Error::Internal(format!("the measuring was lost: {error}")))
    }
}

#[derive(Template)]
#[template(path = "measure.html")]
struct MeasurePage {
    frame: Frame,
    seconds: u64,
    is_open: bool,
    here: bool,
    silent: bool,
    parts: Vec<Part>,
    problem: Option<String>,
}

/// `GET /measure`
pub async fn show(
    request: HttpRequest,
    measurements: web::Data<Measurements>,
    board: web::Data<Board>,
) -> Result<HttpResponse, Error> {
    frame::page(&request, StatusCode::OK, &measurements.page(&request, board.is_open(), None))
}

/// `POST /measure`: answers when the run is over.
pub async fn submit(
    request: HttpRequest,
    measurements: web::Data<Measurements>,
    board: web::Data<Board>,
    accounts: web::Data<Accounts>,
    client: Client,
    _form: SafeForm,
) -> Result<HttpResponse, Error> {
    let answer = |status: StatusCode, seconds: u64, problem: String| {
        let page = measurements.page(&request, board.is_open(), Some(problem));
        let mut response = frame::page(&request, status, &page)?;
        if seconds > 0 {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        Ok(response)
    };
    if !board.is_open() {
        return answer(StatusCode::FORBIDDEN, 0, "Runs can’t be started on this server.".to_owned());
    }
    let attempt = match accounts.throttle.hourly(BUDGET, client.network(), RUNS) {
        Ok(attempt) => attempt,
        Err(throttled) => {
            let (seconds, minutes) = (throttled.seconds(), throttled.seconds().div_ceil(60));
            let why =
                format!("{RUNS} runs an hour is the most for one address. The next is possible in {minutes} min.");
            return answer(StatusCode::TOO_MANY_REQUESTS, seconds, why);
        }
    };
    let Some(turn) = board.take_turn() else {
        accounts.throttle.give_back(attempt);
        let seconds = measure::SECONDS;
        let why = format!(
            "Something is being measured or run here already, perhaps since you clicked before, and two would disturb each other. Load this page again in {seconds} s."
        );
        return answer(StatusCode::SERVICE_UNAVAILABLE, seconds, why);
    };
    match measurements.run(turn).await? {
        Ok(()) => Ok(frame::redirect(&request, "/measure")),
        Err(unmeasured) => {
            let why = format!("The run broke off, so there is nothing new to show: {unmeasured}. Try again.");
            answer(StatusCode::SERVICE_UNAVAILABLE, measure::SECONDS, why)
        }
    }
}

fn clock() -> String {
    let format = format_description!("[hour]:[minute] UTC, [day padding:none] [month repr:long] [year]");
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}
