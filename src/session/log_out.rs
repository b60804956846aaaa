//! Ends sessions: the row is marked, and from then on the key opens nothing, in whoever's hand.
//!
//! The row stays for a day, so that the next request with that key can be told why. If the row could not be ended the answer
//! is an error: a log-out that only drops the cookie would leave every copy of it alive.

use actix_identity::IdentityExt as _;
use actix_session::SessionExt as _;
use actix_web::HttpRequest;
use diesel::prelude::*;
use uuid::Uuid;

use super::{authenticate::SessionUser, layer::Visit, record::HashedKey};
use crate::{
    accounts::ending::EndReason,
    db::{self, clock_timestamp, schema::sessions},
};

/// Ends the session that the request was made with; `false` if it had ended already.
pub fn log_out(conn: &mut PgConnection, session: &SessionUser, reason: EndReason) -> db::Result<bool> {
    end(conn, &session.loaded().key, reason)
}

/// Whether the session that the request was made with ended by getting a new one in its place.
pub fn has_successor(conn: &mut PgConnection, session: &SessionUser) -> db::Result<bool> {
    let reason: Option<Option<String>> =
        sessions::table.find(session.loaded().key.as_bytes()).select(sessions::end_reason).first(conn).optional()?;
    let reason = reason.flatten().as_deref().and_then(EndReason::from_name);
    Ok(matches!(reason, Some(EndReason::PasswordChanged | EndReason::Replaced)))
}

/// Ends one of a user's sessions by its public name; `false` if there is no such live one.
pub fn log_out_one(conn: &mut PgConnection, user: Uuid, id: Uuid, reason: EndReason) -> db::Result<bool> {
    let one = sessions::table.filter(sessions::id.eq(id).and(sessions::user_id.eq(user)));
    let ended = diesel::update(one.filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Ends all of a user's sessions; returns how many there were.
pub fn log_out_everywhere(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<usize> {
    let all = sessions::table.filter(sessions::user_id.eq(user).and(sessions::ended_at.is_null()));
    Ok(diesel::update(all)
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?)
}

/// Ends all of a user's sessions but the login that is kept, whichever door that is at; returns how many there were.
pub fn log_out_others(conn: &mut PgConnection, user: Uuid, kept: Uuid, reason: EndReason) -> db::Result<usize> {
    let all = sessions::table.filter(sessions::user_id.eq(user).and(sessions::ended_at.is_null()));
    Ok(diesel::update(all.filter(sessions::id.ne(kept)))
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?)
}

// excerpt: log_out
pub(super) fn end(conn: &mut PgConnection, key: &HashedKey, reason: EndReason) -> db::Result<bool> {
    let live = sessions::table.find(key.as_bytes()).filter(sessions::ended_at.is_null());
    let ended = diesel::update(live)
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?;
    Ok(ended == 1)
}
// end excerpt

/// Takes the cookie from the browser. Call it when the transaction that ended the row has committed.
pub fn leave(request: &HttpRequest) {
    if let Some(visit) = Visit::of(request) {
        visit.handler_ended_it();
    }
    match request.get_identity() {
        Ok(identity) => identity.logout(),
        Err(_) => request.get_session().purge(),
    }
}
