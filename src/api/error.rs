//! How this world says no: `application/problem+json` (RFC 9457), and with every 401 a challenge (RFC 6750, section 3).
//!
//! Handlers and extractors answer with an [`Error`]; [`dress`] writes it down, in one place. Internal text never reaches the
//! client: it is logged once, under the request's id. An outage is 503, never 401.

use std::{fmt::Write as _, future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};
use serde_json::json;

use super::refresh_cookie;
use crate::{
    accounts::{credentials, fields::Refused},
    db,
    http::{
        origin::Site,
        problem::{self, Kind},
    },
    telemetry::RequestId,
    token::{LiveTokenUser, TokenUser, Tokens, access::Invalid, authenticate::NotAuthenticated},
};

/// A problem to report.
#[derive(Debug, thiserror::Error)]
#[error("{}", .internal.as_deref().unwrap_or(.kind.title))]
pub struct Error {
    kind: &'static Kind,
    detail: Option<String>,
    fields: Vec<Refused>,
    retry_after: Option<u64>,
    removes_cookie: bool,
    internal: Option<String>,
}

impl Error {
    /// A problem without more to say.
    #[must_use]
    pub fn of(kind: &'static Kind) -> Self {
        Self { kind, detail: None, fields: Vec::new(), retry_after: None, removes_cookie: false, internal: None }
    }

    /// A problem of which there is more to say, to the client.
    #[must_use]
    pub fn with(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::of(kind) }
    }

    /// Also takes the refresh cookie from the client: it is of no use.
    #[must_use]
    pub fn and_remove_cookie(self) -> Self {
        Self { removes_cookie: true, ..self }
    }

    fn internal(text: String) -> Self {
        Self { internal: Some(text), ..Self::of(&problem::INTERNAL) }
    }

    fn later(kind: &'static Kind, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::of(kind) }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// An empty answer: [`dress`] fills it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Unavailable(_) => Self::later(&problem::UNAVAILABLE, 2),
            db::Error::Query(source) => Self::internal(format!("the database refused: {source}")),
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        db::Error::from(error).into()
    }
}

impl From<credentials::Error> for Error {
    fn from(error: credentials::Error) -> Self {
        match error {
            credentials::Error::Wrong => Self::of(&problem::WRONG_CREDENTIALS),
            credentials::Error::Refused(fields) => Self { fields, ..Self::of(&problem::REFUSED_FIELDS) },
            credentials::Error::EmailTaken => Self::of(&problem::EMAIL_TAKEN),
            credentials::Error::Throttled(throttled) => Self::later(&problem::THROTTLED, throttled.seconds()),
            credentials::Error::Busy(_) => Self::later(&problem::BUSY, 2),
            credentials::Error::Database(error) => error.into(),
        }
    }
}

/// A wrong present password is no wrong log-in: the access token is good, and the client must not throw it away.
pub(super) fn present_password(error: credentials::Error) -> Error {
    match error {
        credentials::Error::Wrong => Error::of(&problem::WRONG_PASSWORD),
        error => error.into(),
    }
}

impl From<NotAuthenticated> for Error {
    fn from(error: NotAuthenticated) -> Self {
        match error {
            NotAuthenticated::Missing => Self::of(&problem::NOT_AUTHENTICATED),
            NotAuthenticated::Malformed => {
                Self::with(&problem::INVALID_REQUEST, "Send one header `Authorization: Bearer TOKEN`.")
            }
            NotAuthenticated::Invalid(Invalid::Expired) => {
                Self::with(&problem::INVALID_TOKEN, "The access token expired.")
            }
            NotAuthenticated::Invalid(Invalid::Unacceptable) => Self::with(
                &problem::INVALID_TOKEN,
                "The access token is malformed, altered, or not meant for this service.",
            ),
            NotAuthenticated::Ended(reason) => Self::with(&problem::INVALID_TOKEN, reason.explanation()),
            NotAuthenticated::Database(error) => error.into(),
        }
    }
}

impl FromRequest for TokenUser {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(token_user(request))
    }
}

