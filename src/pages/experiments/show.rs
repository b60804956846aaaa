//! The pages: all experiments, one of them, one run of it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{ExperimentPage, ListPage, RunPage};
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

/// `GET /experiments/{id}`
pub async fn show(request: HttpRequest, id: web::Path<String>, board: web::Data<Board>) -> Result<HttpResponse, Error> {
    let experiment = claims::find(&id).ok_or(Error::NotFound)?;
    let finding = board.last(experiment.id);
    let page = ExperimentPage::new(Frame::with_form(&request), board.is_open(), experiment, finding);
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /experiments/{id}/runs/{run}`
pub async fn run(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    board: web::Data<Board>,
) -> Result<HttpResponse, Error> {
    let (_, run) = path.into_inner();
    let entry = board.run(&run).ok_or(Error::NotFound)?;
    let experiment = entry.experiment;
    if let Some(finding) = entry.progress.finding() {
        let page = ExperimentPage::new(Frame::with_form(&request), board.is_open(), experiment, Some(finding));
        return frame::page(&request, StatusCode::OK, &page);
    }
    let (rows, ahead) = (entry.progress.rows_from(0), board.ahead_of(&run));
    frame::page(&request, StatusCode::OK, &RunPage { frame: Frame::of(&request), experiment, run, rows, ahead })
}
