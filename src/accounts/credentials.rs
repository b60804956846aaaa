//! Checks e-mail and password, with the same work, the same statements and the same answer for an unknown address.
//!
//! Whoever could tell "no such account" from "wrong password" could list who is here (OWASP Authentication).

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use time::Duration;

use super::{
    Accounts, User, devices,
    events::{self, Door, Event, Kind},
    fields::{Email, Password, Refused},
    gate::Busy,
    password::Checked,
    standing::Ban,
    throttle::Throttled,
};
use crate::{
    db,
    http::client::Client,
    metrics::{self, Check, Outcome},
    telemetry,
};

/// For so long a password that was checked counts as fresh: after it, sensitive actions ask for it again, at both doors.
pub const FRESH_FOR: Duration = Duration::minutes(10);

/// Whether a password that was checked so long ago counts as checked lately. By the store's clock: a check that lies in its
/// future was made before it was set back, and nobody knows how long ago.
#[must_use]
pub fn is_fresh(age: Duration) -> bool {
    (db::SET_BACK..=FRESH_FOR).contains(&age)
}

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
    /// Our own experiments' guesses are not throttled.
    pub is_own: bool,
    /// What the client is known by, if it has logged in before.
    pub devices: devices::Shown,
}

impl Asker {
    /// Also known by a device token, if there is one: that of a client that keeps no cookies.
    #[must_use]
    pub fn known_by(self, device_token: Option<&str>) -> Self {
        match device_token {
            Some(token) => Self { devices: devices::Shown::parse(token), ..self },
            None => self,
        }
    }
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
pub async fn check(
    accounts: &web::Data<Accounts>,
    door: Door,
    email: &str,
    password: &str,
    asker: &Asker,
) -> Result<User, Error> {
    let email = Email::parse(email).unwrap_or_else(|_| Email::nobodys());
    let (accounts, password, asker) = (accounts.clone(), Password::typed(password), asker.clone());
    // Whoever resets the connection after each guess would leave no trace of any.
    let checked = telemetry::carry_on(async move {
        let checked = check_and_record(&accounts, door, email, password, &asker).await;
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
    });
    checked.await.unwrap_or_else(|error| Err(db::Error::Unavailable(error.to_string()).into()))
}

async fn check_and_record(
    accounts: &Accounts,
    door: Door,
    email: Email,
    password: Password,
    asker: &Asker,
) -> Result<User, Error> {
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
    accounts: &web::Data<Accounts>,
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
    let (user, hash): (Option<User>, _) = found.map(|(user, hash, _)| (user, hash)).unzip();
    // What was on the log-in page opens nothing once demo mode is off; it is as much work as a wrong password.
    let hash = hash.filter(|_| !accounts.demo.is_empty() || user.as_ref().is_some_and(|user| !user.demo));
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
    let least = accounts.password_min;
    let judge = move |password: &Password| {
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        password.check_new(field, least, &about)
    };
    accounts.gate.hash_unless(Password::typed(typed), judge).await?.map_err(|refused| Error::Refused(vec![refused]))
}
