//! What both doors share: people, their passwords, the slowing of guesses, and the audit trail.
//!
//! Nothing here knows what a session or a token is. The one thing both schemes lean on is `credential_version`: it counts up
//! whenever every login of a user ends, and a login is only ever inserted if the version is still the one that its password
//! was checked against ([`hold_version`]).

pub mod activity;
pub mod change;
pub mod credentials;
pub mod demo;
pub mod devices;
pub mod directory;
pub mod email;
pub mod ending;
pub mod events;
pub mod fields;
pub mod new_devices;
pub mod own_client;
pub mod password;
pub mod standing;
pub mod throttle;
pub mod trail;

use std::sync::Arc;

use diesel::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use self::{
    fields::{DisplayName, Email},
    new_devices::NewDevices,
};
use crate::{
    config,
    db::{self, Pool, clock_timestamp, from_now, schema::users},
    http::client::Client,
    secrets::Secrets,
};

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everybody's.
    User,
    /// May administer others.
    Admin,
}

impl Role {
    /// The role's name in rows, claims and pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// A name that is not known is the least role.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        if name == "admin" { Self::Admin } else { Self::User }
    }
}

/// A row of `users`, without its password. Serialised for copies that we keep ourselves; answers say [`User::public`].
#[derive(Debug, Clone, Queryable, Selectable, Serialize, serde::Deserialize)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// Random, public.
    pub id: Uuid,
    /// As typed at sign-up.
    pub email: String,
    /// As shown.
    pub display_name: String,
    #[diesel(column_name = role)]
    role_name: String,
    /// Counts the events that ended every login.
    pub credential_version: i64,
    /// Whether it is a demo account, which stays as it is.
    pub demo: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
    banned_until: Option<OffsetDateTime>,
    ban_reason: Option<String>,
    /// The newest log-ins from new devices. Copies that an older version of this program keeps say nothing of them.
    #[serde(default)]
    pub new_devices: NewDevices,
}

impl User {
    /// What it may do.
    #[must_use]
    pub fn role(&self) -> Role {
        Role::from_name(&self.role_name)
    }

    /// Whether the user may be told from where a login came. A demo account is everybody's: its logins are other people's.
    #[must_use]
    pub fn may_know_where(&self, login: Option<Uuid>, this: Uuid) -> bool {
        !self.demo || login == Some(this)
    }

    /// What answers say of the account; the password hash and the version stay here.
    #[must_use]
    pub fn public(&self) -> PublicUser<'_> {
        PublicUser { id: self.id, email: &self.email, display_name: &self.display_name, role: self.role() }
    }
}

/// What answers say of an account, to its owner.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicUser<'a> {
    id: Uuid,
    email: &'a str,
    display_name: &'a str,
    role: Role,
}

/// The answer of the twins `GET /account/me` and `GET /api/me`: the very fields that both schemes know without asking
/// for more than they ask on every request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// The user.
    pub id: Uuid,
    /// Their role: the row's at the session door, the claim's at the token door.
    pub role: Role,
    /// This login: the session's public id, or the token family's.
    pub login: Uuid,
    /// When the password was last checked, in seconds since 1970.
    pub auth_time: i64,
    /// When this credential expires at the latest, in seconds since 1970.
    pub exp: i64,
}

/// The state that both doors share.
#[derive(Debug)]
pub struct Accounts {
    /// The database.
    pub pool: Pool,
    /// The most that may be guessed.
    pub throttle: throttle::Throttle,
    /// Where passwords are hashed.
    pub gate: password::Gate,
    /// The fewest characters of a password.
    pub password_min: usize,
    /// The passwords of the demo accounts, in demo mode.
    pub demo: Vec<demo::DemoAccount>,
    /// Knows devices again.
    pub devices: devices::Signer,
    own_client: own_client::Verifier,
    copies: Option<Arc<dyn change::Copies>>,
}

impl Accounts {
    /// Sets up the state; nothing is asked of the database yet.
    #[must_use]
    pub fn new(pool: Pool, config: &config::Accounts, secrets: &Secrets, demo_mode: bool) -> Self {
        Self {
            pool,
            throttle: throttle::Throttle::new(config),
            gate: password::Gate::for_this_machine(),
            password_min: config.password_min,
            demo: if demo_mode { demo::accounts(secrets) } else { Vec::new() },
            devices: devices::Signer::new(secrets),
            own_client: own_client::Verifier::new(secrets),
            copies: None,
        }
    }

    /// The same, where somebody keeps copies of users' rows.
    #[must_use]
    pub fn copied_by(self, copies: Option<Arc<dyn change::Copies>>) -> Self {
        Self { copies, ..self }
    }
}

/// Finds a user by e-mail address, with the password's hash.
pub fn find_by_email(conn: &mut PgConnection, email: &Email) -> db::Result<Option<(User, String)>> {
    Ok(users::table
        .filter(users::email_folded.eq(email.folded()))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()?)
}

/// As [`find_by_email`], with the database's clock at that statement.
pub fn find_by_email_at(conn: &mut PgConnection, email: &Email) -> db::Result<Option<(User, String, OffsetDateTime)>> {
    Ok(users::table
        .filter(users::email_folded.eq(email.folded()))
        .select((User::as_select(), users::password_hash, clock_timestamp()))
        .first(conn)
        .optional()?)
}

