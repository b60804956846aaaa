//! Three accounts to try, in demo mode only.
//!
//! Their passwords are derived from the newest of `SECRETS`, so that restarts and instances agree and nobody can know them
//! from reading this code; the log-in page shows them. As they belong to everybody they stay as they are: each start
//! restores them; their password and e-mail address can't be changed, their accounts not be deleted, banned or given
//! another role. Without demo mode nobody comes in with them: what was public yesterday opens nothing
//! ([`super::credentials`]), and each start ends the logins that are left. Their admin may look at everything but the
//! addresses of other people, and change nothing ([`super::standing`]).

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Role,
    fields::{Email, Password},
    password,
};
use crate::{
    db::{self, schema::users},
    secrets::{Purpose, Secrets, mac},
};

/// Why a demo account's password and existence are not to be changed, for people.
pub const LOCKED: &str = "This is a demo account that everybody shares, so it stays as it is. Sign up for an account of your own to try this.";

/// An account to try.
#[derive(Debug, Clone)]
pub struct DemoAccount {
    /// Shown, and typed at log-in.
    pub email: &'static str,
    /// Shown.
    pub display_name: &'static str,
    /// Shown on the log-in page.
    pub password: String,
    /// What it may do.
    pub role: Role,
}

/// The three accounts with their passwords.
#[must_use]
pub fn accounts(secrets: &Secrets) -> Vec<DemoAccount> {
    let key = secrets.newest::<32>(Purpose::DemoPassword);
    [
        ("ada@example.com", "Ada", Role::Admin),
        ("grace@example.com", "Grace", Role::User),
        ("linus@example.com", "Linus", Role::User),
    ]
    .map(|(email, display_name, role)| DemoAccount {
        email,
        display_name,
        password: readable(&mac(&key, &[email.as_bytes()])),
        role,
    })
    .to_vec()
}

/// Four groups of five letters and digits that nobody mistakes for one another: 99 bits.
fn readable(bytes: &[u8; 32]) -> String {
    const LETTERS: &[u8; 31] = b"abcdefghijkmnpqrstuvwxyz2345678";
    let letters: Vec<char> = bytes.iter().take(20).map(|byte| char::from(LETTERS[usize::from(*byte) % 31])).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// The demo accounts that an earlier demo mode has left.
pub fn left_over(conn: &mut PgConnection) -> db::Result<Vec<Uuid>> {
    Ok(users::table.filter(users::demo).select(users::id).load(conn)?)
}

/// Makes the accounts what they should be; returns those whose password was something else, as their logins must end.
pub fn restore(conn: &mut PgConnection, accounts: &[DemoAccount]) -> db::Result<Vec<Uuid>> {
    let mut changed_users = Vec::new();
    for account in accounts {
        let Ok(email) = Email::parse(account.email) else { continue };
        let password = Password::typed(&account.password);
        let present = super::find_by_email(conn, &email)?;
        let changed = match &present {
            Some((_, hash)) => !password::opens(&password, hash),
            None => true,
        };
        let standing = (
            users::email.eq(email.as_typed()),
            users::display_name.eq(account.display_name),
            users::role.eq(account.role.as_str()),
            users::demo.eq(true),
            users::banned_at.eq(None::<OffsetDateTime>),
            users::banned_until.eq(None::<OffsetDateTime>),
            users::ban_reason.eq(None::<String>),
        );
        match present {
            Some((user, _)) => {
                diesel::update(users::table.find(user.id)).set(standing).execute(conn)?;
                if changed && let Some(hash) = password::hash(&password) {
                    super::set_password(conn, &user, &hash)?;
                    changed_users.push(user.id);
                }
            }
            None => {
                let Some(hash) = password::hash(&password) else { continue };
                diesel::insert_into(users::table)
                    .values((standing, users::email_folded.eq(email.folded()), users::password_hash.eq(hash)))
                    .on_conflict(users::email_folded)
                    .do_nothing()
                    .execute(conn)?;
            }
        }
    }
    Ok(changed_users)
}
