//! A row in one column, sent only if it is new: what `If-None-Match` is to pages (RFC 9110, section 13.1.2).
//!
//! The caller names the versions that it has; a row whose transaction is none of them is sent whole, any other as NULL. That is
//! decided in the one statement that looks for it.

use diesel::{
    AppearsOnTable, Expression, QueryResult, Queryable, Selectable, SelectableExpression,
    deserialize::{self, FromSql, FromSqlRow},
    expression::ValidGrouping,
    pg::{Pg, PgValue},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Array, Nullable, Record, SqlType},
};

use super::version::{SystemColumn, Transaction, Xid};

/// The row of `T`, or NULL if its version is among those that are known.
pub struct IfNew<'a, T: Selectable<Pg>, Table> {
    version: SystemColumn<Xid, Table>,
    known: &'a [Transaction],
    row: T::SelectExpression,
}

/// What [`IfNew`] sends.
#[derive(Debug, FromSqlRow)]
pub struct InOneColumn<T>(pub T);

/// The rows of `T` in that table, but for those of known versions.
pub fn if_new<T: Selectable<Pg>, Table>(table: Table, known: &[Transaction]) -> IfNew<'_, T, Table> {
    IfNew { version: SystemColumn::of(table), known, row: T::construct_selection() }
}

impl<T: Selectable<Pg>, Table> Expression for IfNew<'_, T, Table>
where
    T::SelectExpression: Expression,
    <T::SelectExpression as Expression>::SqlType: SqlType,
{
    type SqlType = Nullable<Record<<T::SelectExpression as Expression>::SqlType>>;
}

impl<T: Selectable<Pg>, Table> QueryFragment<Pg> for IfNew<'_, T, Table>
where
    T::SelectExpression: QueryFragment<Pg>,
    Table: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("CASE WHEN ");
        self.version.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<Xid>, [Transaction]>(self.known)?;
        out.push_sql(") THEN NULL ELSE ROW(");
        self.row.walk_ast(out.reborrow())?;
        out.push_sql(") END");
        Ok(())
    }
}

/// Stands for [`IfNew`] in the name of a prepared statement.
#[derive(Debug)]
pub struct NameOfIfNew;

/// Whatever is known, the statement is the same.
impl<T, Table> QueryId for IfNew<'_, T, Table>
where
    T: Selectable<Pg, SelectExpression: QueryId>,
    Table: QueryId,
{
    type QueryId = (NameOfIfNew, Table::QueryId, <T::SelectExpression as QueryId>::QueryId);

    const HAS_STATIC_QUERY_ID: bool =
        Table::HAS_STATIC_QUERY_ID && <T::SelectExpression as QueryId>::HAS_STATIC_QUERY_ID;
}

impl<T: Selectable<Pg>, Table, Source> AppearsOnTable<Source> for IfNew<'_, T, Table>
where
    Self: Expression,
    T::SelectExpression: AppearsOnTable<Source>,
{
}

impl<T: Selectable<Pg>, Table, Source> SelectableExpression<Source> for IfNew<'_, T, Table>
where
    Self: AppearsOnTable<Source>,
    T::SelectExpression: SelectableExpression<Source>,
{
}

impl<T: Selectable<Pg>, Table> ValidGrouping<()> for IfNew<'_, T, Table>
where
    T::SelectExpression: ValidGrouping<()>,
{
    type IsAggregate = <T::SelectExpression as ValidGrouping<()>>::IsAggregate;
}

impl<T, Columns> FromSql<Record<Columns>, Pg> for InOneColumn<T>
where
    T: Queryable<Columns, Pg>,
    T::Row: FromSql<Record<Columns>, Pg>,
{
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(T::build(T::Row::from_sql(value)?)?))
    }
}
