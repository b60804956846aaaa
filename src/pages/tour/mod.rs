//! `/tour`: a guided path through the site, eight stops in about 15 minutes, with ten questions at the end.
//!
//! How far somebody is stands in a small cookie of theirs and nowhere else, so that the tour needs no log-in and makes no
//! row. Every page that is a stop says so while the cookie is there, and leads on to the next.

pub mod progress;
pub mod questions;
pub mod stops;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use self::{
    progress::Progress,
    questions::{Answered, LETTERS, QUESTIONS},
    stops::{STOPS, Stop},
};
use super::{
    Error,
    form::SafeForm,
    frame::{self, Frame},
};

#[derive(Template)]
#[template(path = "tour.html")]
struct TourPage {
    frame: Frame,
    progress: Option<Progress>,
}

impl TourPage {
    fn has_seen(&self, number: usize) -> bool {
        self.progress.is_some_and(|progress| progress.has_seen(number))
    }

    fn is_under_way(&self) -> bool {
        self.progress.is_some()
    }

    /// The first stop that was not seen; none after the last.
    fn next(&self) -> Option<(usize, &'static Stop)> {
        (1..).zip(STOPS).find(|(number, _)| !self.has_seen(*number))
    }
}

/// `GET /tour`
pub async fn show(request: HttpRequest) -> Result<HttpResponse, Error> {
    let page = TourPage { frame: Frame::with_form(&request), progress: Progress::of(&request) };
    frame::page(&request, StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "tour_stop.html")]
struct StopPage {
    frame: Frame,
    number: usize,
    stop: &'static Stop,
    next: Option<&'static Stop>,
}

/// `GET /tour/{stop}`: what to do there and what to look for. Whoever reads it is counted as having been there: by a cookie of
/// their own, so that a link does.
pub async fn show_stop(request: HttpRequest, number: web::Path<String>) -> Result<HttpResponse, Error> {
    let number = number.parse().ok().filter(|number| *number >= 1).ok_or(Error::NotFound)?;
    let stop = STOPS.get(number - 1).ok_or(Error::NotFound)?;
    Progress::of(&request).unwrap_or_default().and_seen(number).keep(&request);
    let page = StopPage { frame: Frame::of(&request), number, stop, next: STOPS.get(number) };
    frame::page(&request, StatusCode::OK, &page)
}

/// `POST /tour/forget`: as if nobody had been here.
pub async fn forget(request: HttpRequest, _form: SafeForm) -> Result<HttpResponse, Error> {
    Progress::forget(&request);
    Ok(frame::redirect(&request, "/tour"))
}

#[derive(Template)]
#[template(path = "tour_questions.html")]
struct QuestionsPage {
    frame: Frame,
    answered: Answered,
}

impl QuestionsPage {
    /// The answers to a question, counted from 0: the name in the address, the text, whether it was chosen.
    fn choices(&self, question: usize) -> Vec<(&'static str, &'static str, bool)> {
        let answers = QUESTIONS.get(question).map(|question| question.answers).unwrap_or_default();
        let chosen = |place: usize| self.answered.given(question) == Some(place);
        LETTERS
            .iter()
            .zip(answers)
            .enumerate()
            .map(|(place, (letter, answer))| (*letter, answer, chosen(place)))
            .collect()
    }
}

/// `GET /tour/questions`: graded on the spot and kept nowhere; the answers stand in the address.
pub async fn show_questions(request: HttpRequest) -> Result<HttpResponse, Error> {
    let query: Vec<(String, String)> =
        web::Query::from_query(request.query_string()).map_or_else(|_| Vec::new(), web::Query::into_inner);
    let answered = Answered::of(&query);
    let is_incomplete = answered.was_sent() && answered.right().is_none();
    let status = if is_incomplete { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    frame::page(&request, status, &QuestionsPage { frame: Frame::of(&request), answered })
}
