//! A database that can't be reached for a while: it lets nobody in, and whoever was in is thrown out.

use std::time::{Duration, Instant};

use diesel::{PgConnection, connection::SimpleConnection as _};

use super::{TestApp, postgres::TestDatabase};

/// An outage; it lasts until it is ended.
pub struct Outage<'a> {
    app: &'a TestApp,
    conn: PgConnection,
    name: String,
}

impl TestApp {
    /// Takes the database away.
    pub fn outage(&self) -> Outage<'_> {
        let name = self.value("SELECT current_database()");
        let mut conn = TestDatabase::administrator();
        // The statements must not share a transaction: others have to see the first.
        for statement in [
            format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
        ] {
            conn.batch_execute(&statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        Outage { app: self, conn, name }
    }

    /// Returns when the server has noticed that its database answers.
    pub async fn until_ready(&self) {
        let began = Instant::now();
        while self.request("GET", "/readyz", &[], "").await.status != 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "the server does not find its database again");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Outage<'_> {
    /// Brings the database back, and waits until the server has noticed.
    pub async fn end(mut self) {
        self.conn
            .batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name))
            .expect("the database lets people in again");
        self.app.until_ready().await;
    }
}
