//! What every page has around it: who is logged in, the flash message, the token of its forms.
//!
//! A flash message says on the next page what the last request did. It travels in a signed cookie of its own for at most a minute
//! and never in the session: most of them are said when there is none, or none any more.

use std::cell::RefCell;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder,
    cookie::{Cookie, SameSite, time::Duration},
    http::{StatusCode, header},
    web,
};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Error, new_device, same_origin, tour::progress::Here};
use crate::{
    http::origin::Site,
    secrets::{Purpose, Secrets, mac, same},
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

/// A message about what the last request did.
#[derive(Debug)]
pub struct Flash {
    /// Whether something is amiss.
    pub warning: bool,
    /// For people.
    pub text: String,
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

/// Cookies that the page needs set or removed with its answer.
#[derive(Debug, Default)]
pub(super) struct Cookies(RefCell<Vec<Cookie<'static>>>);

impl Cookies {
    /// Notes a cookie for the answer to this request.
    pub fn add(request: &HttpRequest, cookie: Cookie<'static>) {
        let mut extensions = request.extensions_mut();
        if !extensions.contains::<Self>() {
            extensions.insert(Self::default());
        }
        if let Some(cookies) = extensions.get::<Self>() {
            cookies.0.borrow_mut().push(cookie);
        }
    }

    fn take(request: &HttpRequest) -> Vec<Cookie<'static>> {
        request.extensions().get::<Self>().map(|cookies| cookies.0.take()).unwrap_or_default()
    }
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
            flash: take_flash(request),
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

pub(super) fn is_https(request: &HttpRequest) -> bool {
    request.app_data::<web::Data<Site>>().is_some_and(|site| site.is_https())
}

/// A cookie of the site's own: for this host only, invisible to scripts, gone with the browser unless told otherwise.
pub(super) fn site_cookie(request: &HttpRequest, name: &str, value: String) -> Cookie<'static> {
    let https = is_https(request);
    let name = if https { format!("__Host-{name}") } else { name.to_owned() };
    Cookie::build(name, value).path("/").secure(https).http_only(true).same_site(SameSite::Lax).finish()
}

/// The value of a cookie of the site's own.
pub(super) fn site_cookie_value(request: &HttpRequest, name: &str) -> Option<String> {
    let name = if is_https(request) { format!("__Host-{name}") } else { name.to_owned() };
    request.cookie(&name).map(|cookie| cookie.value().to_owned())
}

/// Takes a cookie of the site's own from the browser.
pub(super) fn remove_site_cookie(request: &HttpRequest, name: &str) {
    let mut cookie = site_cookie(request, name, String::new());
    cookie.make_removal();
    Cookies::add(request, cookie);
}

const FLASH: &str = "flash";
const FLASH_SECONDS: i64 = 60;

/// Leaves a message for the next page.
pub fn flash(request: &HttpRequest, warning: bool, text: &str) {
    let Some(key) = settings(request).and_then(|settings| settings.flash_keys.first()) else { return };
    let content = format!("{}{}{text}", if warning { '!' } else { '.' }, now_text());
    let tag = mac(key, &[content.as_bytes()]);
    let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(content), URL_SAFE_NO_PAD.encode(tag));
    let mut cookie = site_cookie(request, FLASH, value);
    cookie.set_max_age(Duration::seconds(FLASH_SECONDS));
    Cookies::add(request, cookie);
}

/// Seconds since 1970 in twelve digits.
fn now_text() -> String {
    format!("{:012}", time::OffsetDateTime::now_utc().unix_timestamp())
}

fn take_flash(request: &HttpRequest) -> Option<Flash> {
    let value = site_cookie_value(request, FLASH)?;
    remove_site_cookie(request, FLASH);
    let (content, tag) = value.split_once('.')?;
    let (content, tag) = (URL_SAFE_NO_PAD.decode(content).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    if !settings(request)?.flash_keys.iter().any(|key| same(&mac(key, &[&content]), &tag)) {
        return None;
    }
    let content = String::from_utf8(content).ok()?;
    let (sign, rest) = content.split_at_checked(1)?;
    let (at, text) = rest.split_at_checked(12)?;
    let age = time::OffsetDateTime::now_utc().unix_timestamp() - at.parse::<i64>().ok()?;
    (0..=FLASH_SECONDS).contains(&age).then(|| Flash { warning: sign == "!", text: text.to_owned() })
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