impl FromRequest for LiveTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user = token_user(request);
        let tokens = tokens(request);
        Box::pin(async move { Ok(Self::check(user?, &*tokens?).await?) })
    }
}

fn token_user(request: &HttpRequest) -> Result<TokenUser, Error> {
    Ok(TokenUser::of(request, &*tokens(request)?)?)
}

fn tokens(request: &HttpRequest) -> Result<web::Data<Tokens>, Error> {
    request.app_data().cloned().ok_or_else(|| Error::internal("the token scheme is not set up".to_owned()))
}

/// What no route takes.
pub(super) async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::of(&problem::NOT_FOUND))
}

/// Refuses a method that a route does not know.
pub(super) fn method_not_allowed(_: &HttpRequest, allowed: &str) -> HttpResponse {
    HttpResponse::from_error(Error::with(&problem::METHOD_NOT_ALLOWED, format!("Allowed are {allowed}.")))
}

/// Refuses whoever accepts no JSON.
pub(super) async fn only_json<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if accepts_json(request.headers()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    Ok(request.error_response(Error::of(&problem::NOT_ACCEPTABLE)).map_into_right_body())
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).peekable();
    accepted.peek().is_none()
        || accepted.flat_map(|list| list.split(',')).any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            let fits = ["*/*", "application/*", "application/json", "application/problem+json"];
            !refused && (media_type.is_empty() || fits.contains(&media_type.as_str()))
        })
}

/// The outermost layer of the API: writes every refusal and failure as a problem, and lets nothing be cached that does not say so.
pub(super) async fn dress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let mut response = next.call(request).await?;
    if response.response().error().is_none() {
        if !response.headers().contains_key(header::CACHE_CONTROL) {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        return Ok(response.map_into_left_body());
    }
    let mut problem = describe(&response);
    let (request, bare) = response.into_parts();
    if let Some(allowed) = bare.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    Ok(ServiceResponse::new(request, problem).map_into_right_body())
}

fn describe<B>(response: &ServiceResponse<B>) -> HttpResponse {
    let unknown = || {
        let text = response.response().error().map(ToString::to_string).unwrap_or_default();
        match response.status().is_client_error() {
            true => Error::of(&problem::INVALID_REQUEST),
            false => Error::internal(text),
        }
    };
    match response.response().error().and_then(actix_web::Error::as_error::<Error>) {
        Some(error) => write(response.request(), error),
        None => write(response.request(), &unknown()),
    }
}

fn write(request: &HttpRequest, error: &Error) -> HttpResponse {
    let site = request.app_data::<web::Data<Site>>();
    let address = site.map_or("", |site| site.address());
    let mut body = json!({
        "type": format!("{address}/problems/{}", error.kind.code),
        "title": error.kind.title,
        "status": error.kind.status,
        "code": error.kind.code,
        "detail": error.detail.as_deref().unwrap_or(error.kind.remedy),
    });
    if !error.fields.is_empty() {
        let refused = error.fields.iter().map(|refused| json!({ "field": refused.field, "detail": refused.advice }));
        body["errors"] = refused.collect();
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    if error.status_code().is_server_error() {
        body["instance"] = json!(id);
        if error.internal.is_some() {
            tracing::error!(id, %error, "a request to the API failed");
        }
    }
    let mut response = HttpResponse::build(error.status_code());
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(challenge) = challenge(error) {
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = error.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if error.removes_cookie {
        response.cookie(refresh_cookie::removal(request));
    }
    response.content_type("application/problem+json").body(body.to_string())
}

/// RFC 6750, section 3.1: no `error` where no token was shown.
fn challenge(error: &Error) -> Option<String> {
    let code = match error.kind.code {
        "invalid-token" => Some("invalid_token"),
        "invalid-request" => Some("invalid_request"),
        _ if error.kind.status == 401 => None,
        _ => return None,
    };
    let mut challenge = "Bearer realm=\"two-doors\"".to_owned();
    if let Some(code) = code {
        let description = error.detail.as_deref().unwrap_or(error.kind.title).replace(['"', '\\'], "'");
        let _ = write!(challenge, ", error=\"{code}\", error_description=\"{description}\"");
    }
    Some(challenge)
}
