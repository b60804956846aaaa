//! What the memory of verified tokens must never do: accept what a fresh verification would refuse.

use std::sync::{Arc, LazyLock};

use jsonwebtoken::{Algorithm, Header};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    Tokens,
    access::{CLIENT_ID, Claims, TYPE},
    audience::Audience,
    keys::tests::Ring,
};
use crate::{accounts::Role, config, db::Pool};

const NOW: i64 = 1_800_000_000;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::HS256, Algorithm::EdDSA];

pub(super) fn claims(role: Role, aud: Audience) -> Claims {
    Claims {
        iss: "us".to_owned(),
        aud,
        sub: Uuid::nil(),
        client_id: CLIENT_ID.to_owned(),
        role,
        sid: Uuid::nil(),
        ver: 1,
        auth_time: NOW,
        jti: "name".to_owned(),
        iat: NOW,
        nbf: NOW,
        exp: NOW + 900,
    }
}

fn tokens(ring: &Ring, issuer: &str, audience: &str) -> Tokens {
    static NOWHERE: LazyLock<(Pool, config::Token)> = LazyLock::new(|| {
        let config = config::Config::from_lookup(&|name| match name {
            "DATABASE_URL" => Some("postgres://nowhere".into()),
            "SECRETS" => Some("0123456789abcdef0123456789abcdef".into()),
            _ => None,
        });
        (
            Pool::new("postgres://nowhere", 1, std::time::Duration::from_secs(1)).expect("not asked"),
            config.expect("valid").token,
        )
    });
    let (pool, config) = &*NOWHERE;
    let (issuer, audience) = (Some(issuer.to_owned()), Some(audience.to_owned()));
    Tokens::new(pool.clone(), ring.keyring(), &config::Token { issuer, audience, ..config.clone() }, "nowhere")
}

/// A token, good or not quite, and how it is changed on its way.
#[derive(Debug, Clone)]
struct Specimen {
    key: usize,
    claims: Claims,
    typ: &'static str,
    /// A character that becomes another one.
    altered: Option<(prop::sample::Index, char)>,
}

fn specimen() -> impl Strategy<Value = Specimen> {
    let audience = prop_oneof![
        4 => Just(Audience::One("api".to_owned())),
        1 => Just(Audience::One("orders".to_owned())),
        1 => Just(Audience::Several(vec!["orders".to_owned(), "api".to_owned()])),
    ];
    let times = (-120i64..120, -120i64..120, -5i64..60);
    let (issuer, client) =
        (prop_oneof![5 => Just("us"), 1 => Just("them")], prop_oneof![5 => Just(CLIENT_ID), 1 => Just("x")]);
    let typ = prop_oneof![6 => Just(TYPE), 1 => Just("JWT")];
    let altered = prop::option::weighted(0.3, (any::<prop::sample::Index>(), prop::char::range('A', 'z')));
    (0..ALGORITHMS.len(), audience, times, issuer, client, typ, altered).prop_map(
        |(key, aud, (nbf, iat, exp), iss, client_id, typ, altered)| Specimen {
            key,
            claims: Claims {
                iss: iss.to_owned(),
                client_id: client_id.to_owned(),
                nbf: NOW + nbf,
                iat: NOW + iat,
                exp: NOW + exp,
                ..claims(Role::User, aud)
            },
            typ,
            altered,
        },
    )
}

impl Specimen {
    fn sign(&self, ring: &Ring) -> String {
        let header = Header {
            typ: Some(self.typ.to_owned()),
            kid: Some(ring.kid(self.key)),
            ..Header::new(ALGORITHMS[self.key])
        };
        let token = jsonwebtoken::encode(&header, &self.claims, ring.signing(self.key)).expect("signed");
        let Some((at, letter)) = &self.altered else { return token };
        let at = at.index(token.len());
        token.char_indices().map(|(index, old)| if index == at { *letter } else { old }).collect()
    }
}

/// What happens between the signing of a token and its coming back.
#[derive(Debug, Clone)]
enum Step {
    /// Shows one of the tokens so many seconds later.
    Show(prop::sample::Index, i64),
    /// A key is retired, or comes back.
    Keys(Vec<bool>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<prop::sample::Index>(), -90i64..90).prop_map(|(which, later)| Step::Show(which, later)),
        1 => prop::collection::vec(any::<bool>(), ALGORITHMS.len()).prop_map(Step::Keys),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_token_that_was_verified_before_is_judged_as_one_that_never_was(
        specimens in prop::collection::vec(specimen(), 1..5),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut ring = Ring::of(&ALGORITHMS);
        let remembering = tokens(&ring, "us", "api");
        let shown: Vec<String> = specimens.iter().map(|specimen| specimen.sign(&ring)).collect();
        for step in steps {
            match step {
                Step::Show(which, later) => {
                    let (token, now) = (which.get(&shown), NOW + later);
                    let fresh = tokens(&ring, "us", "api");
                    prop_assert_eq!(remembering.verify(token, now), fresh.verify(token, now));
                    prop_assert_eq!(
                        remembering.verify_for_any_audience(token, now),
                        fresh.verify_for_any_audience(token, now)
                    );
                }
                Step::Keys(live) => {
                    ring.retire_but(&live);
                    remembering.keys.exchange(ring.keyring());
                }
            }
        }
    }

    #[test]
    fn whoever_has_another_issuer_or_audience_remembers_nothing_of_ours(specimen in specimen(), later in -90i64..90) {
        let ring = Ring::of(&ALGORITHMS);
        let token = specimen.sign(&ring);
        let first = tokens(&ring, "us", "api");
        let _ = first.verify_for_any_audience(&token, NOW + later);
        for (issuer, audience) in [("them", "api"), ("us", "orders")] {
            // The very same keys, with all that they remember.
            let second = Tokens { keys: first.keys.clone(), ..tokens(&ring, issuer, audience) };
            let fresh = tokens(&ring, issuer, audience);
            prop_assert_eq!(second.verify(&token, NOW + later), fresh.verify(&token, NOW + later));
        }
    }
}

#[test]
fn the_second_time_the_signature_is_not_computed_again() {
    let ring = Ring::of(&ALGORITHMS);
    let tokens = tokens(&ring, "us", "api");
    let good = Specimen { key: 0, claims: claims(Role::User, Audience::One("api".into())), typ: TYPE, altered: None };
    let token = good.sign(&ring);
    let (first, second) = (tokens.verify(&token, NOW).expect("good"), tokens.verify(&token, NOW + 1).expect("good"));
    assert!(Arc::ptr_eq(&first, &second));
}
