//! The only module that sees both schemes: lists every login of a user, and ends one, the others, or all.
//!
//! A password change that ended only the logins of the door it came through would leave a thief at the other one. What pages
//! must know of tokens, or the API of sessions, goes through here. All of it runs in the caller's transaction, together
//! with what made it necessary. Whatever ends more than one login wants the user's version counted up before
//! ([`accounts::raise_version`], or a change of password), so that a log-in or a refresh under way can't slip past.

use std::net::IpAddr;

use diesel::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    accounts::{
        self, Role,
        ending::EndReason,
        events::{self, Door, Kind},
        standing::{self, Author, Ban, Change, Refusal},
    },
    db::{self, Lookup, Pool},
    session, token,
};

/// One login, at either door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The door it stands at.
    pub door: Door,
    /// Its public name. It opens nothing.
    pub id: Uuid,
    /// When the password let it in.
    pub started_at: OffsetDateTime,
    /// The last request of a session; the last log-in or refresh of a family, as access tokens leave no trace.
    pub seen_at: OffsetDateTime,
    /// When it ends at the latest.
    pub expires_at: OffsetDateTime,
    /// Where it was started from.
    pub address: IpAddr,
    /// What the client called itself then.
    pub user_agent: String,
    /// Whether it outlives the browser; whoever keeps tokens decides that alone.
    pub remembered: bool,
    /// Whether it was started from a device that had never logged in to this account.
    pub new_device: bool,
}

/// How many logins ended at each door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Token families.
    pub families: usize,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let Self { sessions, families } = *self;
        write!(f, "{sessions} session{} and {families} token login{}", plural(sessions), plural(families))
    }
}

/// Every live login of a user, sessions before families, each newest first.
pub fn list(conn: &mut PgConnection, user: Uuid) -> db::Result<Vec<Login>> {
    let (sessions, families) = (session::record::list(conn, user)?, token::record::list(conn, user)?);
    let sessions = sessions.into_iter().map(|(session, new_device)| Login {
        door: Door::Session,
        id: session.id,
        started_at: session.created_at,
        seen_at: session.seen_at,
        expires_at: session.absolute_expires_at,
        address: session.address.addr(),
        user_agent: session.user_agent,
        remembered: session.remembered,
        new_device,
    });
    let families = families.into_iter().map(|(family, new_device)| Login {
        door: Door::Token,
        id: family.id,
        started_at: family.created_at,
        seen_at: family.seen_at,
        expires_at: family.absolute_expires_at,
        address: family.address.addr(),
        user_agent: family.user_agent,
        remembered: false,
        new_device,
    });
    Ok(sessions.chain(families).collect())
}

/// Bans a user: every login ends at both doors, and none begins while the ban lasts.
pub fn ban(conn: &mut PgConnection, user: Uuid, ban: &Ban, author: &Author) -> Result<Ended, Refusal> {
    standing::ban(conn, user, ban, author)?;
    Ok(end_all(conn, user, EndReason::Banned)?)
}

/// Gives a user a role. The session door reads it from the user's row at the next request, so sessions go on either way. The
/// token door has written it into access tokens: after a demotion the families end, so that none is renewed with what it says.
// excerpt: change_role
pub fn change_role(conn: &mut PgConnection, user: Uuid, role: Role, author: &Author) -> Result<Change, Refusal> {
    let change = standing::change_role(conn, user, role, author)?;
    if change == Change::Demotion {
        token::log_out::log_out_everywhere(conn, user, EndReason::RoleChanged)?;
    }
    Ok(change)
}
// end excerpt

/// Ends every login of a user on behalf of somebody else.
pub fn log_out_user(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<Ended, Refusal> {
    standing::may_end_logins(conn, user, author)?;
    accounts::raise_version(conn, user)?;
    let ended = end_all(conn, user, EndReason::EndedElsewhere)?;
    author.record(conn, Kind::LoggedOutEverywhere, user, Some(&ended.to_string()))?;
    Ok(ended)
}

/// How many live logins a user has at each door.
pub fn count(conn: &mut PgConnection, user: Uuid) -> db::Result<Ended> {
    let families = token::record::count_all(conn, &[user])?.pop().unwrap_or_default();
    Ok(Ended { sessions: session::record::count(conn, user)?, families })
}

/// How many live logins at the token door a user has: what pages show of tokens, without seeing any.
#[derive(Debug, Clone)]
pub struct TokenLogins(Lookup<Uuid, usize>);

impl TokenLogins {
    /// Asks this database.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self(pool.gatherer().lookup(|asking, of: &[Uuid]| token::record::count_all(asking, of)))
    }

    /// Counts a user's.
    pub async fn count(&self, user: Uuid) -> db::Result<usize> {
        self.0.ask(user).await
    }
}

/// Ends one of a user's logins by its public name; says at which door it stood, if there was such a live one.
pub fn end_one(conn: &mut PgConnection, user: Uuid, login: Uuid, reason: EndReason) -> db::Result<Option<Door>> {
    if session::log_out::log_out_one(conn, user, login, reason)? {
        return Ok(Some(Door::Session));
    }
    Ok(token::log_out::log_out_one(conn, user, login, reason)?.then_some(Door::Token))
}

/// Ends every login of a user but one.
pub fn end_others(conn: &mut PgConnection, user: Uuid, kept: Uuid, reason: EndReason) -> db::Result<Ended> {
    Ok(Ended {
        sessions: session::log_out::log_out_others(conn, user, kept, reason)?,
        families: token::log_out::log_out_others(conn, user, kept, reason)?,
    })
}

/// Ends every token login of a user. Sessions go on: they know no version, and nobody asked for their end.
pub fn end_families(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<Ended> {
    Ok(Ended { sessions: 0, families: token::log_out::log_out_everywhere(conn, user, reason)? })
}

/// Ends every login of a user at both doors.
pub fn end_all(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<Ended> {
    Ok(Ended {
        sessions: session::log_out::log_out_everywhere(conn, user, reason)?,
        families: token::log_out::log_out_everywhere(conn, user, reason)?,
    })
}

/// How long the sweeper keeps what is of use for a while only.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// What a refresh token's successor is derived from.
    pub grace_seconds: f64,
    /// Events of the audit trail.
    pub events_seconds: i64,
}

/// What is of no more use, kind by kind: ends what expired, deletes logins that ended a day ago, abandoned throwaway
/// accounts, old events. Each takes [`SWEPT_AT_ONCE`] rows at most and returns their number; whatever becomes of one, the
/// others are to be taken.
pub const SWEEPS: [Sweep; 9] = [
    |conn, _| session::record::sweep(conn),
    |conn, keep| token::record::forget_nonces(conn, keep.grace_seconds),
    |conn, _| token::record::end_expired(conn),
    |conn, _| token::record::delete_ended(conn),
    |conn, _| token::revoke::sweep(conn),
    |conn, _| token::endings::sweep(conn),
    |conn, _| accounts::delete_abandoned(conn),
    |conn, _| accounts::devices::sweep(conn),
    |conn, keep| events::sweep(conn, keep.events_seconds),
];

/// One kind of what is of no more use.
pub type Sweep = fn(&mut PgConnection, Keep) -> db::Result<usize>;

/// With as many rows there is more to do.
pub const SWEPT_AT_ONCE: usize = 1000;
