//! Checks e-mail and password, with the same work, the same statements and the same answer for an unknown address.
//!
//! Whoever could tell "no such account" from "wrong password" could list who is here (OWASP Authentication). Sign-up can't
//! hide it while no mail is sent: it must say that an address is taken. It is throttled instead.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use time::Duration;

use super::{
    Accounts, User, devices, email,
    events::{self, Door, Event, Kind},
    fields::{DisplayName, Email, Password, Refused},
    password::{Busy, Checked},
    standing::Ban,
    throttle::Throttled,
};
use crate::{
    db,
    http::client::Client,
    metrics::{self, Check, Outcome},
};

/// For so long a password that was checked counts as fresh: after it, sensitive actions ask for it again, at both doors.
pub const FRESH_FOR: Duration = Duration::minutes(10);

/// Why there is no user to show for it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The e-mail address, the password, or both.
    #[error("wrong e-mail address or password")]
    Wrong,
    /// Both are right, but the person is kept out.
    #[error("the account is banned")]
    Banned(Ban),
    /// Fields that can't be used.
    #[error("fields that can't be used")]
    Refused(Vec<Refused>),
    /// Somebody has this e-mail address already.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Too many guesses.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// Too many at once.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Who is asking, and whether it is one of our own experiments.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Address and user agent.
    pub client: Client,
    /// Our own experiments are not throttled.
    pub is_own: bool,
    /// What the client is known by, if it has logged in before.
    pub devices: devices::Shown,
}

impl FromRequest for Asker {
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_own = request
            .app_data::<web::Data<Accounts>>()
            .is_some_and(|accounts| accounts.own_client.is_ours(request.headers()));
        let client = Client::from_request(request, payload).into_inner();
        let devices = devices::Shown::by(request);
        std::future::ready(client.map(|client| Self { client, is_own, devices }))
    }
}

/// Finds the user whose e-mail address and password these are. That somebody is banned is told to nobody but who knows the
/// password.
pub async fn check(accounts: &Accounts, door: Door, email: &str, password: &str, asker: &Asker) -> Result<User, Error> {
    let checked = check_and_record(accounts, door, email, password, asker).await;
    let outcome = match &checked {
        Ok(_) => Outcome::Accepted,
        Err(Error::Banned(_)) => Outcome::Banned,
        Err(Error::Throttled(_)) => Outcome::Throttled,
        Err(Error::Busy(_) | Error::Database(_)) => Outcome::Unavailable,
        Err(_) => Outcome::Refused,
    };
    let counted = if door == Door::Session { Check::SessionPassword } else { Check::TokenPassword };
    metrics::authenticated(counted, outcome);
    checked
}

async fn check_and_record(
    accounts: &Accounts,
    door: Door,
    email: &str,
    password: &str,
    asker: &Asker,
) -> Result<User, Error> {
    let password = Password::typed(password);
    let email = Email::parse(email).unwrap_or_else(|_| Email::nobodys());
    let attempt = match asker.is_own {
        true => None,
        false => {
            let device = accounts.devices.find(&asker.devices, &email).map(|entry| entry.hash());
            Some(accounts.throttle.attempt(&email, asker.client.network(), device)?)
        }
    };
    let checked = find_and_check(accounts, email, password).await;
    let wrong = matches!(checked, Ok((_, None, _)));
    if let Some(attempt) = attempt.filter(|_| !wrong) {
        accounts.throttle.give_back(attempt);
    }
    let (known, right, ban) = checked?;
    let (refused, detail) = match (right, ban) {
        (Some(user), None) => return Ok(user),
        (Some(_), Some(ban)) => (Error::Banned(ban), Some("banned")),
        (None, _) => (Error::Wrong, None),
    };
    let (client, user) = (asker.client.clone(), known.map(|user| user.id));
    db::run(&accounts.pool, move |conn| {
        let event = Event::new(door, Kind::LogInFailed).user(user);
        events::record(conn, &client, &detail.map_or(event, |detail| event.detail(detail)))
    })
    .await?;
    Err(refused)
}

/// Checks the present password of a user who is logged in; counted like any other guess.
pub async fn check_present(
    accounts: &Accounts,
    door: Door,
    user: &User,
    password: &str,
    asker: &Asker,
) -> Result<User, Error> {
    let checked = check(accounts, door, &user.email, password, asker).await?;
    if checked.id == user.id { Ok(checked) } else { Err(Error::Wrong) }
}

/// Who has the address, who has the password as well, and the ban that keeps them out.
async fn find_and_check(
    accounts: &Accounts,
    email: Email,
    password: Password,
) -> Result<(Option<User>, Option<User>, Option<Ban>), Error> {
    // A storm of log-ins that would be turned away anyway must not take the database from everybody else.
    accounts.gate.has_room()?;
    let found = db::run(&accounts.pool, move |conn| super::find_by_email_at(conn, &email)).await?;
    let ban = found.as_ref().and_then(|(user, _, now)| user.ban(*now));
    let (user, hash) = found.map(|(user, hash, _)| (user, hash)).unzip();
    match accounts.gate.check(password, hash.clone()).await? {
        Checked::Wrong => Ok((user, None, None)),
        Checked::Right => Ok((user.clone(), user, ban)),
        Checked::RightWithNewHash(new) => {
            if let (Some(user), Some(old)) = (&user, hash) {
                let id = user.id;
                db::run(&accounts.pool, move |conn| super::rehash(conn, id, &old, &new)).await?;
            }
            Ok((user.clone(), user, ban))
        }
    }
}

/// Checks a password that is to be set, and hashes it.
pub async fn hash_new(
    accounts: &Accounts,
    field: &'static str,
    typed: &str,
    about: Vec<String>,
) -> Result<String, Error> {
    let password = Password::typed(typed);
    let (least, checked) = (accounts.password_min, password.clone());
    accounts
        .gate
        .pass(move |_| {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            checked.check_new(field, least, &about)
        })
        .await?
        .map_err(|refused| Error::Refused(vec![refused]))?;
    Ok(accounts.gate.hash(password).await?)
}

/// Makes an account. Every field that can't be used is named, not only the first.
pub async fn sign_up(
    accounts: &Accounts,
    door: Door,
    (email, display_name, password): (&str, &str, &str),
    asker: &Asker,
) -> Result<User, Error> {
    let about = vec![email.trim().to_owned(), display_name.trim().to_owned()];
    let email = email::parse(email, asker);
    let display_name = DisplayName::parse(display_name);
    // Judging a password costs computing, also one that is then refused.
    let refusal = match asker.is_own {
        true => None,
        false => Some(accounts.throttle.refused_sign_up(asker.client.network())?),
    };
    let hash = match (&email, &display_name) {
        (Ok(_), Ok(_)) => {
            let attempt = match asker.is_own {
                true => None,
                false => Some(accounts.throttle.sign_up(asker.client.network())?),
            };
            let hash = hash_new(accounts, "password", password, about).await;
            if let Some(attempt) = attempt.filter(|_| hash.is_err()) {
                accounts.throttle.give_back(attempt);
            }
            hash
        }
        // Nothing will be stored: what is wrong with the password is still worth saying, without the cost of a hash.
        _ => {
            let (password, least) = (Password::typed(password), accounts.password_min);
            let judged = accounts.gate.pass(move |_| password.check_new("password", least, &[])).await?;
            judged.map(|()| String::new()).map_err(|refused| Error::Refused(vec![refused]))
        }
    };
    if let (Some(refusal), true, true, true) = (refusal, email.is_ok(), display_name.is_ok(), hash.is_ok()) {
        accounts.throttle.give_back(refusal);
    }
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
