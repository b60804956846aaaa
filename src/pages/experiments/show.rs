//! The pages: all experiments, one of them, one run of it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{COMPARISONS, ComparePage, ExperimentPage, ListPage, RunPage, Shelf};
use crate::{
    experiments::{board::Board, claims, experiment::Section},
    pages::{
        Error,
        frame::{self, Frame},
    },
};

/// `GET /experiments`
pub async fn list(request: HttpRequest, board: web::Data<Board>) -> Result<HttpResponse, Error> {
    let of_section = |section: Section| {
        let experiments = claims::ALL.iter().filter(|experiment| experiment.section == section);
        (section, experiments.map(|experiment| (*experiment, board.last(experiment.id))).collect())
    };
    let sections = Section::ALL.map(of_section).into();
    let page = ListPage { frame: Frame::of(&request), is_open: board.is_open(), sections };
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /compare`
pub async fn compare(request: HttpRequest, board: web::Data<Board>) -> Result<HttpResponse, Error> {
    let events = COMPARISONS.all.iter().map(|event| (*event, board.last(event.id))).collect();
    let page = ComparePage { frame: Frame::with_form(&request), is_open: board.is_open(), events };
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /experiments/{id}` and `GET /compare/{event}`
pub async fn show(request: HttpRequest, id: web::Path<String>, board: web::Data<Board>) -> Result<HttpResponse, Error> {
    let experiment = Shelf::of(&request).find(&id).ok_or(Error::NotFound)?;
    let finding = board.last(experiment.id);
    let page = ExperimentPage::new(&request, &board, experiment, finding, None);
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /experiments/{id}/runs/{run}`, and the same of a comparison
pub async fn run(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    board: web::Data<Board>,
) -> Result<HttpResponse, Error> {
    let (_, run) = path.into_inner();
    let entry = board.run(&run).ok_or(Error::NotFound)?;
    let experiment = entry.experiment;
    if let Some(finding) = entry.progress.finding() {
        let page = ExperimentPage::new(&request, &board, experiment, Some(finding), None);
        return frame::page(&request, StatusCode::OK, &page);
    }
    let page = RunPage {
        frame: Frame::of(&request),
        shelf: Shelf::of(&request),
        experiment,
        rows: entry.progress.rows_from(0),
        lives: entry.progress.lives(),
        ahead: board.ahead_of(&run),
        run,
    };
    frame::page(&request, StatusCode::OK, &page)
}
