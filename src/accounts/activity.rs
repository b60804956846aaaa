//! A user's recent activity: what the audit trail tells the person whom it concerns, newest first.
//!
//! What an admin did is told as such, without a name and without a place: who it was, the trail keeps for other admins. Where
//! other visitors of a demo account came from is not told either.

use std::net::IpAddr;

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    User,
    directory::more,
    events::{Door, Kind},
    trail::Row,
};
use crate::db::{self, schema::auth_events};

/// Who did it, where that is nobody with the user's own credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Somebody with the role admin.
    Admin,
    /// Somebody at the command line, or the server itself.
    Operator,
}

/// One event, as its user may see it.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Later events have higher ones.
    pub id: i64,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// What happened, as it stands in the row.
    pub kind: String,
    /// At which door.
    pub door: Door,
    /// The session or family concerned.
    pub login: Option<Uuid>,
    /// `None`: somebody with the user's own credentials, or who tried to get in with them.
    pub by: Option<By>,
    /// What more there is to say.
    pub detail: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What the client called itself.
    pub user_agent: String,
}

/// Which part of the trail is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Only events older than this one.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: i64,
    /// Refreshes too: a busy client makes a hundred a day, among which the rest is hard to find.
    pub refreshes: bool,
}

/// A page of the events that concern a user, newest first, and the event before which an older page begins, if there is one.
/// `this` is the login that asks.
pub fn recent(
    conn: &mut PgConnection,
    user: &User,
    this: Uuid,
    wanted: Wanted,
) -> db::Result<(Vec<Activity>, Option<i64>)> {
    let mut query = auth_events::table.filter(auth_events::user_id.eq(user.id)).into_boxed();
    if let Some(before) = wanted.before {
        query = query.filter(auth_events::id.lt(before));
    }
    if !wanted.refreshes {
        query = query.filter(auth_events::kind.ne(Kind::Refreshed.as_str()));
    }
    let page = query.order(auth_events::id.desc()).limit(wanted.limit + 1).select(Row::as_select());
    let mut rows: Vec<Row> = page.load(conn)?;
    let older = more(&mut rows, wanted.limit).map(|row| row.id);
    let told = rows.into_iter().map(|row| {
        let by = match (row.actor_id, row.address) {
            (Some(actor), _) => (actor != user.id).then_some(By::Admin),
            (None, None) => Some(By::Operator),
            (None, Some(_)) => None,
        };
        let is_told = by.is_none() && user.may_know_where(row.login_id, this);
        Activity {
            id: row.id,
            at: row.at,
            kind: row.kind,
            door: Door::from_name(&row.door),
            login: row.login_id,
            by,
            detail: row.detail,
            address: row.address.filter(|_| is_told).map(|address| address.addr()),
            user_agent: if is_told { row.user_agent } else { String::new() },
        }
    });
    Ok((told.collect(), older))
}
