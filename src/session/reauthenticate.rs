//! Re-authentication: the password is given again within a login, and the login gets a new key.
//!
//! The login itself goes on: it began when it began, keeps what pages remember, its idle timeout, whether it is remembered and,
//! above all, its absolute end: who gives a password once an hour must not stay logged in for ever on one decision to log in.
//! Only the key and the public name are new, as with every change of what a session may do (OWASP Session Management), so a
//! copy of the old cookie gains nothing from the password and dies; and `authenticated_at` is now.
//!
//! As everywhere, the row that ends and the one that is inserted are one transaction, and no password that was changed and no
//! login that was ended meanwhile gets a new row.

use std::sync::Arc;

use actix_web::HttpRequest;
use diesel::prelude::*;

use super::{
    authenticate::SessionUser,
    key::{HashedKey, PlainKey},
    layer::{Failure, Visit},
    log_in::{self, NewSession},
    log_out,
    record::{self, Loaded},
    redis,
};
use crate::{
    accounts::{self, User, ending::EndReason},
    db::{self, schema::sessions},
};

/// What giving the password again came to.
#[derive(Debug)]
pub enum Reauthenticated {
    /// The login goes on under a new key.
    Renewed(Box<Renewed>),
    /// All of the user's logins were ended meanwhile.
    VersionChanged,
    /// This login was ended meanwhile.
    Ended(EndReason),
}

/// A login whose new key waits to be handed to the browser.
#[derive(Debug)]
#[must_use = "without `enter` the browser never learns its key"]
pub struct Renewed {
    new: NewSession,
    loaded: Arc<Loaded>,
}

impl Renewed {
    /// The login's new public name.
    #[must_use]
    pub fn id(&self) -> uuid::Uuid {
        self.new.id
    }
}

/// Puts a new row in the place of the session's, for a user whose password was just checked.
pub fn reauthenticate(conn: &mut PgConnection, session: &SessionUser, user: &User) -> db::Result<Reauthenticated> {
    if !accounts::hold_version(conn, user.id, user.credential_version)? {
        return Ok(Reauthenticated::VersionChanged);
    }
    let (old, key) = (&session.loaded().key, PlainKey::generate());
    let exchanged = match redis::store() {
        Some(store) => store.reauthenticate(old, &key.hash(), user)?,
        None => exchange(conn, old, key.hash())?,
    };
    Ok(match exchanged {
        Ok(loaded) => {
            let left = (loaded.record.absolute_expires_at - loaded.now).whole_seconds();
            let max_age = loaded.record.remembered.then_some(left);
            let new = NewSession { key, user: user.id, id: loaded.record.id, max_age };
            Reauthenticated::Renewed(Box::new(Renewed { new, loaded: Arc::new(loaded) }))
        }
        Err(reason) => Reauthenticated::Ended(reason),
    })
}

/// Ends the old row and inserts the new one; or says why the old one had ended already.
fn exchange(conn: &mut PgConnection, old: &HashedKey, new: HashedKey) -> db::Result<Result<Loaded, EndReason>> {
    if !log_out::end(conn, old, EndReason::Replaced)? {
        let ended = record::load(conn, *old)?.and_then(|ended| ended.record.end(ended.now));
        return Ok(Err(ended.unwrap_or(EndReason::LoggedOut)));
    }
    let same_but_for_the_key = sessions::table.find(old).select((
        new.into_sql::<diesel::sql_types::Bytea>(),
        sessions::user_id,
        sessions::state,
        sessions::remembered,
        sessions::created_at,
        sessions::idle_ttl_seconds,
        sessions::absolute_expires_at,
        sessions::user_agent,
        sessions::address,
    ));
    diesel::insert_into(sessions::table)
        .values(same_but_for_the_key)
        .into_columns((
            sessions::key_hash,
            sessions::user_id,
            sessions::state,
            sessions::remembered,
            sessions::created_at,
            sessions::idle_ttl_seconds,
            sessions::absolute_expires_at,
            sessions::user_agent,
            sessions::address,
        ))
        .execute(conn)?;
    Ok(Ok(record::load(conn, new)?.ok_or(diesel::result::Error::NotFound)?))
}

/// Hands the new key to the browser; from then on the request is the new row's. Call it when the transaction has committed.
pub fn enter(request: &HttpRequest, renewed: Renewed) -> Result<SessionUser, Failure> {
    log_in::enter(request, renewed.new)?;
    Visit::of(request).ok_or(Failure::Failed)?.found(renewed.loaded);
    SessionUser::of(request).map_err(|_| Failure::Failed)
}
