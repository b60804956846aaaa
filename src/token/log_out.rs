//! Ends families: the row is marked, and from then on none of its refresh tokens is redeemed and no live route lets its access
//! tokens in.
//!
//! What it can't do is the scheme's limit: an access token is in nobody's table, so claims-only routes accept it until it
//! expires. If the row could not be ended the answer is an error, as in the other scheme.

use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    accounts::ending::EndReason,
    db::{self, clock_timestamp, schema::token_families},
};

/// Ends the family that the request was made with; `false` if it had ended already.
pub fn log_out(conn: &mut PgConnection, family: Uuid, reason: EndReason) -> db::Result<bool> {
    end(conn, family, reason)
}

/// Ends one of a user's families by its public name; `false` if there is no such live one.
pub fn log_out_one(conn: &mut PgConnection, user: Uuid, id: Uuid, reason: EndReason) -> db::Result<bool> {
    let one = token_families::table.filter(token_families::id.eq(id).and(token_families::user_id.eq(user)));
    let ended = diesel::update(one.filter(token_families::ended_at.is_null()))
        .set((
            token_families::ended_at.eq(clock_timestamp().nullable()),
            token_families::end_reason.eq(reason.as_str()),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Ends all of a user's families; returns how many there were.
// excerpt: log_out_everywhere
pub fn log_out_everywhere(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<usize> {
    let all = token_families::table.filter(token_families::user_id.eq(user).and(token_families::ended_at.is_null()));
    Ok(diesel::update(all)
        .set((
            token_families::ended_at.eq(clock_timestamp().nullable()),
            token_families::end_reason.eq(reason.as_str()),
        ))
        .execute(conn)?)
}
// end excerpt

/// Ends all of a user's families but the login that is kept, whichever door that is at; returns how many there were.
pub fn log_out_others(conn: &mut PgConnection, user: Uuid, kept: Uuid, reason: EndReason) -> db::Result<usize> {
    let all = token_families::table.filter(token_families::user_id.eq(user).and(token_families::ended_at.is_null()));
    Ok(diesel::update(all.filter(token_families::id.ne(kept)))
        .set((
            token_families::ended_at.eq(clock_timestamp().nullable()),
            token_families::end_reason.eq(reason.as_str()),
        ))
        .execute(conn)?)
}

// excerpt: log_out
pub(super) fn end(conn: &mut PgConnection, family: Uuid, reason: EndReason) -> db::Result<bool> {
    let live = token_families::table.find(family).filter(token_families::ended_at.is_null());
    let ended = diesel::update(live)
        .set((
            token_families::ended_at.eq(clock_timestamp().nullable()),
            token_families::end_reason.eq(reason.as_str()),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}
// end excerpt
