//! Why a form of ours is really ours: two layers against cross-site request forgery (OWASP CSRF Prevention).
//!
//! A browser sends our cookie with every request to us, also with one that another site makes it send. So an unsafe request must
//! (1) not say, in headers that no page can forge, that it comes from elsewhere, and (2) carry a token that only our pages
//! contain. The token is bound to the session, or for visitors without one to a random cookie of their own, and made anew at
//! every rendering, as pages are compressed and echo input (BREACH).
//!
//! This file has no twin at the API: a bearer token is never sent by itself, so bearer calls need none of this. Where a
//! cookie authorises there, the origin is checked as well.

use actix_web::{HttpRequest, dev::ServiceRequest, http::Method, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Error,
    cookies::{Cookies, remove_site_cookie, site_cookie, site_cookie_value},
    frame::settings,
};
use crate::{
    http::origin::{CameFrom, Site},
    secrets::{mac, random, same},
    session::SessionUser,
};

const VISITOR: &str = "visitor";
const NONCE: usize = 16;

/// The first layer: refuses unsafe requests that come from another origin.
// excerpt: check
#[must_use]
pub fn refusal(request: &ServiceRequest) -> Option<Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let site = request.app_data::<web::Data<Site>>();
    let is_foreign = site.is_none_or(|site| site.judge_page(request.headers()) == CameFrom::Elsewhere);
    is_foreign.then_some(Error::AnotherOrigin)
}
// end excerpt

/// A fresh token for the forms of the page that answers this request.
#[must_use]
pub fn token(request: &HttpRequest) -> String {
    let Some(key) = settings(request).and_then(|settings| settings.form_keys().first()) else { return String::new() };
    let binding = binding(request).unwrap_or_else(|| {
        let visitor = URL_SAFE_NO_PAD.encode(random::<32>());
        Cookies::add(request, site_cookie(request, VISITOR, visitor.clone()));
        bound_to_visitor(&visitor)
    });
    let nonce: [u8; NONCE] = random();
    let tag = mac(key, &[&nonce, binding.as_bytes()]);
    URL_SAFE_NO_PAD.encode([nonce.as_slice(), &tag].concat())
}

/// The second layer: whether a form carries a token that was made for whoever sends it.
#[must_use]
pub fn is_ours(request: &HttpRequest, token: &str) -> bool {
    let Some(binding) = binding(request) else { return false };
    let Ok(token) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let Some((nonce, tag)) = token.split_at_checked(NONCE) else { return false };
    let keys = settings(request).map(super::frame::Settings::form_keys).unwrap_or_default();
    keys.iter().any(|key| same(&mac(key, &[nonce, binding.as_bytes()]), tag))
}

/// Whether the browser itself says that the request comes from one of our pages.
#[must_use]
pub fn is_vouched_for(request: &HttpRequest) -> bool {
    let site = request.app_data::<web::Data<Site>>();
    site.is_some_and(|site| site.judge_page(request.headers()) == CameFrom::Ours)
}

/// Drops the visitor's cookie: from log-in on, tokens are bound to the session.
pub fn forget_visitor(request: &HttpRequest) {
    if site_cookie_value(request, VISITOR).is_some() {
        remove_site_cookie(request, VISITOR);
    }
}

fn binding(request: &HttpRequest) -> Option<String> {
    match SessionUser::of(request) {
        Ok(user) => Some(format!("session {}", user.record().id)),
        Err(_) => {
            let visitor = site_cookie_value(request, VISITOR).filter(|value| value.len() >= 32)?;
            Some(bound_to_visitor(&visitor))
        }
    }
}

fn bound_to_visitor(visitor: &str) -> String {
    format!("visitor {visitor}")
}
