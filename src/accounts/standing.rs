//! What others decide about an account: a ban, its end, another role.
//!
//! The columns change here; what must end with them is ended by `everywhere`, in the same transaction. Every decision first locks
//! the rows that it rests on, all admins' and the account's own, in the order of their ids: of two admins who demote one another
//! at once the second finds that it is none any more, and neither a deadlock nor a house without an admin comes of it.
//!
//! Limits: an admin may ban another one, or demote themselves. Demo accounts are shared by everybody: nobody's decision changes
//! them, and a demo admin, whose password everybody knows, decides nothing.

use diesel::prelude::*;
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::{
    Role, User,
    ending::EndReason,
    events::{self, Door, Event, Kind},
    fields::Refused,
};
use crate::{
    db::{self, clock_timestamp, schema::users},
    http::client::Client,
};

/// Why somebody is kept out, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Said to the person.
    pub reason: String,
    /// `None`: until it is taken back.
    pub until: Option<OffsetDateTime>,
}

impl Ban {
    /// Checks what was typed as the reason: 1 to 500 characters, as the person will read it.
    pub fn parse(reason: &str, until: Option<OffsetDateTime>) -> Result<Self, Refused> {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let refused = |advice: String| Err(Refused { field: "reason", advice });
        match reason.chars().count() {
            0 => refused("Say why: the person will read it.".to_owned()),
            length @ 501.. => refused(format!("Use at most 500 characters; this reason has {length}.")),
            _ if reason.chars().any(char::is_control) => refused("Leave out control characters.".to_owned()),
            _ => Ok(Self { reason, until }),
        }
    }

    /// What the person is told.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("Your account is banned {}. The reason given is: {}", self.span(), self.reason)
    }

    /// For how long, in words.
    #[must_use]
    pub fn span(&self) -> String {
        let format = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        match self.until.and_then(|until| until.to_offset(time::UtcOffset::UTC).format(format).ok()) {
            Some(until) => format!("until {until}"),
            None => "without an end".to_owned(),
        }
    }
}

impl User {
    /// The ban that keeps this person out at an instant of the database's clock. One whose time is over needs no lifting.
    #[must_use]
    pub fn ban(&self, now: OffsetDateTime) -> Option<Ban> {
        let reason = self.ban_reason.clone()?;
        self.banned_until.is_none_or(|until| now < until).then_some(Ban { reason, until: self.banned_until })
    }

    /// The ban that whoever shows a login's credential is told of, unless the login had ended before for another reason.
    #[must_use]
    pub fn ban_on(&self, login: Option<EndReason>, now: OffsetDateTime) -> Option<Ban> {
        self.ban(now).filter(|_| matches!(login, None | Some(EndReason::Banned)))
    }
}

/// On whose behalf an account's standing changes.
#[derive(Debug, Clone)]
pub enum Author {
    /// An admin, at one of the doors.
    Admin {
        /// Who.
        id: Uuid,
        /// Where.
        door: Door,
        /// From where.
        client: Client,
    },
    /// Whoever runs the server, at its command line.
    Operator,
}

impl Author {
    /// Says in the audit trail what was done to whom.
    pub fn record(&self, conn: &mut PgConnection, kind: Kind, user: Uuid, detail: Option<&str>) -> db::Result<()> {
        let event = |door| {
            let event = Event::new(door, kind).user(user);
            detail.map_or(event, |detail| event.detail(detail))
        };
        match self {
            Self::Admin { id, door, client } => events::record(conn, client, &event(*door).by(*id)),
            Self::Operator => events::record_own(conn, &event(Door::None)),
        }
    }
}

/// Why a decision about an account is not carried out; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such account.
    #[error("there is no such account")]
    Gone,
    /// Nobody would be left who may administer.
    #[error("this is the last admin: make another one first")]
    LastAdmin,
    /// A demo account stays as it is.
    #[error("a demo account stays as it is")]
    Demo,
    /// Who asks is a demo admin, whose password everybody knows.
    #[error("a demo admin may look, but change nothing")]
    DemoAdmin,
    /// Who asks is no admin any more.
    #[error("only an admin may do this")]
    NotAdmin,
    /// A ban that would be over already.
    #[error("the ban would be over already: choose an end in the future, or none")]
    Past,
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What a decision rests on, locked until the transaction ends.
struct Locked {
    user: User,
    /// Whether somebody else could still administer: demo admins and banned ones could not.
    others: bool,
    now: OffsetDateTime,
}

