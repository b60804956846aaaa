//! Keyrings for tests, without a table or a file.

use jsonwebtoken::{Algorithm, EncodingKey};

use super::{Keyring, Material};

/// One key of each algorithm, of which some are retired.
pub struct Ring {
    keys: Vec<(Material, Vec<u8>)>,
    live: Vec<bool>,
}

impl Ring {
    pub fn of(algorithms: &[Algorithm]) -> Self {
        let keys: Vec<_> = algorithms.iter().map(|algorithm| Material::generate(*algorithm).expect("a key")).collect();
        Self { live: vec![true; keys.len()], keys }
    }

    pub fn retire_but(&mut self, live: &[bool]) {
        self.live = live.to_vec();
    }

    pub fn kid(&self, key: usize) -> String {
        self.keys[key].0.kid.clone()
    }

    pub fn signing(&self, key: usize) -> &EncodingKey {
        &self.keys[key].0.signing
    }

    /// A keyring as an instance reads it.
    pub fn keyring(&self) -> Keyring {
        let live = self.keys.iter().zip(&self.live).filter(|(_, live)| **live);
        let keys = live.map(|((key, private), _)| Material::read(key.algorithm, private, &key.kid).expect("a key"));
        Keyring::new(keys.collect(), None, None, None)
    }
}
