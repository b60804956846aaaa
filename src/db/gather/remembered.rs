//! Rows that were read before, and are asked for again only if they have changed (`if_new`).
//!
//! Every look-up still asks, in one statement that begins after it, and what was committed before that counts. Spared is that two
//! dozen columns are described, fetched, carried over and taken apart for every request.
//!
//! What is remembered belongs to one connection and goes with it: another one may lead to a server that was set back.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use quick_cache::unsync::Cache;

use super::{
    Asking,
    if_new::{InOneColumn, Version},
};
use crate::db::Result;

/// How many pairs of rows are remembered, of each kind: some ten mebibytes.
const MOST: usize = 8192;

/// The versions of a row and of the one that belongs to it.
pub type Versions = (Version, Version);

/// The versions that are known of a row and of the one that belongs to it.
pub type Known = (Vec<Version>, Vec<Version>);

/// What a statement says of a key: the versions, whichever rows are new, and something that is never remembered, such as the
/// database's clock.
pub type Told<K, A, B, S> = (K, Versions, Option<InOneColumn<A>>, Option<InOneColumn<B>>, S);

/// A row and the one that belongs to it.
pub type Pair<A, B> = (Arc<A>, Arc<B>);

/// What keys lead to, and what was said of it.
pub type Found<K, A, B, S> = HashMap<K, (Pair<A, B>, S)>;

/// Pairs of rows with their versions, by what they are found by.
pub struct Remembered<K, A, B> {
    connection: u64,
    pairs: Cache<K, (Versions, Pair<A, B>)>,
}

impl<K: Eq + Hash + Clone, A, B> Remembered<K, A, B> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { connection: 0, pairs: Cache::new(MOST) }
    }

    /// Finds what keys lead to: `ask` asks for all of them, with the versions that are known.
    ///
    /// # Errors
    ///
    /// What it says.
    pub fn find<S>(
        &mut self,
        asking: &mut Asking<'_>,
        keys: &[K],
        ask: impl Fn(&mut Asking<'_>, &[K], Known) -> Result<Vec<Told<K, A, B, S>>>,
    ) -> Result<Found<K, A, B, S>> {
        if self.connection != asking.connection {
            self.pairs.clear();
            self.connection = asking.connection;
        }
        let known: Known = keys.iter().filter_map(|key| self.pairs.get(key).map(|(versions, _)| *versions)).unzip();
        let mut found = HashMap::with_capacity(keys.len());
        let mut mistaken = Vec::new();
        for told in ask(asking, keys, known)? {
            let key = told.0.clone();
            match self.pair(told) {
                Some(pair) => drop(found.insert(key, pair)),
                None => mistaken.push(key),
            }
        }
        // Rows that were not sent, as their new version is what another row was known by: one transaction changed both.
        if !mistaken.is_empty() {
            for told in ask(asking, &mistaken, Known::default())? {
                let key = told.0.clone();
                found.extend(self.pair(told).map(|pair| (key, pair)));
            }
        }
        Ok(found)
    }

    /// A pair, of what was sent and, where its version is the present one, what is remembered.
    fn pair<S>(&mut self, (key, versions, first, second, said): Told<K, A, B, S>) -> Option<(Pair<A, B>, S)> {
        let (before, first_before, second_before) = match self.pairs.get(&key) {
            Some((before, (first, second))) => (Some(*before), Some(first), Some(second)),
            None => (None, None, None),
        };
        let is_new = first.is_some() || second.is_some();
        let first = match first {
            Some(InOneColumn(row)) => Arc::new(row),
            None => first_before.filter(|_| before.is_some_and(|before| before.0 == versions.0)).cloned()?,
        };
        let second = match second {
            Some(InOneColumn(row)) => Arc::new(row),
            None => second_before.filter(|_| before.is_some_and(|before| before.1 == versions.1)).cloned()?,
        };
        if is_new {
            self.pairs.insert(key, (versions, (Arc::clone(&first), Arc::clone(&second))));
        }
        Some(((first, second), said))
    }
}

impl<K: Eq + Hash + Clone, A, B> Default for Remembered<K, A, B> {
    fn default() -> Self {
        Self::new()
    }
}
