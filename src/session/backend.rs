//! Where sessions are kept: rows of this database, or Redis beside it. Everybody else asks here and knows neither.
//!
//! Both keep the same promises, which one suite of tests holds for both (`tests/it/session_stores.rs`).

use std::sync::Arc;

use super::{
    log_out,
    record::{self, HashedKey, Loaded},
    redis, renew,
};
use crate::{
    accounts::{ending::EndReason, standing::Ban},
    db::{self, Pool},
};

/// Where sessions are kept. Cloning it is cheap and shares the connections.
#[derive(Debug, Clone)]
pub(super) enum Backend {
    /// The table `sessions`.
    Postgres(Pool),
    /// `SESSION_STORE=redis://…`
    Redis(Arc<redis::Store>),
}

/// What a key opens.
#[derive(Debug)]
pub(super) enum Found {
    Unknown,
    /// With the ban to tell of.
    Ended(EndReason, Option<Ban>),
    Live(Box<Loaded>),
}

impl From<Loaded> for Found {
    fn from(loaded: Loaded) -> Self {
        match loaded.end() {
            Some(reason) => Self::Ended(reason, loaded.ban()),
            None => Self::Live(Box::new(loaded)),
        }
    }
}

impl Backend {
    /// Where the sessions are that belong to this database.
    pub(super) fn beside(pool: Pool) -> Self {
        match pool.companion::<redis::Store>() {
            Some(store) => Self::Redis(store),
            None => Self::Postgres(pool),
        }
    }

    /// Finds a session with its user, and notes that it is used.
    pub(super) async fn load(&self, key: HashedKey) -> db::Result<Found> {
        match self {
            Self::Postgres(pool) => {
                let found = db::run(pool, |conn| match record::load(conn, key)? {
                    Some(loaded) if loaded.end().is_none() => renew::slide(conn, loaded).map(Some),
                    found => Ok::<_, db::Error>(found),
                });
                Ok(found.await?.map_or(Found::Unknown, Found::from))
            }
            Self::Redis(store) => store.load(key).await,
        }
    }

    /// Writes what pages keep, into a live session; `false` if there is none.
    pub(super) async fn store_state(&self, key: HashedKey, state: serde_json::Value) -> db::Result<bool> {
        match self {
            Self::Postgres(pool) => db::run(pool, move |conn| record::store_state(conn, &key, &state)).await,
            Self::Redis(store) => store.store_state(&key, &state).await,
        }
    }

    /// Whether nobody has ended a session yet.
    pub(super) async fn is_live(&self, key: HashedKey) -> db::Result<bool> {
        match self {
            Self::Postgres(pool) => db::run(pool, move |conn| record::is_live(conn, &key)).await,
            Self::Redis(store) => store.is_live(&key).await,
        }
    }

    /// Ends a session outside of any transaction; `false` if it had ended already.
    pub(super) async fn end(&self, key: HashedKey, reason: EndReason) -> db::Result<bool> {
        match self {
            Self::Postgres(pool) => db::run(pool, move |conn| log_out::end(conn, &key, reason)).await,
            Self::Redis(store) => store.end_now(&key, reason).await,
        }
    }
}
