//! How passwords are hashed and checked.
//!
//! Argon2id with parameters after OWASP Password Storage: 19 MiB, two passes, one lane. They stand in each hash (PHC string
//! format), so that they can be raised and old hashes are replaced at the next log-in. To hash is made to be slow and hungry:
//! requests have it done behind the gate (`gate`).

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

use super::fields::Password;

/// Memory in KiB, passes, lanes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Verified for an e-mail address that nobody has: the same work as for one that somebody has.
static NOBODYS_HASH: LazyLock<String> = LazyLock::new(|| {
    let (salt, hash) = ("bm9ib2R5IGF0IGFsbA", "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
});

/// What checking a password came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is not the one.
    Wrong,
    /// It is.
    Right,
    /// It is, and here is the same with the present parameters, to be stored.
    RightWithNewHash(String),
}

/// What is hashed in. Its owner may use it again, which spares the system to clear as much of it for each hash.
#[derive(Default)]
pub struct Memory(Vec<Block>);

fn current() -> (Algorithm, Version, Params) {
    (Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default())
}

impl Memory {
    fn hash(
        &mut self,
        password: &Password,
        salt: &Salt,
        (algorithm, version, params): (Algorithm, Version, Params),
    ) -> Option<Output> {
        let blocks = params.block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
        Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, output, self.0.get_mut(..blocks)?)
            .ok()?;
        Output::new(output).ok()
    }
}

/// Hashes on this thread; `None` only if the system has no randomness or memory to give.
#[must_use]
pub fn hash(password: &Password) -> Option<String> {
    hash_in(&mut Memory::default(), password)
}

/// Hashes in memory that may have been used before.
pub(super) fn hash_in(memory: &mut Memory, password: &Password) -> Option<String> {
    let salt = Salt::generate();
    let (algorithm, version, params) = current();
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).ok()?,
        hash: Some(memory.hash(password, &salt, (algorithm, version, params))?),
        salt: Some(salt),
    };
    Some(hash.to_string())
}

/// Whether a password opens a hash; on this thread.
pub(super) fn opens(password: &Password, hash: &str) -> bool {
    check(&mut Memory::default(), password, Some(hash)) != Checked::Wrong
}

/// Checks a password against a hash, or against nobody's; on this thread.
pub(super) fn check(memory: &mut Memory, password: &Password, stored: Option<&str>) -> Checked {
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(&NOBODYS_HASH)) else { return Checked::Wrong };
    if !is_of(memory, password, &parsed).unwrap_or(false) || stored.is_none() {
        return Checked::Wrong;
    }
    let current = PasswordHash::new(&NOBODYS_HASH).is_ok_and(|current| {
        (current.algorithm, current.version, &current.params) == (parsed.algorithm, parsed.version, &parsed.params)
    });
    match current {
        true => Checked::Right,
        false => hash_in(memory, password).map_or(Checked::Right, Checked::RightWithNewHash),
    }
}

/// Whether a hash is that of a password; `None` if it is none of ours.
fn is_of(memory: &mut Memory, password: &Password, hash: &PasswordHash) -> Option<bool> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let output = memory.hash(password, hash.salt.as_ref()?, (algorithm, version, Params::try_from(hash).ok()?))?;
    // In constant time: it is how outputs are compared.
    Some(hash.hash.as_ref()? == &output)
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn checked(password: &str, hash: Option<&str>) -> Checked {
        check(&mut Memory::default(), &Password::typed(password), hash)
    }

    #[test]
    fn a_password_opens_its_own_hash_in_any_unicode_form() {
        let hash = hash(&Password::typed("caf\u{e9} au lait, deux fois")).expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(checked("cafe\u{301} au lait, deux fois", Some(&hash)), Checked::Right);
        assert_eq!(checked("cafe au lait, deux fois", Some(&hash)), Checked::Wrong);
    }

    #[test]
    fn nobodys_hash_is_well_formed_and_opens_to_nothing() {
        assert!(PasswordHash::new(&NOBODYS_HASH).is_ok());
        assert_eq!(checked("anything", None), Checked::Wrong);
    }

    #[test]
    fn nobodys_password_is_hashed_as_somebodys_would_be() {
        let mut memory = Memory::default();
        check(&mut memory, &Password::typed("anything"), None);
        assert_eq!(memory.0.len(), MEMORY_KIB as usize, "a block is a KiB");
    }

    #[test]
    fn hashes_are_those_of_the_library_also_in_memory_that_is_used_again() {
        let mut memory = Memory::default();
        for (name, kib) in [("a large one", 2048), ("a small one", 64), ("another large one", 2048)] {
            let (algorithm, version, _) = current();
            let library = Argon2::new(algorithm, version, Params::new(kib, 3, 2, Some(24)).expect("valid"));
            let hash: PasswordHash = library.hash_password(name.as_bytes()).expect("hashed");
            let mut is_of = |password: &str| is_of(&mut memory, &Password::typed(password), &hash);
            assert_eq!((is_of(name), is_of("something else")), (Some(true), Some(false)), "{name}");
            let ours = hash_in(&mut memory, &Password::typed(name)).expect("hashed");
            assert!(library.verify_password(name.as_bytes(), ours.as_str()).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_hash_opens_to_nothing() {
        let hash = hash(&Password::typed("marble otter gravel")).expect("a hash");
        let without_output = hash.rsplit_once('$').expect("parts").0;
        let without_salt = without_output.rsplit_once('$').expect("parts").0;
        let of_another_kind = hash.replace("argon2id", "scrypt");
        for broken in ["", "*", without_output, without_salt, &of_another_kind] {
            assert_eq!(checked("marble otter gravel", Some(broken)), Checked::Wrong, "{broken}");
        }
    }

    #[test]
    fn a_hash_with_other_parameters_is_replaced_when_its_password_is_seen() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 1, 1, None).expect("valid"));
        let old: PasswordHash = weak.hash_password(b"an old password").expect("hashed");
        let checked_old = checked("an old password", Some(&old.to_string()));
        let Checked::RightWithNewHash(new) = checked_old else { panic!("{checked_old:?}") };
        assert_eq!(checked("an old password", Some(&new)), Checked::Right);
    }
}
