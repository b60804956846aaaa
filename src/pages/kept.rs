//! What a form says, kept in a page while the password is asked for: sealed, so that it comes back as it went or not at all.
//!
//! A plain hidden field could be altered between the moment a person reads what they are about to do and the moment they give
//! their password for it. Inside the seal is whose it is (user and session), what for (the action), and until when. Once the
//! password was given the session has another name, so the same field is never taken twice.
//!
//! A password is never kept: forms that have one ask for the present password themselves.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::form::Fields;
use crate::{
    secrets::sealing::{seal, unseal},
    session::SessionUser,
};

const FOR: Duration = Duration::minutes(10);
/// What leaves room, in a form as large as a form may be, for a password and the form's own token.
const MOST_BYTES: usize = 60 * 1024;
const ABOUT: &[u8] = b"/account/confirm";

/// A form that waits for the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    user: Uuid,
    session: Uuid,
    /// Where it was sent to: path and query.
    pub action: String,
    pub fields: Vec<(String, String)>,
    /// Seconds since 1970, by the database's clock.
    until: i64,
}

/// Whose form it may be, and when it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    user: Uuid,
    session: Uuid,
    now: OffsetDateTime,
}

impl From<&SessionUser> for Holder {
    fn from(user: &SessionUser) -> Self {
        Self { user: user.user().id, session: user.record().id, now: user.loaded().now }
    }
}

impl Kept {
    pub fn new(holder: Holder, action: String, fields: Fields) -> Self {
        let until = (holder.now + FOR).unix_timestamp();
        Self { user: holder.user, session: holder.session, action, fields: fields.without_secrets(), until }
    }

    /// The hidden field; `None` if it would be too large to come back.
    pub fn seal(&self, key: &[u8; 32]) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = URL_SAFE_NO_PAD.encode(seal(key, ABOUT, &plain));
        (sealed.len() <= MOST_BYTES).then_some(sealed)
    }

    /// Opens a hidden field for whoever sends it; `None` if it is altered, somebody else's, another session's, or too old.
    pub fn open(keys: &[[u8; 32]], sealed: &str, holder: Holder) -> Option<Self> {
        let plain = unseal(keys, ABOUT, &URL_SAFE_NO_PAD.decode(sealed).ok()?)?;
        let kept: Self = serde_json::from_slice(&plain).ok()?;
        let is_theirs = (kept.user, kept.session) == (holder.user, holder.session);
        (is_theirs && holder.now.unix_timestamp() < kept.until).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn holder() -> Holder {
        Holder { user: Uuid::from_u128(1), session: Uuid::from_u128(2), now: OffsetDateTime::UNIX_EPOCH }
    }

    fn kept(value: &str) -> Kept {
        let fields =
            [("email", value), ("current_password", "secret"), ("form_token", "t"), ("new_password", "secret")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Kept::new(holder(), "/account/email?a=b".to_owned(), Fields::new(fields))
    }

    #[test]
    fn what_is_kept_comes_back_whole_but_for_passwords() {
        for value in ["", "ada@example.org", "\u{1f9d1}\" \\ \u{1}&=+%00", &"ä".repeat(10_000)] {
            let sealed = kept(value).seal(&KEY).expect("small enough");
            assert!(sealed.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)));
            let opened = Kept::open(&[[1; 32], KEY], &sealed, holder()).expect("its own");
            assert_eq!(opened.action, "/account/email?a=b");
            assert_eq!(opened.fields, [("email".to_owned(), value.to_owned())]);
        }
    }

    #[test]
    fn nobody_else_and_no_other_session_opens_it() {
        let sealed = kept("x").seal(&KEY).expect("small enough");
        let another = Uuid::from_u128(3);
        assert_eq!(Kept::open(&[KEY], &sealed, Holder { user: another, ..holder() }), None);
        assert_eq!(Kept::open(&[KEY], &sealed, Holder { session: another, ..holder() }), None);
        assert_eq!(Kept::open(&[[8; 32]], &sealed, holder()), None, "another secret");
    }

    #[test]
    fn it_opens_for_ten_minutes_and_no_second_longer() {
        let sealed = kept("x").seal(&KEY).expect("small enough");
        let at = |seconds| Holder { now: OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds), ..holder() };
        assert!(Kept::open(&[KEY], &sealed, at(599)).is_some());
        assert_eq!(Kept::open(&[KEY], &sealed, at(600)), None);
    }

    #[test]
    fn altered_in_any_letter_it_opens_for_nobody() {
        let sealed = kept("x").seal(&KEY).expect("small enough");
        for at in 0..sealed.len() {
            for letter in ['A', 'B', '-', '='] {
                let mut altered = sealed.clone();
                altered.replace_range(at..=at, &letter.to_string());
                assert!(altered == sealed || Kept::open(&[KEY], &altered, holder()).is_none(), "{at} {letter}");
            }
            assert_eq!(Kept::open(&[KEY], &sealed[..at], holder()), None, "the first {at} letters");
        }
        assert_eq!(Kept::open(&[KEY], "no base64 at all", holder()), None);
        let seal_of = |text: &str| URL_SAFE_NO_PAD.encode(seal(&KEY, ABOUT, text.as_bytes()));
        assert_eq!(Kept::open(&[KEY], &seal_of("{}"), holder()), None, "sealed, but no form");
        let of_another_kind =
            URL_SAFE_NO_PAD.encode(seal(&KEY, b"another", &serde_json::to_vec(&kept("x")).expect("JSON")));
        assert_eq!(Kept::open(&[KEY], &of_another_kind, holder()), None);
    }

    #[test]
    fn what_could_not_come_back_is_not_kept() {
        assert_eq!(kept(&"x".repeat(50_000)).seal(&KEY), None);
    }
}
