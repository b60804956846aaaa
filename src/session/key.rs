//! The key of a session: 256 random bits.
//!
//! [`PlainKey`] goes to the browser once, [`HashedKey`] is all that is stored. A plain hash does, as there is nothing to guess.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Binary,
};

use crate::secrets::{random, sha256};

/// A session key as the browser holds it. Shown once, never stored, never printed.
pub struct PlainKey(String);

/// A session key as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct HashedKey([u8; 32]);

impl PlainKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<32>()))
    }

    /// The form that is stored.
    #[must_use]
    pub fn hash(&self) -> HashedKey {
        HashedKey::of(&self.0)
    }

    pub(super) fn into_inner(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainKey([redacted])")
    }
}

impl HashedKey {
    /// Hashes a key as a cookie shows it.
    #[must_use]
    pub fn of(plain: &str) -> Self {
        Self(sha256(plain.as_bytes()))
    }

    /// The column's value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl ToSql<Binary, Pg> for HashedKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Binary, Pg>::to_sql(&self.0[..], out)
    }
}

impl FromSql<Binary, Pg> for HashedKey {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}
