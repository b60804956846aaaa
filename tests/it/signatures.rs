//! What checks signatures, against Project Wycheproof's vectors and against tricks with the envelope (JWS, RFC 7515) of our own.
//!
//! The vectors go to the very function that `Tokens::verify` ends in, with keys that are read as ours are: from a JWK, or from a
//! secret. Wycheproof's own JWS files are not in the crate, hence the tricks; `authenticate.rs` has the plainer ones.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};
use wycheproof::TestResult;

use crate::support::{Forge, TestApp, forge};

const ADA: &str = "ada@example.org";

/// Holds a verifier to a set of vectors: a key, a message, a signature, and what is to come of it.
struct Judge {
    algorithm: Algorithm,
    judged: usize,
}

impl Judge {
    fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, judged: 0 }
    }

    fn verifies(&self, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
        crypto::verify(&URL_SAFE_NO_PAD.encode(signature), message, key, self.algorithm).unwrap_or(false)
    }

    fn judge(&mut self, key: &DecodingKey, message: &[u8], signature: &[u8], result: TestResult, about: &str) {
        let verified = self.verifies(key, message, signature);
        match result {
            TestResult::Valid => assert!(verified, "{about} is valid"),
            TestResult::Invalid => assert!(!verified, "{about} is forged"),
            TestResult::Acceptable => {}
        }
        self.judged += 1;
    }
}

fn key(jwk: Value) -> DecodingKey {
    DecodingKey::from_jwk(&serde_json::from_value(jwk).expect("a JWK")).expect("a key")
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn es256_holds_against_wycheproof() {
    use wycheproof::ecdsa::{TestName, TestSet};

    let mut judge = Judge::new(Algorithm::ES256);
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).expect("vectors").test_groups {
        let point: &[u8] = &group.key.key;
        assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
        let key = key(json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) }));
        for test in &group.tests {
            judge.judge(&key, &test.msg, &test.sig, test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(judge.judged > 200, "{}", judge.judged);
}

#[test]
fn rs256_holds_against_wycheproof() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

    let mut judge = Judge::new(Algorithm::RS256);
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256] {
        for group in TestSet::load(name).expect("vectors").test_groups {
            // As a JWK has it (RFC 7518, section 6.3.1.1): without the leading zero of a signed number.
            let unsigned = |number: &[u8]| text(&number[number.iter().take_while(|byte| **byte == 0).count()..]);
            let key = key(json!({ "kty": "RSA", "n": unsigned(&group.key.n), "e": unsigned(&group.key.e) }));
            for test in &group.tests {
                let about = format!("{} bits, {} {}", group.key_size, test.tc_id, test.comment);
                judge.judge(&key, &test.msg, &test.sig, test.result, &about);
            }
        }
    }
    assert!(judge.judged > 900, "{}", judge.judged);
}

