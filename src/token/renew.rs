//! Exchanges a refresh token for its one successor, and notices when an old one comes back.
//!
//! Any number of redemptions at once inserts exactly one successor: they queue at the family's row. Tabs that wake together
//! all show the same old token; within the grace (10 s, `REFRESH_GRACE`), and only while the successor is unredeemed, each is
//! given that same successor again. Anything else is *reuse*: the family ends for everybody, and the kind is recorded.
//!
//! What the grace costs: who steals a token within it gets the same successor, and is noticed only at the next reuse. And reuse
//! is a signal, not proof of who the thief is (RFC 9700, section 4.14.2). (The other scheme's `renew` happens by itself.)

use diesel::prelude::*;
use time::OffsetDateTime;

use super::{
    Ttls,
    log_in::{Grounds, Login},
    log_out,
    record::{self, FamilyRecord, PlainRefreshToken, RefreshTokenRecord},
};
use crate::{
    accounts::{
        User,
        ending::EndReason,
        events::{self, Door, Event, Kind},
        standing::Ban,
        throttle::{Throttle, Throttled},
    },
    db::{
        self, clock_timestamp, from_now, least,
        schema::{auth_events, refresh_tokens, token_families, users},
    },
    http::client::Client,
    metrics,
    secrets::random,
};

/// What redeeming a refresh token came to.
#[derive(Debug)]
pub enum Renewed {
    /// Its successor, new or within the grace once more.
    Successor(Box<User>, Login),
    /// Nobody issued this, or it was deleted long ago.
    Unknown,
    /// It expired unused, or its family did.
    Expired,
    /// Its family had ended.
    Ended(EndReason),
    /// Its user is kept out.
    Banned(Ban),
    /// It was used before: the family is ended now.
    Reused,
    /// As many of its family were redeemed lately as may be: it is as good as before.
    Throttled(Throttled),
}

/// Redeems a refresh token. Call it in a transaction that commits whatever this answers: ending a family must not be undone.
pub fn renew(
    conn: &mut PgConnection,
    presented: &PlainRefreshToken,
    ttls: Ttls,
    client: &Client,
    throttle: &Throttle,
) -> db::Result<Renewed> {
    let Some((family, user)) = lock(conn, presented)? else { return Ok(Renewed::Unknown) };
    // Read after the lock was had: whoever held it may have redeemed this very token.
    let (token, now): (RefreshTokenRecord, OffsetDateTime) = refresh_tokens::table
        .find(presented.hash().as_bytes())
        .select((RefreshTokenRecord::as_select(), clock_timestamp()))
        .first(conn)?;
    let ban = user.ban_on(family.end(now), now);
    if let Some(reason) = family.end(now).or(ban.as_ref().map(|_| EndReason::Banned)) {
        // Once is enough: a copy that is replayed for ever must not bury everything else.
        if token.used_at.is_some() && !is_recorded(conn, &family, OF_ENDED)? {
            record_reuse(conn, &family, client, OF_ENDED)?;
        }
        return Ok(match (reason, ban) {
            (_, Some(ban)) => Renewed::Banned(ban),
            (EndReason::Absolute, None) => Renewed::Expired,
            (reason, None) => Renewed::Ended(reason),
        });
    }
    let within_budget = throttle.refresh(family.id);
    // excerpt: renew
    let successor = match (&token.used_at, &token.nonce) {
        (None, _) if now >= token.expires_at => return Ok(Renewed::Expired),
        (None, _) => match within_budget {
            Ok(()) => rotate(conn, presented, &family, &user, ttls)?,
            Err(throttled) => return Ok(Renewed::Throttled(throttled)),
        },
        (Some(used_at), Some(nonce))
            if (db::SET_BACK.as_seconds_f64()..=ttls.grace_seconds).contains(&(now - *used_at).as_seconds_f64()) =>
        {
            record::note_access_ttl(conn, family.id, ttls.access_seconds)?;
            again(conn, &presented.successor(nonce))?
        }
        (Some(_), _) => None,
    };
    // end excerpt
    let Some((refresh_token, expires_at)) = successor else {
        let kind = if is_recent(conn, &family, &token)? { "of a recent predecessor" } else { "of an older token" };
        log_out::end(conn, family.id, EndReason::Reuse)?;
        record_reuse(conn, &family, client, kind)?;
        return Ok(Renewed::Reused);
    };
    // Told apart, as many of the latter within a second are several tabs, and one from elsewhere may be a thief.
    let event = Event::new(Door::Token, Kind::Refreshed).user(user.id).login(family.id);
    let event = if token.used_at.is_some() { event.detail("the same successor again") } else { event };
    // A lost answer is given again however often: to be told to wait would be to be taken for a thief. It need not be recorded.
    if within_budget.is_ok() {
        events::record(conn, client, &event)?;
    }
    let grounds = Grounds {
        family: family.id,
        authenticated_at: family.authenticated_at,
        seconds_left: (family.absolute_expires_at - now).whole_seconds(),
    };
    let refresh_seconds = (expires_at - now).whole_seconds();
    Ok(Renewed::Successor(Box::new(user), Login { grounds, refresh_token, refresh_seconds }))
}

