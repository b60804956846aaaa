//! The keys that sign access tokens: made, rotated and retired while everybody stays logged in, at every instance and at once.
//!
//! Sessions have no counterpart: their cookie is signed with a key derived from `SECRETS`, whose rotation is here as well.

use std::{future::Future, time::Duration};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types};
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use two_doors::secrets::{Purpose, Secrets, hex};

use crate::support::{
    Client, NAMES, TestApp,
    app::SECRET,
    binary::{self, Binary, Refusal},
    forge,
    postgres::{TestDatabase, TestFolder},
};

const ADA: &str = "ada@example.org";

/// `two-doors keys …` on this database.
fn keys(database: &TestDatabase, arguments: &[&str]) -> Refusal {
    let variables = [("DATABASE_URL", database.url()), ("SECRETS", SECRET), ("LOG", "error")];
    binary::run(&[&["keys"], arguments].concat(), &variables)
}

fn done(outcome: Refusal) -> String {
    assert!(outcome.success, "{outcome:?}");
    outcome.stdout
}

/// The kid of the key that a command made.
fn rotate(database: &TestDatabase, after: &str) -> String {
    let said = done(keys(database, &["rotate", "--in", after]));
    said.split(' ').next().expect("a kid").to_owned()
}

/// Returns when it is so, at the latest when instances must have noticed.
async fn within_five_seconds<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let began = std::time::Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(5), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The kids that an instance publishes.
async fn published(app: &TestApp) -> Vec<String> {
    let jwks = app.client().get("/.well-known/jwks.json").await.json();
    let keys = jwks["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

/// The kid that an instance signs with.
async fn signs(app: &TestApp) -> String {
    let client = app.logged_in_client(ADA).await;
    // Asked often, and only so many logins of a user live at once.
    assert_eq!(client.log_out().await.status, 200);
    kid(&client)
}

fn kid(client: &Client) -> String {
    forge::header(&client.access_token)["kid"].as_str().expect("a kid").to_owned()
}

/// What a client's access token gets at an instance: at a claims-only route, and at one that checks live.
async fn works(client: &Client, at: &TestApp) -> [u16; 2] {
    let mut client = client.clone();
    client.move_to(at.address);
    [client.get("/api/me").await.status, client.get("/api/account").await.status]
}

#[actix_web::test]
async fn a_new_key_is_published_at_once_and_signs_when_it_is_due_at_every_instance() {
    let first = TestApp::with(NAMES);
    let second = first.beside(NAMES);
    let before = first.logged_in_client(ADA).await;
    let said = done(keys(&first.database, &["rotate"]));
    let wait: f64 =
        first.value("SELECT extract(epoch FROM max(signs_from - created_at)) FROM signing_keys").parse().expect("s");
    assert!((3.9..4.1).contains(&wait), "{wait}: {said}");
    let new = said.split(' ').next().expect("a kid").to_owned();

    for app in [&first, &second] {
        within_five_seconds("the new key is published", || async { published(app).await.contains(&new) }).await;
    }
    first.execute(
        "UPDATE signing_keys SET signs_from = clock_timestamp() + interval '1 hour' WHERE signs_from > created_at",
    );
    assert_eq!(signs(&first).await, kid(&before), "it does not sign before its time");
    first.execute("UPDATE signing_keys SET signs_from = clock_timestamp() WHERE signs_from > clock_timestamp()");
    for app in [&first, &second] {
        within_five_seconds("the new key signs", || async { signs(app).await == new }).await;
    }
    let after = second.logged_in_client(ADA).await;
    for app in [&first, &second] {
        assert_eq!(works(&before, app).await, [200, 200], "the key before goes on verifying");
        assert_eq!(works(&after, app).await, [200, 200]);
        assert_eq!(published(app).await.len(), 2);
    }
    let list = done(keys(&first.database, &["list"]));
    let line = |kid: &str| list.lines().find(|line| line.starts_with(kid)).expect("a line").to_owned();
    assert!(line(&new).contains("active since"), "{list}");
    assert!(line(&kid(&before)).ends_with("published"), "{list}");
}

#[actix_web::test]
async fn a_retired_key_verifies_nothing_at_any_instance_within_five_seconds() {
    let first = TestApp::with(NAMES);
    let second = first.beside(NAMES);
    let before = first.logged_in_client(ADA).await;
    let old = kid(&before);
    let new = rotate(&first.database, "0s");
    for app in [&first, &second] {
        within_five_seconds("the new key signs", || async { signs(app).await == new }).await;
    }
    let after = first.logged_in_client(ADA).await;
    assert_eq!(works(&before, &second).await, [200, 200]);

    done(keys(&first.database, &["retire", &old]));
    for app in [&first, &second] {
        within_five_seconds("the retired key is refused", || async { works(&before, app).await == [401, 401] }).await;
        let mut client = before.clone();
        client.move_to(app.address);
        let refused = client.get("/api/me").await;
        assert_eq!(refused.code(), "invalid-token");
        assert!(refused.header("www-authenticate").contains("invalid_token"), "{refused:?}");
        assert_eq!(published(app).await, [new.as_str()]);
        assert_eq!(works(&after, app).await, [200, 200]);
    }
    let mut renewed = before.clone();
    assert_eq!(renewed.renew().await.status, 200, "the login itself has not ended");
    assert_eq!(kid(&renewed), new);
    assert_eq!(works(&renewed, &second).await, [200, 200]);
    assert_eq!(first.value("SELECT octet_length(sealed_private) FROM signing_keys WHERE retired_at IS NOT NULL"), "0");
    assert!(done(keys(&first.database, &["list"])).contains("retired"));
}

#[actix_web::test]
async fn the_key_that_signs_is_not_retired_and_neither_is_one_that_nobody_knows() {
    let app = TestApp::spawn();
    let active = signs(&app).await;
    let refused = keys(&app.database, &["retire", &active]);
    assert!(!refused.success && refused.stderr.contains("signs now"), "{refused:?}");
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    let refused = keys(&app.database, &["retire", "-nobody-knows"]);
    assert!(!refused.success && refused.stderr.contains("there is no key -nobody-knows"), "{refused:?}");
    let refused = keys(&app.database, &["rotate", "--in", "soon"]);
    assert!(!refused.success && refused.stderr.contains("accepted is a time"), "{refused:?}");

    // One that is only going to sign can be taken back, and what is retired stays so.
    let coming = rotate(&app.database, "1h");
    assert!(done(keys(&app.database, &["list"])).contains("published, signs from"));
    done(keys(&app.database, &["retire", &coming]));
    assert!(done(keys(&app.database, &["retire", &coming])).contains("was retired before"));
    let refused = keys(&app.database, &["retire", &active]);
    assert!(!refused.success, "{refused:?}");
    let events =
        |kind: &str| app.count(&format!("auth_events WHERE kind = '{kind}' AND door = 'none' AND detail = '{coming}'"));
    assert_eq!((events("signing key made"), events("signing key retired")), (1, 1));
}

#[actix_web::test]
async fn who_verifies_comes_back_when_the_next_key_begins_to_sign() {
    let app = TestApp::spawn();
    let max_age = || async {
        let answer = app.client().get("/.well-known/jwks.json").await;
        let seconds = answer.header("cache-control").strip_prefix("public, max-age=").expect("an age").to_owned();
        seconds.parse::<u64>().expect("seconds")
    };
    assert_eq!(max_age().await, 300, "nothing is planned");
    let coming = rotate(&app.database, "1h");
    within_five_seconds("it is published", || async { published(&app).await.contains(&coming) }).await;
    assert_eq!(max_age().await, 300, "an hour is longer than anybody keeps them");
    app.execute(
        "UPDATE signing_keys SET signs_from = clock_timestamp() + interval '60 s' WHERE signs_from > clock_timestamp()",
    );
    within_five_seconds("the plan changed", || async { (50..=60).contains(&max_age().await) }).await;
    app.execute(
        "UPDATE signing_keys SET signs_from = clock_timestamp() + interval '3 s' WHERE signs_from > clock_timestamp()",
    );
    within_five_seconds("it is soon", || async { max_age().await == 5 }).await;
    within_five_seconds("it signs, and nothing more is planned", || async { max_age().await == 300 }).await;
    assert_eq!(signs(&app).await, coming);
}

#[actix_web::test]
async fn an_instance_without_its_database_goes_on_with_the_keys_that_it_knows() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let outage = app.outage();
    // Until it must have looked for changes and seen none.
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        assert_eq!(client.get("/api/me").await.status, 200);
        assert_eq!(published(&app).await, [kid(&client)]);
    }
    outage.end().await;
    let new = rotate(&app.database, "0s");
    within_five_seconds("it looks again", || async { signs(&app).await == new }).await;
    assert_eq!(client.get("/api/me").await.status, 200);
}

