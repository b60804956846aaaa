//! What a script tells of a session, and what of it may change.

use std::sync::Arc;

use redis::{Pipeline, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    record::{self, Shown},
    scripts,
};
use crate::{
    accounts::{User, ending::EndReason},
    session::{backend::Found, key::HashedKey, record::Loaded, renew},
};

/// What Redis knows of a key.
pub enum Answer {
    Found(Found),
    NoCopyOf(Uuid),
    /// Somebody else writes into our Redis, or an older version of this program did.
    Unreadable,
}

/// What it told of a live session.
pub struct Told {
    /// The number of the connection: another one may lead to a Redis that was set back, and hears of other changes.
    pub by: u64,
    loaded: Arc<Loaded>,
    /// Where the session and the copy of its user lie.
    pub places: [String; 2],
    changing: Changing,
}

/// All that a session is judged by, as Redis has it. What has [`GONE`] is not remembered.
struct Changing {
    session: [String; 8],
    user: [String; 5],
}

/// What says of either record that nobody is let in.
const GONE: [&str; 2] = ["ended", "deleted"];
const OF_SESSION: [&str; 8] = ["run", "durable", "version", "user", "seen", "idle", "absolute", "state"];
const OF_USER: [&str; 5] = ["run", "durable", "version", "since", "revision"];

impl Told {
    /// Asks for what may have changed.
    pub fn ask(&self, questions: &mut Pipeline) {
        let [session, user] = &self.places;
        questions.cmd("HMGET").arg(session).arg(GONE[0]).arg(&OF_SESSION);
        questions.cmd("HMGET").arg(user).arg(GONE[1]).arg(&OF_USER);
    }

    /// Whether nothing has.
    pub fn is(&self, session: &Value, user: &Value) -> bool {
        are(session, &self.changing.session) && are(user, &self.changing.user)
    }

    /// What it comes to at an instant; `None` where there is more to say or to do than before.
    pub fn at(&self, now: OffsetDateTime) -> Option<Answer> {
        let loaded = Loaded { now, ..(*self.loaded).clone() };
        let says_nothing_new = loaded.end().is_none() && !renew::is_due(&loaded);
        says_nothing_new.then(|| Answer::Found(Found::Live(Arc::new(loaded))))
    }
}

fn are(values: &Value, texts: &[String]) -> bool {
    let Value::Array(values) = values else { return false };
    let Some((Value::Nil, values)) = values.split_first() else { return false };
    let same = |(value, text): (&Value, &String)| matches!(value, Value::BulkString(bytes) if bytes == text.as_bytes());
    values.len() == texts.len() && values.iter().zip(texts).all(same)
}

/// What `lua/load.lua` told of a key; of a live session, as what may be remembered for this connection.
pub fn understand(key: &HashedKey, told: Vec<Option<String>>, by: u64) -> (Answer, Option<Told>) {
    judge(key, told, by).unwrap_or((Answer::Unreadable, None))
}

fn judge(key: &HashedKey, told: Vec<Option<String>>, by: u64) -> Option<(Answer, Option<Told>)> {
    let mut told = told.into_iter();
    let mut next = || told.next().flatten();
    let answer = match next()?.as_str() {
        "unknown" => Answer::Found(Found::Unknown),
        "ended" => {
            let reason = EndReason::from_name(&next()?).unwrap_or(EndReason::LoggedOut);
            let (now, user) = (record::instant(&next()?)?, serde_json::from_str::<User>(&next()?));
            Answer::Found(Found::Ended(reason, user.ok().and_then(|user| user.ban_on(Some(reason), now))))
        }
        "user" => Answer::NoCopyOf(next()?.parse().ok()?),
        "live" => {
            let (now, user, session) = (record::instant(&next()?)?, next()?, next()?);
            let shown = Shown::of(&session)?;
            let record = shown.record()?;
            // Another version of this program may have written it.
            let Ok(user) = serde_json::from_str::<User>(&user) else {
                return Some((Answer::NoCopyOf(record.user_id), None));
            };
            let places = [scripts::session(key), scripts::user(user.id)];
            let of_session = [next()?, next()?, next()?];
            let changing = Changing::of(&shown, of_session, [next()?, next()?, next()?, next()?, next()?]);
            let found = Found::of(Some(Loaded { key: *key, record: Arc::new(record), user: Arc::new(user), now }));
            let told = match &found {
                Found::Live(loaded) => Some(Told { by, loaded: Arc::clone(loaded), places, changing }),
                _ => None,
            };
            return Some((Answer::Found(found), told));
        }
        _ => return None,
    };
    Some((answer, None))
}

impl Changing {
    fn of(shown: &Shown<'_>, [run, durable, version]: [String; 3], user: [String; 5]) -> Self {
        let [seen, idle, absolute] = [shown.seen, shown.idle, shown.absolute].map(str::to_owned);
        Self {
            session: [
                run,
                durable,
                version,
                shown.user.to_string(),
                seen,
                idle,
                absolute,
                shown.state.clone().into_owned(),
            ],
            user,
        }
    }
}
