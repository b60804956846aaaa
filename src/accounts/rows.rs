//! The rows of `users`: found, made, changed, deleted.
//!
//! Promise: a password or version is changed, and an account deleted, only while the version is the one that the caller
//! knows; a row that a log-in is to rest on is held ([`hold_version`]). Limit: whoever ends logins counts the version up,
//! and no database rule sees to it.

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    User, events,
    fields::{DisplayName, Email},
};
use crate::{
    db::{self, clock_timestamp, from_now, schema::users},
    http::client::Client,
};

/// Finds a user by e-mail address, with the password's hash.
pub fn find_by_email(conn: &mut PgConnection, email: &Email) -> db::Result<Option<(User, String)>> {
    Ok(users::table
        .filter(users::email_folded.eq(email.folded()))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()?)
}

/// As [`find_by_email`], with the database's clock at that statement.
pub fn find_by_email_at(conn: &mut PgConnection, email: &Email) -> db::Result<Option<(User, String, OffsetDateTime)>> {
    Ok(users::table
        .filter(users::email_folded.eq(email.folded()))
        .select((User::as_select(), users::password_hash, clock_timestamp()))
        .first(conn)
        .optional()?)
}

/// Finds a user with the password's hash.
pub fn find(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<(User, String)>> {
    Ok(users::table.find(user).select((User::as_select(), users::password_hash)).first(conn).optional()?)
}

/// Finds a user, with the database's clock at that statement.
pub fn find_at(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<(User, OffsetDateTime)>> {
    Ok(users::table.find(user).select((User::as_select(), clock_timestamp())).first(conn).optional()?)
}

/// Makes an account.
///
/// # Errors
///
/// `None` if the e-mail address has one already; the unique index decides, so that two sign-ups at once make one account.
pub fn insert(
    conn: &mut PgConnection,
    email: &Email,
    display_name: &DisplayName,
    password_hash: &str,
) -> db::Result<Option<User>> {
    Ok(diesel::insert_into(users::table)
        .values((
            users::email.eq(email.as_typed()),
            users::email_folded.eq(email.folded()),
            users::display_name.eq(display_name.as_str()),
            users::password_hash.eq(password_hash),
        ))
        .on_conflict(users::email_folded)
        .do_nothing()
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Changes the name that is shown.
pub fn rename(conn: &mut PgConnection, user: Uuid, display_name: &DisplayName) -> db::Result<usize> {
    Ok(diesel::update(users::table.find(user)).set(users::display_name.eq(display_name.as_str())).execute(conn)?)
}

/// Stores the same password hashed with newer parameters, unless it was changed meanwhile. Ends nothing.
pub fn rehash(conn: &mut PgConnection, user: Uuid, old_hash: &str, new_hash: &str) -> db::Result<usize> {
    Ok(diesel::update(users::table.find(user).filter(users::password_hash.eq(old_hash)))
        .set(users::password_hash.eq(new_hash))
        .execute(conn)?)
}

/// Stores a new password and counts the version up, if it is still the one the present password was checked against.
///
/// The row stays locked until the transaction ends: a log-in under way waits at [`hold_version`] and then finds the new
/// version. `None`: somebody else was faster, and nothing changed.
pub fn set_password(conn: &mut PgConnection, user: &User, hash: &str) -> db::Result<Option<User>> {
    Ok(diesel::update(users::table.find(user.id).filter(users::credential_version.eq(user.credential_version)))
        .set((users::password_hash.eq(hash), users::credential_version.eq(users::credential_version + 1)))
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Counts the version up, for an event that ends logins without a new password: a ban, a demotion, a log-out everywhere.
///
/// As at [`set_password`], the row stays locked until the transaction ends. `None`: the account is gone.
pub fn raise_version(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<User>> {
    Ok(diesel::update(users::table.find(user))
        .set(users::credential_version.eq(users::credential_version + 1))
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Deletes an account with its logins, if version and role are still what they were when the password was checked, and says
/// so in the audit trail. Whether it is the last admin's is asked before ([`super::standing::keep_an_admin`]). Of an
/// experiment's throwaway account nothing stays, its events neither.
pub fn delete(
    conn: &mut PgConnection,
    user: &User,
    client: &Client,
    (door, login): (events::Door, Uuid),
) -> db::Result<bool> {
    let same = users::table.find(user.id).filter(users::credential_version.eq(user.credential_version));
    // Who became an admin meanwhile may be the last one by now.
    let same = same.filter(users::role.eq(user.role().as_str()));
    let is_throwaway = Email::parse(&user.email).is_ok_and(|email| email.is_throwaway());
    if is_throwaway {
        // Before the account: the database asks it whether these may go.
        events::forget(conn, &[user.id])?;
    }
    if diesel::delete(same).execute(conn)? == 0 {
        return Ok(false);
    }
    if !is_throwaway {
        let kind = events::Kind::AccountDeleted;
        let event = events::Event::new(door, kind).user(user.id).login(login);
        events::record(conn, client, &event)?;
    }
    Ok(true)
}

/// Whether the user's version is still this one; if so, it stays so until the transaction ends.
///
/// The lock is the point: without it a change of password could commit between this look and the insert that follows, and the
/// new login would outlive it. It is no share lock, as log-ins of one user must also queue among themselves: only so can each
/// count how many there are.
pub fn hold_version(conn: &mut PgConnection, user: Uuid, version: i64) -> db::Result<bool> {
    let current: Option<i64> =
        users::table.find(user).select(users::credential_version).for_no_key_update().first(conn).optional()?;
    Ok(current == Some(version))
}

/// Deletes accounts of experiments that were cut off, with their events; `limit` at a time.
pub fn delete_abandoned(conn: &mut PgConnection) -> db::Result<usize> {
    let abandoned = users::table
        .filter(users::email_folded.like("%@throwaway.invalid"))
        .filter(users::created_at.lt(from_now(-15 * 60)))
        .select(users::id);
    // Under the lock of its row none of them gets a new event.
    conn.transaction(|conn| {
        let abandoned: Vec<Uuid> = abandoned.limit(100).for_update().skip_locked().load(conn)?;
        if abandoned.is_empty() {
            return Ok(0);
        }
        events::forget(conn, &abandoned)?;
        Ok(diesel::delete(users::table.filter(users::id.eq_any(abandoned))).execute(conn)?)
    })
}
