//! Who is asking, at the session door: whoever the row that the cookie names belongs to.
//!
//! A handler that needs somebody logged in takes [`SessionUser`] as a parameter: what isn't there can't be forgotten. How a
//! refusal looks is the pages' affair, so the extractors stand in `pages/error.rs`.

use std::sync::Arc;

use actix_identity::IdentityExt as _;
use actix_web::HttpRequest;

use super::{
    layer::Visit,
    record::{Loaded, SessionRecord},
};
use crate::accounts::{Me, Role, User, credentials::is_fresh, ending::EndReason};

/// Somebody with a live session.
#[derive(Debug, Clone)]
pub struct SessionUser(Arc<Loaded>);

/// Somebody, or a visitor without a live session. `Option<SessionUser>` would take an outage for a visitor.
#[derive(Debug, Clone)]
pub struct MaybeSessionUser(pub Option<SessionUser>);

/// Somebody with a live session whose row says admin at this very request.
#[derive(Debug, Clone)]
pub struct SessionAdmin(SessionUser);

/// Nobody is logged in; with the reason, if the request showed a session that has ended.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no live session")]
pub struct NotLoggedIn(pub Option<EndReason>);

impl SessionUser {
    /// Finds out who sent a request.
    // excerpt: of
    pub fn of(request: &HttpRequest) -> Result<Self, NotLoggedIn> {
        let Some(visit) = Visit::of(request) else { return Err(NotLoggedIn(None)) };
        let identity = request.get_identity().and_then(|identity| identity.id());
        match (visit.session(), identity) {
            (Some(loaded), Ok(id)) if id == loaded.user.id.to_string() => Ok(Self(loaded)),
            _ => Err(NotLoggedIn(visit.ended())),
        }
    }
    // end excerpt

    /// The user's row, as of this request.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.0.user
    }

    /// The session's row, as of this request.
    #[must_use]
    pub fn record(&self) -> &SessionRecord {
        &self.0.record
    }

    /// The session with its user and the database's clock.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        &self.0
    }

    /// Whether the password was checked so lately that a sensitive action need not ask for it again.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        is_fresh(self.0.now - self.record().authenticated_at)
    }

    /// The answer of `GET /account/me`.
    #[must_use]
    // excerpt: me
    pub fn me(&self) -> Me {
        Me {
            id: self.user().id,
            role: self.user().role(),
            login: self.record().id,
            auth_time: self.record().authenticated_at.unix_timestamp(),
            exp: self.record().idle_expires_at().min(self.record().absolute_expires_at).unix_timestamp(),
        }
    }
    // end excerpt
}

impl SessionAdmin {
    /// The user as an admin, if the row says so.
    #[must_use]
    pub fn of(user: SessionUser) -> Option<Self> {
        (user.user().role() == Role::Admin).then_some(Self(user))
    }
}

impl std::ops::Deref for SessionAdmin {
    type Target = SessionUser;

    fn deref(&self) -> &SessionUser {
        &self.0
    }
}
