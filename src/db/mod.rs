//! The way to the database: a pool, and [`run`], the only place where a thread waits for Diesel.
//!
//! Diesel blocks, Actix must not: every statement runs in `web::block`, with a deadline of our own around it, as a frozen
//! server enforces no timeout and libpq waits for ever. A request has that time once, however often it asks. Before the
//! connections is a bounded queue (`queue`), so that overload is a quick refusal. An outage opens a breaker (`outage`): from
//! then on requests are refused at once, while a thread of its own knocks until the server answers again. No restart is
//! needed.
//!
//! What every request asks goes another way: over one connection that all share (`gather`).
//!
//! Promise: [`Error::absence`] means that nobody knows, never "no such row"; its callers answer 503.
//! Limit: a statement that was cut off at its deadline may still have been carried out.

pub mod companion;
mod connection;
mod count;
mod error;
pub mod gather;
mod grants;
mod migrate;
mod outage;
pub mod pool;
pub mod private_postgres;
mod queue;
#[allow(missing_docs)]
#[rustfmt::skip]
pub mod schema;

use std::time::{Duration, Instant};

use actix_web::web;
use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

pub use self::{
    companion::companion,
    error::{Absence, Error, Result, speaks_english},
    gather::{Asking, Lookup},
    grants::grant,
    migrate::{connect, exclusively, migrate, pending},
    pool::Pool,
};
use crate::{metrics, telemetry};

/// What nobody waits for may take so long, in each statement.
const BACKGROUND: Duration = Duration::from_secs(30);
/// So much later its answer is missed: PostgreSQL itself has cut it off by then, unless it is gone.
const AT_LAST: Duration = Duration::from_secs(32);

/// Runs `work` with a connection of the pool, on a thread that may block.
///
/// # Errors
///
/// An [`Error::absence`] at once during an outage, or when the request has waited for the database as long as it may;
/// otherwise what `work` says.
pub async fn run<T, E>(
    pool: &Pool,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    // In a box, as it is as long as what `work` holds, and whoever might ask would be as long.
    in_time(pool, Box::pin(in_turn(pool, work))).await
}

/// Waits for an answer of the database for as long as the present request may. Whatever asks otherwise than by [`run`], such as
/// one statement for several requests, is waited for by this, in each of the requests; and [`metrics::gathered`] counts them.
///
/// # Errors
///
/// As [`run`].
pub async fn in_time<T, E: From<Error>>(pool: &Pool, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let left = pool.deadline().saturating_sub(telemetry::waited());
    if left.is_zero() {
        pool.outage().check()?;
        // No silence of the database: it was not given any time.
        metrics::database_refused("overload");
        return Err(Error::Overloaded.into());
    }
    let began = Instant::now();
    let result = within(pool, left, answer).await;
    telemetry::record_wait(began.elapsed());
    result
}

/// [`run`] for a statement that no request waits for: with half a minute.
pub async fn run_in_background<T, E>(
    pool: &Pool,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let usual = pool.statement_timeout();
    let patient = move |conn: &mut PgConnection| {
        set_statement_timeout(conn, BACKGROUND)?;
        let result = work(conn);
        set_statement_timeout(conn, usual)?;
        result
    };
    within(pool, AT_LAST, in_turn(pool, patient)).await
}

fn set_statement_timeout(conn: &mut PgConnection, most: Duration) -> Result<()> {
    Ok(conn.batch_execute(&format!("SET statement_timeout = {}", most.as_millis()))?)
}

async fn within<T, E: From<Error>>(
    pool: &Pool,
    deadline: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    pool.outage().check()?;
    tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| Err(pool.outage().late().into()))
}

/// Runs `work` when there is a connection for it.
async fn in_turn<T, E>(
    pool: &Pool,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let began = Instant::now();
    let place = pool.place().await.inspect_err(|error| {
        metrics::database_refused(if matches!(error, Error::Overloaded) { "overload" } else { "outage" });
    })?;
    metrics::database_waited(began.elapsed());
    let lost = |_| Error::Unavailable("the thread that asked was lost".to_owned());
    let (result, counted) = web::block(move || place.with(work)).await.map_err(lost)?;
    telemetry::record_sql(counted.statements, counted.time);
    result
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

/// So much a clock that is put right may go back. What happened later than now, by more, tells nothing of how long ago it was.
pub const SET_BACK: time::Duration = time::Duration::minutes(-1);

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
    /// The earlier of two instants.
    fn least(one: diesel::sql_types::Timestamptz, other: diesel::sql_types::Timestamptz) -> diesel::sql_types::Timestamptz;
}

diesel::define_sql_function! {
    /// One of a list. As a statement with it is the same for lists of any length, it need not be put together to be found among
    /// the prepared ones, which `eq_any` needs.
    fn any<T: diesel::sql_types::SqlType + diesel::sql_types::SingleValue>(list: diesel::sql_types::Array<T>) -> T;
}

diesel::define_sql_function! {
    /// The store's clock at this very statement; `now()` stands still for a whole transaction, however long it waited.
    fn clock_timestamp() -> diesel::sql_types::Timestamptz;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::telemetry::Measuring;

    #[actix_web::test]
    async fn a_request_that_has_no_time_left_is_refused_and_no_outage_suspected() {
        let pool = Pool::new("postgres://nowhere", 1, Duration::from_secs(1)).expect("not asked");
        let asked = async {
            telemetry::record_wait(Duration::from_secs(1));
            in_time(&pool, pending::<Result<()>>()).await
        };
        let answer = Measuring::begin(&TestRequest::default().to_srv_request()).scope(asked).await;
        assert!(matches!(answer, Err(Error::Overloaded)), "{answer:?}");
        assert!(pool.outage().check().is_ok());
    }
}
