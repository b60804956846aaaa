//! The only module that sees both schemes: ends every credential of a user, and lists every login.
//!
//! A password change that ended only the logins of the door it came through would leave a thief at the other one. What pages
//! must know of tokens, or the API of sessions, goes through here. All of it runs in the caller's transaction, together
//! with what made it necessary.

use diesel::PgConnection;
use uuid::Uuid;

use crate::{
    accounts::{self, ending::EndReason, events},
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
