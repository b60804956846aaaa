//! How this world says no: `application/problem+json` (RFC 9457), and with every 401 a challenge (RFC 6750, section 3).
//!
//! Handlers and extractors (`authenticate`) answer with an [`Error`]; the layer in `dress` writes it down. An outage is
//! 503, never 401.

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};

use crate::{
    accounts::{credentials, fields::Refused, standing::Refusal},
    db,
    http::problem::{self, Kind},
    token::{access::Invalid, authenticate::NotAuthenticated},
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

/// What no route takes.
pub(super) async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::of(&problem::NOT_FOUND))
}

/// Refuses a query that is none, or that says something twice.
pub(super) fn unreadable_query() -> Error {
    Error::with(&problem::REFUSED_FIELDS, "The query of the address can't be read: each parameter may come once.")
}

/// Refuses a method that a route does not know.
pub(super) fn method_not_allowed(_: &HttpRequest, allowed: &str) -> HttpResponse {
    HttpResponse::from_error(Error::with(&problem::METHOD_NOT_ALLOWED, format!("Allowed are {allowed}.")))
}
