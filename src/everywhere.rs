//! The only module that sees both schemes: ends every credential of a user, and lists every login.
//!
//! A password change that ended only the logins of the door it came through would leave a thief at the other one. What pages
//! must know of tokens, or the API of sessions, goes through here. All of it runs in the caller's transaction, together
//! with what made it necessary.

use diesel::PgConnection;
use uuid::Uuid;

use crate::{
    accounts::{
        self, Role,
        ending::EndReason,
        events::{self, Kind},
        standing::{self, Author, Ban, Change, Refusal},
    },
    db, session, token,
};

/// How many logins ended at each door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Token families.
    pub families: usize,
}

/// Ends every login of a user at both doors. The caller has counted the user's version up in the same transaction, so that
/// none that is under way slips past.
pub fn end_all(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<Ended> {
    Ok(Ended {
        sessions: session::log_out::log_out_everywhere(conn, user, reason)?,
        families: token::log_out::log_out_everywhere(conn, user, reason)?,
    })
}

/// Bans a user: every login ends at both doors, and none begins while the ban lasts.
pub fn ban(conn: &mut PgConnection, user: Uuid, ban: &Ban, author: &Author) -> Result<Ended, Refusal> {
    standing::ban(conn, user, ban, author)?;
    Ok(end_all(conn, user, EndReason::Banned)?)
}

/// Gives a user a role. The session door reads it from the user's row at the next request, so sessions go on either way. The
/// token door has written it into access tokens: after a demotion the families end, so that none is renewed with what it says.
pub fn change_role(conn: &mut PgConnection, user: Uuid, role: Role, author: &Author) -> Result<Change, Refusal> {
    let change = standing::change_role(conn, user, role, author)?;
    if change == Change::Demotion {
        token::log_out::log_out_everywhere(conn, user, EndReason::RoleChanged)?;
    }
    Ok(change)
}

/// Ends every login of a user on behalf of somebody else.
pub fn log_out_user(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<Ended, Refusal> {
    standing::may_end_logins(conn, user, author)?;
    accounts::raise_version(conn, user)?;
    let ended = end_all(conn, user, EndReason::EndedElsewhere)?;
    author.record(conn, Kind::LoggedOutEverywhere, user, None)?;
    Ok(ended)
}

/// How many live logins a user has at each door.
pub fn count(conn: &mut PgConnection, user: Uuid) -> db::Result<Ended> {
    Ok(Ended { sessions: session::record::list(conn, user)?.len(), families: token::record::list(conn, user)?.len() })
}

/// Deletes what is no longer of use: logins that ended a day ago, abandoned throwaway accounts, old events.
pub fn sweep(conn: &mut PgConnection, grace_seconds: f64) -> db::Result<usize> {
    Ok(session::record::sweep(conn)?
        + token::record::sweep(conn, grace_seconds)?
        + accounts::delete_abandoned(conn)?
        + events::sweep(conn)?)
}
