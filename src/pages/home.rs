//! `/`: the question, and the two doors.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    Error, experiments,
    frame::{self, Frame},
};
use crate::{
    everywhere::TokenLogins,
    experiments::{board::Board, finding::Finding},
    http::origin::Site,
    session::MaybeSessionUser,
};

/// How many verdicts the board shows.
const LATEST: usize = 6;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    token_logins: usize,
    api_address: String,
    /// What was found last, and where it is shown.
    latest: Vec<(String, Arc<Finding>)>,
}

/// `GET /`
pub async fn show(
    request: HttpRequest,
    visitor: MaybeSessionUser,
    token_logins: web::Data<TokenLogins>,
    site: web::Data<Site>,
    board: web::Data<Board>,
) -> Result<HttpResponse, Error> {
    let token_logins = match &visitor.0 {
        Some(user) => token_logins.count(user.user().id).await?,
        None => 0,
    };
    let page = HomePage {
        frame: Frame::of(&request),
        token_logins,
        api_address: site.api_address().to_owned(),
        latest: board.latest(LATEST).into_iter().map(|finding| (experiments::path_of(finding.id), finding)).collect(),
    };
    frame::page(&request, StatusCode::OK, &page)
}
