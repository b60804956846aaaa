//! The form that introspection (RFC 7662) and revocation (RFC 7009) take: one token, and perhaps a hint at its kind.
//!
//! Both are form-encoded, as those RFCs demand, and neither reads a cookie: what counts is the token in the body. The hint is not
//! needed, as our two kinds can't be mistaken for one another, and ignoring it is what RFC 7009, section 2.1 asks of a wrong one.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_TYPE, HeaderMap},
};

use super::{Error, body::read};
use crate::http::{body, problem};

/// The form, as it is described.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only described")]
pub(super) struct Form {
    /// An access token or a refresh token.
    #[schema(min_length = 1)]
    token: String,
    /// Not needed, and a wrong one does no harm.
    #[schema(example = "refresh_token")]
    token_type_hint: Option<String>,
}

/// The token that a request is about.
pub struct TokenForm(pub String);

impl FromRequest for TokenForm {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (is_form, payload) = (is_form(request.headers()), body::take(request, payload));
        Box::pin(async move {
            if !is_form {
                let detail = "Send Content-Type: application/x-www-form-urlencoded.";
                return Err(Error::with(&problem::UNSUPPORTED_MEDIA_TYPE, detail));
            }
            Ok(Self(the_token(&read(payload).await?)?))
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// RFC 6749, section 3.2: no parameter twice, and those that nobody knows are ignored.
fn the_token(body: &[u8]) -> Result<String, Error> {
    let pairs: Vec<_> = url::form_urlencoded::parse(body).collect();
    let values =
        |wanted: &str| pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect::<Vec<_>>();
    if values("token_type_hint").len() > 1 {
        return Err(Error::with(&problem::MALFORMED_FORM, "`token_type_hint` must not be sent twice."));
    }
    match values("token")[..] {
        [token] if !token.is_empty() => Ok(token.to_string()),
        [] | [_] => Err(Error::with(&problem::MALFORMED_FORM, "`token` is missing.")),
        _ => Err(Error::with(&problem::MALFORMED_FORM, "`token` must not be sent twice: send one at a time.")),
    }
}
