//! Another e-mail address for an account that is there.
//!
//! It is what one logs in with, so changing it is a sensitive action; that the address is free, the unique index settles. As at
//! sign-up it is told that an address is taken, so asking is throttled by the same budget. Nothing ends by it. The audit trail
//! says that it was changed and keeps neither address: it outlives the account. No mail is sent, so neither proves anything.

use diesel::prelude::*;
use uuid::Uuid;

use super::{
    Accounts, User,
    credentials::{Asker, Error},
    events::{self, Door, Event, Kind},
    fields::{DisplayName, Email, Refused},
};
use crate::{
    db::{self, schema::users},
    http::client::Client,
};

/// What somebody wants to change about themselves; checked.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name that is shown.
    pub display_name: Option<DisplayName>,
    /// The e-mail address.
    pub email: Option<Email>,
}

/// Checks an address that is to be somebody's own: those of experiments are theirs alone.
pub fn parse(typed: &str, asker: &Asker) -> Result<Email, Refused> {
    match Email::parse(typed) {
        Ok(email) if email.is_throwaway() && !asker.is_own => Err(Refused {
            field: "email",
            advice: "Accounts at this address are swept away soon. Use another one.".to_owned(),
        }),
        email => email,
    }
}

/// Carries a change out, all of it or nothing; `None` if the account is not any more what it was when the request began.
pub async fn change(
    accounts: &Accounts,
    (door, login): (Door, Uuid),
    user: &User,
    change: Change,
    asker: &Asker,
) -> Result<Option<User>, Error> {
    let asks = change.email.as_ref().is_some_and(|email| email.as_typed() != user.email);
    // Never given back: also a yes tells that nobody had the address.
    let _asked = match asks && !asker.is_own {
        true => Some(accounts.throttle.sign_up(asker.client.network())?),
        false => None,
    };
    let (user, client) = (user.clone(), asker.client.clone());
    let changed = accounts
        .change(move |conn| store(conn, &user, &change, asks, |conn| record(conn, door, &user, login, &client)));
    match changed.await {
        Err(error) if error.is_unique_violation() => Err(Error::EmailTaken),
        changed => Ok(changed?),
    }
}

fn store(
    conn: &mut PgConnection,
    user: &User,
    change: &Change,
    asks: bool,
    record: impl FnOnce(&mut PgConnection) -> db::Result<()>,
) -> db::Result<Option<User>> {
    // Not after a ban, nor after a change of password, by which an owner takes the account back from somebody else.
    let same = users::table.find(user.id).filter(users::credential_version.eq(user.credential_version));
    let email =
        change.email.as_ref().map(|email| (users::email.eq(email.as_typed()), users::email_folded.eq(email.folded())));
    let name = change.display_name.as_ref().map(|name| users::display_name.eq(name.as_str()));
    let changed = match (email, name) {
        (None, None) => return Ok(Some(user.clone())),
        new => diesel::update(same).set(new).returning(User::as_returning()).get_result(conn).optional()?,
    };
    if asks && changed.is_some() {
        record(conn)?;
    }
    Ok(changed)
}

fn record(conn: &mut PgConnection, door: Door, user: &User, login: Uuid, client: &Client) -> db::Result<()> {
    events::record(conn, client, &Event::new(door, Kind::EmailChanged).user(user.id).login(login))
}
