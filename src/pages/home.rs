//! `/`: the question, and the two doors.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    Error,
    frame::{self, Frame},
};
use crate::{accounts::Accounts, db, everywhere, http::origin::Site, session::MaybeSessionUser};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    token_logins: usize,
    api_address: String,
}

/// `GET /`
pub async fn show(
    request: HttpRequest,
    visitor: MaybeSessionUser,
    accounts: web::Data<Accounts>,
    site: web::Data<Site>,
) -> Result<HttpResponse, Error> {
    let token_logins = match &visitor.0 {
        Some(user) => {
            let user = user.user().id;
            db::run(&accounts.pool, move |conn| everywhere::count(conn, user)).await?.families
        }
        None => 0,
    };
    let page = HomePage { frame: Frame::of(&request), token_logins, api_address: site.api_address().to_owned() };
    frame::page(&request, StatusCode::OK, &page)
}
