//! The session store: state lives on **our** side.
//!
//! This file and `token/access.rs` are the one pair of twins that differ, and their difference is the difference between the
//! schemes: here a key is looked up in a table that we can change at any moment; there a signature is checked, and nobody asked.
//!
//! What the store may do is narrow on purpose: `load` reads a row with its user, `update` and `update_ttl` touch a live row or
//! do nothing, `save` adopts the key that a handler's transaction has inserted. A late write can never create a session.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;
use serde_json::Value;

use super::{
    Sessions,
    backend::{Backend, Found},
    key::HashedKey,
    layer::Visit,
    record::Loaded,
};
use crate::{
    accounts::ending::EndReason,
    db,
    metrics::{self, Check, Outcome},
    telemetry,
};

type State = HashMap<String, String>;

/// Where actix-identity keeps the user's id. It is read from the row's column and never from stored state.
pub(super) const IDENTITY: &str = "two_doors.user";
/// Where `log_in` leaves the new key for `save` to adopt.
pub(super) const NEW_KEY: &str = "two_doors.key";

/// The sessions, wherever they are kept.
pub(super) struct Store {
    backend: Backend,
}

impl Store {
    pub fn new(sessions: &Sessions) -> Self {
        Self { backend: sessions.backend.clone() }
    }
}

/// The store refused; the reason was left in the [`Visit`] and in the log.
#[derive(Debug, thiserror::Error)]
#[error("see the visit's failure")]
struct Refused;

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let started = std::time::Instant::now();
        let visit = Visit::present();
        let found = self.backend.load(HashedKey::of(key.as_ref())).await;
        telemetry::record_authentication(started.elapsed());
        metrics::authenticated(Check::Session, outcome(&found));
        match found {
            Ok(Found::Unknown) => Ok(None),
            // excerpt: authenticate
            Ok(Found::Ended(reason, ban)) => {
                visit.found_ended(reason, ban);
                Ok(None)
            }
            Ok(Found::Live(loaded)) => {
                let state = state_of(&loaded);
                visit.found(loaded);
                Ok(Some(state))
            }
            // end excerpt
            // excerpt: unavailable
            Err(error) => {
                visit.fail(&error);
                Err(LoadError::Other(Refused.into()))
            } // end excerpt
        }
    }

    /// Adopts the key that `log_in` inserted in the handler's transaction.
    async fn save(&self, mut state: State, _: &Duration) -> Result<SessionKey, SaveError> {
        let visit = Visit::present();
        let refused = || SaveError::Other(Refused.into());
        // excerpt: adopt
        match state.remove(NEW_KEY).filter(|_| visit.is_adopting()) {
            // Session state is JSON, and so is the key in it.
            Some(key) => {
                serde_json::from_str::<String>(&key).ok().and_then(|key| key.try_into().ok()).ok_or_else(refused)
            }
            None => {
                visit.fail(&db::Error::Query(diesel::result::Error::NotFound));
                Err(refused())
            }
        }
        // end excerpt
    }

    async fn update(&self, key: SessionKey, mut state: State, _: &Duration) -> Result<SessionKey, UpdateError> {
        let visit = Visit::present();
        state.remove(IDENTITY);
        state.remove(NEW_KEY);
        let (hash, state) = (HashedKey::of(key.as_ref()), serde_json::json!(state));
        match self.backend.store_state(hash, state).await {
            Ok(true) => {}
            Ok(false) => visit.is_late(),
            Err(error) => {
                visit.fail(&error);
                return Err(UpdateError::Other(Refused.into()));
            }
        }
        Ok(key)
    }

    /// Nothing to do: `load` slides the idle timeout, and the lifetimes are columns.
    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    /// Ends the row, if no handler has: an ended row is no error.
    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let visit = Visit::present();
        if visit.is_ended_by_handler() {
            return Ok(());
        }
        let key = HashedKey::of(key.as_ref());
        self.backend.end(key, EndReason::LoggedOut).await.map(drop).map_err(|error| {
            visit.fail(&error);
            Refused.into()
        })
    }
}

/// The free state of the row, and the user's id where actix-identity looks for it.
fn state_of(loaded: &Loaded) -> State {
    let mut state: State = match &loaded.record.state {
        Value::Object(entries) => {
            let texts = entries.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            texts.collect()
        }
        _ => State::new(),
    };
    state.insert(IDENTITY.to_owned(), format!("\"{}\"", loaded.user.id));
    state
}

fn outcome(found: &db::Result<Found>) -> Outcome {
    match found {
        Ok(Found::Live(_)) => Outcome::Accepted,
        Ok(Found::Unknown) => Outcome::Refused,
        Ok(Found::Ended(_, Some(_))) => Outcome::Banned,
        Ok(Found::Ended(_, None)) => Outcome::Ended,
        Err(_) => Outcome::Unavailable,
    }
}
