//! The scripts that Redis runs: each is one atomic step that touches what is there or does nothing. Only what checks a
//! password makes: `log_in` and `reauthenticate`.
//!
//! Keys: `session:{hash of the key}`, `sessions-of:{user}` (the index: public name to key), `user:{id}` (a copy of the
//! user's row). Some are named inside the scripts, as who a session belongs to is known there only: so one Redis, no Redis
//! Cluster; a replica that takes over counts as another one.

use std::sync::LazyLock;

use redis::{Script, ScriptInvocation};
use uuid::Uuid;

use crate::{secrets::hex, session::key::HashedKey};

macro_rules! scripts {
    ($($name:ident $file:literal)*) => {
        $(pub static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("lua/common.lua"), include_str!($file))));)*
    };
}

scripts! {
    LOAD "lua/load.lua"
    LOG_IN "lua/log_in.lua"
    END "lua/end.lua"
    END_ONE "lua/end_one.lua"
    END_OTHERS "lua/end_others.lua"
    KEEP_NEWEST "lua/keep_newest.lua"
    LIST "lua/list.lua"
    REAUTHENTICATE "lua/reauthenticate.lua"
    REASON "lua/reason.lua"
    STATE "lua/state.lua"
    USER "lua/user.lua"
    DELETED "lua/deleted.lua"
}

/// A script with what it is to be run on.
pub struct Call {
    script: &'static Script,
    keys: Vec<String>,
    arguments: Vec<String>,
}

impl Call {
    pub fn of(script: &'static Script) -> Self {
        Self { script, keys: Vec::new(), arguments: Vec::new() }
    }

    pub fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// Names and values in turn.
    pub fn args<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.arguments.extend(pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        self
    }

    /// With what every script must know first: the run of Redis that the connection leads to.
    pub fn prepare(&self, run: &str, durable: bool) -> ScriptInvocation<'static> {
        let mut invocation = self.script.prepare_invoke();
        invocation.key(&self.keys).arg(run).arg(u8::from(durable)).arg(&self.arguments);
        invocation
    }
}

/// How the keys begin.
pub const KINDS: [&str; 3] = ["session:", "sessions-of:", "user:"];

/// Where a session lies.
pub fn session(key: &HashedKey) -> String {
    format!("session:{}", hex(key.as_bytes()))
}

/// Where the names of a user's sessions lie.
pub fn index(user: Uuid) -> String {
    format!("sessions-of:{user}")
}

/// Where the copy of a user's row lies.
pub fn user(user: Uuid) -> String {
    format!("user:{user}")
}
