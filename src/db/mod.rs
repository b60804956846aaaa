//! The way to the database: a pool, and [`run`], the only place where a thread waits for Diesel.
//!
//! Diesel blocks, Actix must not: every statement runs in `web::block`, with a deadline of our own around it, as a frozen
//! server enforces no timeout and libpq waits for ever. The first sign of an outage opens a breaker (`outage`): from then
//! on requests are refused at once, while a thread of its own knocks until the server answers again. No restart is needed.
//!
//! Promise: [`Error::Unavailable`] means that nobody knows, never "no such row"; its callers answer 503.
//! Limit: a statement that was cut off at its deadline may still have been carried out.

mod count;
mod grants;
mod migrate;
mod outage;
pub mod pool;
pub mod private_postgres;
#[allow(missing_docs)]
#[rustfmt::skip]
pub mod schema;

use std::time::Duration;

use actix_web::web;
use diesel::{Connection as _, PgConnection, result::DatabaseErrorKind};

pub use self::{
    grants::grant,
    migrate::{connect, exclusively, migrate, pending},
    pool::Pool,
};

/// How long a request waits for its work in the database, the queue for a connection included.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Why the database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be reached, is starting, or did not answer in time: to be tried again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// It refused the statement.
    #[error("the database refused: {0}")]
    Query(#[source] diesel::result::Error),
}

/// What the queries of this crate answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::Error as Diesel;
        let unavailable = match &error {
            Diesel::DatabaseError(kind, about) => match kind {
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::SerializationFailure => true,
                _ => ["statement timeout", "lock timeout", "deadlock", "terminating connection"]
                    .iter()
                    .any(|sign| about.message().contains(sign)),
            },
            Diesel::BrokenTransactionManager => true,
            _ => false,
        };
        if unavailable { Self::Unavailable(error.to_string()) } else { Self::Query(error) }
    }
}

impl Error {
    /// There is no connection; libpq says why in several lines, whoever starts the server is told in one.
    #[must_use]
    pub fn no_connection(error: &diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether a row that must be unique was there already.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query(diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}

/// Runs `work` with a connection of the pool, on a thread that may block.
///
/// # Errors
///
/// [`Error::Unavailable`] at once during an outage, or when [`DEADLINE`] has passed; otherwise what `work` says.
pub async fn run<T, E>(
    pool: &Pool,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    pool.outage().check()?;
    let inner = pool.clone();
    let block = web::block(move || inner.with(work));
    match tokio::time::timeout(DEADLINE, block).await {
        Ok(Ok((result, counted))) => {
            crate::telemetry::record_sql(counted.statements, counted.time);
            result
        }
        Ok(Err(_)) => Err(Error::Unavailable("the thread that asked was lost".to_owned()).into()),
        Err(_) => {
            pool.outage().begin("no answer within the deadline");
            Err(Error::Unavailable("no answer within the deadline".to_owned()).into())
        }
    }
}

/// [`run`] inside one transaction: an `Err` takes everything back.
pub async fn transaction<T, E>(
    pool: &Pool,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + From<diesel::result::Error> + Send + 'static,
{
    run(pool, |conn| conn.transaction(work)).await
}

/// `clock_timestamp()` and an interval, which Diesel's own operators don't know.
mod after {
    diesel::infix_operator!(After, " + ", diesel::sql_types::Timestamptz, backend: diesel::pg::Pg);
}

/// An instant so many seconds from now, or before now if negative, by the store's clock.
#[must_use]
pub fn from_now(
    seconds: i64,
) -> after::After<clock_timestamp, diesel::dsl::AsExprOf<diesel::data_types::PgInterval, diesel::sql_types::Interval>> {
    use diesel::{IntoSql as _, dsl::IntervalDsl as _};
    after::After::new(clock_timestamp(), seconds.seconds().into_sql::<diesel::sql_types::Interval>())
}

diesel::define_sql_function! {
    /// The store's clock at this very statement; `now()` stands still for a whole transaction, however long it waited.
    fn clock_timestamp() -> diesel::sql_types::Timestamptz;
}