#[actix_web::test]
async fn every_algorithm_works_from_log_in_to_verification_by_others() {
    for algorithm in ["ES256", "EdDSA", "RS256", "HS256"] {
        let app = TestApp::with(&[&[("TOKEN_ALGORITHM", algorithm)], NAMES].concat());
        let mut client = app.logged_in_client(ADA).await;
        assert_eq!(forge::header(&client.access_token)["alg"], algorithm);
        assert_eq!(works(&client, &app).await, [200, 200], "{algorithm}");
        let answer = app.client().get("/.well-known/jwks.json").await;
        let jwks: JwkSet = serde_json::from_str(&answer.body).expect("a set of keys");
        if algorithm == "HS256" {
            assert!(jwks.keys.is_empty(), "{answer:?}");
            assert!(answer.json()["note"].as_str().is_some_and(|note| note.contains("no public half")), "{answer:?}");
        } else {
            assert!(answer.json().get("note").is_none(), "{answer:?}");
            let jwk = jwks.find(&kid(&client)).expect("its key is published");
            assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).expect("a thumbprint"), kid(&client));
            let mut validation = Validation::new(algorithm.parse().expect("known"));
            validation.set_audience(&["https://doors.example.com/api"]);
            validation.set_issuer(&["https://doors.example.com"]);
            let key = DecodingKey::from_jwk(jwk).expect("a key");
            let verified = jsonwebtoken::decode::<serde_json::Value>(&client.access_token, &key, &validation);
            assert_eq!(verified.expect("others accept it").claims["iss"], "https://doors.example.com");
        }
        assert_eq!(client.renew().await.status, 200, "{algorithm}");
        assert_eq!(works(&client, &app).await, [200, 200], "{algorithm}");
        let new = rotate_for(&app.database, algorithm);
        within_five_seconds("the new key signs", || async { signs(&app).await == new }).await;
        assert_eq!(works(&client, &app).await, [200, 200], "{algorithm}");
    }
}

