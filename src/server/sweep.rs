//! The sweeper: once a minute, and for as long as there is more, what is of no more use goes.

use std::time::Duration;

use crate::{
    db::{self, Pool},
    everywhere,
};

/// Between two rounds.
const EVERY: Duration = Duration::from_mins(1);

/// Each kind has a time of its own, so that one that takes too long keeps no other from it. An outage of the database only
/// makes it wait.
pub(super) async fn for_ever(pool: Pool, keep: everywhere::Keep) {
    let mut rounds = tokio::time::interval(EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        for sweep in everywhere::SWEEPS {
            match db::run_in_background(&pool, move |conn| sweep(conn, keep)).await {
                Ok(0) => {}
                Ok(rows) => {
                    tracing::debug!(rows, "swept");
                    if rows >= everywhere::SWEPT_AT_ONCE {
                        rounds.reset_immediately();
                    }
                }
                Err(error) => tracing::warn!(%error, "the sweeper waits for the database"),
            }
        }
    }
}
