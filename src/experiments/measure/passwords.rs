//! Hashing a password, with the very function and parameters that accounts are kept with.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Unmeasured,
    sample::{Sample, Unit, repeat},
};
use crate::{
    accounts::{fields::Password, password},
    secrets::random,
};

/// Measures on this thread. Checking a password is hashing it again, and costs the same.
pub fn measure(n: usize) -> Result<Sample, Unmeasured> {
    let password = Password::typed(&URL_SAFE_NO_PAD.encode(random::<24>()));
    let hashed = || password::hash(&password).ok_or_else(|| Unmeasured("no password could be hashed".to_owned()));
    let times = repeat(n, hashed)?;
    Sample::of(&times, Unit::Milliseconds).ok_or_else(|| Unmeasured("nothing was to be measured".to_owned()))
}
