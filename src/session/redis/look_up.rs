//! Finds sessions with their users: by what is remembered where nothing has changed, and by a script anywhere else.
//!
//! The script reads two records, judges them and notes the use; nearly always it says what it said before. So what it told of a
//! live session is remembered for this connection, with all that the script judges by. That is read again, without the script,
//! only when Redis has said that something changed (`changes`), or each time where it won't say so.
//!
//! Promise: **every look-up asks Redis**, after it was asked for itself, if only for the clock: by the answer, all that had
//! changed is known. The script notes each session's use once a minute, so nothing is remembered for longer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;
use redis::Value;

use super::{
    changes::Moment,
    connection::{Connection, Live},
    record,
    scripts::{self, Call},
    told::{Answer, Told, understand},
};
use crate::{
    db::{self, gather::Answers},
    session::key::HashedKey,
};

/// How many sessions are remembered: some ten mebibytes.
const MOST: usize = 8192;

/// Finds sessions.
pub struct LookUp {
    connection: Connection,
    remembered: Mutex<Cache<HashedKey, Remembered>>,
}

/// What a script told of a live session.
#[derive(Clone)]
struct Remembered {
    told: Arc<Told>,
    /// A moment before it was last read beside the script: what Redis says of later ones is said of it. A script's own reading
    /// does not count, as not every Redis goes by what a script has read.
    read: Moment,
}

impl std::fmt::Debug for LookUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LookUp").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl LookUp {
    pub fn new(connection: Connection) -> Self {
        Self { connection, remembered: Mutex::new(Cache::new(MOST)) }
    }

    /// Answers all keys in their order.
    pub async fn find(&self, keys: Vec<HashedKey>) -> Answers<Answer> {
        let mut live = self.connection.live()?;
        let mut answers = self.as_before(&mut live, &keys).await?;
        let open: Vec<HashedKey> =
            keys.iter().zip(&answers).filter(|(_, answer)| answer.is_none()).map(|(key, _)| *key).collect();
        if !open.is_empty() {
            let told = self.ask_script(&mut live, &open, false).await?;
            for (answer, told) in answers.iter_mut().filter(|answer| answer.is_none()).zip(told) {
                *answer = Some(told);
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Answer::Unreadable)).collect())
    }

    /// Answers one key, after its user's row was read and written to Redis.
    pub async fn find_with_user(&self, key: HashedKey) -> db::Result<Answer> {
        let answer = self.ask_script(&mut self.connection.live()?, &[key], true).await?.pop();
        Ok(answer.unwrap_or(Answer::Unreadable))
    }

    /// What is true of those who are remembered and have not changed.
    async fn as_before(&self, live: &mut Live, keys: &[HashedKey]) -> db::Result<Vec<Option<Answer>>> {
        let mut answers: Vec<Option<Answer>> = keys.iter().map(|_| None).collect();
        let known = self.known(live, keys);
        if known.is_empty() {
            return Ok(answers);
        }
        let moment = now(live);
        let as_read = are_as_read(live, &known);
        let mut questions = redis::pipe();
        questions.cmd("TIME");
        let to_read = known.iter().zip(&as_read).filter(|(_, is_as_read)| !**is_as_read);
        to_read.for_each(|((_, one), _)| one.told.ask(&mut questions));
        let mut told = self.connection.ask_all::<Vec<Value>>(live, &questions).await?.into_iter();
        let clock = told.next().and_then(|time| record::clock(&time));
        // By now all is known that had changed when the questions came to Redis.
        let still_as_read = if now(live) == moment { as_read.clone() } else { are_as_read(live, &known) };
        for (((at, one), was_as_read), is_as_read) in known.into_iter().zip(as_read).zip(still_as_read) {
            let is_as_before = match was_as_read {
                true => is_as_read,
                false => told.next().zip(told.next()).is_some_and(|(session, user)| one.told.is(&session, &user)),
            };
            if is_as_before {
                answers[at] = clock.and_then(|clock| one.told.at(clock));
            }
            if is_as_before && !was_as_read && live.changes.is_some() {
                self.remembered().insert(keys[at], Remembered { read: moment, ..one });
            }
        }
        Ok(answers)
    }

    /// Which of these are remembered, and what is.
    fn known(&self, live: &Live, keys: &[HashedKey]) -> Vec<(usize, Remembered)> {
        let all = self.remembered();
        let known = |key| all.get(key).filter(|one| one.told.by == live.number).cloned();
        keys.iter().enumerate().filter_map(|(at, key)| Some((at, known(key)?))).collect()
    }

    async fn ask_script(&self, live: &mut Live, keys: &[HashedKey], users_were_read: bool) -> db::Result<Vec<Answer>> {
        let call = Call::of(&scripts::LOAD).arg(u8::from(users_were_read));
        let call = keys.iter().fold(call, |call, key| call.key(scripts::session(key)));
        let told: Vec<Vec<Option<String>>> = self.connection.ask_script(live, call).await?;
        let answer = |(key, told): (&HashedKey, Vec<Option<String>>)| {
            let (answer, told) = understand(key, told, live.number);
            if let Some(told) = told {
                self.remembered().insert(*key, Remembered { told: Arc::new(told), read: Moment::NEVER });
            }
            answer
        };
        Ok(keys.iter().zip(told).map(answer).collect())
    }

    fn remembered(&self) -> MutexGuard<'_, Cache<HashedKey, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now(live: &Live) -> Moment {
    live.changes.as_ref().map_or(Moment::NEVER, |changes| changes.now())
}

/// Of which of them Redis has not said that they changed.
fn are_as_read(live: &Live, known: &[(usize, Remembered)]) -> Vec<bool> {
    let Some(changes) = &live.changes else { return vec![false; known.len()] };
    changes.are_as_read(known.iter().map(|(_, one)| (one.read, one.told.places.each_ref().map(String::as_str))))
}
