//! Rows of `token_families` and `refresh_tokens`.
//!
//! A refresh token is 256 bits: [`PlainRefreshToken`] goes to the client once, [`HashedRefreshToken`] is all that is stored.
//! The first of a family is random; each successor is derived from its predecessor and a random nonce, so that it can be
//! handed out a second time although nobody stored it. Instants are set and compared by the database's clock.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{dsl::exists, prelude::*};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    accounts::{ending::EndReason, events},
    db::{
        self, clock_timestamp,
        schema::{auth_events, refresh_tokens, token_families},
    },
    secrets::{mac, random, sha256},
};

/// A refresh token as the client holds it. Shown once, never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainRefreshToken(String);

/// A refresh token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedRefreshToken([u8; 32]);

impl PlainRefreshToken {
    /// The first of a family.
    #[must_use]
    pub fn generate() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<32>()))
    }

    /// Takes what a client shows. What can't be one of ours is `None`.
    #[must_use]
    pub fn shown(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The one successor that this token has with this nonce. Neither the nonce, which is stored, nor this token, which an
    /// eavesdropper may hold, gives it away alone.
    #[must_use]
    pub fn successor(&self, nonce: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(mac(self.0.as_bytes(), &[b"two-doors refresh successor", nonce])))
    }

    /// The form that is stored.
    #[must_use]
    pub fn hash(&self) -> HashedRefreshToken {
        HashedRefreshToken(sha256(self.0.as_bytes()))
    }

    /// For the client's eyes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PlainRefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainRefreshToken([redacted])")
    }
}

impl HashedRefreshToken {
    /// The column's value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A row of `token_families`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = token_families, check_for_backend(diesel::pg::Pg))]
pub struct FamilyRecord {
    /// The public name of this login; the claim `sid`.
    pub id: Uuid,
    /// Whose login it is.
    pub user_id: Uuid,
    /// When it was started.
    pub created_at: OffsetDateTime,
    /// When the password was checked.
    pub authenticated_at: OffsetDateTime,
    /// The last log-in or refresh.
    pub seen_at: OffsetDateTime,
    /// When it ends at the latest.
    pub absolute_expires_at: OffsetDateTime,
    /// The longest life of an access token that was issued to it, in seconds.
    pub access_ttl_seconds: i64,
    /// When it was ended.
    pub ended_at: Option<OffsetDateTime>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// The client that logged in, as it calls itself.
    pub user_agent: String,
    /// Where it logged in from.
    pub address: ipnet::IpNet,
}

impl FamilyRecord {
    /// Why it lets nobody in at this instant of the database's clock; `None` while it is alive.
    #[must_use]
    pub fn end(&self, now: OffsetDateTime) -> Option<EndReason> {
        if self.ended_at.is_some() {
            return Some(self.end_reason.as_deref().and_then(EndReason::from_name).unwrap_or(EndReason::LoggedOut));
        }
        (now >= self.absolute_expires_at).then_some(EndReason::Absolute)
    }
}

/// A row of `refresh_tokens`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::pg::Pg))]
pub struct RefreshTokenRecord {
    /// The family it belongs to.
    pub family_id: Uuid,
    /// When it expires unused.
    pub expires_at: OffsetDateTime,
    /// When it was redeemed.
    pub used_at: Option<OffsetDateTime>,
    /// What gives its successor again, while the grace lasts.
    pub nonce: Option<Vec<u8>>,
}

/// The family that a refresh token belongs to, alive or not.
pub fn family_of(conn: &mut PgConnection, token: &PlainRefreshToken) -> db::Result<Option<FamilyRecord>> {
    Ok(refresh_tokens::table
        .inner_join(token_families::table)
        .filter(refresh_tokens::hash.eq(token.hash().as_bytes()))
        .select(FamilyRecord::as_select())
        .first(conn)
        .optional()?)
}

/// What is known of the login that a refresh token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be renewed, as far as one can tell without trying.
    Alive,
    /// Nothing can renew it.
    Ended(EndReason),
    /// The token is none of ours, or was deleted long ago.
    Unknown,
}

/// Looks at a refresh token without redeeming it.
pub fn standing(conn: &mut PgConnection, token: &PlainRefreshToken) -> db::Result<Standing> {
    let found: Option<(FamilyRecord, RefreshTokenRecord, OffsetDateTime)> = refresh_tokens::table
        .inner_join(token_families::table)
        .filter(refresh_tokens::hash.eq(token.hash().as_bytes()))
        .select((FamilyRecord::as_select(), RefreshTokenRecord::as_select(), clock_timestamp()))
        .first(conn)
        .optional()?;
    let Some((family, token, now)) = found else { return Ok(Standing::Unknown) };
    let idle = token.used_at.is_none() && now >= token.expires_at;
    Ok(match family.end(now).or(idle.then_some(EndReason::Idle)) {
        Some(reason) => Standing::Ended(reason),
        None => Standing::Alive,
    })
}

