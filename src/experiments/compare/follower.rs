//! A service of the experiment's own that follows the feed of endings: it asks nobody about a token, and knows what ended.
//!
//! It shows the server the name and secret of our own service, which are derived from `SECRETS` as the server derives them. The
//! format of the feed is in `docs/endings.md`; `examples/resource_server` has a follower that goes on when its feed breaks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};

use crate::experiments::{client::Target, lab::Stopped};

/// How long the first snapshot may take.
const SNAPSHOT: Duration = Duration::from_secs(5);

/// A follower; dropping it ends it.
#[derive(Debug)]
pub(super) struct Follower {
    ended: Arc<Mutex<Ended>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Ended {
    families: HashSet<String>,
    users: HashMap<String, i64>,
}

/// What a follower compares.
#[derive(Debug)]
pub(super) struct Claims {
    sid: String,
    sub: String,
    ver: i64,
    exp: f64,
}

impl Follower {
    /// Connects, and waits until it knows what had ended before.
    pub async fn follow(target: &Target) -> Result<Self, Stopped> {
        let refused = || Stopped::because("the feed is for configured services only");
        let mut response = target.follow_endings().await?.ok_or_else(refused)?;
        let ended: Arc<Mutex<Ended>> = Arc::default();
        let (known, mut snapshot) = watch::channel(false);
        let told = Arc::clone(&ended);
        let task = tokio::spawn(async move {
            let (mut unread, mut name) = (String::new(), String::new());
            while let Ok(Some(chunk)) = response.chunk().await {
                unread.push_str(&String::from_utf8_lossy(&chunk));
                while let Some(end) = unread.find('\n') {
                    let line: String = unread.drain(..=end).collect();
                    match line.trim_end().split_once(':') {
                        Some(("event", event)) => event.trim().clone_into(&mut name),
                        Some(("data", data)) => told.lock().unwrap_or_else(PoisonError::into_inner).apply(&name, data),
                        _ => {}
                    }
                    if name == "snapshot-complete" {
                        known.send_replace(true);
                    }
                }
            }
        });
        let follower = Self { ended, task };
        match tokio::time::timeout(SNAPSHOT, snapshot.wait_for(|is_complete| *is_complete)).await {
            Ok(Ok(_)) => Ok(follower),
            _ => Err(Stopped::because("the feed did not say what had ended")),
        }
    }

    /// Whether the service would let a token in.
    pub fn accepts(&self, claims: &Claims) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        now < claims.exp
            && !ended.families.contains(&claims.sid)
            && ended.users.get(&claims.sub).is_none_or(|version| claims.ver >= *version)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ended {
    fn apply(&mut self, name: &str, data: &str) {
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        match name {
            "family-ended" => drop(self.families.insert(text("sid"))),
            "issued-before" => {
                let version = self.users.entry(text("sub")).or_default();
                *version = data["ver"].as_i64().unwrap_or_default().max(*version);
            }
            _ => {}
        }
    }
}

impl Claims {
    /// What a token says of itself.
    pub fn of(token: &str) -> Result<Self, Stopped> {
        let claims = claims(token)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            sid: text("sid"),
            sub: text("sub"),
            ver: claims["ver"].as_i64().unwrap_or_default(),
            exp: claims["exp"].as_f64().unwrap_or_default(),
        })
    }
}

/// The payload of a token, unverified.
pub(super) fn claims(token: &str) -> Result<Value, Stopped> {
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.ok_or_else(|| Stopped::because("the access token is no JWT"))
}
