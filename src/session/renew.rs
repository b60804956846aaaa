//! Sliding expiry: a session that is used goes on, without anybody asking for it.
//!
//! The idle timeout counts from `seen_at`. That is written at most once a minute (four times an idle period where that is
//! shorter) and together with others', so that reading pages does not become writing rows; a session may therefore end up to a
//! minute early, or two if the database crashed meanwhile.
//! The key stays the same: a new one is only ever given for a password. (The other scheme's `renew` is explicit, and rotates.)

use std::{collections::HashMap, sync::Arc};

use diesel::{prelude::*, sql_types};
use time::{Duration, OffsetDateTime};

use super::{
    key::HashedKey,
    record::{self, Loaded},
};
use crate::db::{self, schema::sessions};

/// Whether the last note of a session's use is old enough for another one.
pub(super) fn is_due(loaded: &Loaded) -> bool {
    let idle = Duration::seconds(loaded.record.idle_ttl_seconds.into());
    loaded.now - loaded.record.seen_at >= Duration::min(idle / 4, Duration::MINUTE)
}

#[derive(QueryableByName)]
#[diesel(table_name = sessions)]
struct Noted {
    key_hash: HashedKey,
    seen_at: OffsetDateTime,
}

/// Notes for many sessions at once that they are used, and answers with the instants. Only rows that are alive and that
/// nobody is working on: who waits for one row while it holds others could wait for ever. The look-up was before that, and
/// may have been long before.
pub(super) fn note(conn: &mut PgConnection, keys: &[HashedKey]) -> db::Result<Vec<Option<OffsetDateTime>>> {
    let noted: Vec<Noted> = diesel::sql_query(format!(
        "UPDATE sessions SET seen_at = clock_timestamp() WHERE key_hash IN (SELECT key_hash FROM sessions \
         WHERE key_hash = ANY($1) AND {} FOR NO KEY UPDATE SKIP LOCKED) RETURNING key_hash, seen_at",
        record::live(),
    ))
    .bind::<sql_types::Array<sql_types::Bytea>, _>(keys)
    .load(conn)?;
    let noted: HashMap<HashedKey, OffsetDateTime> = noted.into_iter().map(|one| (one.key_hash, one.seen_at)).collect();
    Ok(keys.iter().map(|key| noted.get(key).copied()).collect())
}

/// The session, as noted at that instant.
pub(super) fn noted(mut loaded: Arc<Loaded>, seen_at: OffsetDateTime) -> Arc<Loaded> {
    Arc::make_mut(&mut Arc::make_mut(&mut loaded).record).seen_at = seen_at;
    loaded
}

/// Notes it for one session, once nobody works on its row any more; `None` if the row is gone.
pub(super) fn slide(conn: &mut PgConnection, key: HashedKey) -> db::Result<Option<Loaded>> {
    diesel::sql_query(format!(
        "UPDATE sessions SET seen_at = clock_timestamp() WHERE key_hash = $1 AND {}",
        record::live()
    ))
    .bind::<sql_types::Bytea, _>(key)
    .execute(conn)?;
    // Written or not, the row knows best: it may have been ended meanwhile, and says why.
    record::load(conn, key)
}
