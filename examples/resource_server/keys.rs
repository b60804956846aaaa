//! The issuer's public keys: fetched when they are needed, kept as long as they may be.
//!
//! A `kid` that is not among them may be that of a new key, or made up by anybody: it leads to a look-up, of which there is at
//! most one at a time and one in `look_every`. While the issuer can't be reached, the keys that are known go on counting; it
//! is asked for two seconds at most.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet},
};

/// The issuer is asked for no longer than this: somebody waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// A public key, and the one algorithm that it is for.
pub struct Key {
    pub algorithm: Algorithm,
    pub verifying: DecodingKey,
}

/// The keys that are known, and when to look again.
pub struct Keys {
    http: reqwest::Client,
    url: String,
    keep: Duration,
    look_every: Duration,
    known: RwLock<Known>,
    /// When somebody last looked; who holds it is looking.
    looked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    /// Until when they may be used without looking.
    fresh_until: Option<Instant>,
}

impl Keys {
    /// Knows none until the first token comes.
    pub fn new(url: String, keep: Duration, look_every: Duration) -> reqwest::Result<Arc<Self>> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let (known, looked) = (RwLock::default(), tokio::sync::Mutex::default());
        Ok(Arc::new(Self { http, url, keep, look_every, known, looked }))
    }

    /// The key with this name.
    pub async fn find(self: &Arc<Self>, kid: &str) -> Option<Arc<Key>> {
        if let Some(key) = self.fresh(kid) {
            return Some(key);
        }
        // It goes on when whoever asked goes away, so that nobody can have it begun and not carried out.
        let _ = tokio::spawn(Arc::clone(self).look()).await;
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    fn fresh(&self, kid: &str) -> Option<Arc<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = known.fresh_until.is_some_and(|until| Instant::now() < until);
        if is_fresh { known.keys.get(kid).cloned() } else { None }
    }

    /// Asks the issuer, unless somebody did just now: then that answer has to do.
    async fn look(self: Arc<Self>) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < self.look_every) {
            return;
        }
        *looked = Some(Instant::now());
        match self.fetch().await {
            Ok(known) => *self.known.write().unwrap_or_else(PoisonError::into_inner) = known,
            Err(error) => eprintln!("the keys can't be fetched, going on with those that are known: {error}"),
        }
    }

    async fn fetch(&self) -> reqwest::Result<Known> {
        let response = self.http.get(&self.url).send().await?.error_for_status()?;
        let cache_control = response.headers().get("cache-control").and_then(|value| value.to_str().ok());
        let allowed = cache_control.and_then(max_age).unwrap_or(Duration::ZERO).min(self.keep);
        let set: JwkSet = response.json().await?;
        let keys = set.keys.iter().filter_map(usable).collect();
        Ok(Known { keys, fresh_until: Instant::now().checked_add(allowed) })
    }
}

fn max_age(cache_control: &str) -> Option<Duration> {
    let seconds = cache_control.split(',').find_map(|directive| directive.trim().strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// A key that names itself and its algorithm. A shared secret in a public place is none.
fn usable(jwk: &Jwk) -> Option<(String, Arc<Key>)> {
    let algorithm = Algorithm::try_from(jwk.common.key_algorithm?).ok()?;
    if !matches!(algorithm, Algorithm::ES256 | Algorithm::EdDSA | Algorithm::RS256) {
        return None;
    }
    let verifying = DecodingKey::from_jwk(jwk).ok()?;
    Some((jwk.common.key_id.clone()?, Arc::new(Key { algorithm, verifying })))
}
