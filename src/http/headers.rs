//! The headers that protect every answer (OWASP HTTP Headers, Content Security Policy Level 3).
//!
//! The policy begins with `default-src 'none'` and allows what the pages use: style sheets, scripts, images and forms of our own.
//! There is no `unsafe-inline`, and no other origin but the API's, where that has a host of its own. `Referrer-Policy: same-origin` and not `no-referrer`: with the latter,
//! browsers send `Origin: null` with our own forms, and nobody could tell them from strangers' any more.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::{drain::Drain, origin::Site};

// excerpt: policy
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'";
const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), \
    microphone=(), payment=(), usb=()";
// end excerpt

/// The layer: adds what an answer does not say for itself.
pub async fn protect<B: MessageBody + 'static>(
    site: web::Data<Site>,
    drain: web::Data<Drain>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    match next.call(request).await {
        Ok(mut response) => {
            let status = response.status();
            add_all(&site, status, response.headers_mut());
            if drain.has_begun() {
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(response)
        }
        // A layer's failure carries an answer of its own, which is made of it further out.
        Err(error) => {
            let mut response = error.error_response();
            let status = response.status();
            add_all(&site, status, response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn add_all(site: &Site, status: StatusCode, headers: &mut HeaderMap) {
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy(site));
    }
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(headers, header::PERMISSIONS_POLICY, PERMISSIONS_POLICY);
    add(headers, header::X_FRAME_OPTIONS, "DENY");
    add(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // Who came by another name is told nothing about that name.
    if site.is_https() && status != StatusCode::MISDIRECTED_REQUEST {
        add(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// What a page may load, and whom its scripts may ask.
fn policy(site: &Site) -> HeaderValue {
    let with_api = site.api_origin().map(|api| format!("{CONTENT_SECURITY_POLICY} {api}"));
    with_api.and_then(|policy| policy.parse().ok()).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
