//! Copies of users' rows, so that a session in Redis needs no statement in Postgres, and the outbox that keeps them true.
//!
//! The two stores share no transaction. A trigger writes every change of a user's row to the outbox in the transaction of the
//! change; whoever made it copies the row to Redis before it answers; and if that process dies in between, the others do it
//! within a second, or the next one at its start. A row's revision sees to it that an older copy never replaces a later one.
//!
//! What ends all sessions of a user is in the row as well: the first version of the user that still lets sessions in, and
//! why the ones before ended. So all of them end in one step, however many there are.

use diesel::prelude::*;
use uuid::Uuid;

use super::scripts::{self, Call};
use crate::{
    accounts::User,
    db::{
        self,
        schema::{session_outbox, users},
    },
};

/// A user as they are to be copied.
pub enum Copy {
    Row(Box<Row>),
    Deleted(Uuid),
}

/// How many changes are read at once.
pub const AT_ONCE: i64 = 100;

/// A change that may not be in Redis yet.
pub struct Pending {
    pub user: Uuid,
    pub revision: i64,
    pub copy: Copy,
}

/// What is copied of a row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Row {
    #[diesel(embed)]
    user: User,
    sessions_since: i64,
    sessions_end_reason: Option<String>,
    revision: i64,
}

/// Reads a user's row.
pub fn read(conn: &mut PgConnection, user: Uuid) -> db::Result<Copy> {
    let row: Option<Row> = users::table.find(user).select(Row::as_select()).first(conn).optional()?;
    Ok(copy_of(user, row))
}

fn copy_of(user: Uuid, row: Option<Row>) -> Copy {
    row.map_or(Copy::Deleted(user), |row| Copy::Row(Box::new(row)))
}

/// The first version of a user that lets sessions in.
pub fn sessions_since(conn: &mut PgConnection, user: Uuid) -> db::Result<i64> {
    let since = users::table.find(user).select(users::sessions_since).first(conn).optional()?;
    Ok(since.unwrap_or(i64::MAX))
}

/// Reads what is in the outbox, oldest first.
pub fn pending(conn: &mut PgConnection) -> db::Result<Vec<Pending>> {
    let rows: Vec<(Uuid, i64, Option<Row>)> = session_outbox::table
        .left_join(users::table.on(users::id.eq(session_outbox::user_id)))
        .select((session_outbox::user_id, session_outbox::revision, Option::<Row>::as_select()))
        .order(session_outbox::changed_at)
        .limit(AT_ONCE)
        .load(conn)?;
    let pending = |(user, revision, row)| Pending { user, revision, copy: copy_of(user, row) };
    Ok(rows.into_iter().map(pending).collect())
}

/// Takes a change out of the outbox, unless there was a later one meanwhile. One that somebody is making just now is left
/// to them.
pub fn settled(conn: &mut PgConnection, user: Uuid, revision: i64) -> db::Result<()> {
    diesel::sql_query(
        "DELETE FROM session_outbox WHERE user_id IN \
         (SELECT user_id FROM session_outbox WHERE user_id = $1 AND revision = $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<diesel::sql_types::Uuid, _>(user)
    .bind::<diesel::sql_types::BigInt, _>(revision)
    .execute(conn)?;
    Ok(())
}

impl Copy {
    /// The call that writes it.
    pub fn write(&self) -> db::Result<Call> {
        Ok(match self {
            Self::Row(row) => {
                let Row { user, sessions_since, sessions_end_reason, revision } = &**row;
                let data =
                    serde_json::to_string(user).map_err(|error| db::Error::StoreUnavailable(error.to_string()))?;
                let fields = [
                    ("version", user.credential_version.to_string()),
                    ("since", sessions_since.to_string()),
                    ("data", data),
                ];
                let reason = sessions_end_reason.clone().map(|reason| ("reason", reason));
                let call = Call::of(&scripts::USER).key(scripts::user(user.id)).arg(revision);
                call.args(fields.into_iter().chain(reason))
            }
            Self::Deleted(user) => Call::of(&scripts::DELETED).key(scripts::user(*user)).key(scripts::index(*user)),
        })
    }
}