/// A family by its public name, alive or not.
pub fn family(conn: &mut PgConnection, id: Uuid) -> db::Result<Option<FamilyRecord>> {
    Ok(token_families::table.find(id).select(FamilyRecord::as_select()).first(conn).optional()?)
}

/// A user's live families, newest first, and whether each was started from a new device.
pub fn list(conn: &mut PgConnection, user: Uuid) -> db::Result<Vec<(FamilyRecord, bool)>> {
    let from_new_device = auth_events::table
        .filter(auth_events::login_id.eq(token_families::id.nullable()))
        .filter(events::literally::IsNewDevice::new(auth_events::kind));
    Ok(token_families::table
        .filter(token_families::user_id.eq(user).and(token_families::ended_at.is_null()))
        .filter(token_families::absolute_expires_at.gt(clock_timestamp()))
        .order(token_families::created_at.desc())
        .select((FamilyRecord::as_select(), exists(from_new_device)))
        .load(conn)?)
}

/// How many live families each of several users has, in their order.
pub fn count_all(conn: &mut PgConnection, of: &[Uuid]) -> db::Result<Vec<usize>> {
    let counts: Vec<(Uuid, i64)> = token_families::table
        .filter(token_families::user_id.eq_any(of).and(token_families::ended_at.is_null()))
        .filter(token_families::absolute_expires_at.gt(clock_timestamp()))
        .group_by(token_families::user_id)
        .select((token_families::user_id, diesel::dsl::count_star()))
        .load(conn)?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    let count = |user| counts.get(user).and_then(|count| usize::try_from(*count).ok()).unwrap_or_default();
    Ok(of.iter().map(count).collect())
}

/// Notes how long the family's next access token may live, which is how long its end has to be remembered. Never less than
/// before: tokens that were issued under another configuration may live on.
pub(super) fn note_access_ttl(conn: &mut PgConnection, family: Uuid, seconds: i64) -> db::Result<()> {
    let shorter = token_families::table.find(family).filter(token_families::access_ttl_seconds.lt(seconds));
    diesel::update(shorter).set(token_families::access_ttl_seconds.eq(seconds)).execute(conn)?;
    Ok(())
}

/// Forgets what successors are derived from, once the grace is over; a thousand at a time, as all that the sweeper does.
pub fn forget_nonces(conn: &mut PgConnection, grace_seconds: f64) -> db::Result<usize> {
    let forgotten = diesel::sql_query(
        "UPDATE refresh_tokens SET nonce = NULL WHERE hash IN (SELECT hash FROM refresh_tokens \
         WHERE nonce IS NOT NULL AND used_at < clock_timestamp() - $1 * interval '1 s' LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    );
    Ok(forgotten.bind::<diesel::sql_types::Double, _>(grace_seconds).execute(conn)?)
}

/// Ends what expired. A family whose last refresh token expired unused is over too: nothing can renew it.
pub fn end_expired(conn: &mut PgConnection) -> db::Result<usize> {
    Ok(diesel::sql_query(
        "UPDATE token_families f SET ended_at = clock_timestamp(), \
         end_reason = CASE WHEN absolute_expires_at <= clock_timestamp() THEN 'absolute' ELSE 'idle' END \
         WHERE id IN (SELECT id FROM token_families c WHERE ended_at IS NULL AND (absolute_expires_at <= clock_timestamp() \
             OR NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.family_id = c.id AND t.used_at IS NULL \
                            AND t.expires_at > clock_timestamp())) LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)?)
}

/// How often a thousand tokens are deleted in one round.
const TOKENS_AT_ONCE: usize = 20;

/// Deletes what ended a day ago. Tokens go first, as somebody may have made millions of them for one family, which no
/// statement may take that long to delete; they are the family's and not counted, unless there are more of them.
pub fn delete_ended(conn: &mut PgConnection) -> db::Result<usize> {
    let mut more = 0;
    for _ in 0..TOKENS_AT_ONCE {
        more = diesel::sql_query(
            "DELETE FROM refresh_tokens WHERE hash IN (SELECT t.hash FROM token_families f \
             JOIN refresh_tokens t ON t.family_id = f.id WHERE f.ended_at < clock_timestamp() - interval '1 day' \
             LIMIT 1000 FOR UPDATE OF t SKIP LOCKED)",
        )
        .execute(conn)?;
        if more < 1000 {
            more = 0;
            break;
        }
    }
    let families = diesel::sql_query(
        "DELETE FROM token_families WHERE id IN (SELECT id FROM token_families f \
         WHERE ended_at < clock_timestamp() - interval '1 day' \
         AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.family_id = f.id) \
         ORDER BY ended_at LIMIT 1000 FOR UPDATE SKIP LOCKED)",
    )
    .execute(conn)?;
    Ok(families + more)
}
