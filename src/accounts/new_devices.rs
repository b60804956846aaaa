//! The newest log-ins from devices that had never logged in to the account, kept in the user's row: whatever finds the user
//! finds them as well, and pages tell of them at no cost.
//!
//! Limit: the ten newest. The audit trail has all of them, and the list of devices marks each login that is alive.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    prelude::*,
    sql_types,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDevice {
    /// Its number in the audit trail.
    pub event: i64,
    /// The login that it started.
    pub login: Uuid,
}

/// Newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, FromSqlRow)]
pub struct NewDevices(Vec<NewDevice>);

impl NewDevices {
    /// The newest one's number.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.0.first().map(|device| device.event)
    }

    /// Those after a number, but for the one that started this very login: it needs no telling.
    pub fn since(&self, event: i64, this: Uuid) -> impl Iterator<Item = &NewDevice> {
        self.0.iter().filter(move |device| device.event > event && device.login != this)
    }
}

impl FromSql<sql_types::Jsonb, Pg> for NewDevices {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(serde_json::from_value(FromSql::<sql_types::Jsonb, Pg>::from_sql(bytes)?)?)
    }
}

/// Adds one to the user's row, and drops the oldest of too many.
pub(super) fn add(conn: &mut PgConnection, user: Uuid, device: NewDevice) -> db::Result<()> {
    diesel::sql_query(
        "UPDATE users SET new_devices = jsonb_path_query_array( \
             jsonb_build_object('event', $2, 'login', $3) || new_devices, '$[0 to 9]') WHERE id = $1",
    )
    .bind::<sql_types::Uuid, _>(user)
    .bind::<sql_types::BigInt, _>(device.event)
    .bind::<sql_types::Uuid, _>(device.login)
    .execute(conn)?;
    Ok(())
}
