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
#[derive(Debug, Clone, Copy, Queryable)]
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
pub type VersionOf<Table, Id> = (SystemColumn<Tid, Table>, Id, SystemColumn<Xid, Table>);

/// The version of a row in that table, whose id is in that column.
pub const fn version_of<Table: Copy, Id>(table: Table, id: Id) -> VersionOf<Table, Id> {
    (SystemColumn::of(table), id, SystemColumn::of(table))
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

/// A column that PostgreSQL gives every table. (With Diesel's `sql`, the statement would be prepared anew each time.)
#[derive(Debug, Clone, Copy, QueryId)]
pub struct SystemColumn<Kind, Table> {
    table: Table,
    kind: PhantomData<Kind>,
}

/// The type of a system column, by which it is told which one that is.
pub trait Named {
    /// What PostgreSQL calls it.
    const NAME: &'static str;
}

impl Named for Xid {
    const NAME: &'static str = "xmin";
}

impl Named for Tid {
    const NAME: &'static str = "ctid";
}

impl<Kind, Table> SystemColumn<Kind, Table> {
    /// Of that table.
    pub(super) const fn of(table: Table) -> Self {
        Self { table, kind: PhantomData }
    }
}

impl<Kind: SqlType + SingleValue + TypedExpressionType, Table> Expression for SystemColumn<Kind, Table> {
    type SqlType = Kind;
}

impl<Kind: Named, Table: QueryFragment<Pg>> QueryFragment<Pg> for SystemColumn<Kind, Table> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(".");
        out.push_identifier(Kind::NAME)
    }
}

impl<Kind, Table, Source> AppearsOnTable<Source> for SystemColumn<Kind, Table> where Self: Expression {}

impl<Kind, Table, Source> SelectableExpression<Source> for SystemColumn<Kind, Table> where Self: Expression {}

impl<Kind, Table> ValidGrouping<()> for SystemColumn<Kind, Table> {
    type IsAggregate = is_aggregate::No;
}
