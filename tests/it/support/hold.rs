//! Locks that a test holds so that requests queue behind them: races without luck.

use std::time::{Duration, Instant};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types,
};

/// Shorter than the server's own statement timeout, which would answer in the request's place.
const WITHIN: Duration = Duration::from_secs(20);

/// A lock that is held until it is released or dropped.
pub struct Hold {
    holder: PgConnection,
    // Within a transaction Postgres shows the same activity again and again.
    watcher: PgConnection,
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = sql_types::BigInt)]
    count: i64,
}

impl Hold {
    pub fn take(mut holder: PgConnection, watcher: PgConnection, statement: &str) -> Self {
        holder.batch_execute(&format!("BEGIN; {statement}")).unwrap_or_else(|error| panic!("{statement}: {error}"));
        Self { holder, watcher }
    }

    /// Returns when so many of the server's statements wait for a lock.
    pub async fn until_waiting(&mut self, requests: i64) {
        let began = Instant::now();
        loop {
            let waiting: Waiting = sql_query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'two-doors' AND wait_event_type = 'Lock'",
            )
            .get_result(&mut self.watcher)
            .expect("the activity");
            if waiting.count == requests {
                return;
            }
            assert!(began.elapsed() < WITHIN, "{} of {requests} requests wait for the lock", waiting.count);
            // Gives the requests, which run on this very thread, their turn.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends the connections of the server that wait for a lock, as a crash in the middle would.
    pub fn kill_waiting(&mut self) {
        self.watcher
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'two-doors' AND wait_event_type = 'Lock'",
            )
            .expect("the tests' user may end connections");
    }

    /// Lets everybody go on, after what the test wrote meanwhile.
    pub fn commit(mut self) {
        self.holder.batch_execute("COMMIT").expect("committed");
    }

    /// Lets everybody go on; what the test wrote meanwhile is taken back.
    pub fn release(mut self) {
        self.holder.batch_execute("ROLLBACK").expect("rolled back");
    }
}