fn rotate_for(database: &TestDatabase, algorithm: &str) -> String {
    let variables = [("DATABASE_URL", database.url()), ("SECRETS", SECRET), ("TOKEN_ALGORITHM", algorithm)];
    let said = done(binary::run(&["keys", "rotate", "--in", "0s"], &variables));
    said.split(' ').next().expect("a kid").to_owned()
}

#[actix_web::test]
async fn another_algorithm_takes_over_without_a_gap() {
    let before = TestApp::with(NAMES);
    let client = before.logged_in_client(ADA).await;
    let after = before.beside(&[&[("TOKEN_ALGORITHM", "EdDSA")], NAMES].concat());
    // The instance that still runs with the other setting must know the new key before it signs.
    assert_eq!(before.value("SELECT signs_from > created_at FROM signing_keys WHERE algorithm = 'EdDSA'"), "true");
    within_five_seconds("the new key is known", || async { published(&before).await.len() == 2 }).await;
    before.execute("UPDATE signing_keys SET signs_from = clock_timestamp() WHERE signs_from > clock_timestamp()");
    let algorithm = |client: &Client| forge::header(&client.access_token)["alg"].as_str().expect("one").to_owned();
    within_five_seconds("it signs", || async { algorithm(&after.logged_in_client(ADA).await) == "EdDSA" }).await;
    assert_eq!(algorithm(&before.logged_in_client(ADA).await), "ES256", "each signs as it is told to");
    let newer = after.logged_in_client(ADA).await;
    for app in [&before, &after] {
        assert_eq!(works(&client, app).await, [200, 200]);
        assert_eq!(works(&newer, app).await, [200, 200]);
    }
}

