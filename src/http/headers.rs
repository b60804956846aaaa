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

/// What every answer gets that does not say it for itself. Checked by the compiler, so that it need not be for each answer.
static ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS_POLICY)),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

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
    if let Some(policy) = policy_with_api(site) {
        add(headers, &header::CONTENT_SECURITY_POLICY, &policy);
    }
    for (name, value) in &ALWAYS {
        add(headers, name, value);
    }
    // Who came by another name is told nothing about that name.
    if site.is_https() && status != StatusCode::MISDIRECTED_REQUEST {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        add(headers, &header::STRICT_TRANSPORT_SECURITY, &value);
    }
}

/// What a page may load, and whom its scripts may ask, where that is a host of its own.
fn policy_with_api(site: &Site) -> Option<HeaderValue> {
    let api = site.api_origin()?;
    format!("{CONTENT_SECURITY_POLICY} {api}").parse().ok()
}

fn add(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    if !headers.contains_key(name) {
        headers.insert(name.clone(), value.clone());
    }
}
