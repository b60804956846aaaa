//! Re-authentication: the password is given again within a login, and its next access tokens say so (RFC 9470).
//!
//! The family goes on, with its refresh token and its absolute end; only `authenticated_at` is now. Nothing that was handed out
//! changes, so access tokens issued before go on naming the old `auth_time` and are still refused where a fresh one is needed: a
//! copy gains nothing. (The other scheme exchanges the key to get there; here each token says for itself how old it is.)
//!
//! As everywhere, neither a password that was changed nor a login that was ended meanwhile gets anything new.

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{log_in::Grounds, record};
use crate::{
    accounts::{self, User, ending::EndReason},
    db::{self, clock_timestamp, schema::token_families},
};

/// What giving the password again came to.
#[derive(Debug)]
pub enum Reauthenticated {
    /// What the next access token says.
    Renewed(Grounds),
    /// All of the user's logins were ended meanwhile.
    VersionChanged,
    /// This login was ended meanwhile.
    Ended(EndReason),
}

/// Notes in the family that its user's password was just checked, and how long the access token lives that will say so.
pub fn reauthenticate(
    conn: &mut PgConnection,
    family: Uuid,
    user: &User,
    access_seconds: i64,
) -> db::Result<Reauthenticated> {
    if !accounts::hold_version(conn, user.id, user.credential_version)? {
        return Ok(Reauthenticated::VersionChanged);
    }
    let live = token_families::table
        .filter(token_families::id.eq(family).and(token_families::user_id.eq(user.id)))
        .filter(token_families::ended_at.is_null())
        .filter(token_families::absolute_expires_at.gt(clock_timestamp()));
    let renewed: Option<(OffsetDateTime, OffsetDateTime)> = diesel::update(live)
        .set(token_families::authenticated_at.eq(clock_timestamp()))
        .returning((token_families::authenticated_at, token_families::absolute_expires_at))
        .get_result(conn)
        .optional()?;
    match renewed {
        Some((authenticated_at, absolute_expires_at)) => {
            record::note_access_ttl(conn, family, access_seconds)?;
            let seconds_left = (absolute_expires_at - authenticated_at).whole_seconds();
            Ok(Reauthenticated::Renewed(Grounds { family, authenticated_at, seconds_left }))
        }
        None => {
            let ended = record::family(conn, family)?.and_then(|family| family.end(family.created_at));
            Ok(Reauthenticated::Ended(ended.unwrap_or(EndReason::Absolute)))
        }
    }
}
