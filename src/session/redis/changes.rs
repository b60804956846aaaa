//! What Redis says has changed, of all that was read over one connection (`CLIENT TRACKING`).
//!
//! Redis knows which keys a connection has read, and says there when one of them is changed or deleted: before it answers
//! anything that is asked later. So **after an answer, all is known that had changed when the question came**, whatever it was
//! about. It says so once, until the key is read again: what was read before counts for nothing. An answer is made use of on
//! another thread than the one that hears of changes: whoever keeps what they read asks for the moment first.
//!
//! Limit: it says nothing of whole databases that are exchanged (`SWAPDB`), nor that a key's time is up until it deletes the key.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redis::{
    PushInfo, PushKind, Value,
    aio::{AsyncPushSender, SendError},
};

use super::scripts;

/// How many keys are told apart. With more, all that was read counts as changed once.
const KEYS_MOST: usize = 16_384;

/// Orders readings and changes of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// What has changed on one connection.
#[derive(Debug)]
pub struct Changes(Mutex<Heard>);

#[derive(Debug)]
struct Heard {
    now: Moment,
    /// By key.
    last: HashMap<Vec<u8>, Moment>,
    /// Up to here anything may have changed.
    anything: Moment,
}

impl Moment {
    /// Before anything was read.
    pub const NEVER: Self = Self(0);

    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Changes {
    pub fn new() -> Self {
        let now = Moment::NEVER.next();
        Self(Mutex::new(Heard { now, last: HashMap::new(), anything: Moment::NEVER }))
    }

    /// To be asked for before something is read that is to be kept.
    pub fn now(&self) -> Moment {
        self.heard().now
    }

    /// Which of these keys have not been said to have changed since something was read of them: asked in this order, after an
    /// answer from Redis.
    pub fn are_as_read<'a>(&self, read: impl IntoIterator<Item = (Moment, [&'a str; 2])>) -> Vec<bool> {
        let heard = self.heard();
        let is_as_read = |since: Moment, key: &str| heard.last.get(key.as_bytes()).is_none_or(|last| *last <= since);
        let are_as_read = |(since, keys): (Moment, [&str; 2])| {
            since > heard.anything && keys.iter().all(|key| is_as_read(since, key))
        };
        read.into_iter().map(are_as_read).collect()
    }

    fn hear(&self, PushInfo { kind, data }: PushInfo) {
        if kind != PushKind::Invalidate {
            return;
        }
        let mut heard = self.heard();
        for said in data {
            match said {
                Value::Array(keys) => keys.into_iter().for_each(|key| heard.changed(key)),
                // Everything is gone.
                _ => heard.forget(),
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears what Redis says without being asked: on the thread of the connection, before it reads any further.
impl AsyncPushSender for Changes {
    fn send(&self, said: PushInfo) -> Result<(), SendError> {
        self.hear(said);
        Ok(())
    }
}

impl Heard {
    fn changed(&mut self, key: Value) {
        let Value::BulkString(key) = key else { return self.forget() };
        // Some servers name the place of many keys instead of a key.
        if !scripts::KINDS.iter().any(|kind| key.starts_with(kind.as_bytes())) {
            return self.forget();
        }
        if self.last.len() == KEYS_MOST {
            self.forget();
        }
        self.now = self.now.next();
        self.last.insert(key, self.now);
    }

    fn forget(&mut self) {
        self.anything = self.now;
        self.now = self.now.next();
        self.last.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(changes: &Changes, said: Value) {
        changes.hear(PushInfo { kind: PushKind::Invalidate, data: vec![said] });
    }

    fn changed(key: &str) -> Value {
        Value::Array(vec![Value::BulkString(key.into())])
    }

    fn is_as_read(changes: &Changes, since: Moment) -> bool {
        changes.are_as_read([(since, ["session:1", "user:1"])]) == [true]
    }

    #[test]
    fn what_was_read_counts_until_either_key_changes() {
        for key in ["session:1", "user:1"] {
            let changes = Changes::new();
            let read = changes.now();
            assert!(is_as_read(&changes, read));
            say(&changes, changed("session:2"));
            assert!(is_as_read(&changes, read));
            say(&changes, changed(key));
            assert!(!is_as_read(&changes, read), "{key}");
            assert!(is_as_read(&changes, changes.now()), "read again");
        }
    }

    #[test]
    fn a_change_heard_of_before_what_was_read_is_kept_counts() {
        let changes = Changes::new();
        say(&changes, changed("session:1"));
        let before_the_question = changes.now();
        say(&changes, changed("session:1"));
        assert!(!is_as_read(&changes, before_the_question));
    }

    #[test]
    fn what_was_never_read_is_not_as_it_was() {
        assert!(!is_as_read(&Changes::new(), Moment::NEVER));
    }

    #[test]
    fn when_everything_goes_or_nobody_can_tell_nothing_is_as_it_was() {
        for said in [Value::Nil, Value::Array(vec![Value::Nil]), Value::Okay, changed("\0\u{1}")] {
            let changes = Changes::new();
            let read = changes.now();
            say(&changes, said.clone());
            assert!(!is_as_read(&changes, read), "{said:?}");
            assert!(is_as_read(&changes, changes.now()));
        }
    }

    #[test]
    fn with_too_many_keys_to_tell_apart_all_counts_as_changed_once() {
        let changes = Changes::new();
        let read = changes.now();
        for number in 0..=KEYS_MOST {
            assert!(number == KEYS_MOST || is_as_read(&changes, read));
            say(&changes, changed(&format!("session:other {number}")));
        }
        assert!(!is_as_read(&changes, read));
        assert!(changes.heard().last.len() < KEYS_MOST);
    }

    #[test]
    fn what_is_said_of_other_things_changes_nothing() {
        let changes = Changes::new();
        let read = changes.now();
        changes.hear(PushInfo { kind: PushKind::Message, data: vec![changed("session:1")] });
        assert!(is_as_read(&changes, read));
    }
}
