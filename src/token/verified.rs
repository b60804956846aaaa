//! Tokens whose signature was found right before, so that it need not be computed again: the same token comes with every
//! request, and an ES256 signature costs more than all the rest of the answer.
//!
//! What is remembered is that these very bytes were signed by one of the keys of a keyring; so the memory is a part of that
//! keyring and dies with it, whenever a key is made, begins to sign or is retired. Everything that can change otherwise is
//! checked anew each time: the clock, issuer, audience and client.
//!
//! Promise: nothing is accepted that a fresh verification would refuse. The whole token is the key and compared as such, never
//! a part of it and never a hash alone; only what was verified comes in, so no stranger can fill it; it is bounded in bytes.
//! Limit: tokens lie in the server's memory, for as long as others don't displace them.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::access::Claims;

/// The most memory that is used, in bytes: some eight thousand tokens.
const BYTES_MOST: u64 = 8 << 20;
/// What an entry takes besides its texts.
const OVERHEAD: usize = 256;

/// Verified tokens with their claims.
pub(super) struct Verified(Cache<Box<[u8]>, Arc<Claims>, Bytes>);

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<[u8]>, Arc<Claims>> for Bytes {
    fn weight(&self, token: &Box<[u8]>, _: &Arc<Claims>) -> u64 {
        // The texts of the claims are in the token, where they take a third more.
        (2 * token.len() + size_of::<Claims>() + OVERHEAD) as u64
    }
}

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::with_weighter(8192, BYTES_MOST, Bytes))
    }
}

impl Verified {
    /// What a token says whose signature is known to be right.
    pub fn get(&self, token: &[u8]) -> Option<Arc<Claims>> {
        self.0.get(token)
    }

    /// Remembers a token that was just verified.
    pub fn insert(&self, token: &str, claims: &Arc<Claims>) {
        self.0.insert(token.as_bytes().into(), Arc::clone(claims));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::Role,
        token::{audience::Audience, tests::claims},
    };

    #[test]
    fn however_many_come_it_keeps_within_its_bytes() {
        let (verified, claims) = (Verified::default(), Arc::new(claims(Role::User, Audience::One("x".into()))));
        for number in 0..20_000 {
            verified.insert(&format!("{number:0600}"), &claims);
        }
        assert!(verified.0.weight() <= BYTES_MOST, "{}", verified.0.weight());
        assert!(verified.0.len() > 1000, "it remembers {} only", verified.0.len());
    }
}
