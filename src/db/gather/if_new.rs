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

use super::{
    as_before::Known,
    version::{SystemColumn, Transaction, Xid},
};

/// The row of `T` in the table of that name, or NULL if its version is among those that are known.
pub struct IfNew<'a, T: Selectable<Pg>> {
    version: SystemColumn<Xid>,
    known: &'a [Transaction],
    row: T::SelectExpression,
}

/// What [`IfNew`] sends.
#[derive(Debug, FromSqlRow)]
pub struct InOneColumn<T>(pub T);

impl<'a, T: Selectable<Pg>> IfNew<'a, T> {
    /// Names what is known; more versions than there are rows do no harm.
    #[must_use]
    pub fn of(table: &'static str, known: &'a Known) -> Self {
        Self { version: SystemColumn::xmin(table), known: &known.by, row: T::construct_selection() }
    }
}

impl<T: Selectable<Pg>> Expression for IfNew<'_, T>
where
    T::SelectExpression: Expression,
    <T::SelectExpression as Expression>::SqlType: SqlType,
{
    type SqlType = Nullable<Record<<T::SelectExpression as Expression>::SqlType>>;
}

impl<T: Selectable<Pg>> QueryFragment<Pg> for IfNew<'_, T>
where
    T::SelectExpression: QueryFragment<Pg>,
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

impl<T: Selectable<Pg>> QueryId for IfNew<'_, T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Selectable<Pg>, Source> AppearsOnTable<Source> for IfNew<'_, T>
where
    Self: Expression,
    T::SelectExpression: AppearsOnTable<Source>,
{
}

impl<T: Selectable<Pg>, Source> SelectableExpression<Source> for IfNew<'_, T>
where
    Self: AppearsOnTable<Source>,
    T::SelectExpression: SelectableExpression<Source>,
{
}

impl<T: Selectable<Pg>> ValidGrouping<()> for IfNew<'_, T>
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
