//! An access token that a browser keeps in a cookie, so that no script can carry it away.
//!
//! It is the same token, checked the same way, and outlives log-out the same way: what changes is who sends it. A browser sends
//! a cookie by itself, also when another site makes it send a request, so these callers are types of their own: bearer routes
//! never take them, and no unsafe method goes by the cookie alone (`api/same_origin.rs`).

use super::{
    LiveTokenUser, TokenUser, Tokens,
    access::{Claims, now},
    authenticate::{NotAuthenticated, count},
};
use crate::{metrics::Check, telemetry};

/// Somebody whose browser sent a valid access token by itself, as of its issue.
#[derive(Debug, Clone)]
pub struct CookieTokenUser(pub TokenUser);

/// Somebody whose browser sent an access token that still stands by itself.
#[derive(Debug, Clone)]
pub struct LiveCookieTokenUser(pub LiveTokenUser);

impl CookieTokenUser {
    /// Finds out who a cookie's value says is asking, from the token alone.
    // excerpt: of
    pub fn of(cookie: Option<&str>, tokens: &Tokens) -> Result<Self, NotAuthenticated> {
        let started = std::time::Instant::now();
        let token = cookie.ok_or(NotAuthenticated::Missing)?;
        telemetry::record_token_check("claims");
        let claims = tokens.verify(token, now());
        telemetry::record_authentication(started.elapsed());
        let claims = claims.map_err(NotAuthenticated::from);
        count(Check::Claims, claims.as_ref().err());
        let claims = claims?;
        telemetry::record_who(claims.sub);
        Ok(Self(TokenUser(claims)))
    }
    // end excerpt
}

/// Who is known by a cookie, whatever was checked.
pub trait ByCookie {
    /// What the token says.
    fn claims(&self) -> &Claims;
}

impl ByCookie for CookieTokenUser {
    fn claims(&self) -> &Claims {
        &self.0.0
    }
}

impl ByCookie for LiveCookieTokenUser {
    fn claims(&self) -> &Claims {
        &self.0.claims
    }
}
