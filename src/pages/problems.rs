//! `/problems`: what the `type` of a problem that the API reports leads to.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    Error,
    frame::{self, Frame},
};
use crate::http::problem;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    code: String,
    status: u16,
    title: String,
    meaning: String,
    remedy: String,
}

#[derive(Template)]
#[template(path = "problems.html")]
struct ProblemsPage {
    frame: Frame,
    problems: Vec<(String, u16, String)>,
}

/// `GET /problems`
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Error> {
    let row = |kind: &&problem::Kind| (kind.code.to_owned(), kind.status, kind.title.to_owned());
    let page = ProblemsPage { frame: Frame::of(&request), problems: problem::ALL.iter().map(row).collect() };
    frame::page(&request, StatusCode::OK, &page)
}

/// `GET /problems/{code}`
pub async fn show(request: HttpRequest, code: web::Path<String>) -> Result<HttpResponse, Error> {
    let kind = problem::find(&code).ok_or(Error::NotFound)?;
    let page = ProblemPage {
        frame: Frame::of(&request),
        code: kind.code.to_owned(),
        status: kind.status,
        title: kind.title.to_owned(),
        meaning: kind.meaning.to_owned(),
        remedy: kind.remedy.to_owned(),
    };
    frame::page(&request, StatusCode::OK, &page)
}
