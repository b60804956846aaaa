//! Looks whether rows are as they were.
//!
//! Nearly always nothing has changed. So it is looked first who lies at the places where the rows lay: there is no index on the
//! way, little is sent, and the statement is so small that to begin it costs little. Which are not there any more, or not as they
//! were, are then found by their keys, in a statement that begins after this one. Either sees a row and the one that belongs to
//! it as of one moment. For one or two rows this costs more than it spares, and they are found by their keys at once.

use diesel::{
    Expression, PgConnection, QueryResult, Queryable, RunQueryDsl, Table, deserialize,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{self, Array, Nullable},
};
use uuid::Uuid;

use super::version::{Place, Tid, Transaction, Version, Xid};

/// For how many it is worth while to look first.
pub(super) const LEAST: usize = 3;

/// Where rows of two tables lay.
pub type Places = (Vec<Place>, Vec<Place>);

/// Who lies at places of a table, and by which transaction.
#[derive(Debug)]
pub struct Present(Vec<(Uuid, Transaction)>);

impl Present {
    /// Whether a row is among them as it was.
    #[must_use]
    pub(super) fn has(&self, version: &Version) -> bool {
        self.0.binary_search(&(version.id, version.by)).is_ok()
    }
}

/// What a table's [`Present`] is read from.
type IdsAndTransactions = (Nullable<Array<sql_types::Uuid>>, Nullable<Array<Xid>>);

impl Queryable<IdsAndTransactions, Pg> for Present {
    type Row = (Option<Vec<Uuid>>, Option<Vec<Transaction>>);

    fn build((ids, by): Self::Row) -> deserialize::Result<Self> {
        let mut present: Vec<_> = ids.unwrap_or_default().into_iter().zip(by.unwrap_or_default()).collect();
        present.sort_unstable();
        Ok(Self(present))
    }
}

/// Asks who lies at places of two tables; and, as of the same moment, something that is never remembered, such as the database's
/// clock.
#[derive(Debug)]
pub struct AtPlaces<'a, A, B, S> {
    tables: (A, B),
    places: &'a Places,
    said: S,
}

impl<'a, A: Table, B: Table, S> AtPlaces<'a, A, B, S> {
    /// At these places of these tables, and what is to be said besides.
    pub const fn of(tables: (A, B), places: &'a Places, said: S) -> Self {
        Self { tables, places, said }
    }
}

impl<A, B, S> QueryFragment<Pg> for AtPlaces<'_, A, B, S>
where
    A: QueryFragment<Pg>,
    B: QueryFragment<Pg>,
    S: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT first.ids, first.by, second.ids, second.by, ");
        self.said.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        walk(&self.tables.0, &self.places.0, "first", out.reborrow())?;
        out.push_sql(", ");
        walk(&self.tables.1, &self.places.1, "second", out)
    }
}

/// Who lies at places of one table.
fn walk<'b>(
    table: &'b impl QueryFragment<Pg>,
    places: &'b Vec<Place>,
    name: &str,
    mut out: AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql("(SELECT array_agg(id) AS ids, array_agg(xmin) AS by FROM ");
    table.walk_ast(out.reborrow())?;
    out.push_sql(" WHERE ctid = ANY(");
    out.push_bind_param::<Array<Tid>, Vec<Place>>(places)?;
    out.push_sql(")) AS ");
    out.push_sql(name);
    Ok(())
}

/// However many rows there are, the statement is the same: it need not be put together to be found among the prepared ones.
impl<A: QueryId, B: QueryId, S: QueryId> QueryId for AtPlaces<'_, A, B, S> {
    type QueryId = AtPlaces<'static, A::QueryId, B::QueryId, S::QueryId>;

    const HAS_STATIC_QUERY_ID: bool = A::HAS_STATIC_QUERY_ID && B::HAS_STATIC_QUERY_ID && S::HAS_STATIC_QUERY_ID;
}

impl<A, B, S: Expression> Query for AtPlaces<'_, A, B, S> {
    type SqlType = (IdsAndTransactions, IdsAndTransactions, S::SqlType);
}

impl<A, B, S> RunQueryDsl<PgConnection> for AtPlaces<'_, A, B, S> {}
