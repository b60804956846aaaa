//! A row in one column, sent only if it is new: what `If-None-Match` is to pages (RFC 9110, section 13.1.2).
//!
//! A row has a new version, told by `xmin`, whenever it was changed, whoever changed it. The caller names the versions that it has;
//! a row whose version is none of them is sent whole, any other as NULL. That is decided in the one statement that looks for it.
//!
//! Limit: versions are counted with 32 bits, so a row must not be kept for four thousand million transactions.

use diesel::{
    AppearsOnTable, Expression, QueryResult, Queryable, Selectable, SelectableExpression,
    deserialize::{self, FromSql, FromSqlRow},
    expression::{ValidGrouping, is_aggregate},
    pg::{Pg, PgValue},
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Array, Nullable, Record, SqlType},
};

/// PostgreSQL's type of `xmin`.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 28, array_oid = 1011))]
pub struct Xid;

/// The transaction that made a row what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, FromSqlRow)]
#[diesel(sql_type = Xid)]
pub struct Version([u8; 4]);

impl FromSql<Xid, Pg> for Version {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl ToSql<Xid, Pg> for Version {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &self.0)?;
        Ok(IsNull::No)
    }
}

/// The version of a row in the table of that name. (Diesel's `sql` would have the statement prepared anew each time.)
#[derive(Debug, Clone, Copy)]
pub struct VersionOf(pub &'static str);

impl Expression for VersionOf {
    type SqlType = Xid;
}

impl QueryFragment<Pg> for VersionOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_identifier(self.0)?;
        out.push_sql(".xmin");
        Ok(())
    }
}

impl QueryId for VersionOf {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Source> AppearsOnTable<Source> for VersionOf {}

impl<Source> SelectableExpression<Source> for VersionOf {}

impl ValidGrouping<()> for VersionOf {
    type IsAggregate = is_aggregate::No;
}

/// The row of `T` in the table of that name, or NULL if its version is among those that are known.
pub struct IfNew<T: Selectable<Pg>> {
    version: VersionOf,
    known: Vec<Version>,
    row: T::SelectExpression,
}

/// What [`IfNew`] sends.
#[derive(Debug, FromSqlRow)]
pub struct InOneColumn<T>(pub T);

impl<T: Selectable<Pg>> IfNew<T> {
    /// Names what is known; more versions than there are rows do no harm.
    pub fn of(table: &'static str, known: impl IntoIterator<Item = Version>) -> Self {
        let mut known: Vec<Version> = known.into_iter().collect();
        known.sort_unstable();
        known.dedup();
        Self { version: VersionOf(table), known, row: T::construct_selection() }
    }
}

impl<T: Selectable<Pg>> Expression for IfNew<T>
where
    T::SelectExpression: Expression,
    <T::SelectExpression as Expression>::SqlType: SqlType,
{
    type SqlType = Nullable<Record<<T::SelectExpression as Expression>::SqlType>>;
}

impl<T: Selectable<Pg>> QueryFragment<Pg> for IfNew<T>
where
    T::SelectExpression: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("CASE WHEN ");
        self.version.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<Xid>, Vec<Version>>(&self.known)?;
        out.push_sql(") THEN NULL ELSE ROW(");
        self.row.walk_ast(out.reborrow())?;
        out.push_sql(") END");
        Ok(())
    }
}

impl<T: Selectable<Pg>> QueryId for IfNew<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Selectable<Pg>, Source> AppearsOnTable<Source> for IfNew<T>
where
    Self: Expression,
    T::SelectExpression: AppearsOnTable<Source>,
{
}

impl<T: Selectable<Pg>, Source> SelectableExpression<Source> for IfNew<T>
where
    Self: AppearsOnTable<Source>,
    T::SelectExpression: SelectableExpression<Source>,
{
}

impl<T: Selectable<Pg>> ValidGrouping<()> for IfNew<T>
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
