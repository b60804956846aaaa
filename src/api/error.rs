//! How this world says no: `application/problem+json` (RFC 9457), and with every 401 a challenge (RFC 6750, section 3).
//!
//! Handlers and extractors answer with an [`Error`]; the layer in `dress` writes it down. An outage is 503, never 401.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode, web};

use super::access_cookie;
use crate::{
    accounts::{credentials, fields::Refused, standing::Refusal},
    db,
    http::problem::{self, Kind},
    token::{
        CookieTokenUser, FreshTokenAdmin, FreshTokenUser, LiveCookieTokenUser, LiveTokenAdmin, LiveTokenUser,
        TokenUser, Tokens, access::Invalid, authenticate::NotAuthenticated,
    },
};

/// A problem to report.
#[derive(Debug, thiserror::Error)]
#[error("{}", .internal.as_deref().unwrap_or(.kind.title))]
pub struct Error {
    pub(super) kind: &'static Kind,
    pub(super) detail: Option<String>,
    pub(super) fields: Vec<Refused>,
    pub(super) retry_after: Option<u64>,
    pub(super) removes_cookie: bool,
    pub(super) internal: Option<String>,
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

    pub(super) fn internal(text: String) -> Self {
        Self { internal: Some(text), ..Self::of(&problem::INTERNAL) }
    }

    pub(super) fn later(kind: &'static Kind, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::of(kind) }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// An empty answer: `dress` fills it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error.absence() {
            Some(absence) => {
                let detail = Some(format!("{}. Try again after `Retry-After`.", absence.title()));
                Self { detail, ..Self::later(&problem::UNAVAILABLE, 2) }
            }
            None => Self::internal(error.to_string()),
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
            credentials::Error::Banned(ban) => Self::with(&problem::BANNED, ban.sentence()),
            credentials::Error::Refused(fields) => Self { fields, ..Self::of(&problem::REFUSED_FIELDS) },
            credentials::Error::EmailTaken => Self::of(&problem::EMAIL_TAKEN),
            credentials::Error::Throttled(throttled) => Self::later(&problem::THROTTLED, throttled.seconds()),
            credentials::Error::Busy(_) => Self::later(&problem::BUSY, 2),
            credentials::Error::Database(error) => error.into(),
        }
    }
}

/// For the deletion of one's own account, the only such decision that is not an admin's; theirs are refused in `admin`.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LastAdmin => Self::of(&problem::LAST_ADMIN),
            Refusal::Database(error) => error.into(),
            _ => Self::of(&problem::CONFLICT),
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
            NotAuthenticated::Stale => {
                Self::with(&problem::STEP_UP_REQUIRED, "The password was last checked more than 10 minutes ago.")
            }
            NotAuthenticated::NotAdmin => Self::of(&problem::FORBIDDEN),
            NotAuthenticated::Banned(ban) => Self::with(&problem::BANNED, ban.sentence()),
            NotAuthenticated::Denied => Self::with(&problem::INVALID_TOKEN, "The access token was revoked."),
            NotAuthenticated::Database(error) => error.into(),
        }
    }
}

impl FromRequest for TokenUser {
    type Error = Error;
    type Future = Check;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user = token_user(request);
        match tokens(request) {
            Ok(tokens) if tokens.always_live() => {
                let tokens = tokens.clone();
                Check::Live(Box::pin(async move { Ok(LiveTokenUser::check(user?, &tokens).await?.into()) }))
            }
            _ => Check::Claims(std::future::ready(user)),
        }
    }
}

/// Finds out who sent a request: already known, unless `TOKEN_CHECK=live` has the database asked.
pub enum Check {
    /// The claims were all there is to check.
    Claims(std::future::Ready<Result<TokenUser, Error>>),
    /// The database is being asked.
    Live(Pin<Box<dyn Future<Output = Result<TokenUser, Error>>>>),
}

impl Future for Check {
    type Output = Result<TokenUser, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Claims(known) => Pin::new(known).poll(context),
            Self::Live(asked) => asked.as_mut().poll(context),
        }
    }
}

impl FromRequest for LiveTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (token_user(request), tokens(request).cloned());
        Box::pin(async move { Ok(Self::check(user?, &*tokens?).await?) })
    }
}

impl FromRequest for FreshTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let live = LiveTokenUser::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(live.await?)?) })
    }
}

impl FromRequest for LiveTokenAdmin {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let live = LiveTokenUser::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(live.await?)?) })
    }
}

impl FromRequest for FreshTokenAdmin {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let admin = LiveTokenAdmin::from_request(request, payload);
        Box::pin(async move { Ok(Self::check(admin.await?)?) })
    }
}

impl FromRequest for CookieTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (cookie_token_user(request), tokens(request).cloned());
        Box::pin(async move {
            let (user, tokens) = (user?, tokens?);
            if tokens.always_live() { Ok(Self(LiveTokenUser::check(user.0, &tokens).await?.into())) } else { Ok(user) }
        })
    }
}

impl FromRequest for LiveCookieTokenUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (user, tokens) = (cookie_token_user(request), tokens(request).cloned());
        Box::pin(async move { Ok(Self(LiveTokenUser::check(user?.0, &*tokens?).await?)) })
    }
}

fn cookie_token_user(request: &HttpRequest) -> Result<CookieTokenUser, Error> {
    let cookie = access_cookie::presented(request)?;
    CookieTokenUser::of(cookie.as_deref(), tokens(request)?).map_err(|error| match error {
        NotAuthenticated::Missing => Error::with(
            &problem::NOT_AUTHENTICATED,
            "This route reads the access cookie only, which POST /api/auth/login sets with \"deliver\": \"cookie\".",
        ),
        error => error.into(),
    })
}

fn token_user(request: &HttpRequest) -> Result<TokenUser, Error> {
    Ok(TokenUser::of(request, tokens(request)?)?)
}

fn tokens(request: &HttpRequest) -> Result<&web::Data<Tokens>, Error> {
    request.app_data().ok_or_else(|| Error::internal("the token scheme is not set up".to_owned()))
}

/// What no route takes.
pub(super) async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::of(&problem::NOT_FOUND))
}

/// Refuses a method that a route does not know.
pub(super) fn method_not_allowed(_: &HttpRequest, allowed: &str) -> HttpResponse {
    HttpResponse::from_error(Error::with(&problem::METHOD_NOT_ALLOWED, format!("Allowed are {allowed}.")))
}
