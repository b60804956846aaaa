//! What tells a row from what it was: who it is, and the transaction that made it what it is; and where it lies, by which it is
//! found faster than by any index.
//!
//! A row has a new version whenever it was changed, whoever changed it. Whoever lies at its place says by its own id and
//! transaction whether it is still the same, so no harm is done where PostgreSQL puts another row there, also where it moves
//! many at once (`VACUUM FULL`).
//!
//! Limit: transactions are counted with 32 bits, so a row must not be kept for four thousand million of them.

use std::marker::PhantomData;

use diesel::{
    AppearsOnTable, Expression, QueryResult, Queryable, SelectableExpression,
    deserialize::{self, FromSql, FromSqlRow},
    expression::{TypedExpressionType, ValidGrouping, is_aggregate},
    pg::{Pg, PgValue},
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{SingleValue, SqlType},
};
use uuid::Uuid;

/// PostgreSQL's type of `xmin`.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 28, array_oid = 1011))]
pub struct Xid;

/// PostgreSQL's type of `ctid`.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 27, array_oid = 1010))]
pub struct Tid;

/// The transaction that made a row what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, FromSqlRow)]
#[diesel(sql_type = Xid)]
pub struct Transaction([u8; 4]);

/// Where a row lies: block and number, in the order in which PostgreSQL visits them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, FromSqlRow)]
#[diesel(sql_type = Tid)]
pub struct Place([u8; 6]);

/// A row as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct Version {
    pub(super) at: Place,
    pub(super) id: Uuid,
    pub(super) by: Transaction,
}

impl Version {
    /// Whether the row is what it was, wherever it lies.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (self.id, self.by) == (other.id, other.by)
    }
}

/// What a [`Version`] is read from.
pub type VersionOf<Id> = (SystemColumn<Tid>, Id, SystemColumn<Xid>);

/// The version of a row in the table of that name, whose id is in that column.
pub const fn version_of<Id>(table: &'static str, id: Id) -> VersionOf<Id> {
    (SystemColumn::named(table, "ctid"), id, SystemColumn::xmin(table))
}

impl FromSql<Xid, Pg> for Transaction {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl ToSql<Xid, Pg> for Transaction {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl FromSql<Tid, Pg> for Place {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl ToSql<Tid, Pg> for Place {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &self.0)?;
        Ok(IsNull::No)
    }
}

/// A column that PostgreSQL gives every table. (Diesel's `sql` would have the statement prepared anew each time.)
#[derive(Debug, Clone, Copy)]
pub struct SystemColumn<T> {
    table: &'static str,
    name: &'static str,
    of: PhantomData<T>,
}

impl<T> SystemColumn<T> {
    const fn named(table: &'static str, name: &'static str) -> Self {
        Self { table, name, of: PhantomData }
    }
}

impl SystemColumn<Xid> {
    /// The transaction that made a row of that table what it is.
    pub(super) const fn xmin(table: &'static str) -> Self {
        Self::named(table, "xmin")
    }
}

impl<T: SqlType + SingleValue + TypedExpressionType> Expression for SystemColumn<T> {
    type SqlType = T;
}

impl<T> QueryFragment<Pg> for SystemColumn<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_identifier(self.table)?;
        out.push_sql(".");
        out.push_identifier(self.name)
    }
}

impl<T> QueryId for SystemColumn<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, Source> AppearsOnTable<Source> for SystemColumn<T> where Self: Expression {}

impl<T, Source> SelectableExpression<Source> for SystemColumn<T> where Self: Expression {}

impl<T> ValidGrouping<()> for SystemColumn<T> {
    type IsAggregate = is_aggregate::No;
}
