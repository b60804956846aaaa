//! What ended before it expired, as the issuer's feed tells it (`docs/endings.md`): a request costs a look into memory.
//!
//! Nothing that ended begins again, so what is known goes on counting while the feed is away, the order of events does not matter
//! and one may come twice.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use serde::Deserialize;
use tokio::sync::watch;

use crate::verify::Claims;

/// How many of each kind are kept. Who can't keep all of them doesn't know what ended, and says so.
const MOST: usize = 100_000;

/// What ended, and whether that is everything.
#[derive(Default)]
pub struct Endings {
    ended: RwLock<Ended>,
    are_known: watch::Sender<bool>,
}

#[derive(Default)]
struct Ended {
    /// By `sid`, with the second from which on it may be forgotten; as for all of them.
    families: HashMap<String, i64>,
    /// By `sub`, with the lowest version that counts.
    users: HashMap<String, (i64, i64)>,
    /// By `jti`.
    tokens: HashMap<String, i64>,
}

#[derive(Deserialize)]
struct FamilyEnded {
    sid: String,
    until: i64,
}

#[derive(Deserialize)]
struct IssuedBefore {
    sub: String,
    ver: i64,
    until: i64,
}

#[derive(Deserialize)]
struct TokenDenied {
    jti: String,
    until: i64,
}

/// Why an event can't be applied: something ended, and it is not known what.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    #[error("an event that can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("more ended than can be kept")]
    Full,
}

impl Endings {
    /// Whether everything that ended more than a moment ago is known.
    pub fn are_known(&self) -> bool {
        *self.are_known.borrow()
    }

    /// Until they are.
    pub async fn wait(&self) {
        // It fails when the sender is gone, which is ourselves.
        let _ = self.are_known.subscribe().wait_for(|are_known| *are_known).await;
    }

    /// From here on something may end unheard. Whether that is news.
    pub fn lose(&self) -> bool {
        self.are_known.send_replace(false)
    }

    /// Whether one of them ends this token.
    pub fn end(&self, claims: &Claims) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.families.contains_key(&claims.sid)
            || ended.users.get(&claims.sub).is_some_and(|(version, _)| claims.ver < *version)
            || ended.tokens.contains_key(&claims.jti)
    }

    /// Takes an event of the feed. One with another name ends no access token.
    pub fn apply(&self, name: &str, data: &str) -> Result<(), Unknown> {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        match name {
            "family-ended" => {
                let FamilyEnded { sid, until } = serde_json::from_str(data)?;
                ended.families.insert(sid, until);
            }
            "issued-before" => {
                let IssuedBefore { sub, ver, until } = serde_json::from_str(data)?;
                let known = ended.users.entry(sub).or_default();
                *known = (known.0.max(ver), known.1.max(until));
            }
            "token-denied" => {
                let TokenDenied { jti, until } = serde_json::from_str(data)?;
                ended.tokens.insert(jti, until);
            }
            "snapshot-complete" => drop(self.are_known.send_replace(true)),
            _ => {}
        }
        let is_full = |ended: &Ended| ended.families.len().max(ended.users.len()).max(ended.tokens.len()) > MOST;
        if is_full(&ended) {
            ended.forget();
        }
        if is_full(&ended) { Err(Unknown::Full) } else { Ok(()) }
    }

    /// Forgets what no living token needs.
    pub fn forget(&self) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).forget();
    }
}

impl Ended {
    /// By the clock that also says whether a token has expired: where it is wrong, it is wrong for both.
    fn forget(&mut self) {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        self.families.retain(|_, until| *until > now);
        self.users.retain(|_, (_, until)| *until > now);
        self.tokens.retain(|_, until| *until > now);
    }
}
