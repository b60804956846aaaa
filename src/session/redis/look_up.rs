//! Finds sessions with their users: by what is remembered where nothing has changed, and by a script anywhere else.
//!
//! The script reads two records, judges them and notes the use; nearly always it says what it said before. So what it told of a
//! live session is remembered, with all that may change of it: when it was last used, whether it has ended, what pages keep, and
//! the revision of its user's copy. Every look-up still asks for these and for Redis's clock, in one round trip that begins after
//! it. Where they are as they were, the same is true as before, as of that instant; whatever else there is to say or to do, the
//! script says and does it.
//!
//! What is remembered belongs to one connection: another one may lead to a Redis that was set back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;
use redis::{Pipeline, Value};
use uuid::Uuid;

use super::{
    connection::Connection,
    record,
    scripts::{self, Call},
};
use crate::{
    accounts::{User, ending::EndReason},
    db::{self, gather::Answers},
    session::{
        backend::Found,
        record::{HashedKey, Loaded},
        renew,
    },
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
    remembered: Mutex<Cache<HashedKey, Arc<Remembered>>>,
}

/// What a script told of a live session.
struct Remembered {
    /// The number of the connection.
    by: u64,
    loaded: Arc<Loaded>,
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
        let by = self.connection.number()?;
        let mut answers = self.as_before(by, &keys).await?;
        let open: Vec<HashedKey> =
            keys.iter().zip(&answers).filter(|(_, answer)| answer.is_none()).map(|(key, _)| *key).collect();
        if !open.is_empty() {
            let told = self.ask_script(by, &open, false).await?;
            for (answer, told) in answers.iter_mut().filter(|answer| answer.is_none()).zip(told) {
                *answer = Some(told);
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Answers one key, after its user's row was read and written to Redis.
    pub async fn find_with_user(&self, key: HashedKey) -> db::Result<Answer> {
        let answer = self.ask_script(self.connection.number()?, &[key], true).await?.pop();
        Ok(answer.unwrap_or(Answer::Unreadable))
    }

    /// What is true of those who are remembered and have not changed.
    async fn as_before(&self, by: u64, keys: &[HashedKey]) -> db::Result<Vec<Option<Answer>>> {
        let remembered: Vec<Option<Arc<Remembered>>> = {
            let all = self.remembered();
            keys.iter().map(|key| all.get(key).filter(|one| one.by == by).cloned()).collect()
        };
        if remembered.iter().all(Option::is_none) {
            return Ok(keys.iter().map(|_| None).collect());
        }
        let mut questions = redis::pipe();
        questions.cmd("TIME");
        for one in remembered.iter().flatten() {
            one.ask(&mut questions);
        }
        let told: Vec<Value> = self.connection.ask_all(&questions).await?;
        let mut told = told.into_iter();
        let now = told.next().and_then(|time| record::clock(&time));
        let is_the_same_redis = self.connection.number()? == by;
        let mut answer = |one: Arc<Remembered>| {
            let (session, revision) = (told.next()?, told.next()?);
            let is_as_before = is_the_same_redis && one.changing.is(&session, &revision);
            let loaded = Loaded { now: now?, ..(*one.loaded).clone() };
            let says_nothing_new = is_as_before && loaded.end().is_none() && !renew::is_due(&loaded);
            says_nothing_new.then(|| Answer::Found(Found::Live(Arc::new(loaded))))
        };
        Ok(remembered.into_iter().map(|one| answer(one?)).collect())
    }

    async fn ask_script(&self, by: u64, keys: &[HashedKey], users_were_read: bool) -> db::Result<Vec<Answer>> {
        let call = Call::of(&scripts::LOAD).arg(u8::from(users_were_read));
        let call = keys.iter().fold(call, |call, key| call.key(scripts::session(key)));
        let told: Vec<Vec<String>> = self.connection.ask(call).await?;
        let is_the_same_redis = self.connection.number()? == by;
        let answer = |(key, told): (&HashedKey, Vec<String>)| {
            let (answer, changing) = understand(key, told)?;
            if let (Answer::Found(Found::Live(loaded)), Some(changing), true) = (&answer, changing, is_the_same_redis) {
                self.remembered().insert(*key, Arc::new(Remembered { by, loaded: Arc::clone(loaded), changing }));
            }
            Some(answer)
        };
        Ok(keys.iter().zip(told).map(|one| answer(one).unwrap_or(Answer::Unreadable)).collect())
    }

    fn remembered(&self) -> MutexGuard<'_, Cache<HashedKey, Arc<Remembered>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Asks for what may have changed.
    fn ask(&self, questions: &mut Pipeline) {
        let Loaded { key, user, .. } = &*self.loaded;
        questions.cmd("HMGET").arg(scripts::session(key)).arg(&["ended", "seen", "state"]);
        questions.cmd("HGET").arg(scripts::user(user.id)).arg("revision");
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
