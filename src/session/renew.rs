//! Sliding expiry: a session that is used goes on, without anybody asking for it.
//!
//! The idle timeout counts from `seen_at`. That is written at most once a minute (four times an idle period where that is
//! shorter), so that reading pages does not become writing rows; a session may therefore end up to a minute early and never late.
//! The key stays the same: a new one is only ever given for a password. (The other scheme's `renew` is explicit, and rotates.)

use std::sync::Arc;

use diesel::prelude::*;
use time::Duration;

use super::record::Loaded;
use crate::db::{self, clock_timestamp, schema::sessions};

/// Whether the last note of a session's use is old enough for another one.
pub(super) fn is_due(loaded: &Loaded) -> bool {
    let idle = Duration::seconds(loaded.record.idle_ttl_seconds.into());
    loaded.now - loaded.record.seen_at >= Duration::min(idle / 4, Duration::MINUTE)
}

/// Notes that a live session is used.
pub(super) fn slide(conn: &mut PgConnection, mut loaded: Loaded) -> db::Result<Loaded> {
    // Only a row that is still alive: this must not race a log-out.
    let live = sessions::table.find(loaded.key.as_bytes()).filter(sessions::ended_at.is_null());
    let seen = diesel::update(live)
        .set(sessions::seen_at.eq(clock_timestamp()))
        .returning((sessions::seen_at, sessions::ended_at))
        .get_result(conn)
        .optional()?;
    let record = Arc::make_mut(&mut loaded.record);
    match seen {
        Some((seen_at, ended_at)) => {
            record.seen_at = seen_at;
            record.ended_at = ended_at;
        }
        // Ended between the two statements: as good as ended before.
        None => record.ended_at = Some(loaded.now),
    }
    Ok(loaded)
}
