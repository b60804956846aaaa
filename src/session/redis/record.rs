//! A session as Redis tells of it: instants in microseconds of its clock.

use std::borrow::Cow;

use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::session::record::SessionRecord;

/// What a script tells of a live session: a list of texts, in this order (`SHOWN` in `lua/common.lua`).
#[derive(Deserialize)]
pub struct Shown<'a> {
    pub user: Uuid,
    pub seen: &'a str,
    pub idle: &'a str,
    pub absolute: &'a str,
    id: Uuid,
    remembered: &'a str,
    created: &'a str,
    authenticated: &'a str,
    // These may hold what JSON escapes.
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow)]
    agent: Cow<'a, str>,
    #[serde(borrow)]
    pub state: Cow<'a, str>,
}

/// Reads a live session; `None` for what is none of ours.
pub fn read(json: &str) -> Option<SessionRecord> {
    Shown::of(json)?.record()
}

impl<'a> Shown<'a> {
    pub fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub fn record(&self) -> Option<SessionRecord> {
        Some(SessionRecord {
            id: self.id,
            user_id: self.user,
            state: serde_json::from_str(&self.state).ok()?,
            remembered: self.remembered == "1",
            created_at: instant(self.created)?,
            authenticated_at: instant(self.authenticated)?,
            seen_at: instant(self.seen)?,
            idle_ttl_seconds: self.idle.parse().ok()?,
            absolute_expires_at: instant(self.absolute)?,
            ended_at: None,
            end_reason: None,
            user_agent: self.agent.clone().into_owned(),
            address: self.address.parse().ok()?,
        })
    }
}

/// What `TIME` answers: seconds, and microseconds beyond them.
pub fn clock(time: &redis::Value) -> Option<OffsetDateTime> {
    let (seconds, microseconds): (i128, i128) = redis::from_redis_value_ref(time).ok()?;
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1_000_000 + microseconds) * 1000).ok()
}

/// An instant of Redis's clock.
pub fn instant(microseconds: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(microseconds.parse::<i128>().ok()? * 1000).ok()
}
