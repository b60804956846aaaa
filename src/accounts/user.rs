//! Who somebody is: the row of `users`, and what answers say of it.
//!
//! The password's hash is no part of it: whoever needs that asks for it by name.

use diesel::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::new_devices::NewDevices;
use crate::db::schema::users;

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
    pub(super) role_name: String,
    /// Counts the events that ended every login.
    pub credential_version: i64,
    /// Whether it is a demo account, which stays as it is.
    pub demo: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
    pub(super) banned_until: Option<OffsetDateTime>,
    pub(super) ban_reason: Option<String>,
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
