//! Which cookies the pages of the stories set, and that all of them go at the end.
//!
//! One of each kind that a story asks about: the names say how they differ.

use super::jar::{Set, Value, own, planted, removed};

const SESSION: Set = Set { label: "session", value: Value::Session, attributes: "; HttpOnly; SameSite=Lax" };
pub(super) const VICTIM: &[Set] = &[
    SESSION,
    own("open", "; SameSite=Lax"),
    own("none", "; HttpOnly; SameSite=None; Secure"),
    own("lax", "; HttpOnly; SameSite=Lax"),
    own("strict", "; HttpOnly; SameSite=Strict"),
    own("absent", "; HttpOnly"),
    own("__Host-fixed", "; HttpOnly; SameSite=Lax; Secure"),
];
pub(super) const VICTIM_REMOVED: &[Set] = &[
    removed("session", ""),
    removed("open", ""),
    removed("none", "; SameSite=None; Secure"),
    removed("lax", ""),
    removed("strict", ""),
    removed("absent", ""),
    removed("__Host-fixed", "; Secure"),
];
/// What the pages of `api.` and its like set: one cookie for each kind.
pub(super) const API: &[Set] = &[
    own("none", "; HttpOnly; SameSite=None; Secure"),
    own("lax", "; HttpOnly; SameSite=Lax"),
    own("strict", "; HttpOnly; SameSite=Strict"),
];
pub(super) const API_REMOVED: &[Set] =
    &[removed("none", "; SameSite=None; Secure"), removed("lax", ""), removed("strict", "")];
pub(super) const SECURE: &[Set] = &[
    own("secure", "; HttpOnly; SameSite=Lax; Secure"),
    own("open", "; HttpOnly; SameSite=Lax"),
    own("__Host-fixed", "; HttpOnly; SameSite=Lax; Secure"),
];
pub(super) const SECURE_PLANTED: &[Set] = &[
    planted("secure", "; SameSite=Lax; Secure; Domain={domain}"),
    planted("open", "; SameSite=Lax; Domain={domain}"),
    planted("__Host-fixed", "; SameSite=Lax; Secure; Domain={domain}"),
];
pub(super) const SECURE_REMOVED: &[Set] = &[
    removed("secure", "; Secure"),
    removed("secure", "; Secure; Domain={domain}"),
    removed("open", ""),
    removed("open", "; Domain={domain}"),
    removed("__Host-fixed", "; Secure"),
];
pub(super) const NAMES: &[Set] = &[
    own("host", "; HttpOnly; SameSite=Lax"),
    own("domain", "; HttpOnly; SameSite=Lax; Domain={domain}"),
    own("__Host-fixed", "; HttpOnly; SameSite=Lax; Secure"),
];
pub(super) const NAMES_PLANTED: &[Set] = &[
    planted("host", "; SameSite=Lax; Domain={domain}"),
    planted("__Host-fixed", "; SameSite=Lax; Secure; Domain={domain}"),
];
pub(super) const NAMES_REMOVED: &[Set] = &[
    removed("host", ""),
    removed("host", "; Domain={domain}"),
    removed("domain", "; Domain={domain}"),
    removed("__Host-fixed", "; Secure"),
];
