//! Device cookies: how a device that has logged in before is known again (OWASP, "Slow down online guessing with device
//! cookies").
//!
//! A log-in leaves a random number in the client, signed together with the e-mail address that logged in. Whoever shows it has a
//! budget of guesses of their own, so that strangers who use up the account's can't lock its owner out; and a log-in without
//! one comes from a new device, which the owner is told.
//!
//! Limit: it is no credential and opens nothing. Who copies it may guess ten times more, and is taken for a known device.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    web,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::prelude::*;
use uuid::Uuid;

use super::{
    User,
    events::{self, Door, Event, Kind},
    fields::Email,
    new_devices::{self, NewDevice},
};
use crate::{
    db::{self, clock_timestamp, from_now, schema::devices},
    http::{client::Client, origin::Site},
    secrets::{Purpose, Secrets, mac, random, same, sha256},
};

const NONCE: usize = 16;
const ENTRY: usize = NONCE + 32;
/// Accounts that one device keeps apart; the one that was used longest ago goes first.
const ENTRIES_MOST: usize = 5;
/// Devices that an account remembers: clients without a cookie jar are new at each log-in.
const DEVICES_MOST: i64 = 100;
const DAYS: i64 = 365;

/// What the cookie holds for one account: a random number, and its signature with the account's e-mail address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry([u8; ENTRY]);

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry([redacted])")
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What is stored, and counted by.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.0[..NONCE])
    }

    /// As the client keeps it.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// What a client shows, newest first. Nothing is proven by it yet.
#[derive(Debug, Clone, Default)]
pub struct Shown(Vec<Entry>);

impl Shown {
    /// Reads a cookie or a `device_token`; what can't be one of ours counts for nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.split('.').take(ENTRIES_MOST).filter_map(Entry::parse).collect())
    }

    /// What the request's cookie shows.
    #[must_use]
    pub fn by(request: &HttpRequest) -> Self {
        request.cookie(name(request)).map(|cookie| Self::parse(cookie.value())).unwrap_or_default()
    }

    /// The cookie with one entry put first.
    #[must_use]
    pub fn cookie(&self, request: &HttpRequest, first: Entry) -> Cookie<'static> {
        let others = self.0.iter().filter(|entry| **entry != first).take(ENTRIES_MOST - 1);
        let value = std::iter::once(&first).chain(others).map(Entry::text).collect::<Vec<_>>().join(".");
        Cookie::build(name(request), value)
            .path("/")
            .secure(is_https(request))
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(Duration::days(DAYS))
            .finish()
    }
}

fn name(request: &HttpRequest) -> &'static str {
    if is_https(request) { "__Host-device" } else { "device" }
}

fn is_https(request: &HttpRequest) -> bool {
    request.app_data::<web::Data<Site>>().is_some_and(|site| site.is_https())
}

/// Signs entries and knows them again.
pub struct Signer(Vec<[u8; 32]>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer([redacted])")
    }
}

impl Signer {
    pub(super) fn new(secrets: &Secrets) -> Self {
        Self(secrets.all(Purpose::Device).collect())
    }

    /// The entry that was made for this very address, if one was shown.
    #[must_use]
    pub fn find(&self, shown: &Shown, email: &Email) -> Option<Entry> {
        let is_for = |entry: &&Entry| {
            let (nonce, tag) = entry.0.split_at(NONCE);
            self.0.iter().any(|key| same(&mac(key, &[nonce, email.folded().as_bytes()]), tag))
        };
        shown.0.iter().find(is_for).copied()
    }

    /// The entry of a user who has just logged in: the one that was shown, or a new one.
    #[must_use]
    pub fn entry_of(&self, shown: &Shown, user: &User) -> Option<Entry> {
        let email = Email::parse(&user.email).ok()?;
        self.find(shown, &email).or_else(|| self.issue(&email))
    }

    fn issue(&self, email: &Email) -> Option<Entry> {
        let nonce: [u8; NONCE] = random();
        let tag = mac(self.0.first()?, &[&nonce, email.folded().as_bytes()]);
        [nonce.as_slice(), &tag].concat().try_into().ok().map(Entry)
    }
}

/// Notes that a device has logged in. One that never had, on an account that others have logged in to, is an event, and the
/// account's pages tell of it. Call it in the log-in's transaction, which holds the user's row.
pub fn note(
    conn: &mut PgConnection,
    user: Uuid,
    (door, login): (Door, Uuid),
    entry: Entry,
    client: &Client,
) -> db::Result<()> {
    let hash = entry.hash();
    let known = diesel::update(devices::table.find(hash.as_slice()).filter(devices::user_id.eq(user)))
        .set(devices::seen_at.eq(clock_timestamp()))
        .execute(conn)?;
    if known == 1 {
        return Ok(());
    }
    let others = devices::table.filter(devices::user_id.eq(user));
    let is_first = !diesel::select(diesel::dsl::exists(others)).get_result::<bool>(conn)?;
    diesel::insert_into(devices::table)
        .values((devices::hash.eq(hash.as_slice()), devices::user_id.eq(user)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if is_first {
        return Ok(());
    }
    let event = events::append(conn, client, &Event::new(door, Kind::NewDevice).user(user).login(login))?;
    new_devices::add(conn, user, NewDevice { event, login })?;
    diesel::sql_query(
        "DELETE FROM devices WHERE hash IN (SELECT hash FROM devices WHERE user_id = $1 ORDER BY seen_at DESC OFFSET $2)",
    )
    .bind::<diesel::sql_types::Uuid, _>(user)
    .bind::<diesel::sql_types::BigInt, _>(DEVICES_MOST)
    .execute(conn)?;
    Ok(())
}

/// Forgets devices whose cookies have expired.
pub fn sweep(conn: &mut PgConnection) -> db::Result<usize> {
    Ok(diesel::delete(devices::table.filter(devices::seen_at.lt(from_now(-DAYS * 86_400)))).execute(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_for_its_own_address_only_and_an_altered_one_for_none() {
        let signer = Signer::new(&Secrets::parse(&"s".repeat(40)).expect("valid"));
        let (ada, eve) =
            (Email::parse("ada@example.org").expect("valid"), Email::parse("eve@example.org").expect("valid"));
        let entry = signer.issue(&ada).expect("signed");
        let shown = Shown::parse(&format!("garbage..{}", entry.text()));
        assert_eq!(signer.find(&shown, &ada), Some(entry));
        assert_eq!(signer.find(&shown, &Email::parse("ADA@example.org").expect("valid")), Some(entry));
        assert_eq!(signer.find(&shown, &eve), None);
        let mut altered = entry;
        altered.0[0] ^= 1;
        assert_eq!(signer.find(&Shown::parse(&altered.text()), &ada), None);
        let other = Signer::new(&Secrets::parse(&"o".repeat(40)).expect("valid"));
        assert_eq!(other.find(&shown, &ada), None);
    }
}
