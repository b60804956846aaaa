//! Rows that were read before, and are asked for again only if they have changed (`as_before`, `if_new`).
//!
//! Every look-up still asks, in one statement that begins after it, and what was committed before that counts. Spared is that two
//! dozen columns are described, fetched, carried over and taken apart for every request.
//!
//! What is remembered belongs to one connection and goes with it: another one may lead to a server that was set back.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quick_cache::unsync::Cache;

use super::{Asking, as_before::Asked, if_new::InOneColumn, version::Version};
use crate::db::Result;

/// How many pairs of rows are remembered, of each kind: some ten mebibytes.
const MOST: usize = 8192;

/// The versions of a row and of the one that belongs to it.
pub type Versions = (Version, Version);

/// What a statement says: whether all that is known is as it was; something that is never remembered, such as the database's
/// clock; a key and the versions of what it leads to, and whichever rows are new.
pub type Told<K, A, B, S> = (bool, S, Option<(K, Versions)>, Option<InOneColumn<A>>, Option<InOneColumn<B>>);

/// A row and the one that belongs to it.
pub type Pair<A, B> = (Arc<A>, Arc<B>);

/// What a key leads to, and what was said of it.
pub type Found<A, B, S> = (Pair<A, B>, S);

type ByKey<K, A, B, S> = HashMap<K, Found<A, B, S>>;

type Known<A, B> = (Versions, Pair<A, B>);

/// Where they are kept between two statements. A statement may hang for ever, with its thread and its connection: what it had in
/// hand is missing then, and nobody waits for it.
pub struct Shelf<K, A, B>(Mutex<Option<Remembered<K, A, B>>>);

impl<K: Eq + Hash + Clone, A, B> Shelf<K, A, B> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Works with what is remembered.
    pub fn with<T>(&self, work: impl FnOnce(&mut Remembered<K, A, B>) -> T) -> T {
        let taken = self.lock().take();
        let mut remembered = taken.unwrap_or_else(Remembered::new);
        let result = work(&mut remembered);
        let mut kept = self.lock();
        if kept.as_ref().is_none_or(|kept| kept.connection <= remembered.connection) {
            *kept = Some(remembered);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Option<Remembered<K, A, B>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, A, B> Default for Shelf<K, A, B> {
    fn default() -> Self {
        Self::new()
    }
}

/// Pairs of rows with their versions, by what they are found by.
pub struct Remembered<K, A, B> {
    connection: u64,
    pairs: Cache<K, Known<A, B>>,
}

impl<K: Eq + Hash + Clone, A, B> Remembered<K, A, B> {
    fn new() -> Self {
        Self { connection: 0, pairs: Cache::new(MOST) }
    }

    /// Finds what keys lead to, in their order: `ask` asks for all of them.
    ///
    /// # Errors
    ///
    /// What it says.
    pub fn find<S: Clone>(
        &mut self,
        asking: &mut Asking<'_>,
        keys: &[K],
        ask: impl Fn(&mut Asking<'_>, Asked<'_, K>) -> Result<Vec<Told<K, A, B, S>>>,
    ) -> Result<Vec<Option<Found<A, B, S>>>> {
        if self.connection != asking.connection {
            self.pairs.clear();
            self.connection = asking.connection;
        }
        let before: Vec<Option<Known<A, B>>> = keys.iter().map(|key| self.pairs.get(key).cloned()).collect();
        let versions = || before.iter().flatten().map(|(versions, _)| *versions);
        let new = keys.iter().zip(&before).filter(|(_, before)| before.is_none()).map(|(key, _)| key.clone());
        let known = (versions().map(|(first, _)| first).collect(), versions().map(|(_, second)| second).collect());
        let told = ask(asking, Asked { keys, new: new.collect(), known })?;
        let as_before = told.first().filter(|(are_as_before, ..)| *are_as_before).map(|(_, said, ..)| said.clone());
        let (mut found, mistaken) = self.take_in(told);
        // Rows that were not sent, as their new version is what another row was known by: one transaction changed both.
        if !mistaken.is_empty() {
            found.extend(self.take_in(ask(asking, Asked::anew(&mistaken))?).0);
        }
        let answer = |(key, before): (&K, Option<Known<A, B>>)| match (before, &as_before) {
            (Some((_, pair)), Some(said)) => Some((pair, said.clone())),
            _ => found.get(key).cloned(),
        };
        Ok(keys.iter().zip(before).map(answer).collect())
    }

    /// Remembers what was sent, and returns it; and the keys to which it makes no whole pair.
    fn take_in<S>(&mut self, told: Vec<Told<K, A, B, S>>) -> (ByKey<K, A, B, S>, Vec<K>) {
        let (mut found, mut mistaken) = (HashMap::new(), Vec::new());
        for (_, said, which, first, second) in told {
            let Some((key, versions)) = which else { continue };
            match self.pair(&key, versions, first, second) {
                Some(pair) => drop(found.insert(key, (pair, said))),
                None => mistaken.push(key),
            }
        }
        (found, mistaken)
    }

    /// A pair, of what was sent and, where its version is the present one, what is remembered.
    fn pair(
        &mut self,
        key: &K,
        versions: Versions,
        first: Option<InOneColumn<A>>,
        second: Option<InOneColumn<B>>,
    ) -> Option<Pair<A, B>> {
        let (first_before, second_before) = match self.pairs.get(key) {
            Some((before, (first, second))) => {
                (Some(first).filter(|_| before.0.is(&versions.0)), Some(second).filter(|_| before.1.is(&versions.1)))
            }
            None => (None, None),
        };
        let first = first.map(|InOneColumn(row)| Arc::new(row)).or_else(|| first_before.cloned())?;
        let second = second.map(|InOneColumn(row)| Arc::new(row)).or_else(|| second_before.cloned())?;
        let pair = (first, second);
        self.pairs.insert(key.clone(), (versions, pair.clone()));
        Some(pair)
    }
}
