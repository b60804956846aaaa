//! Access tokens: state lives on **their** side.
//!
//! This file and `session/store.rs` are the one pair of twins that differ, and their difference is the difference between the
//! schemes: there a key is looked up in a table; here a signature and a clock are checked, and nobody is asked. That makes it
//! fast and independent, and it is why log-out can't reach a copy.
//!
//! The claims are those of RFC 9068, with `sid` (the family), `ver` (the user's `credential_version`) and `role`. Verification
//! follows RFC 8725: the key decides the algorithm, never the token; `typ` is checked, so that no other kind of JWT passes;
//! issuer and audience must be ours; every claim is required. A signature that was found right is not computed again
//! (`verified`); everything else is checked each time. Issuance may be 60 s ahead of our clock, as clocks differ, but
//! expiry has no leeway: a token dies at the second it names.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Tokens, audience::Audience, keys::Keyring, log_in::Grounds};
use crate::accounts::{Me, Role, User};

/// The client that all our tokens are issued to: our own API has one kind of client.
pub(super) const CLIENT_ID: &str = "two-doors";
/// RFC 9068, section 2.1.
pub(super) const TYPE: &str = "at+jwt";
/// How far `nbf` and `iat` may lie ahead of our clock.
const LEEWAY_SECONDS: i64 = 60;
/// Longer than any token of ours; spares the parser what can't be one.
const LENGTH_MOST: usize = 4096;

/// What an access token says. Anybody who holds it can read it: it is signed, not encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Which services it is for.
    pub aud: Audience,
    /// The user.
    pub sub: Uuid,
    /// The client it was issued to.
    pub client_id: String,
    /// The user's role when it was issued: stale until it is renewed.
    pub role: Role,
    /// The family, that is the login.
    pub sid: Uuid,
    /// The user's `credential_version` when it was issued.
    pub ver: i64,
    /// When the password was checked.
    pub auth_time: i64,
    /// This token's own name.
    pub jti: String,
    /// When it was issued.
    pub iat: i64,
    /// From when on it counts.
    pub nbf: i64,
    /// From when on it no longer counts.
    pub exp: i64,
}

/// Why a token is not accepted. The client learns which of the two, the log the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It was good once.
    #[error("the access token expired")]
    Expired,
    /// It is malformed, forged, not yet valid, or meant for somebody else.
    #[error("the access token is not valid")]
    Unacceptable,
}

impl Claims {
    pub(super) fn new(
        tokens: &Tokens,
        user: &User,
        login: &Grounds,
        lifetime: i64,
        audience: Option<Audience>,
    ) -> Self {
        let now = now();
        // excerpt: claims
        Self {
            iss: tokens.issuer.to_string(),
            aud: audience.unwrap_or_else(|| Audience::One(tokens.audience.to_string())),
            sub: user.id,
            client_id: CLIENT_ID.to_owned(),
            role: user.role(),
            sid: login.family,
            ver: user.credential_version,
            auth_time: login.authenticated_at.unix_timestamp(),
            jti: Uuid::new_v4().to_string(),
            iat: now,
            nbf: now,
            exp: now + lifetime,
        }
        // end excerpt
    }

    /// The answer of `GET /api/me`.
    #[must_use]
    // excerpt: me
    pub fn me(&self) -> Me {
        Me { id: self.sub, role: self.role, login: self.sid, auth_time: self.auth_time, exp: self.exp }
    }
    // end excerpt

    // excerpt: times
    fn check_times(&self, now: i64) -> Result<(), Invalid> {
        if now >= self.exp {
            return Err(Invalid::Expired);
        }
        let soon = now + LEEWAY_SECONDS;
        if self.nbf > soon || self.iat > soon { Err(Invalid::Unacceptable) } else { Ok(()) }
    }
    // end excerpt
}

impl Tokens {
    /// Verifies a token at an instant in seconds since 1970.
    pub fn verify(&self, token: &str, now: i64) -> Result<Arc<Claims>, Invalid> {
        self.verify_for(Some(&self.audience), token, now)
    }

    /// Verifies a token of ours whichever service it is for. It opens nothing here: it can be asked about, and taken back.
    pub fn verify_for_any_audience(&self, token: &str, now: i64) -> Result<Arc<Claims>, Invalid> {
        self.verify_for(None, token, now)
    }

