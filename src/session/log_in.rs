//! Starts a session: a new row, and a new key for the browser.
//!
//! The key is always new, and a key that the browser brought along never becomes a session: who planted one before log-in holds
//! nothing after it (session fixation; OWASP Session Management, ASVS 5.0 7.2.4). Only a password that was just checked
//! comes here. The row is inserted in the handler's own transaction, and only if the user's version is still the one that the
//! password was checked against.

use actix_identity::Identity;
use actix_session::SessionExt as _;
use actix_web::{HttpMessage as _, HttpRequest};
use diesel::prelude::*;
use uuid::Uuid;

use super::{
    Sessions,
    key::PlainKey,
    layer::{Adopted, Failure, Visit},
    record, redis,
    store::NEW_KEY,
};
use crate::{
    accounts::{
        self, User,
        ending::EndReason,
        events::{self, Door, Event, Kind},
    },
    db::{self, from_now, schema::sessions},
    http::client::Client,
};

/// How a session is to be.
#[derive(Debug, Clone)]
pub struct Terms {
    pub(super) remembered: bool,
    pub(super) idle_seconds: i64,
    pub(super) absolute_seconds: i64,
    most: u32,
}

impl Sessions {
    /// The terms of a new session.
    #[must_use]
    pub fn terms(&self, remembered: bool) -> Terms {
        let (idle, absolute) = match remembered {
            true => (self.ttls.remembered_idle, self.ttls.remembered_absolute),
            false => (self.ttls.idle, self.ttls.absolute),
        };
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Terms { remembered, idle_seconds: seconds(idle), absolute_seconds: seconds(absolute), most: self.ttls.most }
    }
}

/// A session whose row is inserted and whose key waits to be handed to the browser.
#[derive(Debug)]
#[must_use = "without `enter` the browser never learns its key"]
pub struct NewSession {
    pub(super) key: PlainKey,
    pub(super) user: Uuid,
    /// The public name of the new login.
    pub id: Uuid,
    pub(super) max_age: Option<i64>,
}

/// Inserts the row of a new session; `None` if the user's logins were all ended meanwhile.
pub fn log_in(conn: &mut PgConnection, user: &User, terms: &Terms, client: &Client) -> db::Result<Option<NewSession>> {
    if !accounts::hold_version(conn, user.id, user.credential_version)? {
        return Ok(None);
    }
    // excerpt: new_key
    let key = PlainKey::generate();
    let id = match redis::store() {
        Some(store) => store.log_in(&key.hash(), user, terms, client)?,
        None => insert(conn, &key, user, terms, client)?,
    };
    // end excerpt
    let max_age = terms.remembered.then_some(terms.absolute_seconds);
    Ok(Some(NewSession { key, user: user.id, id, max_age }))
}

// excerpt: log_in
fn insert(conn: &mut PgConnection, key: &PlainKey, user: &User, terms: &Terms, client: &Client) -> db::Result<Uuid> {
    Ok(diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(key.hash()),
            sessions::user_id.eq(user.id),
            sessions::remembered.eq(terms.remembered),
            sessions::idle_ttl_seconds.eq(i32::try_from(terms.idle_seconds).unwrap_or(i32::MAX)),
            sessions::absolute_expires_at.eq(from_now(terms.absolute_seconds)),
            sessions::user_agent.eq(&client.user_agent),
            sessions::address.eq(ipnet::IpNet::from(client.address)),
        ))
        .returning(sessions::id)
        .get_result(conn)?)
}
// end excerpt

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Ends a user's oldest sessions, if the new one is one too many. Log-ins of one user queue at [`accounts::hold_version`], so
/// that however many come at once, exactly the greatest number is left.
pub fn keep_newest(conn: &mut PgConnection, new: &NewSession, terms: &Terms, client: &Client) -> db::Result<()> {
    let ended = match redis::store() {
        Some(store) => store.keep_newest(conn, new.user, new.id, terms.most)?,
        None => end_older(conn, new, terms)?,
    };
    for login in ended {
        let event = Event::new(Door::Session, Kind::LoginEnded).user(new.user).login(login).detail(events::TOO_MANY);
        events::record(conn, client, &event)?;
    }
    Ok(())
}

fn end_older(conn: &mut PgConnection, new: &NewSession, terms: &Terms) -> db::Result<Vec<Uuid>> {
    let ended: Vec<EndedRow> = diesel::sql_query(format!(
        "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = $1 WHERE ended_at IS NULL AND id IN \
         (SELECT id FROM sessions WHERE user_id = $2 AND id <> $3 AND {} \
          ORDER BY created_at DESC OFFSET $4) RETURNING id",
        record::live(),
    ))
    .bind::<diesel::sql_types::Text, _>(EndReason::TooMany.as_str())
    .bind::<diesel::sql_types::Uuid, _>(new.user)
    .bind::<diesel::sql_types::Uuid, _>(new.id)
    .bind::<diesel::sql_types::BigInt, _>(i64::from(terms.most) - 1)
    .load(conn)?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// Hands the new key to the browser, in place of whatever it had. Call it when the transaction has committed.
pub fn enter(request: &HttpRequest, new: NewSession) -> Result<(), Failure> {
    let visit = Visit::of(request).ok_or(Failure::Failed)?;
    let session = request.get_session();
    session.clear();
    visit.adopt(Adopted { max_age: new.max_age });
    visit.handler_ended_it();
    let key = session.insert(NEW_KEY, new.key.into_inner());
    // Marks the session as renewed: the store is asked to forget the old key and to adopt the new one.
    let identity = Identity::login(&request.extensions(), new.user.to_string());
    match (key, identity) {
        (Ok(()), Ok(_)) => Ok(()),
        _ => Err(Failure::Failed),
    }
}
