//! A session as Redis holds it: names and values, instants in microseconds.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::session::record::SessionRecord;

/// Reads names and values in turn; `None` for what is no session of ours.
pub fn read(flat: impl IntoIterator<Item = String>) -> Option<SessionRecord> {
    let mut values = flat.into_iter();
    let mut fields = HashMap::new();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        fields.insert(name, value);
    }
    let field = |name: &str| fields.get(name).map(String::as_str);
    let at = |name: &str| field(name).and_then(instant);
    Some(SessionRecord {
        id: field("id")?.parse().ok()?,
        user_id: field("user")?.parse().ok()?,
        state: serde_json::from_str(field("state")?).ok()?,
        remembered: field("remembered")? == "1",
        created_at: at("created")?,
        authenticated_at: at("authenticated")?,
        seen_at: at("seen")?,
        idle_ttl_seconds: field("idle")?.parse().ok()?,
        absolute_expires_at: at("absolute")?,
        ended_at: at("ended"),
        end_reason: field("reason").map(str::to_owned),
        user_agent: field("agent")?.to_owned(),
        address: field("address")?.parse().ok()?,
    })
}

/// An instant of Redis's clock.
pub fn instant(microseconds: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(microseconds.parse::<i128>().ok()? * 1000).ok()
}
