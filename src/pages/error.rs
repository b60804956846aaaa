//! How this world says no: a page that a person understands, or a redirect to the log-in.
//!
//! Handlers and extractors answer with an [`Error`], which is a status and nothing else; `dress` makes a page of it, in one
//! place.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{
        StatusCode,
        header::{self},
    },
};

use super::{form::Outlived, fresh::Stale};
use crate::{
    accounts::{
        credentials,
        standing::{Ban, Refusal},
    },
    db::{self, Absence},
    session::{self, MaybeSessionUser, SessionAdmin, SessionUser, Visit, authenticate::NotLoggedIn},
};

/// Why a page was not shown or a form not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is logged in: the visitor is sent to the log-in page and back.
    #[error("not logged in")]
    NotLoggedIn(#[from] NotLoggedIn),
    /// A form that outlived its log-in.
    #[error("the form outlived its log-in")]
    Outlived(Box<Outlived>),
    /// A sensitive action, too long after the password: it is asked for again.
    #[error("the password was checked too long ago")]
    Stale(Box<Stale>),
    /// A form that was kept while the password was asked for, and is altered, too old, or of another login.
    #[error("the kept form can't be used")]
    Unconfirmable,
    /// An unsafe request that no page of ours sent.
    #[error("the request comes from another origin")]
    AnotherOrigin,
    /// A body that is no form.
    #[error("the body is no form")]
    NotAForm,
    /// A form that can't be decoded.
    #[error("the form can't be decoded")]
    Undecodable,
    /// A form that is too large.
    #[error("the form is too large")]
    TooLarge,
    /// A form that came too slowly.
    #[error("the form came too slowly")]
    TooSlow,
    /// No such page.
    #[error("no such page")]
    NotFound,
    /// The page does not know the method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The account changed while the request was under way.
    #[error("the account changed meanwhile")]
    Conflict,
    /// Only admins may.
    #[error("the role is not enough")]
    Forbidden,
    /// The last admin stays.
    #[error("the last admin")]
    LastAdmin,
    /// Whoever is asking is kept out.
    #[error("the account is banned")]
    Banned(Ban),
    /// As many follow a run as may.
    #[error("as many follow a run as may")]
    Crowded,
    /// Nobody knows: what would be asked is away.
    #[error("the database or the session store is unavailable")]
    Unavailable(Absence),
    /// A fault of ours; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error.absence() {
            Some(absence) => Self::Unavailable(absence),
            None => Self::Internal(error.to_string()),
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        db::Error::from(error).into()
    }
}

impl From<session::Failure> for Error {
    fn from(failure: session::Failure) -> Self {
        match failure {
            session::Failure::Unavailable(absence) => Self::Unavailable(absence),
            session::Failure::Failed => Self::Internal(failure.to_string()),
        }
    }
}

/// For the deletion of one's own account, the only such decision that is not an admin's.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LastAdmin => Self::LastAdmin,
            Refusal::Database(error) => error.into(),
            _ => Self::Conflict,
        }
    }
}

/// Who is asking; whose session ended with a ban that still lasts is told so, and not sent to a log-in that would say no.
pub(super) fn session_user(request: &HttpRequest) -> Result<SessionUser, Error> {
    SessionUser::of(request).map_err(|not_logged_in| match Visit::of(request).and_then(|visit| visit.ban()) {
        Some(ban) => Error::Banned(ban),
        None => Error::NotLoggedIn(not_logged_in),
    })
}

/// Sorts out what the form itself can't explain to its visitor.
pub(super) fn beyond_the_form(error: credentials::Error) -> Result<credentials::Error, Error> {
    match error {
        credentials::Error::Banned(ban) => Err(Error::Banned(ban)),
        credentials::Error::Database(error) => Err(error.into()),
        explained => Ok(explained),
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn(_) => StatusCode::SEE_OTHER,
            Self::Outlived(_)
            | Self::Stale(_)
            | Self::Unconfirmable
            | Self::AnotherOrigin
            | Self::Forbidden
            | Self::Banned(_) => StatusCode::FORBIDDEN,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Undecodable => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::LastAdmin => StatusCode::CONFLICT,
            Self::Crowded | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty answer: `dress` fills it.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Crowded | Self::Unavailable(_)) {
            response.insert_header((header::RETRY_AFTER, "2"));
        }
        response.finish()
    }
}

impl FromRequest for SessionUser {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(session_user(request))
    }
}

impl FromRequest for SessionAdmin {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(session_user(request).and_then(|user| Self::of(user).ok_or(Error::Forbidden)))
    }
}

impl FromRequest for MaybeSessionUser {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    /// Never takes an outage for a visitor: then the request does not come as far as this.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(SessionUser::of(request).ok())))
    }
}

/// What no route takes.
pub(super) async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::NotFound)
}

/// Refuses a method that a page does not know.
pub(super) fn method_not_allowed(_: &HttpRequest, _: &str) -> HttpResponse {
    HttpResponse::from_error(Error::MethodNotAllowed)
}
