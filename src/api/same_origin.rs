//! Why an unsafe call that a cookie authorises is really our own page's: the twin of the site's `same_origin`.
//!
//! Two layers here as well. The access cookie counts only from our origins (`access_cookie`), and an unsafe method must
//! carry a token that was given out for this very login: a nonce, and an HMAC over it and the `sid` under a key of its own.
//! A cookie that is merely equal to a header would prove nothing: a sibling host can plant the one and send the other.
//!
//! It travels in a header that only script can set, so a form of another site can't bring it at all. Bearer calls need none
//! of this.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, HeaderName},
    web,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::Error;
use crate::{
    http::problem,
    secrets::{Purpose, Secrets, mac, random, same},
    token::in_cookie::ByCookie,
};

/// What carries the token.
pub(super) const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const NONCE: usize = 16;

/// The keys that sign the tokens, newest first.
#[derive(Clone)]
pub struct CsrfKeys(Vec<[u8; 32]>);

impl CsrfKeys {
    /// Derives them.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self(secrets.all(Purpose::CsrfToken).collect())
    }
}

impl std::fmt::Debug for CsrfKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} redacted]", self.0.len())
    }
}

fn keys(request: &HttpRequest) -> &[[u8; 32]] {
    request.app_data::<web::Data<CsrfKeys>>().map(|keys| keys.0.as_slice()).unwrap_or_default()
}

/// A fresh token for unsafe calls of a login.
pub(super) fn token(request: &HttpRequest, sid: Uuid) -> Result<String, Error> {
    let key = keys(request).first().ok_or_else(|| Error::internal("there is no key for CSRF tokens".to_owned()))?;
    let nonce: [u8; NONCE] = random();
    Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &mac(key, &[&nonce, sid.as_bytes()])].concat()))
}

// excerpt: is_ours
fn is_ours(request: &HttpRequest, sid: Uuid) -> bool {
    let Some(token) = shown(request.headers()) else { return false };
    let Some((nonce, tag)) = token.split_at_checked(NONCE) else { return false };
    keys(request).iter().any(|key| same(&mac(key, &[nonce, sid.as_bytes()]), tag))
}
// end excerpt

fn shown(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut headers = headers.get_all(X_CSRF_TOKEN);
    let token = URL_SAFE_NO_PAD.decode(headers.next()?.as_bytes()).ok()?;
    headers.next().is_none().then_some(token)
}

/// Whoever is known by a cookie and sent this call from a page of ours, with a token of the same login. Every unsafe method of
/// `/api/browser` asks for its caller like this.
#[derive(Debug, Clone)]
pub struct SafeCall<User>(pub User);

impl<User> FromRequest for SafeCall<User>
where
    User: FromRequest<Error = Error> + ByCookie + 'static,
{
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, user) = (request.clone(), User::from_request(request, payload));
        Box::pin(async move {
            let user = user.await?;
            let is_ours = is_ours(&request, user.claims().sid);
            if is_ours { Ok(Self(user)) } else { Err(Error::of(&problem::FORGED_CALL)) }
        })
    }
}
