//! The form that starts a run.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};

use super::{BUDGET, ExperimentPage, RUNS, Shelf};
use crate::{
    accounts::Accounts,
    experiments::{
        board::{AT_MOST_FOR_ONE, Board, Full},
        experiment::Test,
    },
    http::client::Client,
    pages::{Error, form::SafeForm, frame},
};

/// How long to wait before a full queue is worth another try, in seconds.
const LATER: u64 = 30;

/// `POST /experiments/{id}` and `POST /compare/{event}`: leads to the page of the run.
pub async fn start(
    request: HttpRequest,
    id: web::Path<String>,
    board: web::Data<Board>,
    accounts: web::Data<Accounts>,
    client: Client,
    _form: SafeForm,
) -> Result<HttpResponse, Error> {
    let shelf = Shelf::of(&request);
    let experiment = shelf.find(&id).ok_or(Error::NotFound)?;
    let refuse = |status: StatusCode, seconds: u64, problem: String| {
        let finding = board.last(experiment.id);
        let page = ExperimentPage::new(&request, &board, experiment, finding, Some(problem));
        let mut response = frame::page(&request, status, &page)?;
        if seconds > 0 {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        Ok(response)
    };
    if !board.is_open() || matches!(experiment.test, Test::Reference { .. }) {
        let why = "Experiments can’t be started on this server.".to_owned();
        return refuse(StatusCode::FORBIDDEN, 0, why);
    }
    let attempt = match accounts.throttle.hourly(BUDGET, client.network(), RUNS) {
        Ok(attempt) => attempt,
        Err(throttled) => {
            let why = format!("{RUNS} runs an hour is the most for one address.");
            return refuse(StatusCode::TOO_MANY_REQUESTS, throttled.seconds(), why);
        }
    };
    let full = match board.start(experiment, client.network()) {
        Ok(run) => return Ok(frame::redirect(&request, &format!("{}/{}/runs/{run}", shelf.base, experiment.id))),
        Err(full) => full,
    };
    accounts.throttle.give_back(attempt);
    let (status, why) = no_room(full);
    refuse(status, LATER, why)
}

fn no_room(full: Full) -> (StatusCode, String) {
    match full {
        Full::ForAll => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many runs are waiting already. Try again in half a minute.".to_owned(),
        ),
        Full::ForOne => (
            StatusCode::TOO_MANY_REQUESTS,
            format!("{AT_MOST_FOR_ONE} runs at a time is the most for one address. Wait until one of them is over."),
        ),
    }
}
