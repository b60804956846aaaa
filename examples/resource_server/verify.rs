//! Whether a token is good (RFC 9068, section 4; RFC 8725).
//!
//! The key decides the algorithm, never the token. `typ` says that it is an access token and nothing else that the issuer may
//! sign; issuer and audience must be the expected ones. A token dies at the second it names; it may have been issued up to a
//! minute in our future, as clocks differ.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use crate::{endings::Endings, keys::Keys, refusal::Refusal};

const LEEWAY_SECONDS: i64 = 60;
const LENGTH_MOST: usize = 4096;

/// What the service wants to know of a token. Audience and issuer are checked by the library.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    pub role: String,
    /// The login.
    pub sid: String,
    /// Counts up with everything that ends all tokens of the user.
    pub ver: i64,
    /// The token itself.
    pub jti: String,
    iat: i64,
    nbf: i64,
    pub exp: i64,
}

/// What tokens are held against.
pub struct Verifier {
    name: String,
    issuer: String,
    audience: String,
    keys: Arc<Keys>,
    endings: Option<Arc<Endings>>,
}

impl Verifier {
    pub fn new(name: String, issuer: String, audience: String, keys: Arc<Keys>, endings: Option<Arc<Endings>>) -> Self {
        Self { name, issuer, audience, keys, endings }
    }

    /// What the service calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who sent a request with these headers, and what the token was held against: its own claims, or also everything that ended.
    pub async fn verify(&self, headers: &HeaderMap) -> Result<(Claims, &'static str), Refusal> {
        let token = bearer(headers)?;
        if token.len() > LENGTH_MOST {
            return Err(Refusal::Unacceptable);
        }
        let header = decode_header(token).map_err(|_| Refusal::Unacceptable)?;
        let is_access_token = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"));
        // `crit` would oblige us to what we don't know (RFC 7515, section 4.1.11).
        if !is_access_token || header.crit.is_some() || header.zip.is_some() {
            return Err(Refusal::Unacceptable);
        }
        let kid = header.kid.ok_or(Refusal::Unacceptable)?;
        let key = self.keys.find(&kid).await.ok_or(Refusal::Unacceptable)?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "iss", "aud"]);
        // The library has one leeway for all instants: `check_times` does without one for the end.
        validation.validate_exp = false;
        let claims: Claims = decode(token, &key.verifying, &validation).map_err(|_| Refusal::Unacceptable)?.claims;
        claims.check_times(time::OffsetDateTime::now_utc().unix_timestamp())?;
        // Asked before: what is heard of in between is not what the token was held against.
        let is_everything = self.endings.as_ref().is_some_and(|endings| endings.are_known());
        // What is known counts, whether or not it is everything.
        let has_ended = self.endings.as_ref().is_some_and(|endings| endings.end(&claims));
        if has_ended { Err(Refusal::Ended) } else { Ok((claims, if is_everything { "endings" } else { "claims" })) }
    }
}

impl Claims {
    fn check_times(&self, now: i64) -> Result<(), Refusal> {
        if now >= self.exp {
            return Err(Refusal::Expired);
        }
        let soon = now + LEEWAY_SECONDS;
        if self.nbf > soon || self.iat > soon { Err(Refusal::Unacceptable) } else { Ok(()) }
    }
}

/// The one bearer token of a request (RFC 6750, section 2.1); never from a cookie or the query.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut headers = headers.get_all(AUTHORIZATION);
    let header = headers.next().ok_or(Refusal::Missing)?;
    if headers.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let (scheme, token) = header.to_str().map_err(|_| Refusal::Malformed)?.split_once(' ').ok_or(Refusal::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Missing) }
}
