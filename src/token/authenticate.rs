//! Who is asking, at the token door: whoever the signature says.
//!
//! A handler chooses by its parameter's type. [`TokenUser`] asks nobody: fast, available without a database, and up to 15
//! minutes behind the truth. [`LiveTokenUser`] also asks whether family, token and user still stand, which costs the one
//! statement that a session costs too. With `TOKEN_CHECK=live` both ask. [`FreshTokenUser`], for sensitive actions, also
//! wants the password to have been checked lately, which costs nothing more. [`LiveTokenAdmin`] and [`FreshTokenAdmin`] are
//! the same for admins, by the user's row: what the claim says of the role may be a quarter of an hour old. How a refusal
//! looks is the API's affair, so the extractors stand in `api/authenticate.rs`.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};
use time::Duration;

use super::{
    Tokens,
    access::{Claims, Invalid, now},
};
use crate::{
    accounts::{Role, User, credentials::is_fresh, ending::EndReason, standing::Ban},
    db,
    metrics::{self, Check, Outcome},
    telemetry,
};

/// Somebody with a valid access token, as of its issue.
#[derive(Debug, Clone)]
pub struct TokenUser(pub Arc<Claims>);

/// Somebody with a valid access token that still stands: its family, itself, and its user.
#[derive(Debug, Clone)]
pub struct LiveTokenUser {
    /// What the token says.
    pub claims: Arc<Claims>,
    /// The user's row, as of this request.
    pub user: Arc<User>,
    password_age: Duration,
}

/// Somebody as [`LiveTokenUser`], whose password was checked in the last ten minutes.
///
/// What counts is the token's own `auth_time`, as RFC 9470 has it: a re-authentication issues a new token, and a copy of an
/// older one stays as old as it says. The family's row was written whenever the claim's instant was, so it can be newer but not
/// older; where it is (a database that was set back), the row counts, as nobody can tell what else the token knows too much of.
#[derive(Debug, Clone)]
pub struct FreshTokenUser {
    /// What the token says.
    pub claims: Arc<Claims>,
    /// The user's row, as of this request.
    pub user: Arc<User>,
}

/// Somebody as [`LiveTokenUser`] who is an admin at this moment.
#[derive(Debug, Clone)]
pub struct LiveTokenAdmin {
    /// The admin's row, as of this request.
    pub user: Arc<User>,
    password_age: Duration,
}

/// Somebody as [`LiveTokenAdmin`], whose password was checked in the last ten minutes: for what changes something.
#[derive(Debug, Clone)]
pub struct FreshTokenAdmin {
    /// The admin's row, as of this request.
    pub user: Arc<User>,
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
    /// The token is valid, and on the denylist.
    #[error("the access token was revoked")]
    Denied,
    /// The token is valid and its login alive, but the password was checked too long ago for this.
    #[error("the password was checked too long ago")]
    Stale,
    /// The token is valid and its login alive, but its user is no admin.
    #[error("the user is no admin")]
    NotAdmin,
    /// Nobody knows.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The bearer token of a request (RFC 6750, section 2.1). Cookies are never read here, nor the query.
// excerpt: bearer
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
            let is_one = !token.is_empty() && !token.bytes().any(|byte| byte == b' ' || byte == b',');
            if is_one { Ok(token) } else { Err(NotAuthenticated::Malformed) }
        }
        _ if header.eq_ignore_ascii_case("bearer") => Err(NotAuthenticated::Malformed),
        // Another scheme is none that we know: as good as nothing.
        _ => Err(NotAuthenticated::Missing),
    }
}
// end excerpt

/// The same bytes without looking whether they could be a token: for who has a list of tokens. `None` of anything unusual.
fn usual_bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut headers = headers.get_all(AUTHORIZATION);
    let token = headers.next()?.as_bytes().strip_prefix(b"Bearer ")?;
    headers.next().is_none().then_some(token)
}

