//! What handlers do to sessions, within a transaction of theirs and on a thread that may wait; and what the session's layers do.
//!
//! An error takes the transaction back, so that nothing is said to be done that is not. What Redis did before that stays: an
//! ended session is not brought back, and of a new one nobody has the key.

use std::sync::Arc;

use diesel::PgConnection;
use uuid::Uuid;

use super::{
    Store, record,
    scripts::{self, Call},
    unreadable, user,
};
use crate::{
    accounts::{User, ending::EndReason},
    db,
    http::client::Client,
    session::{
        key::HashedKey,
        log_in::Terms,
        record::{Loaded, SessionRecord},
    },
};

impl Store {
    /// Makes a session. Called under the lock of the user's row that `hold_version` takes, so that nothing that ends all
    /// sessions can fall in between; until the caller's transaction has committed, nobody has the key.
    pub(in crate::session) fn log_in(
        &self,
        key: &HashedKey,
        user: &User,
        terms: &Terms,
        client: &Client,
    ) -> db::Result<Uuid> {
        let id = Uuid::new_v4();
        let fields = [
            ("id", id.to_string()),
            ("user", user.id.to_string()),
            ("version", user.credential_version.to_string()),
            ("remembered", u8::from(terms.remembered).to_string()),
            ("idle", terms.idle_seconds.to_string()),
            ("agent", client.user_agent.clone()),
            ("address", ipnet::IpNet::from(client.address).to_string()),
        ];
        let call = Call::of(&scripts::LOG_IN)
            .key(scripts::session(key))
            .key(scripts::index(user.id))
            .arg(terms.absolute_seconds)
            .args(fields);
        self.connection.wait::<()>(call)?;
        Ok(id)
    }

    /// Puts a new key in the place of a session's; or says why that had ended already.
    pub(in crate::session) fn reauthenticate(
        &self,
        old: &HashedKey,
        new: &HashedKey,
        user: &User,
    ) -> db::Result<Result<Loaded, EndReason>> {
        let call = Call::of(&scripts::REAUTHENTICATE)
            .key(scripts::session(old))
            .key(scripts::index(user.id))
            .key(scripts::session(new))
            .arg(Uuid::new_v4())
            .arg(user.credential_version);
        let mut answer = self.connection.wait::<Vec<String>>(call)?.into_iter();
        let (kind, second) = (answer.next(), answer.next().unwrap_or_default());
        if kind.as_deref() != Some("made") {
            return Ok(Err(EndReason::from_name(&second).unwrap_or(EndReason::LoggedOut)));
        }
        let now = record::instant(&second).ok_or_else(unreadable)?;
        let record = answer.next().and_then(|session| record::read(&session)).ok_or_else(unreadable)?;
        Ok(Ok(Loaded { key: *new, record: Arc::new(record), user: Arc::new(user.clone()), now }))
    }

    /// Ends a session; `false` if it had ended already.
    pub(in crate::session) fn end(&self, key: &HashedKey, reason: EndReason) -> db::Result<bool> {
        self.connection.wait(ending(key, reason))
    }

    /// [`Store::end`] outside of a transaction.
    pub(in crate::session) async fn end_now(&self, key: &HashedKey, reason: EndReason) -> db::Result<bool> {
        self.connection.ask(ending(key, reason)).await
    }

    /// Ends one of a user's sessions by its public name; `false` if there is no such live one.
    pub(in crate::session) fn end_one(
        &self,
        conn: &mut PgConnection,
        user: Uuid,
        id: Uuid,
        reason: EndReason,
    ) -> db::Result<bool> {
        let since = user::sessions_since(conn, user)?;
        let call = Call::of(&scripts::END_ONE).key(scripts::index(user));
        self.connection.wait(call.arg(reason.as_str()).arg(id).arg(since))
    }

    /// Ends a user's sessions but one; returns how many there were.
    pub(in crate::session) fn end_others(
        &self,
        conn: &mut PgConnection,
        user: Uuid,
        but: Uuid,
        reason: EndReason,
    ) -> db::Result<usize> {
        let since = user::sessions_since(conn, user)?;
        let call = Call::of(&scripts::END_OTHERS).arg(reason.as_str()).arg(user).arg(but).arg(since);
        self.connection.wait(call)
    }

    /// Ends a user's oldest sessions, if there are more than so many; returns their names. One always stays.
    pub(in crate::session) fn keep_newest(
        &self,
        conn: &mut PgConnection,
        user: Uuid,
        kept: Uuid,
        most: u32,
    ) -> db::Result<Vec<Uuid>> {
        let since = user::sessions_since(conn, user)?;
        let call = Call::of(&scripts::KEEP_NEWEST).arg(user).arg(since).arg(kept).arg(most);
        let ended: Vec<String> = self.connection.wait(call)?;
        ended.into_iter().map(|id| id.parse().map_err(|_| unreadable())).collect()
    }

    /// A user's live sessions, newest first.
    pub(in crate::session) fn list(&self, conn: &mut PgConnection, user: Uuid) -> db::Result<Vec<SessionRecord>> {
        let since = user::sessions_since(conn, user)?;
        let found: Vec<String> = self.connection.wait(Call::of(&scripts::LIST).arg(user).arg(since))?;
        found.iter().rev().map(|session| record::read(session).ok_or_else(unreadable)).collect()
    }

    /// Why a session ended; `None` if it is alive or unknown.
    pub(in crate::session) fn end_reason(&self, key: &HashedKey) -> db::Result<Option<EndReason>> {
        let reason: String = self.connection.wait(Call::of(&scripts::REASON).key(scripts::session(key)))?;
        Ok(EndReason::from_name(&reason))
    }

    /// Whether nobody has ended a session yet.
    pub(in crate::session) async fn is_live(&self, key: &HashedKey) -> db::Result<bool> {
        let reason: String = self.connection.ask(Call::of(&scripts::REASON).key(scripts::session(key))).await?;
        Ok(reason.is_empty())
    }

    /// Writes what pages keep, into a live session; `false` if there is none.
    pub(in crate::session) async fn store_state(&self, key: &HashedKey, state: &serde_json::Value) -> db::Result<bool> {
        self.connection.ask(Call::of(&scripts::STATE).key(scripts::session(key)).arg(state)).await
    }
}

fn ending(key: &HashedKey, reason: EndReason) -> Call {
    Call::of(&scripts::END).key(scripts::session(key)).arg(reason.as_str())
}
