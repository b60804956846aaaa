//! Asks whether rows are as they were, and only if they are not, for the rows.
//!
//! Nearly always nothing has changed. So a statement looks first at the places where the rows lay: there is no index on the way,
//! and one answer does for all of them. Where a row lies there no more, or another one does, the same statement finds all of
//! them by their keys. So it takes one statement, which sees one state of the database, whatever has changed. For a few rows
//! that costs more than it spares, and they are found by their keys at once.

use diesel::{
    AppearsOnTable, Column, Expression, PgConnection, QueryResult, RunQueryDsl,
    expression::{NonAggregate, SelectableExpression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{self, Array, Bool, HasSqlType, Nullable, SqlType, is_nullable::NotNull},
};
use uuid::Uuid;

use super::version::{Place, Tid, Transaction, Version, Xid};

/// For how many it is worth while to look first whether they are as they were.
const LEAST: usize = 3;

/// What is known of a table's rows, in the order of their places, in which they are visited.
#[derive(Debug, Default)]
pub struct Known {
    at: Vec<Place>,
    ids: Vec<Uuid>,
    pub(super) by: Vec<Transaction>,
}

/// Keys, and what is known of what they lead to: rows of one table, and rows of another that belong to them.
#[derive(Debug)]
pub struct Asked<'a, K> {
    /// All keys.
    pub keys: &'a [K],
    /// Those of which nothing is known.
    pub new: Vec<K>,
    /// Of the rows that the others lead to.
    pub known: (Known, Known),
}

impl FromIterator<Version> for Known {
    fn from_iter<T: IntoIterator<Item = Version>>(versions: T) -> Self {
        let mut versions: Vec<Version> = versions.into_iter().collect();
        versions.sort_unstable();
        // Several sessions have the same user. (Two rows at one place are no repetition: one of them is gone.)
        versions.dedup();
        Self {
            at: versions.iter().map(|version| version.at).collect(),
            ids: versions.iter().map(|version| version.id).collect(),
            by: versions.iter().map(|version| version.by).collect(),
        }
    }
}

impl Known {
    /// Whether the rows of the table of that name are as they were. (If nothing is known, it is not known.)
    fn walk<'b>(&'b self, table: &'static str, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT array_agg(id) = ");
        out.push_bind_param::<Array<sql_types::Uuid>, Vec<Uuid>>(&self.ids)?;
        out.push_sql(" AND array_agg(xmin) = ");
        out.push_bind_param::<Array<Xid>, Vec<Transaction>>(&self.by)?;
        out.push_sql(" FROM ");
        out.push_identifier(table)?;
        out.push_sql(" WHERE ctid = ANY(");
        out.push_bind_param::<Array<Tid>, Vec<Place>>(&self.at)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<'a, K> Asked<'a, K> {
    /// Keys that are asked for whatever is known.
    #[must_use]
    pub fn anew(keys: &'a [K]) -> Self {
        Self { keys, new: Vec::new(), known: (Known::default(), Known::default()) }
    }

    fn looks_first(&self) -> bool {
        self.known.0.at.len() >= LEAST
    }

    /// Whether a column holds one of the keys; of the known ones, if anything has changed. To be used within
    /// [`Asked::statement`].
    pub fn leads_to<C: Column>(&self, column: C) -> LeadsTo<'_, C, K> {
        LeadsTo { column, keys: self.keys, new: self.looks_first().then_some(&self.new) }
    }

    /// First whether the rows of the tables of those names are as they were, and something that is never remembered, such as
    /// the database's clock; then, as far as there are any, `rows`: which they are, and the rows of either table.
    pub fn statement<'b, S, Rows>(
        &'b self,
        tables: (&'static str, &'static str),
        said: S,
        rows: Rows,
    ) -> Statement<'b, S, Rows> {
        Statement { tables, known: self.looks_first().then_some(&self.known), said, rows }
    }
}

/// See [`Asked::leads_to`].
pub struct LeadsTo<'a, C, K> {
    column: C,
    keys: &'a [K],
    /// Those that are looked for in any case; `None` if it is not asked first whether the others are as they were.
    new: Option<&'a Vec<K>>,
}

impl<C, K> Expression for LeadsTo<'_, C, K> {
    type SqlType = Bool;
}

impl<C, K, T> QueryFragment<Pg> for LeadsTo<'_, C, K>
where
    C: Column + Expression<SqlType = T> + QueryFragment<Pg>,
    T: SqlType,
    Array<T>: SqlType,
    [K]: ToSql<Array<T>, Pg>,
    Pg: HasSqlType<Array<T>>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        if let Some(new) = self.new {
            out.push_sql("CASE WHEN (SELECT same FROM as_before) THEN ");
            out.push_bind_param::<Array<T>, [K]>(new)?;
            out.push_sql(" ELSE ");
        }
        out.push_bind_param::<Array<T>, [K]>(self.keys)?;
        out.push_sql(if self.new.is_some() { " END)" } else { ")" });
        Ok(())
    }
}

impl<C, K> QueryId for LeadsTo<'_, C, K> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: AppearsOnTable<Source>, K, Source> AppearsOnTable<Source> for LeadsTo<'_, C, K> {}

impl<C: SelectableExpression<Source>, K, Source> SelectableExpression<Source> for LeadsTo<'_, C, K> {}

impl<C: NonAggregate, K> ValidGrouping<()> for LeadsTo<'_, C, K> {
    type IsAggregate = is_aggregate::No;
}

/// See [`Asked::statement`].
pub struct Statement<'a, S, Rows> {
    tables: (&'static str, &'static str),
    known: Option<&'a (Known, Known)>,
    said: S,
    rows: Rows,
}

impl<S: QueryFragment<Pg>, Rows: QueryFragment<Pg>> QueryFragment<Pg> for Statement<'_, S, Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((first, second)) = self.known else {
            out.push_sql("SELECT FALSE, ");
            self.said.walk_ast(out.reborrow())?;
            out.push_sql(", found.* FROM (");
            self.rows.walk_ast(out.reborrow())?;
            out.push_sql(") AS found");
            return Ok(());
        };
        out.push_sql("WITH as_before AS MATERIALIZED (SELECT (");
        first.walk(self.tables.0, out.reborrow())?;
        out.push_sql(" AND ");
        second.walk(self.tables.1, out.reborrow())?;
        out.push_sql(") IS TRUE AS same) SELECT as_before.same, ");
        self.said.walk_ast(out.reborrow())?;
        out.push_sql(", found.* FROM as_before LEFT JOIN (");
        self.rows.walk_ast(out.reborrow())?;
        out.push_sql(") AS found ON TRUE");
        Ok(())
    }
}

impl<S, Rows> QueryId for Statement<'_, S, Rows> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Expression, Rows, Which, A, B> Query for Statement<'_, S, Rows>
where
    Rows: Query<SqlType = (Which, A, B)>,
    Which: SqlType<IsNull = NotNull>,
{
    type SqlType = (Bool, S::SqlType, Nullable<Which>, A, B);
}

impl<S, Rows> RunQueryDsl<PgConnection> for Statement<'_, S, Rows> {}
