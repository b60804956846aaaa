//! Keeps an instance's keyring up to date: one small statement a second, and a reading only when something changed.
//!
//! Limit: what changes while the database is away is learned of when it is back. Until then the instance goes on with what it
//! knows, so that an outage ends no login.

use std::time::{Duration, Instant};

use super::{Error, Keys, table::Table};
use crate::db::{self, Pool};

/// Four times as often as a new key is announced before it signs.
const EVERY: Duration = Duration::from_secs(1);
/// How much later than its moment a new key is looked at: by our clock it may come a little early.
const AFTER: Duration = Duration::from_millis(10);

impl Keys {
    /// Looks for changes for as long as the server runs. Files are read once.
    pub async fn follow(self, pool: Pool) {
        let mut is_blind = false;
        loop {
            tokio::time::sleep(self.until_the_next_look()).await;
            let Some(table) = self.now().table.clone() else { return };
            match self.look(table, &pool).await {
                Ok(()) => is_blind = false,
                // Said once, not every second.
                Err(error) if !is_blind => {
                    tracing::warn!(%error, "changes of the signing keys can't be seen; going on with those that are known");
                    is_blind = true;
                }
                Err(_) => {}
            }
        }
    }

    /// No longer than until the next key begins to sign.
    fn until_the_next_look(&self) -> Duration {
        let until_next = self.now().next.and_then(|next| next.checked_duration_since(Instant::now()));
        until_next.map_or(EVERY, |wait| EVERY.min(wait + AFTER))
    }

    async fn look(&self, table: Table, pool: &Pool) -> Result<(), Error> {
        if let Some(keyring) = db::run(pool, move |conn| table.changed(conn)).await? {
            tracing::info!(?keyring, "the signing keys changed");
            self.exchange(keyring);
        }
        Ok(())
    }
}
