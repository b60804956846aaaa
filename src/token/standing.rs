//! Whether what a valid token names still stands: its family, the token itself and its user, in one statement.
//!
//! Requests that ask at the same time share it. [`LiveTokenUser`](super::LiveTokenUser) is who passed.
//!
//! Promise: what was committed before a request came counts for it. Limit: it is the database that knows; without it nobody does.

use std::sync::Arc;

use diesel::{prelude::*, sql_types::Text};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{access::Claims, authenticate::NotAuthenticated, record::FamilyRecord};
use crate::{
    accounts::{Role, User, ending::EndReason},
    db::{
        self, Asking, Lookup, any, clock_timestamp,
        gather::{
            as_before::AtPlaces,
            if_new::if_new,
            remembered::{Found, Known, Shelf, Told},
            version::version_of,
        },
        schema::{denied_tokens, token_families, users},
    },
};

/// What the rows say of a token, as of one statement.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    family: Arc<FamilyRecord>,
    pub(super) user: Arc<User>,
    now: OffsetDateTime,
    is_denied: bool,
}

/// How live checks ask: together, as every request at a live route makes one.
pub(super) type Standings = Lookup<Arc<Claims>, Option<Standing>>;

diesel::define_sql_function! {
    /// All values in one list; nothing if there are none.
    #[aggregate]
    fn array_agg(text: diesel::sql_types::Text) -> diesel::sql_types::Nullable<diesel::sql_types::Array<diesel::sql_types::Text>>;
}

/// The database's clock, and which of the tokens asked for are on the denylist.
type Said = (OffsetDateTime, Option<Vec<String>>);

/// Which of the tokens of these ids are on the denylist.
#[diesel::dsl::auto_type(no_type_alias)]
fn denied<'a>(ids: &'a [&'a str]) -> _ {
    let listed: diesel::dsl::Eq<denied_tokens::jti, any<Text, &'a [&'a str]>> = denied_tokens::jti.eq(any(ids));
    denied_tokens::table
        .filter(listed)
        .filter(denied_tokens::expires_at.gt(clock_timestamp()))
        .select(array_agg(denied_tokens::jti))
        .single_value()
}

impl Standing {
    /// What the rows say of several tokens, in their order. Rows that are as they were are not sent; the denylist is always read.
    pub(super) fn look_up() -> impl Fn(&mut Asking<'_>, &[Arc<Claims>]) -> db::Result<Vec<Option<Self>>> {
        let shelf = Shelf::<Uuid, FamilyRecord, User>::new();
        move |asking, tokens| {
            let ids: Vec<&str> = tokens.iter().map(|claims| claims.jti.as_str()).collect();
            let families: Vec<Uuid> = tokens.iter().map(|claims| claims.sid).collect();
            let look = |asking: &mut Asking<'_>, places: &_| {
                let said = (clock_timestamp(), denied(&ids));
                Ok(AtPlaces::of((token_families::table, users::table), places, said).get_result(&mut **asking)?)
            };
            let read = |asking: &mut Asking<'_>, families: &_, known: &_| Self::read(asking, families, known, &ids);
            let found = shelf.with(|remembered| remembered.find(asking, &families, look, read))?;
            Ok(tokens.iter().zip(found).map(|(claims, found)| Self::of(claims, found?)).collect())
        }
    }

    fn read(
        conn: &mut PgConnection,
        families: &[Uuid],
        (known, known_users): &Known,
        ids: &[&str],
    ) -> db::Result<Vec<Told<Uuid, FamilyRecord, User, Said>>> {
        let rows =
            token_families::table.inner_join(users::table).filter(token_families::id.eq(any(families))).select((
                (clock_timestamp(), denied(ids)),
                (
                    token_families::id,
                    (version_of(token_families::table, token_families::id), version_of(users::table, users::id)),
                ),
                if_new::<FamilyRecord, _>(token_families::table, known),
                if_new::<User, _>(users::table, known_users),
            ));
        Ok(rows.load(conn)?)
    }

    /// The family must be the user's own.
    fn of(claims: &Claims, ((family, user), (now, denied)): Found<FamilyRecord, User, Said>) -> Option<Self> {
        let is_denied = denied.iter().flatten().any(|jti| *jti == claims.jti);
        (user.id == claims.sub).then_some(Self { family, user, now, is_denied })
    }

    /// Versions are compared and never `iat`, whose seconds are too coarse for "everything issued before".
    // excerpt: live
    pub(super) fn judge(&self, claims: &Claims) -> Result<(), NotAuthenticated> {
        if let Some(ban) = self.user.ban_on(self.family.end(self.now), self.now) {
            return Err(NotAuthenticated::Banned(ban));
        }
        if let Some(reason) = self.family.end(self.now) {
            return Err(NotAuthenticated::Ended(reason));
        }
        if self.is_denied {
            return Err(NotAuthenticated::Denied);
        }
        if self.user.credential_version != claims.ver {
            return Err(NotAuthenticated::Ended(EndReason::PasswordChanged));
        }
        // Whoever may do less than the token says has other logins to use. More than it says is no harm.
        if claims.role == Role::Admin && self.user.role() != Role::Admin {
            return Err(NotAuthenticated::Ended(EndReason::RoleChanged));
        }
        Ok(())
    }
    // end excerpt

    /// By the claim or by the row, whichever is longer.
    pub(super) fn password_age(&self, claims: &Claims) -> Duration {
        let by_claim = Duration::seconds(self.now.unix_timestamp().saturating_sub(claims.auth_time));
        by_claim.max(self.now - self.family.authenticated_at)
    }
}
