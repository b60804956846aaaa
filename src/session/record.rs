//! Rows of `sessions`.
//!
//! Found by the hash of a key ([`HashedKey`]); instants are set and compared by the database's clock.

use std::sync::Arc;

use diesel::{dsl::exists, pg::Pg, prelude::*, sql_types};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{key::HashedKey, redis};
use crate::{
    accounts::{User, ending::EndReason, events, standing::Ban},
    db::{
        self, Asking, any, clock_timestamp,
        gather::{
            as_before::AtPlaces,
            if_new::if_new,
            remembered::{Known, Shelf, Told},
            version::version_of,
        },
        schema::{auth_events, sessions, users},
    },
};

/// A row of `sessions`, without its key.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub struct SessionRecord {
    /// The public name of this login.
    pub id: Uuid,
    /// Whose login it is.
    pub user_id: Uuid,
    /// What pages keep for the visitor.
    pub state: serde_json::Value,
    /// Whether the cookie outlives the browser.
    pub remembered: bool,
    /// When it was started.
    pub created_at: OffsetDateTime,
    /// When the password was last checked.
    pub authenticated_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub seen_at: OffsetDateTime,
    /// How long it may lie unused.
    pub idle_ttl_seconds: i32,
    /// When it ends at the latest.
    pub absolute_expires_at: OffsetDateTime,
    /// When it was ended.
    pub ended_at: Option<OffsetDateTime>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// The browser that logged in, as it calls itself.
    pub user_agent: String,
    /// Where it logged in from.
    pub address: ipnet::IpNet,
}

impl SessionRecord {
    /// When it ends if it is not used.
    #[must_use]
    pub fn idle_expires_at(&self) -> OffsetDateTime {
        self.seen_at + Duration::seconds(self.idle_ttl_seconds.into())
    }

    /// Why it lets nobody in at this instant of the database's clock; `None` while it is alive.
    #[must_use]
    pub fn end(&self, now: OffsetDateTime) -> Option<EndReason> {
        if self.ended_at.is_some() {
            return Some(self.end_reason.as_deref().and_then(EndReason::from_name).unwrap_or(EndReason::LoggedOut));
        }
        match now {
            now if now >= self.absolute_expires_at => Some(EndReason::Absolute),
            now if now >= self.idle_expires_at() => Some(EndReason::Idle),
            _ => None,
        }
    }
}

/// A session with its user, as of one instant.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it is found by.
    pub key: HashedKey,
    /// The row.
    pub record: Arc<SessionRecord>,
    /// Its user's row, read in the same statement: role and name are never older than the request.
    pub user: Arc<User>,
    /// The database's clock at that statement.
    pub now: OffsetDateTime,
}

impl Loaded {
    /// Why it lets nobody in; `None` while it is alive and its user not banned.
    #[must_use]
    pub fn end(&self) -> Option<EndReason> {
        self.record.end(self.now).or_else(|| self.user.ban(self.now).map(|_| EndReason::Banned))
    }

    /// The ban to tell of.
    #[must_use]
    pub fn ban(&self) -> Option<Ban> {
        self.user.ban_on(self.record.end(self.now), self.now)
    }
}

/// Finds sessions with their users, alive or not, in one statement; with the database's clock at that statement. Rows that are
/// known are not sent.
// excerpt: load
fn read(
    conn: &mut PgConnection,
    keys: &[HashedKey],
    (known, known_users): &Known,
) -> db::Result<Vec<Told<HashedKey, SessionRecord, User, OffsetDateTime>>> {
    let rows = sessions::table.inner_join(users::table).filter(sessions::key_hash.eq(any(keys))).select((
        clock_timestamp(),
        (sessions::key_hash, (version_of(sessions::table, sessions::id), version_of(users::table, users::id))),
        if_new::<SessionRecord, _>(sessions::table, known),
        if_new::<User, _>(users::table, known_users),
    ));
    Ok(rows.load(conn)?)
}
// end excerpt

/// Looks sessions up for the requests that show them, in the order of the keys.
pub fn look_up() -> impl Fn(&mut Asking<'_>, &[HashedKey]) -> db::Result<Vec<Option<Loaded>>> {
    let shelf = Shelf::<HashedKey, SessionRecord, User>::new();
    move |asking, keys| {
        let look = |asking: &mut Asking<'_>, places: &_| {
            Ok(AtPlaces::of((sessions::table, users::table), places, clock_timestamp()).get_result(&mut **asking)?)
        };
        let read = |asking: &mut Asking<'_>, keys: &_, known: &_| read(asking, keys, known);
        let found = shelf.with(|remembered| remembered.find(asking, keys, look, read))?;
        let loaded = |(key, found): (&HashedKey, Option<_>)| {
            let ((record, user), now) = found?;
            Some(Loaded { key: *key, record, user, now })
        };
        Ok(keys.iter().zip(found).map(loaded).collect())
    }
}