/// Counts what a check came to; who showed nothing was not checked.
pub(super) fn count(check: Check, refusal: Option<&NotAuthenticated>) {
    let outcome = match refusal {
        None => Outcome::Accepted,
        Some(NotAuthenticated::Missing) => return,
        Some(NotAuthenticated::Invalid(Invalid::Expired) | NotAuthenticated::Ended(_) | NotAuthenticated::Denied) => {
            Outcome::Ended
        }
        Some(NotAuthenticated::Banned(_)) => Outcome::Banned,
        Some(NotAuthenticated::Database(_)) => Outcome::Unavailable,
        Some(_) => Outcome::Refused,
    };
    metrics::authenticated(check, outcome);
}

impl TokenUser {
    /// Finds out who sent a request, from the token alone.
    // excerpt: authenticate
    pub fn of(request: &HttpRequest, tokens: &Tokens) -> Result<Self, NotAuthenticated> {
        let started = std::time::Instant::now();
        let again = usual_bearer(request.headers()).and_then(|token| tokens.verify_again(token, now()));
        let claims = match again {
            Some(checked) => checked.map_err(NotAuthenticated::from),
            None => bearer(request.headers()).and_then(|token| Ok(tokens.verify(token, now())?)),
        };
        if !matches!(claims, Err(NotAuthenticated::Missing | NotAuthenticated::Malformed)) {
            telemetry::record_token_check("claims");
        }
        telemetry::record_authentication(started.elapsed());
        count(Check::Claims, claims.as_ref().err());
        let claims = claims?;
        telemetry::record_who(claims.sub);
        Ok(Self(claims))
    }
    // end excerpt
}

impl LiveTokenUser {
    /// Asks whether what a valid token names still stands: one statement.
    pub async fn check(user: TokenUser, tokens: &Tokens) -> Result<Self, NotAuthenticated> {
        let started = std::time::Instant::now();
        telemetry::record_token_check("live");
        let TokenUser(claims) = user;
        let found = tokens.standings.ask(Arc::clone(&claims)).await;
        telemetry::record_authentication(started.elapsed());
        // The row of a login that ended long ago, or of a deleted account, is gone.
        let gone = NotAuthenticated::Ended(EndReason::LoggedOut);
        let judged = found.map_err(NotAuthenticated::from).and_then(|standing| standing.ok_or(gone));
        let judged = judged.and_then(|standing| standing.judge(&claims).map(|()| standing));
        count(Check::Live, judged.as_ref().err());
        let standing = judged?;
        let password_age = standing.password_age(&claims);
        Ok(Self { claims, user: standing.user, password_age })
    }
}

impl FreshTokenUser {
    /// Asks nobody again: the statement that found the login alive knew its age.
    pub fn check(live: LiveTokenUser) -> Result<Self, NotAuthenticated> {
        let LiveTokenUser { claims, user, password_age } = live;
        if is_fresh(password_age) { Ok(Self { claims, user }) } else { Err(NotAuthenticated::Stale) }
    }
}

impl LiveTokenAdmin {
    /// Asks nobody again: the statement that found the login alive read the role.
    pub fn check(live: LiveTokenUser) -> Result<Self, NotAuthenticated> {
        let LiveTokenUser { user, password_age, .. } = live;
        if user.role() == Role::Admin { Ok(Self { user, password_age }) } else { Err(NotAuthenticated::NotAdmin) }
    }
}

impl FreshTokenAdmin {
    /// After the role: who is no admin is not asked for a password.
    pub fn check(admin: LiveTokenAdmin) -> Result<Self, NotAuthenticated> {
        let LiveTokenAdmin { user, password_age } = admin;
        if is_fresh(password_age) { Ok(Self { user }) } else { Err(NotAuthenticated::Stale) }
    }
}

impl From<LiveTokenUser> for TokenUser {
    /// The role is the row's: the claim's may be older.
    fn from(LiveTokenUser { claims, user, .. }: LiveTokenUser) -> Self {
        if user.role() == claims.role {
            return Self(claims);
        }
        Self(Arc::new(Claims { role: user.role(), ..Arc::unwrap_or_clone(claims) }))
    }
}
