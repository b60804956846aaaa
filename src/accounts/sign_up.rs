//! Makes accounts.
//!
//! Sign-up can't hide who is here while no mail is sent: it must say that an address is taken. It is throttled instead.

use super::{
    Accounts, User,
    credentials::{Asker, Error, hash_new},
    email,
    events::{self, Door, Event, Kind},
    fields::{DisplayName, Email, Password, Refused},
};
use crate::db;

/// Makes an account. Every field that can't be used is named, not only the first.
pub async fn sign_up(
    accounts: &Accounts,
    door: Door,
    (email, display_name, password): (&str, &str, &str),
    asker: &Asker,
) -> Result<User, Error> {
    // Nobody computes for an account that can't be stored.
    accounts.pool.check()?;
    let about = vec![email.trim().to_owned(), display_name.trim().to_owned()];
    let names = (email::parse(email, asker), DisplayName::parse(display_name));
    if asker.is_own {
        return make_account(accounts, door, names, (password, about), asker).await;
    }
    let (throttle, network) = (&accounts.throttle, asker.client.network());
    // Judging a password costs computing, also one that is then refused.
    let refusal = throttle.refused_sign_up(network)?;
    let attempt = match &names {
        (Ok(_), Ok(_)) => throttle.sign_up(network).map(Some),
        _ => Ok(None),
    };
    let made = match &attempt {
        Ok(_) => make_account(accounts, door, names, (password, about), asker).await,
        Err(throttled) => Err(Error::Throttled(*throttled)),
    };
    // What nobody judged is not counted: who was too busy, or without a database, says to come again.
    if !matches!(made, Err(Error::Refused(_))) {
        throttle.give_back(refusal);
    }
    if let (Ok(Some(attempt)), false) = (attempt, matches!(made, Ok(_) | Err(Error::EmailTaken))) {
        throttle.give_back(attempt);
    }
    made
}

type Names = (Result<Email, Refused>, Result<DisplayName, Refused>);

async fn make_account(
    accounts: &Accounts,
    door: Door,
    (email, display_name): Names,
    (password, about): (&str, Vec<String>),
    asker: &Asker,
) -> Result<User, Error> {
    let hash = match (&email, &display_name) {
        (Ok(_), Ok(_)) => hash_new(accounts, "password", password, about).await,
        // Nothing will be stored: what is wrong with the password is still worth saying, without the cost of a hash.
        _ => {
            let (password, least) = (Password::typed(password), accounts.password_min);
            let judged = accounts.gate.pass(move |_| password.check_new("password", least, &[])).await?;
            judged.map(|()| String::new()).map_err(|refused| Error::Refused(vec![refused]))
        }
    };
    let (email, display_name, hash) = match (email, display_name, hash) {
        (Ok(email), Ok(display_name), Ok(hash)) => (email, display_name, hash),
        (email, display_name, hash) => {
            let mut refused: Vec<Refused> = [email.err(), display_name.err()].into_iter().flatten().collect();
            match hash {
                Err(Error::Refused(password)) => refused.extend(password),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            return Err(Error::Refused(refused));
        }
    };
    let client = asker.client.clone();
    let made = db::transaction(&accounts.pool, move |conn| {
        let user = super::insert(conn, &email, &display_name, &hash)?;
        if let Some(user) = &user {
            let event = Event::new(door, Kind::SignedUp).user(user.id);
            events::record(conn, &client, &event)?;
        }
        Ok::<_, db::Error>(user)
    });
    made.await?.ok_or(Error::EmailTaken)
}