#[actix_web::test]
async fn keys_are_sealed_anew_with_a_new_secret_and_the_old_one_can_be_dropped() {
    const NEW: &str = "another secret for tests that every reader of them knows";
    let first = TestApp::with(NAMES);
    let client = first.logged_in_client(ADA).await;
    let sealed = first.value("SELECT encode(sealed_private, 'hex') FROM signing_keys");
    let both = format!("{NEW},{SECRET}");
    let second = first.beside(&[&[("SECRETS", both.as_str())], NAMES].concat());
    assert_ne!(first.value("SELECT encode(sealed_private, 'hex') FROM signing_keys"), sealed);
    assert_eq!(works(&client, &second).await, [200, 200]);
    let third = first.beside(&[&[("SECRETS", NEW)], NAMES].concat());
    assert_eq!(works(&client, &third).await, [200, 200]);
    assert_eq!(first.count("signing_keys"), 1, "it is the same key all the time");

    // An instance that has only the old secret can't read what is sealed with the new one, and says so instead of serving.
    let variables = [("DATABASE_URL", first.database.url()), ("SECRETS", SECRET), ("BIND_ADDRESS", "127.0.0.1:0")];
    let refused = binary::run(&[], &variables);
    assert!(!refused.success && refused.stderr.contains("was sealed with another secret"), "{refused:?}");
    // One that runs knows of other changes all the same.
    let variables = [("DATABASE_URL", first.database.url()), ("SECRETS", NEW), ("LOG", "error")];
    let said = done(binary::run(&["keys", "rotate", "--in", "0s"], &variables));
    let new = said.split(' ').next().expect("a kid");
    within_five_seconds("the third signs with it", || async { signs(&third).await == new }).await;
    assert_eq!(works(&third.logged_in_client(ADA).await, &second).await, [200, 200]);
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Text)]
    kid: String,
    #[diesel(sql_type = sql_types::Binary)]
    sealed_private: Vec<u8>,
}

/// The secret number of every ES256 key of a database, in every form in which it might be written somewhere.
fn secret_numbers(database: &TestDatabase) -> Vec<String> {
    let rows: Vec<Row> =
        sql_query("SELECT kid, sealed_private FROM signing_keys").load(&mut database.connect()).expect("rows");
    let sealing: [u8; 32] = Secrets::parse(SECRET).expect("valid").newest(Purpose::KeySealing);
    rows.into_iter()
        .flat_map(|row| {
            let (nonce, sealed) = row.sealed_private.split_at(NONCE_LEN);
            let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce");
            let mut opened = sealed.to_vec();
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &sealing).expect("a key"));
            let private = key.open_in_place(nonce, Aad::from(row.kid.as_bytes()), &mut opened).expect("it opens");
            // An OCTET STRING of 32 bytes within the PKCS #8.
            let at = private.windows(2).position(|bytes| bytes == [0x04, 0x20]).expect("the number") + 2;
            let number = &private[at..at + 32];
            let part = |text: String| text.trim_end_matches('=')[..40].to_owned();
            [
                part(hex(number)),
                part(STANDARD.encode(number)),
                part(URL_SAFE_NO_PAD.encode(number)),
                format!("{number:?}"),
            ]
        })
        .collect()
}

#[actix_web::test]
async fn private_keys_are_in_no_log_and_in_nothing_that_is_published() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[("LOG", "trace")]);
    let new = rotate(&database, "0s");
    let address = server.address;
    let jwks = || async move { Client::new(address).get("/.well-known/jwks.json").await.body };
    within_five_seconds("it is published", || async { jwks().await.contains(&new) }).await;
    let published = jwks().await;
    let numbers = secret_numbers(&database);
    assert_eq!(numbers.len(), 8);
    let mut said = done(keys(&database, &["list"]));
    let (is_good, log) = server.stop();
    assert!(is_good && log.contains(&new), "the log tells of the key: {log}");
    said.push_str(&log);
    for number in numbers {
        assert!(!said.contains(&number) && !published.contains(&number), "a private key is shown");
    }
}

#[test]
fn the_commands_work_on_the_private_database_whether_or_not_a_server_runs_on_it() {
    let folder = TestFolder::new();
    let data = folder.data().display().to_string();
    let private = [("TWO_DOORS_DATA", data.as_str()), ("LOG", "error")];
    let keys = |arguments: &[&str]| done(binary::run(&[&["keys"], arguments].concat(), &private));
    let new = keys(&["rotate"]);
    let new = new.split(' ').next().expect("a kid");
    assert!(keys(&["list"]).contains(new), "it stays when the database was stopped in between");

    let server = Binary::serve("", &[("SECRETS", ""), ("TWO_DOORS_DATA", &data)]);
    let list = keys(&["list"]);
    assert!(list.contains(new), "beside a server: {list}");
    let newer = keys(&["rotate", "--in", "0s"]);
    assert!(keys(&["list"]).contains(newer.split(' ').next().expect("a kid")));
    keys(&["retire", new]);
    let (is_good, log) = server.stop();
    assert!(is_good, "the server was not disturbed: {log}");
    assert!(keys(&["list"]).contains("retired"));
}
