//! Ends sessions: the row is marked, and from then on the key opens nothing, in whoever's hand.
//!
//! The row stays for a day, so that the next request with that key can be told why. If the row could not be ended the answer
//! is an error: a log-out that only drops the cookie would leave every copy of it alive.

use actix_identity::IdentityExt as _;
use actix_session::SessionExt as _;
use actix_web::HttpRequest;
use diesel::prelude::*;
use uuid::Uuid;

use super::{authenticate::SessionUser, key::HashedKey, layer::Visit, redis};
use crate::{
    accounts::ending::EndReason,
    db::{
        self, clock_timestamp,
        schema::{sessions, users},
    },
};

/// Ends the session that the request was made with; `false` if it had ended already.
pub fn log_out(conn: &mut PgConnection, session: &SessionUser, reason: EndReason) -> db::Result<bool> {
    match redis::store() {
        Some(store) => store.end(&session.loaded().key, reason),
        None => end(conn, &session.loaded().key, reason),
    }
}

/// Whether the session that the request was made with ended by getting a new one in its place.
pub fn has_successor(conn: &mut PgConnection, session: &SessionUser) -> db::Result<bool> {
    let key = &session.loaded().key;
    let reason = match redis::store() {
        Some(store) => store.end_reason(key)?,
        None => {
            let ended = sessions::table.find(key).select(sessions::end_reason);
            let reason: Option<Option<String>> = ended.first(conn).optional()?;
            reason.flatten().as_deref().and_then(EndReason::from_name)
        }
    };
    Ok(matches!(reason, Some(EndReason::PasswordChanged | EndReason::Replaced)))
}

/// Ends one of a user's sessions by its public name; `false` if there is no such live one.
pub fn log_out_one(conn: &mut PgConnection, user: Uuid, id: Uuid, reason: EndReason) -> db::Result<bool> {
    if let Some(store) = redis::store() {
        return store.end_one(conn, user, id, reason);
    }
    let one = sessions::table.filter(sessions::id.eq(id).and(sessions::user_id.eq(user)));
    let ended = diesel::update(one.filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Ends all of a user's sessions; returns how many there were. The caller has counted the user's version up.
// excerpt: log_out_everywhere
pub fn log_out_everywhere(conn: &mut PgConnection, user: Uuid, reason: EndReason) -> db::Result<usize> {
    let elsewhere = redis::store().map_or(Ok(0), |store| store.list(conn, user).map(|sessions| sessions.len()))?;
    // Sessions that are not in this table end by this alone (see `redis::user`). It is written whatever store is configured, as
    // the command line need not know, and the setting may change.
    diesel::update(users::table.find(user))
        .set((users::sessions_since.eq(users::credential_version), users::sessions_end_reason.eq(reason.as_str())))
        .execute(conn)?;
    let all = sessions::table.filter(sessions::user_id.eq(user).and(sessions::ended_at.is_null()));
    let here = diesel::update(all)
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?;
    Ok(here + elsewhere)
}
// end excerpt

/// Ends all of a user's sessions but the login that is kept, whichever door that is at; returns how many there were.
pub fn log_out_others(conn: &mut PgConnection, user: Uuid, kept: Uuid, reason: EndReason) -> db::Result<usize> {
    if let Some(store) = redis::store() {
        return store.end_others(conn, user, kept, reason);
    }
    let all = sessions::table.filter(sessions::user_id.eq(user).and(sessions::ended_at.is_null()));
    Ok(diesel::update(all.filter(sessions::id.ne(kept)))
        .set((sessions::ended_at.eq(clock_timestamp().nullable()), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?)
}

// excerpt: log_out
pub(super) fn end(conn: &mut PgConnection, key: &HashedKey, reason: EndReason) -> db::Result<bool> {
    let live = sessions::table.find(key).filter(sessions::ended_at.is_null());
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
