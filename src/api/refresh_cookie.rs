//! The refresh token as a cookie: the one credential that a browser sends to the API by itself.
//!
//! HttpOnly, so that no script can carry it away; only to `/api/auth`, where it is redeemed; `SameSite=Strict`, and as that
//! does not stop a sibling host or another port, the origin is checked too. `__Secure-` and not `__Host-` over https, as
//! the latter would send it everywhere. So a sibling host can plant one beside ours: two different ones are refused.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    web,
};

use super::Error;
use crate::{
    http::{
        origin::{CameFrom, Site},
        problem,
    },
    token::record::PlainRefreshToken,
};

const PATH: &str = "/api/auth";

fn name(request: &HttpRequest) -> &'static str {
    name_on(is_https(request))
}

/// Its name over https and over http.
pub fn name_on(https: bool) -> &'static str {
    if https { "__Secure-refresh" } else { "refresh" }
}

fn is_https(request: &HttpRequest) -> bool {
    request.app_data::<web::Data<Site>>().is_some_and(|site| site.is_https())
}

// excerpt: cookie
fn cookie(request: &HttpRequest, value: String) -> Cookie<'static> {
    // excerpt: cookie
    Cookie::build(name(request), value)
        .path(PATH)
        .secure(is_https(request))
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
    // end excerpt
}
// end excerpt

/// Hands a refresh token to the client for so many seconds.
pub fn carrying(request: &HttpRequest, token: &PlainRefreshToken, seconds: i64) -> Cookie<'static> {
    let mut cookie = cookie(request, token.as_str().to_owned());
    cookie.set_max_age(Duration::seconds(seconds.max(0)));
    cookie
}

/// Takes it from the client: the very name, path and attributes.
pub fn removal(request: &HttpRequest) -> Cookie<'static> {
    let mut cookie = cookie(request, String::new());
    cookie.make_removal();
    cookie
}

/// Whether the client may hold the cookie: it shows it, or asks for what it isn't shown to.
pub fn may_be_held(request: &HttpRequest) -> bool {
    !request.path().starts_with(PATH) || request.cookie(name(request)).is_some()
}

/// How a refresh token was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// As it was sent; `None` in place of a token if it can't be one of ours.
    pub token: Option<PlainRefreshToken>,
    /// Whether the cookie alone carried it.
    pub by_cookie: bool,
}

/// Finds the refresh token of a request, in the cookie or the body. A cookie that authorises must come from an origin of ours.
pub fn presented(request: &HttpRequest, body: Option<&str>) -> Result<Option<Presented>, Error> {
    let name = name(request);
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    let mut values = cookies.iter().filter(|cookie| cookie.name() == name).map(actix_web::cookie::Cookie::value);
    let shown = values.next();
    if values.any(|other| Some(other) != shown) {
        return Err(Error::with(&problem::INVALID_REQUEST, "There are two different refresh cookies."));
    }
    let (text, by_cookie) = match (shown, body) {
        (Some(cookie), Some(body)) if cookie != body => {
            return Err(Error::with(
                &problem::INVALID_REQUEST,
                "The refresh tokens in the cookie and in the body differ.",
            ));
        }
        (_, Some(body)) => (body, false),
        (Some(cookie), None) => (cookie, true),
        (None, None) => return Ok(None),
    };
    // excerpt: from
    let site = request.app_data::<web::Data<Site>>();
    if by_cookie && site.is_none_or(|site| site.judge_api(request.headers()) == CameFrom::Elsewhere) {
        return Err(Error::of(&problem::ANOTHER_ORIGIN));
    }
    // end excerpt
    Ok(Some(Presented { token: PlainRefreshToken::shown(text), by_cookie }))
}
