//! How the service says no: `application/problem+json` (RFC 9457), and with a 401 a challenge (RFC 6750, section 3).

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::json;

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No `error` in the challenge where no token was shown.
    #[error("Send one header `Authorization: Bearer TOKEN`.")]
    Missing,
    #[error("Send one header `Authorization: Bearer TOKEN`, not several.")]
    Malformed,
    #[error("The access token expired.")]
    Expired,
    #[error("The access token was ended before it expired.")]
    Ended,
    #[error("The access token is malformed, altered, or not meant for this service.")]
    Unacceptable,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let (code, challenge) = match self {
            Self::Missing => ("not-authenticated", "Bearer".to_owned()),
            Self::Malformed => ("invalid-request", "Bearer error=\"invalid_request\"".to_owned()),
            refusal => ("invalid-token", format!("Bearer error=\"invalid_token\", error_description=\"{refusal}\"")),
        };
        let mut response = HttpResponse::build(status);
        response.insert_header(("cache-control", "no-store"));
        response.insert_header(("www-authenticate", challenge));
        let problem = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": code,
            "detail": self.to_string(),
        });
        response.content_type("application/problem+json").body(problem.to_string())
    }
}
