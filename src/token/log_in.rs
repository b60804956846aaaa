//! Starts a login at the token door: a new family and its first refresh token.
//!
//! The access token is signed afterwards from what is known here; it stands in no table. The rows are inserted in the handler's
//! own transaction, and only if the user's version is still the one that the password was checked against.

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Ttls, record::PlainRefreshToken};
use crate::{
    accounts::{
        self, User,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db::{
        self, from_now,
        schema::{refresh_tokens, token_families},
    },
    http::client::Client,
};

/// What an access token says of its login.
#[derive(Debug, Clone, Copy)]
pub struct Grounds {
    /// The family's public name.
    pub family: Uuid,
    /// When the password was checked.
    pub authenticated_at: OffsetDateTime,
    /// The family's greatest age is reached in so many seconds.
    pub seconds_left: i64,
}

/// A login at the token door, with the refresh token to hand to the client.
#[derive(Debug)]
pub struct Login {
    /// What its access tokens say.
    pub grounds: Grounds,
    /// What renews it.
    pub refresh_token: PlainRefreshToken,
    /// The refresh token expires in so many seconds.
    pub refresh_seconds: i64,
}

/// Inserts a family and its first refresh token; `None` if the user's logins were all ended meanwhile.
pub fn log_in(conn: &mut PgConnection, user: &User, ttls: Ttls, client: &Client) -> db::Result<Option<Login>> {
    if !accounts::hold_version(conn, user.id, user.credential_version)? {
        return Ok(None);
    }
    // excerpt: log_in
    let (family, authenticated_at): (Uuid, OffsetDateTime) = diesel::insert_into(token_families::table)
        .values((
            token_families::user_id.eq(user.id),
            token_families::absolute_expires_at.eq(from_now(ttls.family_seconds)),
            token_families::access_ttl_seconds.eq(ttls.access_seconds),
            token_families::user_agent.eq(&client.user_agent),
            token_families::address.eq(ipnet::IpNet::from(client.address)),
        ))
        .returning((token_families::id, token_families::authenticated_at))
        .get_result(conn)?;
    let refresh_token = PlainRefreshToken::generate();
    let refresh_seconds = ttls.refresh_seconds.min(ttls.family_seconds);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(refresh_token.hash().as_bytes()),
            refresh_tokens::family_id.eq(family),
            refresh_tokens::expires_at.eq(from_now(refresh_seconds)),
        ))
        .execute(conn)?;
    // end excerpt
    let grounds = Grounds { family, authenticated_at, seconds_left: ttls.family_seconds };
    Ok(Some(Login { grounds, refresh_token, refresh_seconds }))
}

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Ends a user's oldest families, if the new one is one too many. Log-ins of one user queue at [`accounts::hold_version`], so
/// that however many come at once, exactly the greatest number is left.
pub fn keep_newest(conn: &mut PgConnection, user: &User, new: &Login, ttls: Ttls, client: &Client) -> db::Result<()> {
    let ended: Vec<EndedRow> = diesel::sql_query(
        "UPDATE token_families SET ended_at = clock_timestamp(), end_reason = $1 WHERE ended_at IS NULL AND id IN \
         (SELECT id FROM token_families WHERE user_id = $2 AND id <> $3 AND ended_at IS NULL \
          AND absolute_expires_at > clock_timestamp() ORDER BY created_at DESC OFFSET $4) RETURNING id",
    )
    .bind::<diesel::sql_types::Text, _>(EndReason::TooMany.as_str())
    .bind::<diesel::sql_types::Uuid, _>(user.id)
    .bind::<diesel::sql_types::Uuid, _>(new.grounds.family)
    .bind::<diesel::sql_types::BigInt, _>(i64::from(ttls.most) - 1)
    .load(conn)?;
    for row in ended {
        let event = Event::new(Door::Token, Kind::LoginEnded).user(user.id).login(row.id).detail(events::TOO_MANY);
        events::record(conn, client, &event)?;
    }
    Ok(())
}
