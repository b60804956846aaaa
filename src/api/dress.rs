//! Writes every refusal and failure of the API as `application/problem+json` (RFC 9457), in one place.
//!
//! Internal text never reaches the client: it is logged once, under the request's id. Nothing of the API is kept by caches.

use std::fmt::Write as _;

use actix_cors::CorsError;
use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderValue},
    middleware::Next,
    web,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Error, refresh_cookie, token_check};
use crate::{
    accounts::credentials::FRESH_FOR,
    http::{
        origin::{CameFrom, Site},
        problem,
    },
    telemetry::RequestId,
};

/// A problem, as it is sent (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct Problem<'a> {
    /// Its stable name.
    code: &'a str,
    /// What happened this time.
    detail: &'a str,
    /// What clients of the OAuth endpoints look for (RFC 6749, section 5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// The fields that can't be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<RefusedField<'a>>,
    /// The request's id, under which the server's log has more.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The status it came with.
    status: u16,
    /// Its name, for people.
    title: &'a str,
    /// A page about problems of this kind.
    #[schema(format = "uri")]
    r#type: String,
}

/// A field that can't be used.
#[derive(Serialize, ToSchema)]
struct RefusedField<'a> {
    /// Its name in the request's body.
    field: &'a str,
    /// What to do about it.
    detail: &'a str,
}

/// The layer around the API: refuses whoever accepts no JSON, or at the feed no events; writes every refusal and failure as a
/// problem; and says which check of an access token the answer rests on.
pub(super) async fn around<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<EitherBody<B>>>, actix_web::Error> {
    token_check::begin();
    let accepted = match request.path() {
        "/api/endings" => accepts(request.headers(), &EVENT_STREAM),
        _ => accepts(request.headers(), &JSON),
    };
    let answered = match accepted {
        true => next.call(request).await?.map_into_left_body(),
        false => request.error_response(Error::of(&problem::NOT_ACCEPTABLE)).map_into_right_body(),
    };
    let mut response = dressed(answered);
    token_check::say(response.headers_mut());
    Ok(response)
}

const JSON: [&str; 4] = ["*/*", "application/*", "application/json", "application/problem+json"];
const EVENT_STREAM: [&str; 3] = ["*/*", "text/*", "text/event-stream"];

fn accepts(headers: &HeaderMap, fits: &[&str]) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).peekable();
    accepted.peek().is_none()
        || accepted.flat_map(|list| list.split(',')).any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            !refused && (media_type.is_empty() || fits.contains(&media_type.as_str()))
        })
}

/// The layer around what is answered before anybody gets to the API itself: what a browser asks beforehand (CORS).
pub(super) async fn beforehand<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    token_check::begin();
    let mut response = dressed(next.call(request).await?);
    token_check::say(response.headers_mut());
    Ok(response)
}

/// The same for what is no part of the API, and for everybody.
pub(super) async fn dress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    next.call(request).await.map(dressed)
}

/// Writes a refusal or failure as a problem, and lets nothing be cached that does not say so.
fn dressed<B: MessageBody>(mut response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    if response.response().error().is_none() {
        if !response.headers().contains_key(header::CACHE_CONTROL) {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        return response.map_into_left_body();
    }
    let mut problem = describe(&response);
    let (request, bare) = response.into_parts();
    if let Some(allowed) = bare.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    ServiceResponse::new(request, problem).map_into_right_body()
}

fn describe<B>(response: &ServiceResponse<B>) -> HttpResponse {
    let unknown = || {
        let text = response.response().error().map(ToString::to_string).unwrap_or_default();
        match response.status().is_client_error() {
            true => Error::of(&problem::INVALID_REQUEST),
            false => Error::internal(text),
        }
    };
    let refused = response.response().error();
    match refused.and_then(actix_web::Error::as_error::<Error>) {
        Some(error) => write(response.request(), error),
        None => {
            let beforehand = refused.and_then(actix_web::Error::as_error::<CorsError>).map(not_allowed);
            write(response.request(), &beforehand.unwrap_or_else(unknown))
        }
    }
}

/// What a page of another origin may not send.
fn not_allowed(error: &CorsError) -> Error {
    match error {
        CorsError::OriginNotAllowed => Error::of(&problem::ANOTHER_ORIGIN),
        other => Error::with(&problem::INVALID_REQUEST, format!("{other}.")),
    }
}

fn write(request: &HttpRequest, error: &Error) -> HttpResponse {
    let site = request.app_data::<web::Data<Site>>();
    let address = site.map_or("", |site| site.address());
    let id = RequestId::present().map(|id| id.to_string());
    if error.internal.is_some() {
        tracing::error!(id, %error, "a request to the API failed");
    }
    let body = Problem {
        code: error.kind.code,
        detail: error.detail.as_deref().unwrap_or(error.kind.remedy),
        error: oauth_error(error),
        errors: error
            .fields
            .iter()
            .map(|refused| RefusedField { field: refused.field, detail: &refused.advice })
            .collect(),
        instance: id.filter(|_| error.status_code().is_server_error()),
        status: error.kind.status,
        title: error.kind.title,
        r#type: format!("{address}/problems/{}", error.kind.code),
    };
    let mut response = HttpResponse::build(error.status_code());
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(challenge) = challenge(error) {
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = error.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    // Another site may send us a request without the cookie, and must not be able to take it from the browser with the answer.
    if error.removes_cookie && site.is_some_and(|site| site.judge_api(request.headers()) != CameFrom::Elsewhere) {
        response.cookie(refresh_cookie::removal(request));
    }
    response.content_type("application/problem+json").json(body)
}

/// What clients of the OAuth endpoints look for (RFC 6749, section 5.2), beside what all problems say.
fn oauth_error(error: &Error) -> Option<&'static str> {
    match error.kind.code {
        "malformed-form" => Some("invalid_request"),
        "not-a-service" => Some("invalid_client"),
        _ => None,
    }
}

/// RFC 6750, section 3.1: no `error` where no token was shown.
fn challenge(error: &Error) -> Option<String> {
    let code = match error.kind.code {
        "not-a-service" => return Some("Basic realm=\"two-doors services\"".to_owned()),
        "invalid-token" => Some("invalid_token"),
        "invalid-request" => Some("invalid_request"),
        "step-up-required" => Some("insufficient_user_authentication"),
        "forbidden" => Some("insufficient_scope"),
        _ if error.kind.status == 401 => None,
        _ => return None,
    };
    let mut challenge = "Bearer realm=\"two-doors\"".to_owned();
    if let Some(code) = code {
        let description = error.detail.as_deref().unwrap_or(error.kind.title).replace(['"', '\\'], "'");
        let _ = write!(challenge, ", error=\"{code}\", error_description=\"{description}\"");
    }
    // RFC 9470, section 3: how old the check of the password may be, in seconds.
    if error.kind == &problem::STEP_UP_REQUIRED {
        let _ = write!(challenge, ", max_age=\"{}\"", FRESH_FOR.whole_seconds());
    }
    Some(challenge)
}
