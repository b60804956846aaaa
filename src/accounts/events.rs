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
    /// Neither: the command line, or the server itself.
    None,
}

impl Door {
    /// As it stands in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
            Self::None => "none",
        }
    }

    /// Reads what stands in a row.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "session" => Self::Session,
            "token" => Self::Token,
            _ => Self::None,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    SignedUp,
    /// A login was started.
    LoggedIn,
    /// It was started from a browser or client that had never logged in to this account.
    NewDevice,
    /// A password was wrong, or its e-mail address unknown.
    LogInFailed,
    /// The password was checked again within a login.
    Reauthenticated,
    /// A login was ended with its own credential.
    LoggedOut,
    /// A login was ended from another one, or by an admin.
    LoginEnded,
    /// All logins were ended.
    LoggedOutEverywhere,
    /// A refresh token was exchanged for its successor.
    Refreshed,
    /// An old refresh token came back.
    RefreshTokenReused,
    /// An access token was put on the denylist.
    TokenRevoked,
    /// A password was changed, which ended every login.
    PasswordChanged,
    /// An e-mail address was changed.
    EmailChanged,
    /// A role was changed.
    RoleChanged,
    /// A user was banned, which ended every login.
    Banned,
    /// A ban was taken back.
    Unbanned,
    /// An account was deleted.
    AccountDeleted,
    /// A signing key was made; it signs from a moment later on.
    KeyMade,
    /// A signing key was retired, and every token that it signed with it.
    KeyRetired,
}

impl Kind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::SignedUp,
        Self::LoggedIn,
        Self::NewDevice,
        Self::LogInFailed,
        Self::Reauthenticated,
        Self::LoggedOut,
        Self::LoginEnded,
        Self::LoggedOutEverywhere,
        Self::Refreshed,
        Self::RefreshTokenReused,
        Self::TokenRevoked,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::RoleChanged,
        Self::Banned,
        Self::Unbanned,
        Self::AccountDeleted,
        Self::KeyMade,
        Self::KeyRetired,
    ];

    /// The kind that stands in a row under this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// As it stands in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed up",
            Self::LoggedIn => "logged in",
            Self::NewDevice => "new device",
            Self::LogInFailed => "log-in failed",
            Self::Reauthenticated => "password checked again",
            Self::LoggedOut => "logged out",
            Self::LoginEnded => "login ended",
            Self::LoggedOutEverywhere => "logged out everywhere",
            Self::Refreshed => "refreshed",
            Self::RefreshTokenReused => "refresh token reused",
            Self::TokenRevoked => "token revoked",
            Self::PasswordChanged => "password changed",
            Self::EmailChanged => "e-mail address changed",
            Self::RoleChanged => "role changed",
            Self::Banned => "banned",
            Self::Unbanned => "un-banned",
            Self::AccountDeleted => "account deleted",
            Self::KeyMade => "signing key made",
            Self::KeyRetired => "signing key retired",
        }
    }
}

/// Why a login ended that newer ones took the place of.
pub const TOO_MANY: &str = "too many at once";

/// One event to append.
#[derive(Debug, Clone, Copy)]
#[must_use = "an event is of use once it is recorded"]
pub struct Event<'a> {
    door: Door,
    kind: Kind,
    user: Option<Uuid>,
    login: Option<Uuid>,
    actor: Option<Uuid>,
    detail: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// An event that concerns nobody in particular.
    pub fn new(door: Door, kind: Kind) -> Self {
        Self { door, kind, user: None, login: None, actor: None, detail: None }
    }

    /// Whom it concerns.
    pub fn user(self, user: impl Into<Option<Uuid>>) -> Self {
        Self { user: user.into(), ..self }
    }

    /// Which session or family it concerns.
    pub fn login(self, login: Uuid) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Who did it, where that is somebody else.
    pub fn by(self, actor: impl Into<Option<Uuid>>) -> Self {
        Self { actor: actor.into(), ..self }
    }

    /// What more there is to say; never a credential.
    pub fn detail(self, detail: &'a str) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// Appends an event that a request brought about.
pub fn record(conn: &mut PgConnection, client: &Client, event: &Event<'_>) -> db::Result<()> {
    insert(conn, Some(client), event).map(drop)
}

/// Appends an event that a request brought about, and says under which number.
pub fn append(conn: &mut PgConnection, client: &Client, event: &Event<'_>) -> db::Result<i64> {
    insert(conn, Some(client), event)
}

/// Kinds as the indexes say them that are for one kind: an argument would fit none of those. (Diesel's `sql` would, and have the
/// statement prepared anew each time.)
pub(crate) mod literally {
    use diesel::pg::Pg;

    diesel::postfix_operator!(IsNewDevice, " = 'new device'", backend: Pg);
    diesel::postfix_operator!(IsReuse, " = 'refresh token reused'", backend: Pg);
}

/// Which of these logins were started from a new device.
pub fn from_new_devices(conn: &mut PgConnection, logins: &[Uuid]) -> db::Result<Vec<Uuid>> {
    let logins: Vec<Option<Uuid>> = auth_events::table
        .filter(auth_events::login_id.eq_any(logins))
        .filter(literally::IsNewDevice::new(auth_events::kind))
        .select(auth_events::login_id)
        .load(conn)?;
    Ok(logins.into_iter().flatten().collect())
}

/// Appends an event that the command line or the server itself brought about.
pub fn record_own(conn: &mut PgConnection, event: &Event<'_>) -> db::Result<()> {
    insert(conn, None, event).map(drop)
}

fn insert(conn: &mut PgConnection, client: Option<&Client>, event: &Event<'_>) -> db::Result<i64> {
    Ok(diesel::insert_into(auth_events::table)
        .values((
            auth_events::door.eq(event.door.as_str()),
            auth_events::kind.eq(event.kind.as_str()),
            auth_events::user_id.eq(event.user),
            auth_events::login_id.eq(event.login),
            auth_events::actor_id.eq(event.actor),
            auth_events::detail.eq(event.detail),
            auth_events::address.eq(client.map(|client| ipnet::IpNet::from(client.address))),
            auth_events::user_agent.eq(client.map_or("", |client| &client.user_agent)),
        ))
        .returning(auth_events::id)
        .get_result(conn)?)
}

/// Removes the events of throwaway accounts.
pub(super) fn forget(conn: &mut PgConnection, users: &[Uuid]) -> db::Result<usize> {
    Ok(diesel::delete(auth_events::table.filter(auth_events::user_id.eq_any(users))).execute(conn)?)
}

/// Deletes events older than so many seconds, a thousand at a time.
pub fn sweep(conn: &mut PgConnection, ttl_seconds: i64) -> db::Result<usize> {
    let old: Vec<i64> = auth_events::table
        .filter(auth_events::at.lt(from_now(-ttl_seconds)))
        .select(auth_events::id)
        .order(auth_events::id)
        .limit(1000)
        .load(conn)?;
    if old.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(auth_events::table.filter(auth_events::id.eq_any(old))).execute(conn)?)
}
