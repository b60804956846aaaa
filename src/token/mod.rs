//! Scheme 2, tokens: a signed claim that the client carries, and a refresh token that names a row.
//!
//! Life story: `log_in` starts a *family* and issues an access token (15 minutes) and the family's first refresh token;
//! each request shows the access token and `authenticate` checks its signature and its clock, asking nobody; `renew` exchanges
//! the refresh token for its one successor; `reauthenticate` checks the password again; `log_out` ends the family.
//!
//! Promise: after log-out no refresh token of the family works, and no route that checks live ([`LiveTokenUser`]) lets its
//! access tokens in.
//! Limit, and it is the price of asking nobody: **a copied access token goes on working at claims-only routes until it
//! expires**, up to 15 minutes after log-out, password change or ban. In this application that is `GET /api/me` alone.
//! ASVS 5.0, 7.4.1 and 7.4.2 ask that a terminated login be of no further use: live routes meet them, claims-only routes don't.
//! `TOKEN_CHECK=live` makes every route live, and then every request costs a statement: a session by another name.
//!
//! Sooner than a token expires, it is refused where the database is asked: by its family, by its own name (`revoke`), and by the
//! user's version, ban and role.

pub mod access;
pub mod audience;
pub mod authenticate;
pub mod endings;
pub mod in_cookie;
pub mod introspect;
pub mod keys;
pub mod log_in;
pub mod log_out;
pub mod reauthenticate;
pub mod record;
pub mod renew;
pub mod revoke;
pub mod service;
mod standing;
#[cfg(test)]
mod tests;
mod verified;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Validation};
use serde::Serialize;

pub use self::authenticate::{FreshTokenAdmin, FreshTokenUser, LiveTokenAdmin, LiveTokenUser, TokenUser};
pub use self::in_cookie::{CookieTokenUser, LiveCookieTokenUser};
use self::{
    access::Claims,
    audience::Wanted,
    keys::{Keyring, Keys},
};
use crate::{
    accounts::User,
    config,
    db::{self, Pool},
    token::log_in::Grounds,
};

/// What the scheme needs to know.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The database, for all but claims-only routes.
    pub pool: Pool,
    /// What signs and verifies.
    pub keys: Keys,
    standings: standing::Standings,
    validations: Arc<HashMap<Algorithm, Validation>>,
    ttls: Ttls,
    issuer: Arc<str>,
    audience: Arc<str>,
    audiences: Arc<[String]>,
    always_live: bool,
    services: config::Services,
}

/// How long tokens live, as rows and claims want it, and how many logins a user may have.
#[derive(Debug, Clone, Copy)]
pub struct Ttls {
    access_seconds: i64,
    refresh_seconds: i64,
    family_seconds: i64,
    grace_seconds: f64,
    most: u32,
}

/// What a client gets for a log-in or a refresh token (RFC 6749, section 5.1).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccessToken {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
}

impl AccessToken {
    /// The token itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.access_token
    }

    /// How long it lives, in seconds.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.expires_in
    }
}

impl Tokens {
    /// `address`: the public address, which issuer and audience are derived from unless they are configured.
    #[must_use]
    pub fn new(pool: Pool, keys: Keyring, config: &config::Token, address: &str) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let ttls = Ttls {
            access_seconds: seconds(config.access),
            refresh_seconds: seconds(config.refresh),
            family_seconds: seconds(config.family),
            grace_seconds: config.grace.as_secs_f64(),
            most: config.most,
        };
        let issuer = config.issuer.clone().unwrap_or_else(|| address.to_owned());
        let audience = config.audience.clone().unwrap_or_else(|| format!("{address}/api"));
        let standings = pool.gatherer().lookup(standing::Standing::look_up());
        Self {
            pool,
            keys: Keys::new(keys),
            standings,
            validations: Arc::new(access::validations(&issuer)),
            ttls,
            issuer: issuer.into(),
            audience: audience.into(),
            audiences: config.audiences.clone().into(),
            always_live: config.always_live,
            services: config.services.clone(),
        }
    }

    /// How long things live.
    #[must_use]
    pub fn ttls(&self) -> Ttls {
        self.ttls
    }

    /// The programs that may ask about tokens.
    #[must_use]
    pub fn services(&self) -> &config::Services {
        &self.services
    }

    /// Whether routes that ask for the claims only get them checked live all the same.
    #[must_use]
    pub fn always_live(&self) -> bool {
        self.always_live
    }

    /// Signs an access token for a login; it lives as long as was wanted if that is less than configured.
    ///
    /// # Errors
    ///
    /// Only if there is no usable signing key.
    pub fn issue(&self, user: &User, login: &Grounds, wanted: impl Into<Wanted>) -> Result<AccessToken, db::Error> {
        let Wanted { expires_in, audience } = wanted.into();
        let lifetime = expires_in.unwrap_or(i64::MAX).min(self.ttls.access_seconds).min(login.seconds_left).max(0);
        let claims = Claims::new(self, user, login, lifetime, audience);
        Ok(AccessToken { access_token: self.keys.now().sign(&claims)?, token_type: "Bearer", expires_in: lifetime })
    }
}

impl Ttls {
    /// The longest life of an access token, in seconds.
    #[must_use]
    pub fn access_seconds(self) -> i64 {
        self.access_seconds
    }
}
