//! Who is asking, at the token door: whoever the signature says.
//!
//! A handler chooses by its parameter's type. [`TokenUser`] asks nobody: fast, available without a database, and up to 15 minutes
//! behind the truth. [`LiveTokenUser`] also asks whether the family is alive and the user not banned, which costs the one statement that a session costs
//! too. How a refusal looks is the API's affair, so the extractors stand in `api/error.rs`.

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};
use diesel::prelude::*;

use super::{
    Tokens,
    access::{Claims, Invalid, now},
    record::FamilyRecord,
};
use crate::{
    accounts::{User, ending::EndReason, standing::Ban},
    db::{
        self, clock_timestamp,
        schema::{token_families, users},
    },
    telemetry,
};

/// Somebody with a valid access token, as of its issue.
#[derive(Debug, Clone)]
pub struct TokenUser(pub Claims);

/// Somebody with a valid access token whose family is alive now.
#[derive(Debug, Clone)]
pub struct LiveTokenUser {
    /// What the token says.
    pub claims: Claims,
    /// The user's row, as of this request.
    pub user: User,
}

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum NotAuthenticated {
    /// No bearer token was shown.
    #[error("no access token")]
    Missing,
    /// The `Authorization` header is malformed, or there are two.
    #[error("malformed Authorization header")]
    Malformed,
    /// The token itself is refused.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The token is valid, but its login has ended.
    #[error("the login has ended")]
    Ended(EndReason),
    /// The token is valid, but its user is kept out.
    #[error("the account is banned")]
    Banned(Ban),
    /// Nobody knows.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The bearer token of a request (RFC 6750, section 2.1). Cookies are never read here, nor the query.
pub fn bearer(headers: &HeaderMap) -> Result<&str, NotAuthenticated> {
    let mut headers = headers.get_all(AUTHORIZATION);
    let header = headers.next().ok_or(NotAuthenticated::Missing)?;
    if headers.next().is_some() {
        return Err(NotAuthenticated::Malformed);
    }
    let header = header.to_str().map_err(|_| NotAuthenticated::Malformed)?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_matches(' ');
            if token.is_empty() || token.contains([' ', ',']) { Err(NotAuthenticated::Malformed) } else { Ok(token) }
        }
        _ if header.eq_ignore_ascii_case("bearer") => Err(NotAuthenticated::Malformed),
        // Another scheme is none that we know: as good as nothing.
        _ => Err(NotAuthenticated::Missing),
    }
}

impl TokenUser {
    /// Finds out who sent a request, from the token alone.
    // excerpt: authenticate
    pub fn of(request: &HttpRequest, tokens: &Tokens) -> Result<Self, NotAuthenticated> {
        let started = std::time::Instant::now();
        let claims = bearer(request.headers()).and_then(|token| Ok(tokens.verify(token, now())?));
        telemetry::record_authentication(started.elapsed());
        let claims = claims?;
        telemetry::record_who(claims.sub);
        Ok(Self(claims))
    }
    // end excerpt
}

impl LiveTokenUser {
    /// Asks whether the login that a valid token names is still alive: one statement.
    pub async fn check(user: TokenUser, tokens: &Tokens) -> Result<Self, NotAuthenticated> {
        let started = std::time::Instant::now();
        let TokenUser(claims) = user;
        let (family, sub) = (claims.sid, claims.sub);
        let found = db::run(&tokens.pool, move |conn| {
            let found: Option<(FamilyRecord, User, time::OffsetDateTime)> = token_families::table
                .inner_join(users::table)
                .filter(token_families::id.eq(family).and(users::id.eq(sub)))
                .select((FamilyRecord::as_select(), User::as_select(), clock_timestamp()))
                .first(conn)
                .optional()?;
            Ok::<_, db::Error>(found)
        });
        let found = found.await;
        telemetry::record_authentication(started.elapsed());
        // The row of a login that ended long ago, or of a deleted account, is gone.
        let (family, user, now) = found?.ok_or(NotAuthenticated::Ended(EndReason::LoggedOut))?;
        if let Some(ban) = user.ban_on(family.end(now), now) {
            return Err(NotAuthenticated::Banned(ban));
        }
        if let Some(reason) = family.end(now) {
            return Err(NotAuthenticated::Ended(reason));
        }
        if user.credential_version != claims.ver {
            return Err(NotAuthenticated::Ended(EndReason::PasswordChanged));
        }
        Ok(Self { claims, user })
    }
}
