//! The whole audit trail, as admins read it: everybody's, newest first, a page at a time.
//!
//! Promise: a demo admin, whose password everybody knows, is shown only what concerns demo accounts, as the trail names addresses
//! from which people came. Where a real admin did something about a demo account, it does not say from where.

use std::net::IpAddr;

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    User,
    directory::{may_see, more},
    events::{Door, Kind},
};
use crate::db::{
    self,
    schema::{auth_events, users},
};

/// One event.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Later events have higher ones.
    pub id: i64,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// At which door.
    pub door: Door,
    /// What happened, as it stands in the row.
    pub kind: String,
    /// Whom it concerns; an account that is deleted has no address any more.
    pub user: Option<Uuid>,
    /// That person's e-mail address.
    pub email: Option<String>,
    /// The session or family concerned.
    pub login: Option<Uuid>,
    /// Who did it, where that is somebody else.
    pub actor: Option<Uuid>,
    /// What more there is to say.
    pub detail: Option<String>,
    /// From where; nowhere for the command line.
    pub address: Option<IpAddr>,
    /// What the client called itself.
    pub user_agent: String,
}

/// Which part of the trail is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Only what concerns this user.
    pub user: Option<Uuid>,
    /// Only events of this kind.
    pub kind: Option<Kind>,
    /// Only events older than this one.
    pub before: Option<i64>,
    /// So many at most.
    pub limit: i64,
}

/// A row of `auth_events`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = auth_events, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) at: OffsetDateTime,
    pub(super) door: String,
    pub(super) kind: String,
    pub(super) user_id: Option<Uuid>,
    pub(super) login_id: Option<Uuid>,
    pub(super) actor_id: Option<Uuid>,
    pub(super) detail: Option<String>,
    pub(super) address: Option<ipnet::IpNet>,
    pub(super) user_agent: String,
}

/// A page of the trail, and the event before which an older one begins, if there is one.
pub fn page(conn: &mut PgConnection, admin: &User, wanted: Wanted) -> db::Result<(Vec<Entry>, Option<i64>)> {
    let mut query = auth_events::table
        .left_join(users::table.on(users::id.nullable().eq(auth_events::user_id)))
        .select((Row::as_select(), users::email.nullable()))
        .order(auth_events::id.desc())
        .limit(wanted.limit + 1)
        .into_boxed();
    if let Some(user) = wanted.user {
        query = query.filter(auth_events::user_id.eq(user));
    }
    if let Some(kind) = wanted.kind {
        query = query.filter(auth_events::kind.eq(kind.as_str()));
    }
    if let Some(before) = wanted.before {
        query = query.filter(auth_events::id.lt(before));
    }
    if !may_see(admin, None) {
        query = query.filter(users::demo);
    }
    let mut rows: Vec<(Row, Option<String>)> = query.load(conn)?;
    let older = more(&mut rows, wanted.limit).map(|(row, _)| row.id);
    // From where a real admin came is no demo admin's business.
    let from_hidden = |row: &Row| row.actor_id.is_some() && !may_see(admin, None);
    let entry = |(row, email): (Row, Option<String>)| Entry {
        address: row.address.filter(|_| !from_hidden(&row)).map(|address| address.addr()),
        user_agent: if from_hidden(&row) { String::new() } else { row.user_agent },
        id: row.id,
        at: row.at,
        door: Door::from_name(&row.door),
        kind: row.kind,
        user: row.user_id,
        email,
        login: row.login_id,
        actor: row.actor_id,
        detail: row.detail,
    };
    Ok((rows.into_iter().map(entry).collect(), older))
}