/// Queues at the family's row: one redemption at a time, and none beside a log-out.
fn lock(conn: &mut PgConnection, presented: &PlainRefreshToken) -> db::Result<Option<(FamilyRecord, User)>> {
    let family = refresh_tokens::table
        .filter(refresh_tokens::hash.eq(presented.hash().as_bytes().to_vec()))
        .select(refresh_tokens::family_id);
    let family: Option<FamilyRecord> = token_families::table
        .filter(token_families::id.eq_any(family))
        .select(FamilyRecord::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    let Some(family) = family else { return Ok(None) };
    let user = users::table.find(family.user_id).select(User::as_select()).first(conn).optional()?;
    Ok(user.map(|user| (family, user)))
}

/// Marks the token as used and inserts its successor, if the user's version is still the one read under the lock.
fn rotate(
    conn: &mut PgConnection,
    presented: &PlainRefreshToken,
    family: &FamilyRecord,
    user: &User,
    ttls: Ttls,
) -> db::Result<Option<(PlainRefreshToken, OffsetDateTime)>> {
    let nonce: [u8; 32] = random();
    let successor = presented.successor(&nonce);
    let nonce = (ttls.grace_seconds > 0.0).then_some(nonce.as_slice());
    diesel::update(refresh_tokens::table.find(presented.hash().as_bytes()))
        .set((refresh_tokens::used_at.eq(clock_timestamp().nullable()), refresh_tokens::nonce.eq(nonce)))
        .execute(conn)?;
    let expires_at = least(from_now(ttls.refresh_seconds), family.absolute_expires_at);
    let same_version =
        users::table.filter(users::id.eq(user.id).and(users::credential_version.eq(user.credential_version))).select((
            successor.hash().as_bytes().to_vec().into_sql::<diesel::sql_types::Bytea>(),
            family.id.into_sql::<diesel::sql_types::Uuid>(),
            expires_at,
        ));
    let expires_at = diesel::insert_into(refresh_tokens::table)
        .values(same_version)
        .into_columns((refresh_tokens::hash, refresh_tokens::family_id, refresh_tokens::expires_at))
        .returning(refresh_tokens::expires_at)
        .get_result(conn)
        .optional()?
        .ok_or_else(|| db::Error::Unavailable("the account changed meanwhile".to_owned()))?;
    diesel::update(token_families::table.find(family.id))
        .set((
            token_families::seen_at.eq(clock_timestamp()),
            // Never less: tokens that were issued under an earlier configuration may live on.
            token_families::access_ttl_seconds.eq(family.access_ttl_seconds.max(ttls.access_seconds)),
        ))
        .execute(conn)?;
    Ok(Some((successor, expires_at)))
}

/// The successor that was handed out already, while nobody has redeemed it.
fn again(
    conn: &mut PgConnection,
    successor: &PlainRefreshToken,
) -> db::Result<Option<(PlainRefreshToken, OffsetDateTime)>> {
    let unredeemed: Option<OffsetDateTime> = refresh_tokens::table
        .find(successor.hash().as_bytes())
        .filter(refresh_tokens::used_at.is_null().and(refresh_tokens::expires_at.gt(clock_timestamp())))
        .select(refresh_tokens::expires_at)
        .first(conn)
        .optional()?;
    Ok(unredeemed.map(|expires_at| (successor.clone(), expires_at)))
}

/// Whether no other token of the family was used after this one: it is the predecessor of the present one.
fn is_recent(conn: &mut PgConnection, family: &FamilyRecord, token: &RefreshTokenRecord) -> db::Result<bool> {
    let Some(used_at) = token.used_at else { return Ok(false) };
    let later =
        refresh_tokens::table.filter(refresh_tokens::family_id.eq(family.id).and(refresh_tokens::used_at.gt(used_at)));
    Ok(!diesel::select(diesel::dsl::exists(later)).get_result::<bool>(conn)?)
}

const OF_ENDED: &str = "of an ended family";

fn is_recorded(conn: &mut PgConnection, family: &FamilyRecord, kind: &str) -> db::Result<bool> {
    let same = auth_events::table
        .filter(auth_events::login_id.eq(family.id).and(auth_events::detail.eq(kind)))
        .filter(events::literally::IsReuse::new(auth_events::kind));
    Ok(diesel::select(diesel::dsl::exists(same)).get_result(conn)?)
}

fn record_reuse(conn: &mut PgConnection, family: &FamilyRecord, client: &Client, kind: &'static str) -> db::Result<()> {
    metrics::reused(kind);
    let event = Event::new(Door::Token, Kind::RefreshTokenReused).user(family.user_id).login(family.id).detail(kind);
    events::record(conn, client, &event)
}
