//! Brings the schema up to date, one instance at a time.
//!
//! Ten instances may start at once: an advisory lock lets the first one work while the others wait and then find nothing to
//! do. A role that may not change the schema (`MIGRATE=off`) only looks whether something is missing.

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Error, Result, connection::with_timeouts};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Any number will do, so long as nobody else in this database uses it: the letters "two-door".
const LOCK: i64 = i64::from_be_bytes(*b"two-door");

/// Runs the pending migrations.
pub fn migrate(url: &str) -> Result<()> {
    let mut conn = connect(url)?;
    exclusively(&mut conn, |conn| {
        let ran = conn.run_pending_migrations(MIGRATIONS).map_err(|error| {
            Error::Unavailable(format!("a migration failed and the schema stays as it was: {error}"))
        })?;
        if !ran.is_empty() {
            tracing::info!(count = ran.len(), "the schema was brought up to date");
        }
        Ok(())
    })
}

/// How many migrations are pending; looks only.
pub fn pending(url: &str) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let mut conn = connect(url)?;
    // `MigrationHarness` would create its table here, which a role without that right can't even where it exists.
    let exists: i64 = diesel::select(diesel::dsl::sql::<BigInt>(
        "(SELECT count(*) FROM pg_tables WHERE tablename = '__diesel_schema_migrations' AND schemaname = ANY (current_schemas(false)))",
    ))
    .get_result(&mut conn)?;
    let applied: Vec<Applied> = if exists == 0 {
        Vec::new()
    } else {
        sql_query("SELECT version FROM __diesel_schema_migrations").load(&mut conn)?
    };
    let known = diesel::migration::MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    let is_applied = |version: String| applied.iter().any(|applied| applied.version == version);
    Ok(known.iter().filter(|migration| !is_applied(migration.name().version().to_string())).count())
}

/// Runs `work` while no other instance does, in this connection's session.
pub fn exclusively<T, E: From<Error>>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).map_err(Error::from)?;
    let result = work(conn);
    sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK).execute(conn).map_err(Error::from)?;
    result
}

/// A connection of its own, beside the pool: for the start and for migrations.
pub fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::establish(&with_timeouts(url)).map_err(|error| Error::no_connection(&error))
}
