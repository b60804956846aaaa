//! The sweeper: once a minute, what is of no more use goes.

use std::time::Duration;

use crate::{
    db::{self, Pool},
    everywhere,
};

/// Between two rounds.
const EVERY: Duration = Duration::from_mins(1);

/// Deletes what ended a day ago. An outage of the database only makes it wait.
pub(super) async fn for_ever(pool: Pool, keep: everywhere::Keep) {
    let mut rounds = tokio::time::interval(EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        match db::run_in_background(&pool, move |conn| everywhere::sweep(conn, keep)).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::warn!(%error, "the sweeper waits for the database"),
        }
    }
}