/// Finds a user with the password's hash.
pub fn find(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<(User, String)>> {
    Ok(users::table.find(user).select((User::as_select(), users::password_hash)).first(conn).optional()?)
}

/// Finds a user, with the database's clock at that statement.
pub fn find_at(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<(User, OffsetDateTime)>> {
    Ok(users::table.find(user).select((User::as_select(), clock_timestamp())).first(conn).optional()?)
}

/// Makes an account.
///
/// # Errors
///
/// `None` if the e-mail address has one already; the unique index decides, so that two sign-ups at once make one account.
pub fn insert(
    conn: &mut PgConnection,
    email: &Email,
    display_name: &DisplayName,
    password_hash: &str,
) -> db::Result<Option<User>> {
    Ok(diesel::insert_into(users::table)
        .values((
            users::email.eq(email.as_typed()),
            users::email_folded.eq(email.folded()),
            users::display_name.eq(display_name.as_str()),
            users::password_hash.eq(password_hash),
        ))
        .on_conflict(users::email_folded)
        .do_nothing()
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Changes the name that is shown.
pub fn rename(conn: &mut PgConnection, user: Uuid, display_name: &DisplayName) -> db::Result<usize> {
    Ok(diesel::update(users::table.find(user)).set(users::display_name.eq(display_name.as_str())).execute(conn)?)
}

/// Stores the same password hashed with newer parameters, unless it was changed meanwhile. Ends nothing.
pub fn rehash(conn: &mut PgConnection, user: Uuid, old_hash: &str, new_hash: &str) -> db::Result<usize> {
    Ok(diesel::update(users::table.find(user).filter(users::password_hash.eq(old_hash)))
        .set(users::password_hash.eq(new_hash))
        .execute(conn)?)
}

/// Stores a new password and counts the version up, if it is still the one the present password was checked against.
///
/// The row stays locked until the transaction ends: a log-in under way waits at [`hold_version`] and then finds the new
/// version. `None`: somebody else was faster, and nothing changed.
pub fn set_password(conn: &mut PgConnection, user: &User, hash: &str) -> db::Result<Option<User>> {
    Ok(diesel::update(users::table.find(user.id).filter(users::credential_version.eq(user.credential_version)))
        .set((users::password_hash.eq(hash), users::credential_version.eq(users::credential_version + 1)))
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Counts the version up, for an event that ends logins without a new password: a ban, a demotion, a log-out everywhere.
///
/// As at [`set_password`], the row stays locked until the transaction ends. `None`: the account is gone.
pub fn raise_version(conn: &mut PgConnection, user: Uuid) -> db::Result<Option<User>> {
    Ok(diesel::update(users::table.find(user))
        .set(users::credential_version.eq(users::credential_version + 1))
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// Deletes an account with its logins, if version and role are still what they were when the password was checked, and says so
/// in the audit trail. Whether it is the last admin's is asked before ([`standing::keep_an_admin`]). Of an experiment's throwaway account nothing stays, its events neither.
pub fn delete(
    conn: &mut PgConnection,
    user: &User,
    client: &Client,
    (door, login): (events::Door, Uuid),
) -> db::Result<bool> {
    let same = users::table.find(user.id).filter(users::credential_version.eq(user.credential_version));
    // Who became an admin meanwhile may be the last one by now.
    let same = same.filter(users::role.eq(user.role().as_str()));
    let is_throwaway = Email::parse(&user.email).is_ok_and(|email| email.is_throwaway());
    if is_throwaway {
        // Before the account: the database asks it whether these may go.
        events::forget(conn, &[user.id])?;
    }
    if diesel::delete(same).execute(conn)? == 0 {
        return Ok(false);
    }
    if !is_throwaway {
        let kind = events::Kind::AccountDeleted;
        let event = events::Event::new(door, kind).user(user.id).login(login);
        events::record(conn, client, &event)?;
    }
    Ok(true)
}

/// Whether the user's version is still this one; if so, it stays so until the transaction ends.
///
/// The lock is the point: without it a change of password could commit between this look and the insert that follows, and the
/// new login would outlive it. It is no share lock, as log-ins of one user must also queue among themselves: only so can each
/// count how many there are.
pub fn hold_version(conn: &mut PgConnection, user: Uuid, version: i64) -> db::Result<bool> {
    let current: Option<i64> =
        users::table.find(user).select(users::credential_version).for_no_key_update().first(conn).optional()?;
    Ok(current == Some(version))
}

/// Deletes accounts of experiments that were cut off, with their events; `limit` at a time.
pub fn delete_abandoned(conn: &mut PgConnection) -> db::Result<usize> {
    let abandoned = users::table
        .filter(users::email_folded.like("%@throwaway.invalid"))
        .filter(users::created_at.lt(from_now(-15 * 60)))
        .select(users::id);
    let abandoned: Vec<Uuid> = abandoned.limit(100).load(conn)?;
    if abandoned.is_empty() {
        return Ok(0);
    }
    events::forget(conn, &abandoned)?;
    Ok(diesel::delete(users::table.filter(users::id.eq_any(abandoned))).execute(conn)?)
}
