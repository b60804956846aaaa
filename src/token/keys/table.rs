//! Rows of `signing_keys`: read, made, rotated, retired. All instants are the database's.
//!
//! The private parts are sealed (`sealing`), so that who reads the table can sign nothing, and who writes it can't slip in a key
//! of their own. A start seals anew what an older secret had sealed, so that the older one can be dropped. What is retired
//! loses its private part for good.

use std::time::{Duration, Instant};

use diesel::{Connection as _, dsl::sql, prelude::*, sql_types};
use jsonwebtoken::Algorithm;
use time::OffsetDateTime;

use super::{
    Error, Keyring, Material,
    sealing::{seal, unseal},
};
use crate::{
    accounts::events::{self, Door, Event, Kind},
    db::{clock_timestamp, exclusively, from_now, schema::signing_keys},
    secrets::Secrets,
};

/// How long before it signs a new key is published, if nobody says otherwise. Our own instances look every second, and again when
/// it is due (`follow`): all of them verify it well before one signs, and all of them sign with it within five seconds.
pub const ANNOUNCED: Duration = Duration::from_secs(4);

/// What is known of a key without its private part.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub struct SigningKeyRecord {
    /// Its name in the headers of tokens.
    pub kid: String,
    /// As in RFC 7518.
    pub algorithm: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it may sign.
    pub signs_from: OffsetDateTime,
    /// When it was retired.
    pub retired_at: Option<OffsetDateTime>,
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It signs, and it verifies.
    Active,
    /// It verifies, and is going to sign.
    Coming,
    /// It verifies what it signed while it was active.
    Published,
    /// Nothing any more.
    Retired,
}

/// What a keyring must remember to notice that it is out of date, and to be read anew.
#[derive(Debug, Clone)]
pub(super) struct Table {
    secrets: Secrets,
    algorithm: Algorithm,
    version: Option<String>,
}

impl Table {
    /// The keyring as it is now, if that is another one than when it was read. One statement tells.
    pub(super) fn changed(&self, conn: &mut PgConnection) -> Result<Option<Keyring>, Error> {
        let version = version(conn)?;
        if version == self.version {
            return Ok(None);
        }
        let (keyring, sealed) = read(conn, &self.secrets, self.algorithm, version)?;
        for kid in sealed {
            tracing::error!(
                kid,
                "a signing key was sealed with another secret than SECRETS; its tokens are refused here"
            );
        }
        Ok(Some(keyring))
    }
}

/// At the start: makes the first key for this algorithm, if there is none, and insists on opening every key.
pub(super) fn open(conn: &mut PgConnection, secrets: &Secrets, algorithm: Algorithm) -> Result<Keyring, Error> {
    let known = records(conn)?.0;
    let mut live = known.iter().filter(|key| key.retired_at.is_none());
    if !live.clone().any(|key| key.is_for(algorithm)) {
        // Other instances may have to verify its first token: only what nobody could sign before needs no announcement.
        let announced = if live.next().is_some() { ANNOUNCED } else { Duration::ZERO };
        conn.transaction(|conn| make(conn, secrets, algorithm, announced))?;
    }
    reseal(conn, secrets)?;
    let version = version(conn)?;
    let (keyring, sealed) = read(conn, secrets, algorithm, version)?;
    sealed.into_iter().next().map_or(Ok(keyring), |kid| Err(Error::Sealed(kid)))
}

/// Makes a key that signs so long from now.
pub fn rotate(
    conn: &mut PgConnection,
    secrets: &Secrets,
    algorithm: Algorithm,
    announced: Duration,
) -> Result<SigningKeyRecord, Error> {
    exclusively(conn, |conn| conn.transaction(|conn| make(conn, secrets, algorithm, announced)))
}

/// Retires a key for good; `false` if it was retired before.
pub fn retire(conn: &mut PgConnection, algorithm: Algorithm, kid: &str) -> Result<bool, Error> {
    exclusively(conn, |conn| {
        conn.transaction(|conn| {
            let (_, state) = list(conn, algorithm)?
                .into_iter()
                .find(|(key, _)| key.kid == kid)
                .ok_or_else(|| Error::Unknown(kid.to_owned()))?;
            match state {
                State::Active => return Err(Error::Active(kid.to_owned())),
                State::Retired => return Ok(false),
                State::Coming | State::Published => {}
            }
            diesel::update(signing_keys::table.find(kid))
                .set((
                    signing_keys::retired_at.eq(clock_timestamp().nullable()),
                    signing_keys::sealed_private.eq(Vec::new()),
                ))
                .execute(conn)?;
            events::record_own(conn, &Event::new(Door::None, Kind::KeyRetired).detail(kid))?;
            Ok(true)
        })
    })
}

