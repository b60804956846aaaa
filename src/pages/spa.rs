//! `/spa`: a client of the token door that runs in the visitor's browser.
//!
//! The page is a frame for `static/spa.js` and knows no token: the script asks the API, as any other client does. The
//! log-in form on it has no action and none of our form tokens, as it is never sent: the script reads it. (Without script
//! the form stays hidden and the page says how it is done with curl.)

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    Error,
    frame::{self, Frame},
};
use crate::http::origin::Site;

#[derive(Template)]
#[template(path = "spa.html")]
struct SpaPage {
    frame: Frame,
    api_address: String,
}

/// `GET /spa`
pub async fn show(request: HttpRequest, site: web::Data<Site>) -> Result<HttpResponse, Error> {
    let page = SpaPage { frame: Frame::of(&request), api_address: site.api_address().to_owned() };
    frame::password_page(&request, StatusCode::OK, &page)
}