    /// As [`Tokens::verify`], of a token that was verified before, as it stands in a header; `None` of any other.
    pub(super) fn verify_again(&self, token: &[u8], now: i64) -> Option<Result<Arc<Claims>, Invalid>> {
        self.check_again(Some(&self.audience), token, now)
    }

    fn check_again(&self, audience: Option<&str>, token: &[u8], now: i64) -> Option<Result<Arc<Claims>, Invalid>> {
        // Only the signature is remembered, and only by the keys that it was checked with.
        let claims = self.keys.with(|keys| keys.verified.get(token))?;
        Some(self.check(&claims, audience, now).map(|()| claims))
    }

    fn verify_for(&self, audience: Option<&str>, token: &str, now: i64) -> Result<Arc<Claims>, Invalid> {
        if let Some(checked) = self.check_again(audience, token.as_bytes(), now) {
            return checked;
        }
        let keys = self.keys.now();
        let claims = Arc::new(self.decode(&keys, token)?);
        self.check(&claims, audience, now)?;
        keys.verified.insert(token, &claims);
        Ok(claims)
    }

    /// What a token says, if one of these keys signed it.
    fn decode(&self, keys: &Keyring, token: &str) -> Result<Claims, Invalid> {
        if token.len() > LENGTH_MOST {
            return Err(Invalid::Unacceptable);
        }
        let header = decode_header(token).map_err(|_| Invalid::Unacceptable)?;
        let is_ours = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
        // What a header may ask for beyond this we don't do: `crit` would oblige us to (RFC 7515, section 4.1.11).
        if !is_ours || header.crit.is_some() || header.zip.is_some() {
            return Err(Invalid::Unacceptable);
        }
        // excerpt: verify
        let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(Invalid::Unacceptable)?;
        let validation = self.validations.get(&key.algorithm).ok_or(Invalid::Unacceptable)?;
        Ok(decode(token, &key.verifying, validation).map_err(|_| Invalid::Unacceptable)?.claims)
        // end excerpt
    }

    fn check(&self, claims: &Claims, audience: Option<&str>, now: i64) -> Result<(), Invalid> {
        // excerpt: audience
        if audience.is_some_and(|audience| !claims.aud.names(audience)) {
            return Err(Invalid::Unacceptable);
        }
        // end excerpt
        if claims.iss != *self.issuer || claims.client_id != CLIENT_ID {
            return Err(Invalid::Unacceptable);
        }
        claims.check_times(now)
    }
}

/// What a token must say besides its signature, for each algorithm that a key of ours may have.
pub(super) fn validations(issuer: &str) -> HashMap<Algorithm, Validation> {
    let algorithms = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::HS256];
    let validation = |algorithm| {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        // Compared where it is known which one it must be.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "iss", "aud"]);
        // The library has one leeway for all and reads the clock itself: `check_times` does it our way.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        (algorithm, validation)
    };
    algorithms.map(validation).into()
}

/// This machine's clock, in seconds since 1970. Others may differ: that is what the leeway is for.
#[must_use]
pub fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(nbf: i64, iat: i64, exp: i64) -> Claims {
        Claims {
            iss: String::new(),
            aud: Audience::One(String::new()),
            sub: Uuid::nil(),
            client_id: String::new(),
            role: Role::User,
            sid: Uuid::nil(),
            ver: 1,
            auth_time: 0,
            jti: String::new(),
            iat,
            nbf,
            exp,
        }
    }

    #[test]
    fn a_token_dies_at_the_second_it_names() {
        assert_eq!(claims(1000, 1000, 1900).check_times(1899), Ok(()));
        assert_eq!(claims(1000, 1000, 1900).check_times(1900), Err(Invalid::Expired));
    }

    #[test]
    fn issuance_may_be_a_minute_ahead_of_our_clock_and_no_more() {
        assert_eq!(claims(1060, 1060, 1900).check_times(1000), Ok(()));
        assert_eq!(claims(1061, 1000, 1900).check_times(1000), Err(Invalid::Unacceptable));
        assert_eq!(claims(1000, 1061, 1900).check_times(1000), Err(Invalid::Unacceptable));
    }
}