/// Finds one session with its user, within somebody's transaction.
pub(super) fn load(conn: &mut PgConnection, key: HashedKey) -> db::Result<Option<Loaded>> {
    let found = read(conn, &[key], &Known::default())?.pop();
    Ok(found.and_then(|(now, _, record, user)| {
        Some(Loaded { key, record: Arc::new(record?.0), user: Arc::new(user?.0), now })
    }))
}

/// Writes what pages keep, into a live row; `false` if there is none.
// excerpt: state
pub(super) fn store_state(conn: &mut PgConnection, key: &HashedKey, state: &serde_json::Value) -> db::Result<bool> {
    let live = sessions::table.find(key).filter(sessions::ended_at.is_null());
    Ok(diesel::update(live).set(sessions::state.eq(state)).execute(conn)? == 1)
}
// end excerpt

/// Whether nobody has ended a session yet.
pub(super) fn is_live(conn: &mut PgConnection, key: &HashedKey) -> db::Result<bool> {
    let live = sessions::table.find(key).filter(sessions::ended_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(live)).get_result(conn)?)
}

/// A user's live sessions, newest first, and whether each was started from a new device.
pub fn list(conn: &mut PgConnection, user: Uuid) -> db::Result<Vec<(SessionRecord, bool)>> {
    if let Some(store) = redis::store() {
        let records = store.list(conn, user)?;
        let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
        let new = events::from_new_devices(conn, &ids)?;
        let with_flag = |record: SessionRecord| {
            let is_new = new.contains(&record.id);
            (record, is_new)
        };
        return Ok(records.into_iter().map(with_flag).collect());
    }
    let from_new_device = auth_events::table
        .filter(auth_events::login_id.eq(sessions::id.nullable()))
        .filter(events::literally::IsNewDevice::new(auth_events::kind));
    let rows: Vec<(SessionRecord, bool, OffsetDateTime)> = sessions::table
        .filter(sessions::user_id.eq(user).and(sessions::ended_at.is_null()))
        .order(sessions::created_at.desc())
        .select((SessionRecord::as_select(), exists(from_new_device), clock_timestamp()))
        .load(conn)?;
    let live = rows.into_iter().filter(|(record, _, now)| record.end(*now).is_none());
    Ok(live.map(|(record, is_new, _)| (record, is_new)).collect())
}

/// How many live sessions a user has.
pub fn count(conn: &mut PgConnection, user: Uuid) -> db::Result<usize> {
    match redis::store() {
        Some(store) => Ok(store.list(conn, user)?.len()),
        None => {
            let live = diesel::dsl::sql::<sql_types::Bool>(&live());
            let count: i64 =
                sessions::table.filter(sessions::user_id.eq(user)).filter(live).count().get_result(conn)?;
            Ok(usize::try_from(count).unwrap_or_default())
        }
    }
}

/// When a row's time is up: [`SessionRecord::end`] in SQL.
const EXPIRES_AT: &str = "least(absolute_expires_at, seen_at + idle_ttl_seconds * interval '1 s')";

/// A row that nobody has ended and whose time is not up, at the moment of its statement.
pub(super) fn live() -> String {
    format!("ended_at IS NULL AND clock_timestamp() < {EXPIRES_AT}")
}

/// Ends what expired and deletes what ended a day ago, a thousand rows at a time; returns the number of rows.
pub fn sweep(conn: &mut PgConnection) -> db::Result<usize> {
    let expired = diesel::sql_query(format!(
        "UPDATE sessions SET ended_at = {EXPIRES_AT}, \
         end_reason = CASE absolute_expires_at WHEN {EXPIRES_AT} THEN 'absolute' ELSE 'idle' END \
         WHERE key_hash IN (SELECT key_hash FROM sessions \
             WHERE ended_at IS NULL AND {EXPIRES_AT} <= clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    ))
    .execute(conn)?;
    let deleted = diesel::sql_query(
        "DELETE FROM sessions WHERE key_hash IN (SELECT key_hash FROM sessions \
         WHERE ended_at < clock_timestamp() - interval '1 day' ORDER BY ended_at LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)?;
    // No copy of a user's row is as old (`redis::user`): what waited so long is of no more use to anybody.
    let settled = diesel::sql_query(
        "DELETE FROM session_outbox WHERE user_id IN (SELECT user_id FROM session_outbox \
         WHERE changed_at < clock_timestamp() - interval '2 days' LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)?;
    Ok(expired + deleted + settled)
}
