//! Finds sessions with their users: by what is remembered where nothing has changed, and by a script anywhere else.
//!
//! The script reads two records, judges them and notes the use; nearly always it says what it said before. So what it told of a
//! live session is remembered for this connection, with all that may change of it. That is read again, without the script, only
//! when Redis has said that something changed (`changes`).
//!
//! Promise: **every look-up asks Redis**, after it was asked for itself, if only for the clock: by the answer, all that had
//! changed is known. The script notes each session's use once a minute, so nothing is remembered for longer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;
use redis::{Pipeline, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    changes::Moment,
    connection::{Connection, Live},
    record,
    scripts::{self, Call},
};
use crate::{
    accounts::{User, ending::EndReason},
    db::{self, gather::Answers},
    session::{backend::Found, key::HashedKey, record::Loaded, renew},
};

/// How many sessions are remembered: some ten mebibytes.
const MOST: usize = 8192;

/// What Redis knows of a key.
pub enum Answer {
    Found(Found),
    NoCopyOf(Uuid),
    /// Somebody else writes into our Redis, or an older version of this program did.
    Unreadable,
}

/// Finds sessions.
pub struct LookUp {
    connection: Connection,
    remembered: Mutex<Cache<HashedKey, Remembered>>,
}

/// What a script told of a live session.
#[derive(Clone)]
struct Remembered {
    told: Arc<Told>,
    /// Before what may change of it was last read.
    read: Moment,
}

/// One answer of the script.
struct Told {
    /// The number of the connection: another one may lead to a Redis that was set back.
    by: u64,
    loaded: Arc<Loaded>,
    /// Where the session and the copy of its user lie.
    places: [String; 2],
    changing: Changing,
}

/// All that may change of it, as Redis has it. (What ended is not remembered.)
struct Changing {
    seen: String,
    state: String,
    /// Of the user's copy.
    revision: String,
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
        Ok(answers.into_iter().flatten().collect())
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
        let moment = live.changes.as_ref().map_or(Moment::NEVER, |changes| changes.now());
        let as_read = are_as_read(live, &known);
        let mut questions = redis::pipe();
        questions.cmd("TIME");
        let to_read = known.iter().zip(&as_read).filter(|(_, is_as_read)| !**is_as_read);
        to_read.for_each(|((_, one), _)| one.told.ask(&mut questions));
        let mut told = self.connection.ask_all::<Vec<Value>>(live, &questions).await?.into_iter();
        let now = told.next().and_then(|time| record::clock(&time));
        // By now all is known that had changed when the questions came to Redis.
        let still_as_read = are_as_read(live, &known);
        for (((at, one), was_as_read), is_as_read) in known.into_iter().zip(as_read).zip(still_as_read) {
            let is_as_before = match was_as_read {
                true => is_as_read,
                false => told.next().zip(told.next()).is_some_and(|(of, user)| one.told.changing.is(&of, &user)),
            };
            if is_as_before {
                answers[at] = now.and_then(|now| one.told.at(now));
            }
            if is_as_before && !was_as_read {
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
        let told: Vec<Vec<String>> = self.connection.ask_script(live, call).await?;
        let answer = |(key, told): (&HashedKey, Vec<String>)| {
            let (answer, changing) = understand(key, told)?;
            if let (Answer::Found(Found::Live(loaded)), Some(changing)) = (&answer, changing) {
                let places = [scripts::session(key), scripts::user(loaded.user.id)];
                let told = Arc::new(Told { by: live.number, loaded: Arc::clone(loaded), places, changing });
                self.remembered().insert(*key, Remembered { told, read: Moment::NEVER });
            }
            Some(answer)
        };
        Ok(keys.iter().zip(told).map(|one| answer(one).unwrap_or(Answer::Unreadable)).collect())
    }

    fn remembered(&self) -> MutexGuard<'_, Cache<HashedKey, Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of which of them Redis has not said that they changed.
fn are_as_read(live: &Live, known: &[(usize, Remembered)]) -> Vec<bool> {
    let Some(changes) = &live.changes else { return vec![false; known.len()] };
    changes.are_as_read(known.iter().map(|(_, one)| (one.read, one.told.places.each_ref().map(String::as_str))))
}

impl Told {
    /// Asks for what may have changed.
    fn ask(&self, questions: &mut Pipeline) {
        let [session, user] = &self.places;
        questions.cmd("HMGET").arg(session).arg(&["ended", "seen", "state"]);
        questions.cmd("HGET").arg(user).arg("revision");
    }

    /// What it comes to at an instant; `None` where there is more to say or to do than before.
    fn at(&self, now: OffsetDateTime) -> Option<Answer> {
        let loaded = Loaded { now, ..(*self.loaded).clone() };
        let says_nothing_new = loaded.end().is_none() && !renew::is_due(&loaded);
        says_nothing_new.then(|| Answer::Found(Found::Live(Arc::new(loaded))))
    }
}

impl Changing {
    /// Whether it is as it was.
    fn is(&self, session: &Value, revision: &Value) -> bool {
        let same = |value: &Value, text: &str| matches!(value, Value::BulkString(bytes) if bytes == text.as_bytes());
        let Value::Array(session) = session else { return false };
        let [Value::Nil, seen, state] = session.as_slice() else { return false };
        same(seen, &self.seen) && same(state, &self.state) && same(revision, &self.revision)
    }
}

/// What the script told of a key; of a live session, with what may change of it.
fn understand(key: &HashedKey, told: Vec<String>) -> Option<(Answer, Option<Changing>)> {
    let mut told = told.into_iter();
    let (kind, mut next) = (told.next()?, || told.next());
    let answer = match kind.as_str() {
        "unknown" => Answer::Found(Found::Unknown),
        "ended" => {
            let reason = EndReason::from_name(&next()?).unwrap_or(EndReason::LoggedOut);
            let (now, user) = (record::instant(&next()?)?, serde_json::from_str::<User>(&next()?));
            Answer::Found(Found::Ended(reason, user.ok().and_then(|user| user.ban_on(Some(reason), now))))
        }
        "user" => Answer::NoCopyOf(next()?.parse().ok()?),
        "live" => {
            let (now, user, record) = (record::instant(&next()?)?, next()?, record::read(&next()?)?);
            // Another version of this program may have written it.
            let Ok(user) = serde_json::from_str(&user) else { return Some((Answer::NoCopyOf(record.user_id), None)) };
            let loaded = Loaded { key: *key, record: Arc::new(record), user: Arc::new(user), now };
            let changing = Changing { seen: next()?, state: next()?, revision: next()? };
            return Some((Answer::Found(Found::of(Some(loaded))), Some(changing)));
        }
        _ => return None,
    };
    Some((answer, None))
}
