//! The headers that protect every answer (OWASP HTTP Headers and REST Security, Content Security Policy Level 3).
//!
//! A page's policy begins with `default-src 'none'` and allows what the pages use: style sheets, scripts, images and forms
//! of our own. There is no `unsafe-inline`, and no other origin but the API's, where that has a host of its own.
//! `Referrer-Policy: same-origin` and not `no-referrer`: with the latter, browsers send `Origin: null` with our own forms,
//! and nobody could tell them from strangers' any more.
//!
//! JSON is no document: it loads nothing, has no links, opens no windows and uses no camera. What is left to forbid is to
//! take it for something else, to frame it, and to pull it into a page of another origin; and being short, it is read and
//! written faster.

use actix_web::{
    dev::ResponseHead,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use super::origin::Site;

// excerpt: policy
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'";
const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), \
    microphone=(), payment=(), usb=()";
// end excerpt
const POLICY_OF_DATA: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What every answer gets that does not say it for itself. Checked by the compiler, so that it need not be for each answer.
static ALWAYS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

/// What JSON gets besides.
static DATA: [(HeaderName, HeaderValue); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY_OF_DATA)];

/// What anything else gets besides.
static DOCUMENT: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS_POLICY)),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds what an answer does not say for itself.
pub fn protect(site: &Site, answer: &mut ResponseHead) {
    let (status, headers) = (answer.status, answer.headers_mut());
    headers.reserve(ALWAYS.len() + DOCUMENT.len() + 4);
    if is_json(headers) {
        add_all(headers, &DATA);
    } else {
        if let Some(policy) = policy_with_api(site) {
            add(headers, &header::CONTENT_SECURITY_POLICY, &policy);
        }
        add_all(headers, &DOCUMENT);
    }
    add_all(headers, &ALWAYS);
    // Who came by another name is told nothing about that name.
    if site.is_https() && status != StatusCode::MISDIRECTED_REQUEST {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        add(headers, &header::STRICT_TRANSPORT_SECURITY, &value);
    }
}

/// `application/json` itself and what is written in it.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.as_bytes().strip_prefix(b"application/"));
    kind.is_some_and(|kind| kind == b"json" || kind == b"problem+json" || kind == b"jwk-set+json")
}

/// What a page may load, and whom its scripts may ask, where that is a host of its own.
fn policy_with_api(site: &Site) -> Option<HeaderValue> {
    let api = site.api_origin()?;
    format!("{CONTENT_SECURITY_POLICY} {api}").parse().ok()
}

fn add_all(headers: &mut HeaderMap, all: &[(HeaderName, HeaderValue)]) {
    for (name, value) in all {
        add(headers, name, value);
    }
}

fn add(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    if !headers.contains_key(name) {
        headers.insert(name.clone(), value.clone());
    }
}
