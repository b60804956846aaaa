//! The access token as a cookie, for a browser's scripts that shall never hold it (`"deliver": "cookie"`).
//!
//! HttpOnly and `SameSite=Strict`; over https `__Host-`, so that no sibling host can plant one, which costs the narrow
//! path: it is sent everywhere on this host and counts at `/api/browser` only. It dies with the token. What it does not do
//! is end a copy: who got hold of the value keeps it until it expires, wherever only its claims are read.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    cookie::{Cookie, SameSite, time::Duration},
    web,
};
use serde::Serialize;

use super::{Error, refresh_cookie, same_origin};
use crate::{
    accounts::{PublicUser, User},
    http::{
        origin::{CameFrom, Site},
        problem,
    },
    token::{Tokens, audience::Wanted, log_in::Login},
};

/// What a script is told in place of the tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Delivered<'a> {
    /// Seconds.
    expires_in: i64,
    /// To be sent with every unsafe method.
    csrf_token: String,
    user: PublicUser<'a>,
}

fn site(request: &HttpRequest) -> Option<&Site> {
    request.app_data::<web::Data<Site>>().map(|site| site.as_ref())
}

/// Its name over https and over http.
// excerpt: name
pub fn name_on(https: bool) -> &'static str {
    if https { "__Host-access" } else { "access" }
}
// end excerpt

// excerpt: cookie
fn cookie(request: &HttpRequest, value: String) -> Cookie<'static> {
    let https = site(request).is_some_and(Site::is_https);
    Cookie::build(name_on(https), value).path("/").secure(https).http_only(true).same_site(SameSite::Strict).finish()
}
// end excerpt

/// Takes it from the browser: the very name, path and attributes.
pub fn removal(request: &HttpRequest) -> Cookie<'static> {
    let mut cookie = cookie(request, String::new());
    cookie.make_removal();
    cookie
}

/// The same, if the request carries it: who ends or begins a login must not go on as somebody else by a cookie.
pub fn take(response: &mut HttpResponseBuilder, request: &HttpRequest) {
    let removal = removal(request);
    if request.cookie(removal.name()).is_some() {
        response.cookie(removal);
    }
}

/// The access token that came in the cookie, from a page of ours; other origins' pages are refused, whatever the method.
pub fn presented(request: &HttpRequest) -> Result<Option<String>, Error> {
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    let ours = cookie(request, String::new());
    let mut values = cookies.iter().filter(|cookie| cookie.name() == ours.name()).map(Cookie::value);
    let Some(shown) = values.next() else { return Ok(None) };
    if values.any(|other| other != shown) {
        return Err(Error::with(&problem::INVALID_REQUEST, "There are two different access cookies."));
    }
    // excerpt: from
    if site(request).is_none_or(|site| site.judge_api(request.headers()) == CameFrom::Elsewhere) {
        return Err(Error::of(&problem::ANOTHER_ORIGIN));
    }
    // end excerpt
    Ok(Some(shown.to_owned()))
}

/// Signs an access token and hands out both tokens in cookies, none in the body.
pub fn issue(
    request: &HttpRequest,
    tokens: &Tokens,
    user: &User,
    login: &Login,
    wanted: impl Into<Wanted>,
) -> Result<HttpResponse, Error> {
    let access = tokens.issue(user, &login.grounds, wanted)?;
    let mut carrying = cookie(request, access.as_str().to_owned());
    carrying.set_max_age(Duration::seconds(access.seconds()));
    let csrf_token = same_origin::token(request, login.grounds.family)?;
    Ok(HttpResponse::Ok()
        .cookie(carrying)
        .cookie(refresh_cookie::carrying(request, &login.refresh_token, login.refresh_seconds))
        .json(Delivered { expires_in: access.seconds(), csrf_token, user: user.public() }))
}
