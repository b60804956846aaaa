//! Turns every refusal and failure of the site into a page, in one place.
//!
//! Internal text never reaches the page: it is logged once, under the request's id. An outage is never dressed as a log-out.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use askama::Template;

use super::{
    Error, confirm, explanation, flash,
    form::Outlived,
    frame::{self, Frame},
    same_origin,
};
use crate::{
    accounts::ending::EndReason,
    http::origin::Site,
    session::{self, authenticate::NotLoggedIn},
    telemetry::RequestId,
};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    title: String,
    explanation: String,
    actions: Vec<(String, String)>,
    request_id: Option<String>,
}

#[derive(Template)]
#[template(path = "resend.html")]
struct ResendPage {
    frame: Frame,
    action: String,
    fields: Vec<(String, String)>,
    lost: Vec<String>,
    asks_now: bool,
    explanation: String,
}

/// The layer outside of the session's: turns their failures into a page, and what was answered before they were asked.
pub(super) async fn dress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    // What a failure in a layer would take along with the request; a clone of the request itself must not outlive `call`.
    let (uri, site) = (request.uri().clone(), request.app_data::<web::Data<Site>>().cloned());
    match next.call(request).await {
        Ok(response) => Ok(dressed(response)),
        Err(error) => {
            let api = site.as_ref().and_then(|site| site.api_origin()).unwrap_or_default().to_owned();
            Err(failed_in_a_layer(&error, uri.path().to_owned(), api))
        }
    }
}

/// The layer inside of the session's: refuses what another origin has a browser send, sends a form whose password was just given
/// to its handler, and turns every refusal and failure into a page that knows who is logged in.
pub(super) async fn within<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<EitherBody<B>>>, actix_web::Error> {
    let answered = match same_origin::refusal(&request) {
        Some(refusal) => request.error_response(refusal).map_into_right_body(),
        None => confirm::carry_out(next.call(request).await?, &next).await?.map_into_left_body(),
    };
    Ok(dressed(answered))
}

/// Turns a refusal or failure into a page, and lets nothing be kept that does not say so.
fn dressed<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let Some(error) = response.response().error() else {
        let mut response = response.map_into_left_body();
        if !response.headers().contains_key(header::CACHE_CONTROL) {
            let private = header::HeaderValue::from_static("private, no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, private);
        }
        return response;
    };
    let page = answer(response.request(), error);
    let (request, mut bare) = response.into_parts();
    let dressed = keep_headers(page, bare.headers_mut());
    ServiceResponse::new(request, dressed).map_into_right_body()
}

/// `Allow`, `Retry-After` and cookies belong to the answer, whatever its dress.
fn keep_headers(mut page: HttpResponse, bare: &mut HeaderMap) -> HttpResponse {
    for (name, value) in bare.drain() {
        if let Some(name) = name
            && name != header::CONTENT_TYPE
            && name != header::CONTENT_LENGTH
        {
            page.headers_mut().append(name, value);
        }
    }
    page
}

fn answer(request: &HttpRequest, error: &actix_web::Error) -> HttpResponse {
    let page = match error.as_error::<Error>() {
        Some(Error::NotLoggedIn(NotLoggedIn(reason))) => return to_log_in(request, *reason),
        Some(Error::Outlived(outlived)) => resend(request, outlived),
        Some(Error::Stale(stale)) => confirm::ask(request, stale),
        Some(error) => explain(request, error),
        None if error.as_response_error().status_code().is_client_error() => explain(request, &Error::Undecodable),
        None => explain(request, &Error::Internal(error.to_string())),
    };
    page.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// To the log-in page, and from there back, if what was asked for can be asked for again.
fn to_log_in(request: &HttpRequest, reason: Option<EndReason>) -> HttpResponse {
    if let Some(reason) = reason {
        flash::leave(request, true, &format!("{} Please log in.", reason.explanation()));
    }
    let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let next = if request.method() == Method::GET { wanted } else { "/account" };
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    frame::redirect(request, &format!("/login?next={next}"))
}

fn resend(request: &HttpRequest, outlived: &Outlived) -> Result<HttpResponse, Error> {
    let explanation = if outlived.is_logged_in {
        "This page was made before you last logged in, so nothing was changed yet. If this is still what you want, send it again."
    } else if outlived.needs_log_in {
        "Your login ended while this page lay open, so nothing was changed yet. Log in in another tab, then come back here and send it again."
    } else {
        "This page lay open too long, so nothing was done yet. If this is still what you want, send it again."
    };
    let page = ResendPage {
        frame: Frame::with_form(request),
        action: outlived.action.clone(),
        fields: outlived.fields.clone(),
        lost: outlived.lost.clone(),
        // Whatever is sent before the log-in is refused once more, and passwords with it.
        asks_now: outlived.is_logged_in || !outlived.needs_log_in,
        explanation: explanation.to_owned(),
    };
    frame::password_page(request, StatusCode::FORBIDDEN, &page)
}

fn explain(request: &HttpRequest, error: &Error) -> Result<HttpResponse, Error> {
    let page = error_page(Frame::of(request), error);
    match error {
        // Why somebody is kept out is for nobody who presses "Back" after them.
        Error::Banned(_) => frame::password_page(request, error.status_code(), &page),
        _ => frame::page(request, error.status_code(), &page),
    }
}

fn error_page(frame: Frame, error: &Error) -> ErrorPage {
    let (status, request_id) = (error.status_code(), RequestId::present());
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(id = request_id.map(|id| id.to_string()), %error, "a page failed");
    }
    let (title, explanation, action) = explanation::of(error, &format!("{}/api", frame.api));
    ErrorPage {
        frame,
        status: status.as_u16(),
        title: title.to_owned(),
        explanation: match error {
            Error::Banned(ban) => format!("{}. {explanation}", ban.sentence().trim_end_matches('.')),
            _ => explanation.to_owned(),
        },
        actions: vec![action],
        request_id: request_id.filter(|_| status.is_server_error()).map(|id| id.to_string()),
    }
}

/// The session's layers failed before or after the handler; the request is gone with them, and who asked is unknown.
fn failed_in_a_layer(error: &actix_web::Error, path: String, api: String) -> actix_web::Error {
    let error = match error.as_error::<session::Failure>() {
        Some(failure) => Error::from(*failure),
        None => Error::Internal(error.to_string()),
    };
    let frame = Frame {
        path,
        api,
        visitor: None,
        unknown: true,
        form_token: String::new(),
        flash: None,
        new_devices: None,
        demo_warning: false,
        tour: None,
    };
    let html = error_page(frame, &error).render().unwrap_or_default();
    let mut response = error.error_response().set_body(BoxBody::new(html));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    actix_web::error::InternalError::from_response(error, response).into()
}