#[test]
fn eddsa_holds_against_wycheproof() {
    use wycheproof::eddsa::{TestName, TestSet};

    let mut judge = Judge::new(Algorithm::EdDSA);
    for group in TestSet::load(TestName::Ed25519).expect("vectors").test_groups {
        let key = key(json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&group.key.pk) }));
        for test in &group.tests {
            judge.judge(&key, &test.msg, &test.sig, test.result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(judge.judged > 140, "{}", judge.judged);
}

#[test]
fn hs256_holds_against_wycheproof_and_takes_no_tag_that_is_cut_short() {
    use wycheproof::mac::{TestName, TestSet};

    let mut judge = Judge::new(Algorithm::HS256);
    for group in TestSet::load(TestName::HmacSha256).expect("vectors").test_groups {
        for test in &group.tests {
            let key = DecodingKey::from_secret(&test.key);
            // A MAC of 128 bits is good HMAC and no good HS256 (RFC 7518, section 3.2).
            let result = if group.tag_size == 256 { test.result } else { TestResult::Invalid };
            judge.judge(&key, &test.msg, &test.tag, result, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    assert!(judge.judged > 150, "{}", judge.judged);
}

/// The order of the curve P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order less this number.
fn negated(number: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference = vec![0; 32];
    for index in (0..32).rev() {
        let digit = i16::from(ORDER[index]) - i16::from(number[index]) - borrow;
        borrow = i16::from(digit < 0);
        difference[index] = u8::try_from(digit.rem_euclid(256)).expect("a byte");
    }
    difference
}

/// A whole number as DER writes it.
fn der(number: &[u8]) -> Vec<u8> {
    let mut number = number[number.iter().take_while(|byte| **byte == 0).count()..].to_vec();
    if number.first().is_none_or(|first| *first >= 0x80) {
        number.insert(0, 0);
    }
    [vec![2, u8::try_from(number.len()).expect("short")], number].concat()
}

/// What came of a token at a route that asks nobody else.
async fn status(app: &TestApp, token: &str) -> u16 {
    app.request("GET", "/api/me", &[("authorization", &format!("Bearer {token}"))], "").await.status
}

#[actix_web::test]
async fn one_token_has_two_signatures_and_no_third_and_a_denial_hits_both() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let (message, signature) = client.access_token.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let (r, s) = signature.split_at(32);
    let token = |signature: &[u8]| format!("{message}.{}", text(signature));
    // Whoever holds a token can make the other one: nothing may be told apart, or denied, by the text of a signature.
    let twin = token(&[r, negated(s).as_slice()].concat());
    assert_eq!((status(&app, &client.access_token).await, status(&app, &twin).await), (200, 200));
    let zero = [0; 32];
    let der = [der(r), der(s)].concat();
    let der = [vec![0x30, u8::try_from(der.len()).expect("short")], der].concat();
    for (about, signature) in [
        ("r negated", [negated(r).as_slice(), s].concat()),
        ("r and s exchanged", [s, r].concat()),
        ("all zero", [zero, zero].concat()),
        ("r zero", [&zero[..], s].concat()),
        ("s zero", [r, &zero[..]].concat()),
        ("s the order itself", [r, &ORDER[..]].concat()),
        ("both the order", [ORDER, ORDER].concat()),
        ("all ones", vec![0xff; 64]),
        ("as DER", der),
        ("a zero before each half", [&[0][..], r, &[0][..], s].concat()),
        ("r alone", r.to_vec()),
        ("a byte more", [&signature[..], &[0]].concat()),
        ("a byte less", signature[..63].to_vec()),
        ("nothing", vec![]),
    ] {
        assert_eq!(status(&app, &token(&signature)).await, 401, "{about}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let revoked = app.request("POST", "/api/revoke", &form, &format!("token={}", client.access_token)).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    let twin = app.request("GET", "/api/account", &[("authorization", &format!("Bearer {twin}"))], "").await;
    assert_eq!(twin.status, 401, "{twin:?}");
}

#[actix_web::test]
async fn no_key_that_comes_with_a_token_is_used() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let ours = forge::header(&client.access_token)["kid"].clone();
    let (head, claims) = (json!({ "typ": "at+jwt", "alg": "ES256" }), forge::claims(&client.access_token));
    let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING)
        .expect("a key pair");
    let private = pair.to_pkcs8v1().expect("PKCS #8");
    let own = EncodingKey::from_ec_der(private.as_ref());
    let jwk = serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&own, Algorithm::ES256).expect("a JWK"));
    let mut jwk = jwk.expect("JSON");
    jwk["kid"] = json!("mine");
    let url = "http://attacker.localhost/keys.json";
    for kid in [ours, json!("mine"), Value::Null, json!(url), json!({ "jwk": jwk })] {
        for (name, value) in [
            ("jwk", jwk.clone()),
            ("jku", json!(url)),
            ("x5u", json!(url)),
            ("x5c", json!([jwk["x"]])),
            ("x5t", jwk["x"].clone()),
            ("x5t#S256", jwk["x"].clone()),
            ("epk", jwk.clone()),
        ] {
            let mut header = head.clone();
            header["kid"] = kid.clone();
            header[name] = value;
            let message = format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
            let signature = crypto::sign(message.as_bytes(), &own, Algorithm::ES256).expect("signed");
            assert_eq!(status(&app, &format!("{message}.{signature}")).await, 401, "{name} with kid {kid}");
        }
    }
}

/// The envelope bent, under the server's own signature: what is refused is not refused for that.
fn bent(forge: &Forge, token: &str) -> Vec<(String, String)> {
    let claims = forge::claims(token);
    let (header, payload) = (forge.header().to_string(), claims.to_string());
    let mut cases = Vec::new();
    let mut add = |about: &str, token: String| cases.push((about.to_owned(), token));
    for (name, first) in [("alg", "none"), ("alg", "ES256"), ("kid", "another"), ("typ", "JWT"), ("typ", "at+jwt")] {
        let twice = header.replacen('{', &format!("{{\"{name}\":\"{first}\","), 1);
        add(&format!("{name} twice, first {first}"), forge.sign_text(&twice, &payload));
    }
    let escaped = header.replacen('{', "{\"\\u0061lg\":\"none\",", 1);
    add("alg twice, once in disguise", forge.sign_text(&escaped, &payload));
    for (about, more) in [
        ("crit of b64", json!({ "crit": ["b64"], "b64": false })),
        ("crit of what is not there", json!({ "crit": ["more"] })),
        ("crit of a name that is known", json!({ "crit": ["alg"], "more": 1 })),
        ("crit that is no list", json!({ "crit": "b64" })),
        ("crit with nothing in it", json!({ "crit": [] })),
        ("encrypted, it says", json!({ "enc": "A256GCM" , "alg": "dir" })),
        ("compressed, it says", json!({ "zip": "DEF" })),
    ] {
        let mut header = forge.header();
        for (name, value) in more.as_object().expect("an object") {
            header[name] = value.clone();
        }
        add(about, forge.sign(&header, &claims));
    }
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    add("a payload that is not encoded (RFC 7797)", forge.sign_message(&format!("{}.{payload}", part(&header))));
    add("nothing signed", forge.sign_message(&format!("{}.", part(&header))));
    add("a header in brackets", forge.sign_text(&format!("[{header}]"), &payload));
    add("two headers", forge.sign_text(&format!("{header}{header}"), &payload));
    add("two payloads", forge.sign_text(&header, &format!("{payload}{payload}")));
    add("a mark of byte order", forge.sign_text(&format!("\u{feff}{header}"), &payload));
    for letter in [" ", "\t", "\r", "\n", "%20", "\u{a0}", "=", "==", "+", "/", ".", "~", "\u{0}"] {
        for (index, where_) in ["header", "payload", "signature"].iter().enumerate() {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            let middle = parts[index].len() / 2;
            parts[index].insert_str(middle, letter);
            add(&format!("{letter:?} inside the {where_}"), parts.join("."));
        }
    }
    // Three letters of base64 carry two bytes, and two bits that nobody reads: signed as they stand, they must be zero.
    for (about, header, payload) in [
        ("dead bits in the header", with_dead_bits(&header), part(&payload)),
        ("dead bits in the payload", part(&header), with_dead_bits(&payload)),
        (
            "padding in the header",
            base64::engine::general_purpose::URL_SAFE.encode(format!("{header} ")) + "=",
            part(&payload),
        ),
    ] {
        add(about, forge.sign_message(&format!("{header}.{payload}")));
    }
    cases
}

/// Encodes JSON, with as many spaces behind it as leave bits to spare, and sets one of them.
fn with_dead_bits(json: &str) -> String {
    let mut json = json.to_owned();
    while json.len() % 3 != 1 {
        json.push(' ');
    }
    let mut encoded = URL_SAFE_NO_PAD.encode(&json);
    let last = encoded.pop().expect("a letter");
    // The last letter carries two bits: A, Q, g or w. Its successor in the alphabet differs in a dead one.
    encoded.push(char::from(last as u8 + 1));
    encoded
}

#[actix_web::test]
async fn no_bent_envelope_is_opened_even_under_our_own_signature() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let forge = Forge::of(&app);
    let plain = forge.sign(&forge.header(), &forge::claims(&client.access_token));
    assert_eq!(status(&app, &plain).await, 200, "the forger's signature is ours");
    for (about, token) in bent(&forge, &client.access_token) {
        let request = format!(
            "GET /api/me HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n",
            app.address
        );
        let answer = crate::support::raw::exchange(app.address, request.as_bytes());
        assert!([400, 401].contains(&answer.status), "{about}: {answer:?}");
    }
}