fn lock(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<Locked, Refusal> {
    let rows: Vec<User> = users::table
        .filter(users::role.eq(Role::Admin.as_str()).or(users::id.eq(user)))
        .order(users::id)
        .select(User::as_select())
        .for_update()
        .load(conn)?;
    // Asked after the locks were had, however long that took.
    let now: OffsetDateTime = diesel::select(clock_timestamp()).get_result(conn)?;
    let is_admin = |row: &User| row.role() == Role::Admin && row.ban(now).is_none();
    if let Author::Admin { id, .. } = author {
        let author = rows.iter().find(|row| row.id == *id && is_admin(row)).ok_or(Refusal::NotAdmin)?;
        if author.demo {
            return Err(Refusal::DemoAdmin);
        }
    }
    let others = rows.iter().any(|row| row.id != user && is_admin(row) && !row.demo);
    let user = rows.into_iter().find(|row| row.id == user).ok_or(Refusal::Gone)?;
    Ok(Locked { user, others, now })
}

/// As [`lock`], for what a demo account is spared.
fn lock_to_change(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<Locked, Refusal> {
    let locked = lock(conn, user, author)?;
    if locked.user.demo { Err(Refusal::Demo) } else { Ok(locked) }
}

/// Refuses to let go of the last admin, whose account is about to be deleted. What it looked at stays so until the end of the
/// transaction; that somebody becomes an admin meanwhile is for the deletion itself to notice.
pub fn keep_an_admin(conn: &mut PgConnection, user: &User) -> Result<(), Refusal> {
    if user.role() != Role::Admin {
        return Ok(());
    }
    let locked = lock(conn, user.id, &Author::Operator)?;
    if locked.user.role() == Role::Admin && !locked.others { Err(Refusal::LastAdmin) } else { Ok(()) }
}

/// Whether an author may end logins of an account.
pub fn may_end_logins(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<User, Refusal> {
    Ok(lock(conn, user, author)?.user)
}

/// Bans a user and counts the version up; a ban in force is replaced. The caller ends every login in the same transaction.
pub fn ban(conn: &mut PgConnection, user: Uuid, ban: &Ban, author: &Author) -> Result<(), Refusal> {
    let locked = lock_to_change(conn, user, author)?;
    if locked.user.role() == Role::Admin && !locked.others {
        return Err(Refusal::LastAdmin);
    }
    if ban.until.is_some_and(|until| until <= locked.now) {
        return Err(Refusal::Past);
    }
    diesel::update(users::table.find(user))
        .set((
            users::banned_at.eq(clock_timestamp().nullable()),
            users::banned_until.eq(ban.until),
            users::ban_reason.eq(&ban.reason),
            users::credential_version.eq(users::credential_version + 1),
        ))
        .execute(conn)?;
    Ok(author.record(conn, Kind::Banned, user, Some(&format!("{}: {}", ban.span(), ban.reason)))?)
}

/// Takes a ban back; `false` if there was none, whose time may be over already. Nothing that ended comes back.
pub fn unban(conn: &mut PgConnection, user: Uuid, author: &Author) -> Result<bool, Refusal> {
    let locked = lock_to_change(conn, user, author)?;
    let none = (
        users::banned_at.eq(None::<OffsetDateTime>),
        users::banned_until.eq(None::<OffsetDateTime>),
        users::ban_reason.eq(None::<String>),
    );
    diesel::update(users::table.find(user)).set(none).execute(conn)?;
    let was_banned = locked.user.ban(locked.now).is_some();
    if was_banned {
        author.record(conn, Kind::Unbanned, user, None)?;
    }
    Ok(was_banned)
}

/// What a change of role was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user had the role already.
    None,
    /// The user may do more.
    Promotion,
    /// The user may do less: the version is counted up, and the caller ends the families in the same transaction.
    Demotion,
}

/// Gives a user a role.
pub fn change_role(conn: &mut PgConnection, user: Uuid, role: Role, author: &Author) -> Result<Change, Refusal> {
    let locked = lock_to_change(conn, user, author)?;
    let (change, raise) = match (locked.user.role(), role) {
        (Role::User, Role::Admin) => (Change::Promotion, 0),
        (Role::Admin, Role::User) if !locked.others => return Err(Refusal::LastAdmin),
        (Role::Admin, Role::User) => (Change::Demotion, 1),
        _ => return Ok(Change::None),
    };
    diesel::update(users::table.find(user))
        .set((users::role.eq(role.as_str()), users::credential_version.eq(users::credential_version + raise)))
        .execute(conn)?;
    author.record(conn, Kind::RoleChanged, user, Some(&format!("to {}", role.as_str())))?;
    Ok(change)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::Ban;

    #[test]
    fn a_ban_says_for_how_long_and_why() {
        let ban = Ban::parse("  too much\r\nspam ", None).expect("fine");
        assert_eq!(ban.sentence(), "Your account is banned without an end. The reason given is: too much spam");
        let ban = Ban::parse("spam", Some(datetime!(2030-01-02 03:04 +01:00))).expect("fine");
        assert_eq!(ban.span(), "until 2 January 2030, 02:04 UTC");
    }

    #[test]
    fn a_ban_without_a_reason_or_with_a_story_is_refused() {
        for reason in ["", " \n ", "a\u{7}b", &"x".repeat(501)] {
            assert!(Ban::parse(reason, None).is_err_and(|refused| refused.field == "reason"), "{reason}");
        }
    }
}
