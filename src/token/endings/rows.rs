//! Rows of `token_endings`, read so that none is skipped.
//!
//! Ids are given before rows are committed, so a row may appear below one that was read already. What can't appear any more
//! is told by transactions: everything below the oldest one that ran during a reading (`pg_snapshot_xmin`) was visible to
//! it or never will be. So each reading begins at the one before's oldest transaction, and what it reads again is known by
//! its id.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid},
};
use serde_json::json;
use uuid::Uuid;

use crate::db;

/// An ending as it stands in the table.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    sid: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    sub: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    ver: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    jti: Option<String>,
    /// In seconds since 1970.
    #[diesel(sql_type = BigInt)]
    pub until: i64,
    /// The oldest transaction that was running during the reading.
    #[diesel(sql_type = Text)]
    pub oldest: String,
}

const READ: &str = "SELECT id, kind, sid, sub, ver, jti, ceil(extract(epoch FROM expires_at))::bigint AS until, \
    pg_snapshot_xmin(pg_current_snapshot())::text AS oldest \
    FROM token_endings WHERE written_by >= $1::xid8 AND expires_at > clock_timestamp() ORDER BY id";

/// Before any transaction.
pub(super) const EVER: &str = "0";

/// What still matters and was written by this transaction or later ones.
pub(super) fn read(conn: &mut PgConnection, since: &str) -> db::Result<Vec<Row>> {
    Ok(sql_query(READ).bind::<Text, _>(since).load(conn)?)
}

impl Row {
    /// As an event of the feed.
    pub(super) fn event(&self) -> String {
        let data = match (self.sid, self.sub, self.ver, &self.jti) {
            (Some(sid), ..) => json!({ "sid": sid, "until": self.until }),
            (_, Some(sub), Some(ver), _) => json!({ "sub": sub, "ver": ver, "until": self.until }),
            (.., jti) => json!({ "jti": jti, "until": self.until }),
        };
        format!("event: {}\ndata: {data}\n\n", self.kind)
    }
}

/// Deletes what matters to nobody any more, a thousand rows at a time.
pub fn sweep(conn: &mut PgConnection) -> db::Result<usize> {
    Ok(sql_query(
        "DELETE FROM token_endings WHERE id IN (SELECT id FROM token_endings \
         WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)?)
}
