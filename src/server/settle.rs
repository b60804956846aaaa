//! Brings copies of users' rows up to date that nobody else does: after a change from the command line, or by an instance that
//! died before it was done. Idle where no session store beside the database keeps copies.

use std::time::Duration;

use actix_web::web::Data;
use tokio::time::{MissedTickBehavior, interval};

use crate::accounts::Accounts;

/// Between two looks: as long as such a change may go unnoticed.
const EVERY: Duration = Duration::from_secs(1);

/// Looks every second, for ever. An outage only makes it wait.
pub(super) async fn for_ever(accounts: Data<Accounts>) {
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while accounts.has_copies() {
        rounds.tick().await;
        if let Err(error) = accounts.settle().await {
            tracing::debug!(%error, "the copies of users' rows wait");
        }
    }
}
