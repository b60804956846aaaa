//! The keys that sign access tokens, and the public halves that verify them.
//!
//! Keys are rows (`table`), so that instances agree, or where instances share no database, files (`files`). A key is *active*
//! (it signs), *published* (it verifies: it will sign, or used to) or *retired* (it does neither any more). A new key is
//! published some seconds before it signs. Each instance looks for changes every second (`follow`), so that rotation and
//! retirement reach all of them without a restart; while the database is away, it goes on with what it knows.
//!
//! A token is checked with the algorithm of the key that its `kid` names, never with the one that the token names.
//!
//! Limit: other services keep the public keys for as long as `max-age` told them to, at most five minutes: for so long a
//! retired key may verify there.

mod files;
mod follow;
mod material;
mod sealing;
mod table;
#[cfg(test)]
pub(super) mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::json;

pub use self::{
    files::list as list_files,
    table::{SigningKeyRecord, State, list, retire, rotate},
};
use self::{material::Material, table::Table};
use super::{
    access::{Claims, TYPE},
    verified::Verified,
};
use crate::{config, db, secrets::Secrets};

/// How long others may keep the public keys: what is retired is gone by then.
const MAX_AGE: Duration = Duration::from_mins(5);
/// And how long they may in any case, however soon something changes: as long as our own instances may take to notice.
const MAX_AGE_LEAST: Duration = Duration::from_secs(5);

/// Said where others would look for keys and find none.
const NO_PUBLIC_HALF: &str = "Tokens are signed with HS256 here. Its one key both signs and verifies, so there is no public half: who \
    had it could make tokens. For other services to verify tokens, set TOKEN_ALGORITHM to ES256, EdDSA or RS256.";

/// All keys that this instance knows at one moment.
pub struct Keyring {
    signing: Option<Signing>,
    verifying: HashMap<String, VerifyingKey>,
    /// What these keys verified before.
    pub(super) verified: Verified,
    jwks: String,
    /// When the next published key begins to sign, if one is going to.
    next: Option<Instant>,
    /// Where to look for changes; files are read once.
    table: Option<Table>,
}

struct Signing {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

/// What verifies one key's tokens.
pub struct VerifyingKey {
    /// The only algorithm that its tokens may name.
    pub algorithm: Algorithm,
    /// The public key, or the shared secret.
    pub verifying: DecodingKey,
}

/// The public keys as they are published (RFC 7517).
#[derive(Debug)]
pub struct Jwks {
    /// JSON.
    pub body: String,
    /// How long it may be kept, in seconds.
    pub max_age: u64,
}

/// Why there is no usable key, or why one can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table can't be read.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// None of `SECRETS` opens it.
    #[error(
        "signing key {0} was sealed with another secret: put that secret at the end of SECRETS, or delete the key's row in signing_keys"
    )]
    Sealed(String),
    /// It could not be made or read.
    #[error("a signing key can't be used: {0}")]
    Unusable(String),
    /// A file of `TOKEN_KEY_FILES`.
    #[error("TOKEN_KEY_FILES: {0} can't be used: {1}")]
    File(String, String),
    /// There are files instead of rows.
    #[error("the keys are those of TOKEN_KEY_FILES: change that list instead, the newest first, and start again")]
    InFiles,
    /// No row has this kid.
    #[error("there is no key {0}: `two-doors keys list` shows them")]
    Unknown(String),
    /// It is the active one.
    #[error(
        "key {0} signs now: make its successor with `two-doors keys rotate`, and retire it once that one is active"
    )]
    Active(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let signing = self.signing.as_ref().map(|signing| &signing.kid);
        f.debug_struct("Keyring").field("signing", &signing).finish_non_exhaustive()
    }
}

impl Keyring {
    /// The keys that are configured, at the start: those of files or those of the table, where the first one is made if there
    /// is none. Call it under the migration lock.
    pub fn open(conn: &mut diesel::PgConnection, secrets: &Secrets, config: &config::Token) -> Result<Self, Error> {
        if config.key_files.is_empty() {
            table::open(conn, secrets, config.algorithm)
        } else {
            files::open(&config.key_files)
        }
    }

    /// `signs`: the kid of the active one; `next`: when another one begins to sign.
    fn new(keys: Vec<Material>, signs: Option<&str>, next: Option<Instant>, table: Option<Table>) -> Self {
        let active = keys.iter().find(|key| Some(key.kid.as_str()) == signs);
        let signing =
            active.map(|key| Signing { kid: key.kid.clone(), algorithm: key.algorithm, key: key.signing.clone() });
        // excerpt: published
        let mut jwks = json!({ "keys": keys.iter().filter_map(|key| key.jwk.clone()).collect::<Vec<_>>() });
        if signing.as_ref().is_some_and(|signing| signing.algorithm == Algorithm::HS256) {
            jwks["note"] = json!(NO_PUBLIC_HALF);
        }
        // end excerpt
        let verifying =
            keys.into_iter().map(|key| (key.kid, VerifyingKey { algorithm: key.algorithm, verifying: key.verifying }));
        let verified = Verified::default();
        Self { signing, verifying: verifying.collect(), verified, jwks: jwks.to_string(), next, table }
    }

    /// The key that a token names.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The public keys. HS256 keys have no public half and are never among them.
    fn jwks(&self) -> Jwks {
        let until_next = self.next.map(|next| next.saturating_duration_since(Instant::now()));
        let max_age = until_next.unwrap_or(MAX_AGE).clamp(MAX_AGE_LEAST, MAX_AGE);
        Jwks { body: self.jwks.clone(), max_age: max_age.as_secs() }
    }

    pub(super) fn sign(&self, claims: &Claims) -> db::Result<String> {
        let signing =
            self.signing.as_ref().ok_or_else(|| db::Error::Unavailable("there is no signing key".to_owned()))?;
        let mut header = Header::new(signing.algorithm);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(signing.kid.clone());
        jsonwebtoken::encode(&header, claims, &signing.key)
            .map_err(|error| db::Error::Unavailable(format!("the signing key can't be used: {error}")))
    }
}

/// The keyring that an instance uses, exchanged whole when something changed.
#[derive(Debug, Clone)]
pub struct Keys(Arc<RwLock<Arc<Keyring>>>);

impl Keys {
    /// Begins with what the start found.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keyring))))
    }

    /// What is known now.
    #[must_use]
    pub fn now(&self) -> Arc<Keyring> {
        // Whoever panicked while holding the lock held a whole keyring all the time.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks something up in what is known now. Whoever changes it waits so long: only for what takes no time.
    pub(super) fn with<T>(&self, at: impl FnOnce(&Keyring) -> T) -> T {
        at(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The public keys, for whoever verifies our tokens.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        self.now().jwks()
    }

    pub(super) fn exchange(&self, keyring: Keyring) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }
}
