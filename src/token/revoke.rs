//! Takes tokens back before they expire (RFC 7009): whoever holds one may say that it shall count no more.
//!
//! A refresh token stands in a row, and its family is ended. An access token stands in nobody's table, so taking it back
//! needs a list of what is denied: rows by `jti`, each until shortly after the token would have died anyway. "Everything
//! issued to this user before now" needs no list: the claim `ver` is compared with the user's `credential_version`.
//!
//! Limit: the list is read where the database is asked, by [`super::LiveTokenUser`]. A claims-only route never learns of it.

use std::sync::Arc;

use diesel::prelude::*;

use super::{Tokens, access, log_out, record, record::PlainRefreshToken};
use crate::{
    accounts::{
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db::{self, clock_timestamp, schema::denied_tokens},
    http::client::Client,
    telemetry,
};

/// How much longer than the token its row stays: clocks of instances differ by less.
const SLACK_SECONDS: i64 = 60;

/// What a client gives back. Nobody else can have told the two kinds apart: a JWT has dots, a refresh token none.
#[derive(Debug)]
pub enum Shown {
    /// It names a family.
    Refresh(PlainRefreshToken),
    /// It names itself.
    Access(Arc<access::Claims>),
}

impl Tokens {
    /// What kind of token of ours this is, for whichever audience; `None` if it is none, or no longer.
    #[must_use]
    pub fn recognise(&self, token: &str) -> Option<Shown> {
        if let Some(token) = PlainRefreshToken::shown(token) {
            return Some(Shown::Refresh(token));
        }
        telemetry::record_token_check("claims");
        let claims = self.verify_for_any_audience(token, access::now()).ok()?;
        Some(Shown::Access(claims))
    }
}

/// Makes a token count no more, and says so in the audit trail; `false` if there was nothing to end.
///
/// A refresh token ends its whole login, also one that was used before. An access token ends itself and nothing else.
pub fn revoke(conn: &mut PgConnection, shown: &Shown, client: &Client) -> db::Result<bool> {
    let event = match shown {
        Shown::Refresh(token) => {
            let Some(family) = record::family_of(conn, token)? else { return Ok(false) };
            if !log_out::log_out(conn, family.id, EndReason::Revoked)? {
                return Ok(false);
            }
            Event::new(Door::Token, Kind::LoggedOut)
                .user(family.user_id)
                .login(family.id)
                .detail("revoked by its client")
        }
        Shown::Access(claims) => {
            if !deny(conn, &claims.jti, claims.exp, "revoked by its client")? {
                return Ok(false);
            }
            Event::new(Door::Token, Kind::TokenRevoked).user(claims.sub).login(claims.sid)
        }
    };
    events::record(conn, client, &event)?;
    Ok(true)
}

/// Puts an access token on the list; `false` if it is there already.
pub fn deny(conn: &mut PgConnection, jti: &str, exp: i64, reason: &str) -> db::Result<bool> {
    let until = time::OffsetDateTime::from_unix_timestamp(exp.saturating_add(SLACK_SECONDS))
        .map_err(|_| diesel::result::Error::NotFound)?;
    let inserted = diesel::insert_into(denied_tokens::table)
        .values((denied_tokens::jti.eq(jti), denied_tokens::expires_at.eq(until), denied_tokens::reason.eq(reason)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

/// Deletes what no clock takes for alive any more, a thousand rows at a time.
pub fn sweep(conn: &mut PgConnection) -> db::Result<usize> {
    let over: Vec<String> = denied_tokens::table
        .filter(denied_tokens::expires_at.le(clock_timestamp()))
        .select(denied_tokens::jti)
        .limit(1000)
        .load(conn)?;
    if over.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(denied_tokens::table.filter(denied_tokens::jti.eq_any(over))).execute(conn)?)
}
