//! The audit trail: what happened to logins, appended and never changed.
//!
//! An event is written in the transaction of what it tells of. It says who, when, from where and at which door; it never holds
//! a credential, and of an unknown e-mail address not even that (people type passwords into the wrong field).

use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    db::{self, from_now, schema::auth_events},
    http::client::Client,
};

/// At which door it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The site.
    Session,
    /// The API.
    Token,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    SignedUp,
    /// A login was started.
    LoggedIn,
    /// A password was wrong, or its e-mail address unknown.
    LogInFailed,
    /// A login was ended by its owner.
    LoggedOut,
    /// A password was changed, which ended every login.
    PasswordChanged,
    /// An account was deleted.
    AccountDeleted,
    /// An old refresh token came back.
    RefreshTokenReused,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed up",
            Self::LoggedIn => "logged in",
            Self::LogInFailed => "log-in failed",
            Self::LoggedOut => "logged out",
            Self::PasswordChanged => "password changed",
            Self::AccountDeleted => "account deleted",
            Self::RefreshTokenReused => "refresh token reused",
        }
    }
}

/// One event to append.
#[derive(Debug)]
pub struct Event<'a> {
    /// At which door.
    pub door: Door,
    /// What.
    pub kind: Kind,
    /// Whom it concerns, if anybody.
    pub user: Option<Uuid>,
    /// Which login it concerns, if any.
    pub login: Option<Uuid>,
    /// What more there is to say; never a credential.
    pub detail: Option<&'a str>,
}

/// Appends an event.
pub fn record(conn: &mut PgConnection, client: &Client, event: &Event<'_>) -> db::Result<()> {
    diesel::insert_into(auth_events::table)
        .values((
            auth_events::door.eq(match event.door {
                Door::Session => "session",
                Door::Token => "token",
            }),
            auth_events::kind.eq(event.kind.as_str()),
            auth_events::user_id.eq(event.user),
            auth_events::login_id.eq(event.login),
            auth_events::detail.eq(event.detail),
            auth_events::address.eq(ipnet::IpNet::from(client.address)),
            auth_events::user_agent.eq(&client.user_agent),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes the events of throwaway accounts.
pub(super) fn forget(conn: &mut PgConnection, users: &[Uuid]) -> db::Result<usize> {
    Ok(diesel::delete(auth_events::table.filter(auth_events::user_id.eq_any(users))).execute(conn)?)
}

/// Deletes events older than 90 days, a thousand at a time.
pub fn sweep(conn: &mut PgConnection) -> db::Result<usize> {
    let old: Vec<i64> = auth_events::table
        .filter(auth_events::at.lt(from_now(-90 * 86_400)))
        .select(auth_events::id)
        .order(auth_events::id)
        .limit(1000)
        .load(conn)?;
    if old.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(auth_events::table.filter(auth_events::id.eq_any(old))).execute(conn)?)
}
