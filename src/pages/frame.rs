//! What every page has around it: who is logged in, the flash message, the token of its forms; and the answer that carries it.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use askama::Template;

use super::{
    Error,
    cookies::Cookies,
    flash::{self, Flash},
    new_device, same_origin,
    tour::progress::Here,
};
use crate::{
    http::origin::Site,
    secrets::{Purpose, Secrets},
    session::{Visit, authenticate::SessionUser},
};

/// What the site needs to know.
#[derive(Debug)]
pub struct Settings {
    /// A warning on every page: the demo passwords are shown to whoever can reach this server.
    pub demo_warning: bool,
    flash_keys: Vec<[u8; 32]>,
    form_keys: Vec<[u8; 32]>,
    acknowledgement_keys: Vec<[u8; 32]>,
    sealing_keys: Vec<[u8; 32]>,
}

impl Settings {
    /// Derives the site's keys.
    #[must_use]
    pub fn new(secrets: &Secrets, demo_warning: bool) -> Self {
        Self {
            demo_warning,
            flash_keys: secrets.all(Purpose::Flash).collect(),
            form_keys: secrets.all(Purpose::FormToken).collect(),
            acknowledgement_keys: secrets.all(Purpose::Acknowledgement).collect(),
            sealing_keys: secrets.all(Purpose::KeptForm).collect(),
        }
    }

    /// The keys that sign flash messages, newest first.
    #[must_use]
    pub fn flash_keys(&self) -> &[[u8; 32]] {
        &self.flash_keys
    }

    /// The keys that sign the tokens of forms, newest first.
    #[must_use]
    pub fn form_keys(&self) -> &[[u8; 32]] {
        &self.form_keys
    }

    /// The keys that sign what a browser has been told of new devices, newest first.
    #[must_use]
    pub fn acknowledgement_keys(&self) -> &[[u8; 32]] {
        &self.acknowledgement_keys
    }

    /// The keys that seal forms which wait for the password, newest first.
    #[must_use]
    pub fn sealing_keys(&self) -> &[[u8; 32]] {
        &self.sealing_keys
    }
}

/// Who the session door knows.
#[derive(Debug)]
pub struct Visitor {
    /// As shown.
    pub display_name: String,
    /// Whether the role is admin.
    pub is_admin: bool,
}

/// What every page has around it.
#[derive(Debug)]
pub struct Frame {
    /// The path of the request.
    pub path: String,
    /// What stands before `/api` in links: nothing, unless the API has a host of its own.
    pub api: String,
    /// Who is logged in.
    pub visitor: Option<Visitor>,
    /// Whether nobody knows who is logged in: the database is down, or was not asked.
    pub unknown: bool,
    /// The token of the page's forms.
    pub form_token: String,
    /// What the last request did.
    pub flash: Option<Flash>,
    /// Log-ins from new devices that this browser has not been told of.
    pub new_devices: Option<new_device::Untold>,
    /// Demo mode where others can reach it.
    pub demo_warning: bool,
    /// The stop that the page is, for whoever is on the tour.
    pub tour: Option<Here>,
}

impl Frame {
    /// The frame of a page that answers this request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let user = SessionUser::of(request).ok();
        let visitor = user.as_ref().map(|user| Visitor {
            display_name: user.user().display_name.clone(),
            is_admin: user.user().role() == crate::accounts::Role::Admin,
        });
        Self {
            path: request.path().to_owned(),
            api: api_origin(request),
            // The log-out button stands on every page of somebody logged in, so they always need a token.
            form_token: if user.is_some() { same_origin::token(request) } else { String::new() },
            visitor,
            // Where no session is looked for, nobody knows either.
            unknown: Visit::of(request).is_none_or(|visit| visit.failed()),
            flash: flash::take(request),
            new_devices: user.as_ref().and_then(|user| new_device::untold(request, user)),
            demo_warning: settings(request).is_some_and(|settings| settings.demo_warning),
            tour: Here::of(request),
        }
    }

    /// The frame of a page with forms for everybody: a visitor without a session gets a cookie that the token is bound to.
    #[must_use]
    pub fn with_form(request: &HttpRequest) -> Self {
        let mut frame = Self::of(request);
        if frame.form_token.is_empty() {
            frame.form_token = same_origin::token(request);
        }
        frame
    }
}

pub(super) fn settings(request: &HttpRequest) -> Option<&Settings> {
    request.app_data::<web::Data<Settings>>().map(|settings| settings.as_ref())
}

/// The API's origin, if it is not ours.
pub(super) fn api_origin(request: &HttpRequest) -> String {
    let site = request.app_data::<web::Data<Site>>();
    site.and_then(|site| site.api_origin()).unwrap_or_default().to_owned()
}

/// Answers with a page.
///
/// No page is kept by shared caches; one that shows who is logged in is kept nowhere, so that "Back" after log-out shows nothing.
pub fn page(request: &HttpRequest, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Error> {
    let cache = if SessionUser::of(request).is_ok() { "private, no-store" } else { "private, no-cache" };
    answer(request, status, page, cache)
}

/// Answers with a page that asks for a password. It is kept nowhere either: a browser that keeps pages in memory keeps them as
/// they were left, and "Back" would lead whoever comes next to a form with the password in it.
pub fn password_page(request: &HttpRequest, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Error> {
    answer(request, status, page, "private, no-store")
}

fn answer<T: Template>(
    request: &HttpRequest,
    status: StatusCode,
    page: &T,
    cache: &'static str,
) -> Result<HttpResponse, Error> {
    // The hint counts what the template says; what is filled in may be as long.
    let mut html = String::with_capacity(2 * T::SIZE_HINT);
    page.render_into(&mut html).map_err(|error| Error::Internal(error.to_string()))?;
    let mut response = HttpResponse::build(status);
    response.content_type("text/html; charset=utf-8").insert_header((header::CACHE_CONTROL, cache));
    Ok(with_cookies(request, &mut response).body(html))
}

/// Sends the browser to another page with a `GET` (303).
#[must_use]
pub fn redirect(request: &HttpRequest, to: &str) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, to)).insert_header((header::CACHE_CONTROL, "private, no-store"));
    with_cookies(request, &mut response).finish()
}

fn with_cookies<'a>(request: &HttpRequest, response: &'a mut HttpResponseBuilder) -> &'a mut HttpResponseBuilder {
    for cookie in Cookies::take(request) {
        response.append_header((header::SET_COOKIE, cookie.encoded().to_string()));
    }
    response
}
