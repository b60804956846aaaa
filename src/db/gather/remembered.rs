//! Rows that were read before, and are asked for again only if they have changed (`as_before`, `if_new`).
//!
//! Every look-up still asks, in a statement that begins after it, and what was committed before that counts. Spared is that two
//! dozen columns are described, fetched, carried over and taken apart for every request. A piece in which something has changed
//! takes two statements: one says what, the other reads it.
//!
//! What is remembered belongs to one connection and goes with it: another one may lead to a server that was set back.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use quick_cache::unsync::Cache;

use super::{
    Asking,
    as_before::{LEAST, Places, Present},
    if_new::InOneColumn,
    version::{Transaction, Version},
};
use crate::db::Result;

/// How many pairs of rows are remembered, of each kind: some ten mebibytes.
const MOST: usize = 8192;

/// The versions of a row and of the one that belongs to it.
pub type Versions = (Version, Version);

/// By which transactions known rows of either table are what they are.
pub type Known = (Vec<Transaction>, Vec<Transaction>);

/// What is read for one key: something that is never remembered, such as the database's clock; the key and the versions of what
/// it leads to, and whichever rows are new.
pub type Told<K, A, B, S> = (S, (K, Versions), Option<InOneColumn<A>>, Option<InOneColumn<B>>);

/// A row and the one that belongs to it.
pub type Pair<A, B> = (Arc<A>, Arc<B>);

/// What a key leads to, and what was said of it.
pub type Found<A, B, S> = (Pair<A, B>, S);

type ByKey<K, A, B, S> = HashMap<K, Found<A, B, S>>;

type Before<A, B> = (Versions, Pair<A, B>);

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
    pairs: Cache<K, Before<A, B>>,
}

impl<K: Eq + Hash + Clone, A, B> Remembered<K, A, B> {
    fn new() -> Self {
        Self { connection: 0, pairs: Cache::new(MOST) }
    }

    /// Finds what keys lead to, in their order: `look` looks for what is known, and `read` reads what is new or has changed.
    ///
    /// # Errors
    ///
    /// What either says.
    pub fn find<S: Clone>(
        &mut self,
        asking: &mut Asking<'_>,
        keys: &[K],
        look: impl FnOnce(&mut Asking<'_>, &Places) -> Result<(Present, Present, S)>,
        read: impl Fn(&mut Asking<'_>, &[K], &Known) -> Result<Vec<Told<K, A, B, S>>>,
    ) -> Result<Vec<Option<Found<A, B, S>>>> {
        if self.connection != asking.connection {
            self.pairs.clear();
            self.connection = asking.connection;
        }
        let before: Vec<Option<Before<A, B>>> = keys.iter().map(|key| self.pairs.get(key).cloned()).collect();
        let mut places: Places = before.iter().flatten().map(|((first, second), _)| (first.at, second.at)).unzip();
        // Several keys have rows in common, such as sessions their user's.
        for places in [&mut places.0, &mut places.1] {
            places.sort_unstable();
            places.dedup();
        }
        let seen = if places.0.len() < LEAST { None } else { Some(look(asking, &places)?) };
        let as_before = |((first, second), pair): &Before<A, B>| {
            let (firsts, seconds, said) = seen.as_ref()?;
            (firsts.has(first) && seconds.has(second)).then(|| (pair.clone(), said.clone()))
        };
        let mut answers: Vec<_> = before.iter().map(|before| before.as_ref().and_then(as_before)).collect();
        let (to_read, before): (Vec<K>, Vec<_>) = keys
            .iter()
            .zip(before)
            .zip(&answers)
            .filter(|(_, answer)| answer.is_none())
            .map(|((key, before), _)| (key.clone(), before))
            .unzip();
        if to_read.is_empty() {
            return Ok(answers);
        }
        let known = before.iter().flatten().map(|((first, second), _)| (first.by, second.by)).unzip();
        let (mut found, mistaken) = self.take_in(read(asking, &to_read, &known)?);
        // Rows that were not sent, as their new version is what another row was known by: one transaction changed both.
        if !mistaken.is_empty() {
            found.extend(self.take_in(read(asking, &mistaken, &Known::default())?).0);
        }
        for (key, answer) in keys.iter().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            *answer = found.get(key).cloned();
        }
        Ok(answers)
    }

    /// Remembers what was sent, and returns it; and the keys to which it makes no whole pair.
    fn take_in<S>(&mut self, told: Vec<Told<K, A, B, S>>) -> (ByKey<K, A, B, S>, Vec<K>) {
        let (mut found, mut mistaken) = (HashMap::new(), Vec::new());
        for (said, (key, versions), first, second) in told {
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
