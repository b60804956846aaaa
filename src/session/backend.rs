//! Where sessions are kept: rows of this database, or Redis beside it. Everybody else asks here and knows neither.
//!
//! Both keep the same promises, which one suite of tests holds for both (`tests/it/session_stores.rs`).

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    key::HashedKey,
    log_out,
    record::{self, Loaded},
    redis, renew,
};
use crate::{
    accounts::{ending::EndReason, standing::Ban},
    db::{self, Lookup, Pool},
};

/// Where sessions are kept. Cloning it is cheap and shares the connections.
#[derive(Debug, Clone)]
pub(super) enum Backend {
    /// The table `sessions`. Its look-ups are gathered, as every request makes one, and so are the notes of their use.
    Postgres(Pool, Lookup<HashedKey, Option<Loaded>>, Lookup<HashedKey, Option<OffsetDateTime>>),
    /// `SESSION_STORE=redis://…`
    Redis(Arc<redis::Store>),
}

/// What a key opens.
#[derive(Debug)]
pub(super) enum Found {
    Unknown,
    /// With the ban to tell of.
    Ended(EndReason, Option<Ban>),
    Live(Arc<Loaded>),
}

impl Found {
    /// Judges what was looked up.
    pub(super) fn of(loaded: Option<Loaded>) -> Self {
        let Some(loaded) = loaded else { return Self::Unknown };
        match loaded.end() {
            Some(reason) => Self::Ended(reason, loaded.ban()),
            None => Self::Live(Arc::new(loaded)),
        }
    }
}

impl Backend {
    /// Where the sessions are that belong to this database.
    pub(super) fn beside(pool: Pool) -> Self {
        match pool.companion::<redis::Store>() {
            Some(store) => Self::Redis(store),
            None => {
                let lookup = pool.gatherer().lookup(record::look_up());
                let note = pool.noter().lookup(|conn, keys| renew::note(conn, keys));
                Self::Postgres(pool, lookup, note)
            }
        }
    }

    /// Finds a session with its user, and notes that it is used.
    pub(super) async fn load(&self, key: HashedKey) -> db::Result<Found> {
        match self {
            Self::Postgres(pool, lookup, note) => {
                let loaded = match Found::of(lookup.ask(key).await?) {
                    Found::Live(loaded) if renew::is_due(&loaded) => loaded,
                    found => return Ok(found),
                };
                if let Some(seen_at) = note.ask(key).await? {
                    return Ok(Found::Live(renew::noted(loaded, seen_at)));
                }
                let slid = db::run(pool, move |conn| renew::slide(conn, key)).await?;
                Ok(Found::of(slid))
            }
            Self::Redis(store) => store.load(key).await,
        }
    }

    /// Writes what pages keep, into a live session; `false` if there is none.
    pub(super) async fn store_state(&self, key: HashedKey, state: serde_json::Value) -> db::Result<bool> {
        match self {
            Self::Postgres(pool, ..) => db::run(pool, move |conn| record::store_state(conn, &key, &state)).await,
            Self::Redis(store) => store.store_state(&key, &state).await,
        }
    }

    /// Whether nobody has ended a session yet.
    pub(super) async fn is_live(&self, key: HashedKey) -> db::Result<bool> {
        match self {
            Self::Postgres(pool, ..) => db::run(pool, move |conn| record::is_live(conn, &key)).await,
            Self::Redis(store) => store.is_live(&key).await,
        }
    }

    /// Ends a session outside of any transaction; `false` if it had ended already.
    pub(super) async fn end(&self, key: HashedKey, reason: EndReason) -> db::Result<bool> {
        match self {
            Self::Postgres(pool, ..) => db::run(pool, move |conn| log_out::end(conn, &key, reason)).await,
            Self::Redis(store) => store.end_now(&key, reason).await,
        }
    }
}