/// Every key with its state, in the order in which they sign.
pub fn list(conn: &mut PgConnection, algorithm: Algorithm) -> Result<Vec<(SigningKeyRecord, State)>, Error> {
    let (records, now) = records(conn)?;
    let active = active(&records, algorithm, now).map(|key| key.kid.clone());
    let state = |key: &SigningKeyRecord| match key.retired_at {
        Some(_) => State::Retired,
        None if Some(&key.kid) == active.as_ref() => State::Active,
        None if key.signs_from > now => State::Coming,
        None => State::Published,
    };
    Ok(records.into_iter().map(|key| (key.clone(), state(&key))).collect())
}

impl SigningKeyRecord {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithm == name(algorithm)
    }
}

/// The key that signs: the newest that may, and one of the configured algorithm if there is one.
fn active(keys: &[SigningKeyRecord], algorithm: Algorithm, now: OffsetDateTime) -> Option<&SigningKeyRecord> {
    let may = keys.iter().filter(|key| key.retired_at.is_none() && key.signs_from <= now);
    may.max_by_key(|key| (key.is_for(algorithm), key.signs_from, &key.kid))
}

fn records(conn: &mut PgConnection) -> Result<(Vec<SigningKeyRecord>, OffsetDateTime), Error> {
    let now = diesel::select(clock_timestamp()).get_result(conn)?;
    let records = signing_keys::table
        .order((signing_keys::signs_from, signing_keys::kid))
        .select(SigningKeyRecord::as_select())
        .load(conn)?;
    Ok((records, now))
}

/// Changes with every key made or retired, and with the moment at which one begins to sign.
fn version(conn: &mut PgConnection) -> Result<Option<String>, Error> {
    let version = sql::<sql_types::Nullable<sql_types::Text>>(
        "string_agg(concat_ws(' ', kid, extract(epoch FROM signs_from), signs_from <= clock_timestamp()), ',' ORDER BY kid)",
    );
    Ok(signing_keys::table.filter(signing_keys::retired_at.is_null()).select(version).first(conn)?)
}

/// The keyring, and the kids of those keys that no secret opens. The version is asked for before the rows are: what comes in
/// between is read a second time.
fn read(
    conn: &mut PgConnection,
    secrets: &Secrets,
    algorithm: Algorithm,
    version: Option<String>,
) -> Result<(Keyring, Vec<String>), Error> {
    let now: OffsetDateTime = diesel::select(clock_timestamp()).get_result(conn)?;
    let rows: Vec<(SigningKeyRecord, Vec<u8>)> = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order((signing_keys::signs_from, signing_keys::kid))
        .select((SigningKeyRecord::as_select(), signing_keys::sealed_private))
        .load(conn)?;
    let (mut records, mut keys, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
    for (record, private) in rows {
        match unseal(secrets, &record.kid, &private) {
            None => sealed.push(record.kid),
            Some(unsealed) => {
                let algorithm = record.algorithm.parse().map_err(|_| Error::Unusable(record.algorithm.clone()))?;
                keys.push(Material::read(algorithm, &unsealed.private, &record.kid)?);
                records.push(record);
            }
        }
    }
    let signs = active(&records, algorithm, now).map(|key| key.kid.as_str());
    let next = records.iter().map(|key| key.signs_from - now).filter(|wait| wait.is_positive()).min();
    let next = next.map(|wait| Instant::now() + wait.unsigned_abs());
    let table = Table { secrets: secrets.clone(), algorithm, version };
    Ok((Keyring::new(keys, signs, next, Some(table)), sealed))
}

/// In the caller's transaction.
fn make(
    conn: &mut PgConnection,
    secrets: &Secrets,
    algorithm: Algorithm,
    announced: Duration,
) -> Result<SigningKeyRecord, Error> {
    let (key, private) = Material::generate(algorithm)?;
    let seconds = i64::try_from(announced.as_secs()).unwrap_or(i64::MAX);
    let record = diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&key.kid),
            signing_keys::algorithm.eq(name(algorithm)),
            signing_keys::sealed_private.eq(seal(secrets, &key.kid, &private)),
            signing_keys::public_jwk.eq(key.jwk),
            signing_keys::signs_from.eq(from_now(seconds)),
        ))
        .returning(SigningKeyRecord::as_returning())
        .get_result(conn)?;
    events::record_own(conn, &Event::new(Door::None, Kind::KeyMade).detail(&key.kid))?;
    tracing::info!(kid = key.kid, ?algorithm, "a signing key was made");
    Ok(record)
}

/// Seals with the newest secret what an older one had sealed.
fn reseal(conn: &mut PgConnection, secrets: &Secrets) -> Result<(), Error> {
    let rows: Vec<(String, Vec<u8>)> = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .select((signing_keys::kid, signing_keys::sealed_private))
        .load(conn)?;
    for (kid, sealed) in rows {
        if let Some(unsealed) = unseal(secrets, &kid, &sealed).filter(|unsealed| !unsealed.is_newest) {
            diesel::update(signing_keys::table.find(&kid))
                .set(signing_keys::sealed_private.eq(seal(secrets, &kid, &unsealed.private)))
                .execute(conn)?;
            tracing::info!(kid, "a signing key was sealed anew with the newest secret");
        }
    }
    Ok(())
}

fn name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}
