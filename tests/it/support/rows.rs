//! What a test sees of the rows, and how it ages them, so that nothing has to be waited for.

use diesel::{QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types};

use super::{TestApp, hold::Hold, postgres::TestDatabase};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    value: Option<String>,
}

/// How many logins have more than one refresh token that could be redeemed.
pub fn families_with_two_successors(database: &TestDatabase) -> i64 {
    #[derive(QueryableByName)]
    struct Families {
        #[diesel(sql_type = sql_types::BigInt)]
        count: i64,
    }
    let families: Families = sql_query(
        "SELECT count(*) FROM (SELECT FROM refresh_tokens JOIN token_families f ON f.id = family_id \
         WHERE ended_at IS NULL AND used_at IS NULL GROUP BY f.id HAVING count(*) > 1) AS several",
    )
    .get_result(&mut database.connect())
    .expect("a count");
    families.count
}

impl TestApp {
    /// Changes rows; returns how many.
    pub fn execute(&self, statement: &str) -> usize {
        sql_query(statement).execute(&mut self.connect()).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// Runs statements that return nothing, such as definitions.
    pub fn execute_all(&self, statements: &str) {
        self.connect().batch_execute(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The one value of an expression, as text; nothing for NULL.
    pub fn value(&self, expression: &str) -> String {
        let row: Row = sql_query(format!("SELECT ({expression})::text AS value"))
            .get_result(&mut self.connect())
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        row.value.unwrap_or_default()
    }

    /// How many rows there are of `FROM …`.
    pub fn count(&self, from: &str) -> u32 {
        self.value(&format!("SELECT count(*) FROM {from}")).parse().expect("a count")
    }

    /// How many sessions and families let somebody in.
    pub fn live_logins(&self) -> (u32, u32) {
        (self.count("sessions WHERE ended_at IS NULL"), self.count("token_families WHERE ended_at IS NULL"))
    }

    /// Takes a lock in a transaction of the test's own.
    pub fn hold(&self, statement: &str) -> Hold {
        Hold::take(self.connect(), self.connect(), statement)
    }
}
