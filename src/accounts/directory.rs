//! Who is here, as admins read it: a page at a time, newest first.
//!
//! Pages are found by the place after which they begin (keyset), so that a long list costs no more at its end and nobody is
//! shown twice because somebody signed up meanwhile. A search looks through every name and address: there is no index for it.
//!
//! Promise: a demo admin, whose password everybody knows, is shown no address of anybody but the demo accounts, neither in a
//! list nor by what a search finds.

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::User;
use crate::db::{self, clock_timestamp, schema::users};

/// The most that a page may have.
pub const MOST: i64 = 200;

diesel::define_sql_function! {
    /// Lower case, as the database folds it.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Whether an admin may see the addresses of somebody, and what else identifies them. Of nobody in particular: only a real one.
#[must_use]
pub fn may_see(admin: &User, whose: Option<&User>) -> bool {
    !admin.demo || whose.is_some_and(|user| user.demo)
}

/// A page of users.
#[derive(Debug)]
pub struct Users {
    /// Newest first.
    pub users: Vec<User>,
    /// The database's clock, by which bans are judged.
    pub now: OffsetDateTime,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// After which user a page begins: when they came, to the microsecond, and who they are.
fn place(user: &User) -> String {
    format!("{}-{}", user.created_at.unix_timestamp_nanos() / 1000, user.id)
}

fn read_place(text: &str) -> Option<(OffsetDateTime, Uuid)> {
    let (micros, id) = text.split_once('-')?;
    let nanos = micros.parse::<i64>().ok().map(|micros| i128::from(micros) * 1000)?;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, id.parse().ok()?))
}

/// Whether a text can be the place after which a page begins.
#[must_use]
pub fn is_place(text: &str) -> bool {
    read_place(text).is_some()
}

/// Text that is looked for as it is, anywhere.
fn anywhere(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Users whose name or address contains `search`, as far as the admin may see it. A place that is none begins at the top.
pub fn users(
    conn: &mut PgConnection,
    admin: Option<&User>,
    search: &str,
    after: Option<&str>,
    limit: i64,
) -> db::Result<Users> {
    let limit = limit.clamp(1, MOST);
    let mut query = users::table
        .select(User::as_select())
        .order((users::created_at.desc(), users::id.desc()))
        .limit(limit + 1)
        .into_boxed();
    if !search.trim().is_empty() {
        let search: String = search.chars().filter(|letter| !letter.is_control()).collect();
        let pattern = anywhere(search.trim());
        let by_name = lower(users::display_name).like(pattern.clone());
        let by_address = users::email_folded.like(pattern);
        query = match admin.is_none_or(|admin| may_see(admin, None)) {
            true => query.filter(by_name.or(by_address)),
            false => query.filter(by_name.or(by_address.and(users::demo))),
        };
    }
    if let Some((at, id)) = after.and_then(read_place) {
        query = query.filter(users::created_at.lt(at).or(users::created_at.eq(at).and(users::id.lt(id))));
    }
    let mut found: Vec<User> = query.load(conn)?;
    let now = diesel::select(clock_timestamp()).get_result(conn)?;
    let next = more(&mut found, limit).map(place);
    Ok(Users { users: found, now, next })
}

/// Cuts a page that was asked for with one row more; the last row if there is a next page.
pub(super) fn more<T>(found: &mut Vec<T>, limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if found.len() <= limit {
        return None;
    }
    found.truncate(limit);
    found.last()
}

#[cfg(test)]
mod tests {
    use super::{anywhere, read_place};

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(anywhere("100%_\\A"), "%100\\%\\_\\\\a%");
    }

    #[test]
    fn a_place_that_is_none_is_no_place() {
        for text in ["", "-", "1", "1-", "x-00000000-0000-0000-0000-000000000000", "99999999999999999999-x"] {
            assert_eq!(read_place(text), None, "{text}");
        }
        assert!(read_place("1764000000000001-00000000-0000-0000-0000-000000000000").is_some());
        assert!(read_place("9223372036854775807-00000000-0000-0000-0000-000000000000").is_none());
    }
}
