//! The site's own cookies, beside the session's: each for this host only.

use std::cell::RefCell;

use actix_web::{
    HttpMessage as _, HttpRequest,
    cookie::{Cookie, SameSite},
    web,
};

use crate::http::origin::Site;

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

    /// Takes what was noted.
    pub fn take(request: &HttpRequest) -> Vec<Cookie<'static>> {
        request.extensions().get::<Self>().map(|cookies| cookies.0.take()).unwrap_or_default()
    }
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

pub(super) fn is_https(request: &HttpRequest) -> bool {
    request.app_data::<web::Data<Site>>().is_some_and(|site| site.is_https())
}
