//! Brings the schema up to date, one instance at a time.
//!
//! Ten instances may start at once: an advisory lock lets the first one work while the others wait and then find nothing to
//! do. Where nothing is missing, to look is all: a role that may not change the schema gets that far, and with `MIGRATE=off` no
//! further.

use std::{thread, time::Duration};

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _,
    connection::SimpleConnection as _,
    sql_query,
    sql_types::{BigInt, Bool, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Error, Result, connection::with_timeouts, error::speaks_english};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// How long a migration may wait for a lock: far below what requests have for their statements.
const LOCK_WAIT: Duration = Duration::from_millis(100);
/// How long it then lets others pass.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// How often it tries again.
const TRIES: u32 = 120;

/// Any number will do, so long as nobody else in this database uses it: the letters "two-door".
const LOCK: i64 = i64::from_be_bytes(*b"two-door");

/// Runs the pending migrations.
pub fn migrate(url: &str) -> Result<()> {
    let mut conn = connect(url)?;
    if count_pending(&mut conn)? == 0 {
        return Ok(());
    }
    exclusively(&mut conn, |conn| {
        // Whoever comes after a statement that waits for a lock waits behind it, the version that still runs among them.
        if speaks_english(conn)? {
            conn.batch_execute(&format!("SET lock_timeout = {}", LOCK_WAIT.as_millis()))?;
        }
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::Unavailable(format!("a migration failed and the schema stays as it was: {error}"))
        };
        let (mut count, mut tries) = (0, 0);
        while conn.has_pending_migration(MIGRATIONS).map_err(failed)? {
            match conn.run_next_migration(MIGRATIONS) {
                Ok(_) => count += 1,
                Err(error) if tries < TRIES && error.to_string().contains("lock timeout") => {
                    tries += 1;
                    tracing::warn!("a migration waits for a lock, and lets others pass meanwhile");
                    thread::sleep(BETWEEN_TRIES);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        if count > 0 {
            tracing::info!(count, "the schema was brought up to date");
        }
        Ok(())
    })
}

/// How many migrations are pending; looks only.
pub fn pending(url: &str) -> Result<usize> {
    count_pending(&mut connect(url)?)
}

fn count_pending(conn: &mut PgConnection) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    // `MigrationHarness` would create its table here, which a role without that right can't even where it exists.
    let exists: i64 = diesel::select(diesel::dsl::sql::<BigInt>(
        "(SELECT count(*) FROM pg_tables WHERE tablename = '__diesel_schema_migrations' AND schemaname = ANY (current_schemas(false)))",
    ))
    .get_result(conn)?;
    let applied: Vec<Applied> = if exists == 0 {
        Vec::new()
    } else {
        sql_query("SELECT version FROM __diesel_schema_migrations").load(conn)?
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
    let ask = diesel::dsl::sql::<Bool>("pg_try_advisory_lock(").bind::<BigInt, _>(LOCK).sql(")");
    if !diesel::select(ask).get_result(conn).map_err(Error::from)? {
        tracing::info!("another instance prepares the database; waiting for it");
        sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).map_err(Error::from)?;
    }
    let result = work(conn);
    sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK).execute(conn).map_err(Error::from)?;
    result
}

/// A connection of its own, beside the pool: for the start and for migrations.
pub fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::establish(&with_timeouts(url)).map_err(|error| Error::no_connection(&error))
}
