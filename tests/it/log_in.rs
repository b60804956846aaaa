//! Log-in exchanges a password for a credential that nobody had before, and tells nobody who is here.

use std::time::{Duration, Instant};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, Version,
    password_hash::phc::{PasswordHash, Salt},
};

use serde_json::json;

use crate::support::{Answer, PASSWORD, TestApp, raw};

const ADA: &str = "ada@example.org";
const NOBODY: &str = "eve@example.org";
const WRONG: &str = "not the password of anybody";

/// The hash of `PASSWORD` as it was made before the parameters were raised.
fn old_hash() -> String {
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 1, 1, None).expect("valid"));
    let hash: PasswordHash =
        weak.hash_password_with_salt(PASSWORD.as_bytes(), Salt::generate().as_ref()).expect("hashed");
    hash.to_string()
}

/// Ways to try a log-in: who, with what, from which address.
trait Attempt: AsyncFn(&TestApp, &str, &str, &str) -> Answer {}
impl<T: AsyncFn(&TestApp, &str, &str, &str) -> Answer> Attempt for T {}

async fn guesses_are_counted_for_an_account_from_an_address(attempt: impl Attempt, success: u16) {
    let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    app.sign_up(ADA).await;
    let here = "192.0.2.1";
    assert_ne!(attempt(&app, ADA, WRONG, here).await.status, 429);
    for _ in 0..3 {
        assert_eq!(attempt(&app, ADA, PASSWORD, here).await.status, success, "a success costs nothing");
    }
    assert_ne!(attempt(&app, ADA, WRONG, here).await.status, 429, "the second failure is still within the budget");
    let answer = attempt(&app, ADA, PASSWORD, here).await;
    assert_eq!(answer.status, 429, "a success wipes nothing, and the right password is not even looked at: {answer:?}");
    let seconds: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=900).contains(&seconds), "{seconds}");
    assert_eq!(attempt(&app, "ADA@example.org", PASSWORD, here).await.status, 429, "the same account in capitals");
    assert_eq!(attempt(&app, ADA, PASSWORD, "192.0.2.2").await.status, success, "the owner, elsewhere");
    assert_ne!(attempt(&app, NOBODY, WRONG, here).await.status, 429, "another account, from here");
}

async fn guesses_are_counted_for_an_account_from_anywhere(attempt: impl Attempt) {
    let app = TestApp::with(&[("THROTTLE_ACCOUNT", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    for address in ["192.0.2.1", "192.0.2.2"] {
        assert_ne!(attempt(&app, NOBODY, WRONG, address).await.status, 429);
    }
    assert_eq!(attempt(&app, NOBODY, WRONG, "192.0.2.3").await.status, 429, "whether or not there is such an account");
    assert_ne!(attempt(&app, ADA, WRONG, "192.0.2.3").await.status, 429);
}

async fn guesses_are_counted_for_an_address(attempt: impl Attempt) {
    let app = TestApp::with(&[("THROTTLE_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    for email in ["a@example.org", "b@example.org"] {
        assert_ne!(attempt(&app, email, WRONG, "2001:db8::1").await.status, 429);
    }
    assert_eq!(attempt(&app, "c@example.org", WRONG, "2001:db8::ffff").await.status, 429, "one subscriber's /64");
    assert_ne!(attempt(&app, "c@example.org", WRONG, "2001:db8:0:1::1").await.status, 429, "their neighbour");
}

mod session {
    use std::collections::BTreeMap;

    use actix_web::cookie::{Cookie, CookieJar, Key};
    use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
    use two_doors::secrets::{Purpose, Secrets, hex, sha256};

    use super::*;
    use crate::support::{Browser, app::SECRET};

    /// The key in a session cookie: what follows the signature.
    fn key(cookie: &str) -> String {
        let decoded = percent_decode_str(cookie).decode_utf8().expect("UTF-8").into_owned();
        decoded[44..].to_owned()
    }

    /// A cookie signed with the server's own secret.
    fn signed(key: &str) -> String {
        let secret: [u8; 64] = Secrets::parse(SECRET).expect("valid").newest(Purpose::SessionCookie);
        let mut jar = CookieJar::new();
        jar.signed_mut(&Key::from(&secret)).add(Cookie::new("session", key.to_owned()));
        let value = jar.get("session").expect("signed").value().to_owned();
        utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string()
    }

    async fn attempt(app: &TestApp, email: &str, password: &str, address: &str) -> Answer {
        let mut browser = app.browser();
        browser.headers.push(("x-forwarded-for".to_owned(), address.to_owned()));
        browser.log_in(email, password).await
    }

    #[actix_web::test]
    async fn a_planted_session_of_somebody_else_never_becomes_the_victims() {
        let app = TestApp::spawn();
        let attacker = app.logged_in_browser("mallory@example.org").await;
        app.sign_up(ADA).await;
        let mut victim = attacker.clone();
        assert_eq!(victim.log_in(ADA, PASSWORD).await.status, 303);
        assert_ne!(victim.jar["session"], attacker.jar["session"]);
        assert!(victim.get("/account").await.body.contains(ADA));
        assert!(!attacker.clone().is_logged_in().await, "the planted one has ended");
        assert_eq!(app.value("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL"), "replaced");
    }

    #[actix_web::test]
    async fn a_planted_key_never_becomes_a_session_whoever_signed_it() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        for planted in [signed(&"A".repeat(43)), signed(""), "garbage".to_owned(), "A".repeat(87), String::new()] {
            let mut victim = app.browser();
            victim.jar.insert("session".to_owned(), planted.clone());
            let thief = victim.clone();
            assert_eq!(victim.log_in(ADA, PASSWORD).await.status, 303, "{planted}");
            assert_ne!(victim.jar["session"], planted);
            assert!(victim.is_logged_in().await);
            assert!(!thief.clone().is_logged_in().await, "{planted}");
        }
    }

    #[actix_web::test]
    async fn every_log_in_makes_a_new_key_and_ends_the_login_that_the_browser_had() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let copy = browser.clone();
        assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
        assert!(browser.is_logged_in().await && !copy.clone().is_logged_in().await);
        assert_eq!(app.live_logins().0, 1);
    }

    #[actix_web::test]
    async fn a_log_in_leaves_other_logins_alive() {
        let app = TestApp::spawn();
        let (mut first, mut second) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        assert!(first.is_logged_in().await && second.is_logged_in().await);
    }

    #[actix_web::test]
    async fn only_the_hash_of_a_key_is_stored() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let key = key(&browser.jar["session"]);
        assert_eq!(key.len(), 43, "256 bits in base64url");
        assert_eq!(app.value("SELECT encode(key_hash, 'hex') FROM sessions"), hex(&sha256(key.as_bytes())));
        assert_eq!(app.count(&format!("sessions s WHERE s::text LIKE '%{key}%'")), 0);
        assert_eq!(app.count(&format!("auth_events e WHERE e::text LIKE '%{key}%'")), 0);
    }

    #[actix_web::test]
    async fn the_cookie_goes_with_the_browser_unless_it_is_to_be_remembered() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let answer = app.browser().log_in(ADA, PASSWORD).await;
        assert_eq!(answer.cookie_attributes("session"), ["HttpOnly", "Path=/", "SameSite=Lax"]);
        let mut browser = app.browser();
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        let answer = browser.post_from("/login", "/login", &fields).await;
        let expected = ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"];
        assert_eq!(answer.cookie_attributes("session"), expected, "30 days");
        let columns = "SELECT idle_ttl_seconds || ' ' || extract(epoch FROM absolute_expires_at - created_at)::int";
        assert_eq!(app.value(&format!("{columns} FROM sessions WHERE remembered")), "1209600 2592000");
        assert_eq!(app.value(&format!("{columns} FROM sessions WHERE NOT remembered")), "1800 43200");
    }

    #[actix_web::test]
    async fn over_https_the_cookie_is_secure_and_bound_to_the_host() {
        let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
        let headers = [("host", "doors.example.com"), ("content-type", "application/json")];
        let account = serde_json::json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string();
        assert_eq!(app.request("POST", "/api/users", &headers, &account).await.status, 201);
        let mut browser = app.browser();
        browser.headers.push(("host".to_owned(), "doors.example.com".to_owned()));
        let answer = browser.log_in(ADA, PASSWORD).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert_eq!(answer.cookie_attributes("__Host-session"), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        assert!(answer.set_cookies().iter().all(|line| line.starts_with("__Host-") && line.contains("; Secure")));
        assert!(browser.is_logged_in().await);
        browser.jar = BTreeMap::from([("session".to_owned(), browser.jar["__Host-session"].clone())]);
        assert!(!browser.is_logged_in().await, "the same key under the name that a sibling host could plant");
        let key = browser.jar["session"].clone();
        let mut other = app.browser();
        other.headers.clone_from(&browser.headers);
        assert_eq!(other.sign_up("eve@example.org", "Eve", PASSWORD).await.status, 303);
        let eves = other.jar["__Host-session"].clone();
        for name in [
            "__Host%2Dsession",
            "%5F_Host-session",
            "\u{2000}__Host-session",
            "__Host-session\u{2000}",
            "\u{a0}__Host-session",
        ] {
            browser.jar = BTreeMap::from([(name.to_owned(), key.clone())]);
            assert!(!browser.is_logged_in().await, "{name}: no browser takes it for a prefix");
            // Beside one's own it counts for nothing, and hides nothing.
            browser.jar.insert("__Host-session".to_owned(), eves.clone());
            assert!(browser.get("/account").await.body.contains("eve@example.org"), "{name}");
        }
    }

    #[actix_web::test]
    async fn who_only_looks_gets_neither_a_row_nor_the_cookie() {
        let app = TestApp::spawn();
        let mut visitor = app.browser();
        for path in ["/", "/login", "/signup", "/problems", "/account", "/nowhere"] {
            let answer = visitor.get(path).await;
            assert_eq!(answer.set_cookie("session"), None, "{path}");
        }
        assert_eq!(visitor.log_in(NOBODY, WRONG).await.set_cookie("session"), None);
        assert_eq!(app.count("sessions"), 0);
    }

    #[actix_web::test]
    async fn an_unknown_address_and_a_wrong_password_can_not_be_told_apart() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let attempt = async |email: &str| {
            let mut browser = app.browser();
            let answer = browser.log_in(email, WRONG).await;
            let token = answer.body.split("name=\"form_token\" value=\"").nth(1).expect("a form");
            let token = token.split('"').next().expect("a token");
            let body = answer.body.replace(email, "EMAIL").replace(token, "TOKEN");
            let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            headers.sort_unstable();
            (answer.status, answer.statements(), headers, body)
        };
        let wrong = attempt(ADA).await;
        assert_eq!((wrong.0, wrong.1), (422, 2), "one statement to look, one for the audit trail");
        assert_eq!(attempt(NOBODY).await, wrong);
        assert_eq!(attempt("no address at all").await, wrong);
        assert_eq!(app.count("auth_events WHERE kind = 'log-in failed' AND door = 'session'"), 3);
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_account_from_an_address() {
        super::guesses_are_counted_for_an_account_from_an_address(attempt, 303).await;
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_account_from_anywhere() {
        super::guesses_are_counted_for_an_account_from_anywhere(attempt).await;
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_address() {
        super::guesses_are_counted_for_an_address(attempt).await;
    }

    #[actix_web::test]
    async fn a_hash_with_old_parameters_is_replaced_and_every_login_lives_on() {
        let app = TestApp::spawn();
        let mut before = app.logged_in_browser(ADA).await;
        app.execute(&format!("UPDATE users SET password_hash = '{}'", old_hash()));
        app.logged_in_browser(ADA).await;
        assert!(app.value("SELECT password_hash FROM users").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(before.is_logged_in().await, "it is the same password");
        app.logged_in_browser(ADA).await;
    }

    #[actix_web::test]
    async fn a_wrong_password_leaves_the_old_hash_as_it_is() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let old = old_hash();
        app.execute(&format!("UPDATE users SET password_hash = '{old}'"));
        assert_eq!(app.browser().log_in(ADA, WRONG).await.status, 422);
        assert_eq!(app.value("SELECT password_hash FROM users"), old);
    }

    #[actix_web::test]
    async fn a_log_in_goes_on_to_a_path_of_our_own_only() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        for (next, location) in [("/account/session?a=b", "/account/session?a=b"), ("//evil.example", "/account")] {
            let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
            let answer = app.browser().post_from("/login", "/login", &fields).await;
            assert_eq!((answer.status, answer.header("location")), (303, location));
        }
    }

    #[actix_web::test]
    async fn a_visitors_form_binding_is_dropped_at_log_in() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let mut browser: Browser = app.browser();
        browser.get("/login").await;
        assert!(browser.jar.contains_key("visitor"));
        browser.log_in(ADA, PASSWORD).await;
        assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["device", "session"]);
    }
}

mod token {
    use serde_json::json;
    use two_doors::secrets::{hex, sha256};

    use super::*;
    use crate::support::forge::{claims, header};

    const JSON: (&str, &str) = ("content-type", "application/json");

    async fn attempt(app: &TestApp, email: &str, password: &str, address: &str) -> Answer {
        let body = json!({ "email": email, "password": password }).to_string();
        app.request("POST", "/api/auth/login", &[JSON, ("x-forwarded-for", address)], &body).await
    }

    #[actix_web::test]
    async fn a_log_in_leaves_other_logins_alive() {
        let app = TestApp::spawn();
        let (first, second) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        for client in [first, second] {
            assert_eq!((client.get("/api/account").await.status, client.redeem().await.status), (200, 200));
        }
    }

    #[actix_web::test]
    async fn the_answer_has_the_documented_fields_and_no_others() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let id = app.value("SELECT id FROM users");
        let body = json!({ "email": "ADA@example.org ", "password": PASSWORD });
        let answer = app.client().post("/api/auth/login", &body).await;
        let mut json = answer.json();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(claims(json["access_token"].as_str().expect("a token"))["sub"], id.as_str());
        json["access_token"] = json!("…");
        let user = json!({ "id": id, "email": ADA, "display_name": "Ada", "role": "user" });
        let expected = json!({ "access_token": "…", "token_type": "Bearer", "expires_in": 900, "user": user });
        assert_eq!(json, expected);
    }

    #[actix_web::test]
    async fn the_access_token_carries_the_claims_of_rfc_9068_and_ours() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let claims = claims(&client.access_token);
        let mut names: Vec<&str> = claims.as_object().expect("claims").keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected =
            ["aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "nbf", "role", "sid", "sub", "ver"];
        assert_eq!(names, expected);
        assert_eq!(claims["iss"], app.url(""));
        assert_eq!(claims["aud"], app.url("/api"));
        assert_eq!(claims["sid"], app.value("SELECT id FROM token_families").as_str());
        assert_eq!(claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat"), 900);
        let kid = app.value("SELECT kid FROM signing_keys");
        assert_eq!(header(&client.access_token), json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid }));
    }

    #[actix_web::test]
    async fn the_refresh_cookie_is_for_the_renewal_only() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let answer = attempt(&app, ADA, PASSWORD, "192.0.2.1").await;
        let expected = ["HttpOnly", "Max-Age=1209600", "Path=/api/auth", "SameSite=Strict"];
        assert_eq!(answer.cookie_attributes("refresh"), expected, "14 days");
        assert_eq!(answer.set_cookie("session"), None, "{answer:?}");
        let expected = ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"];
        assert_eq!(answer.cookie_attributes("device"), expected, "a year");
        assert_eq!((answer.set_cookies().len(), app.count("sessions")), (2, 0));
    }

    #[actix_web::test]
    async fn over_https_the_refresh_cookie_is_secure() {
        let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
        let headers = [("host", "doors.example.com"), JSON];
        let account = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string();
        assert_eq!(app.request("POST", "/api/users", &headers, &account).await.status, 201);
        let body = json!({ "email": ADA, "password": PASSWORD }).to_string();
        let answer = app.request("POST", "/api/auth/login", &headers, &body).await;
        let expected = ["HttpOnly", "Max-Age=1209600", "Path=/api/auth", "SameSite=Strict", "Secure"];
        assert_eq!(answer.cookie_attributes("__Secure-refresh"), expected);
        assert!(answer.cookie_attributes("__Host-device").contains(&"Secure"), "{answer:?}");
        assert_eq!(answer.set_cookies().len(), 2);
    }

    #[actix_web::test]
    async fn a_client_without_a_cookie_jar_gets_the_refresh_token_in_the_body() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let body = json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body" });
        let answer = app.client().post("/api/auth/login", &body).await;
        assert!(answer.set_cookies().is_empty());
        assert_eq!(answer.json()["refresh_token"].as_str().expect("a token").len(), 43, "256 bits in base64url");
    }

    #[actix_web::test]
    async fn only_the_hash_of_a_refresh_token_is_stored() {
        let app = TestApp::spawn();
        let token = app.logged_in_client(ADA).await.refresh_token;
        assert_eq!(app.value("SELECT encode(hash, 'hex') FROM refresh_tokens"), hex(&sha256(token.as_bytes())));
        assert_eq!(app.count(&format!("refresh_tokens t WHERE t::text LIKE '%{token}%'")), 0);
        assert_eq!(app.count(&format!("auth_events e WHERE e::text LIKE '%{token}%'")), 0);
    }

    #[actix_web::test]
    async fn a_shorter_life_is_granted_a_longer_one_is_not_and_too_short_a_one_is_refused() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let log_in = async |seconds: i64| {
            let body = json!({ "email": ADA, "password": PASSWORD, "expires_in": seconds });
            app.client().post("/api/auth/login", &body).await
        };
        for (asked, granted) in [(5, 5), (60, 60), (900, 900), (901, 900), (i64::MAX, 900)] {
            let json = log_in(asked).await.json();
            assert_eq!(json["expires_in"], granted, "{asked}");
            let claims = claims(json["access_token"].as_str().expect("a token"));
            assert_eq!(claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat"), granted);
        }
        let families = app.count("token_families");
        for asked in [4, 0, -1, i64::MIN] {
            let answer = log_in(asked).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{asked}");
        }
        assert_eq!(app.count("token_families"), families, "a refused one starts no login");
    }

    #[actix_web::test]
    async fn who_only_looks_gets_neither_a_row_nor_a_cookie() {
        let app = TestApp::spawn();
        for path in ["/api", "/api/me", "/api/account", "/.well-known/jwks.json"] {
            assert!(app.client().get(path).await.set_cookies().is_empty(), "{path}");
        }
        assert_eq!(attempt(&app, NOBODY, WRONG, "192.0.2.1").await.status, 401);
        assert_eq!(app.count("token_families"), 0);
    }

    #[actix_web::test]
    async fn an_unknown_address_and_a_wrong_password_can_not_be_told_apart() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let attempt = async |email: &str| {
            let answer = app.client().post("/api/auth/login", &json!({ "email": email, "password": WRONG })).await;
            let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            headers.sort_unstable();
            (answer.status, answer.statements(), headers, answer.header("www-authenticate").to_owned(), answer.body)
        };
        let wrong = attempt(ADA).await;
        assert_eq!((wrong.0, wrong.1), (401, 2), "one statement to look, one for the audit trail");
        assert!(wrong.4.contains("wrong-credentials") && wrong.3 == "Bearer realm=\"two-doors\"", "{wrong:?}");
        assert_eq!(attempt(NOBODY).await, wrong);
        assert_eq!(attempt("no address at all").await, wrong);
        assert_eq!(app.count("auth_events WHERE kind = 'log-in failed' AND door = 'token'"), 3);
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_account_from_an_address() {
        super::guesses_are_counted_for_an_account_from_an_address(attempt, 200).await;
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_account_from_anywhere() {
        super::guesses_are_counted_for_an_account_from_anywhere(attempt).await;
    }

    #[actix_web::test]
    async fn guesses_are_counted_for_an_address() {
        super::guesses_are_counted_for_an_address(attempt).await;
    }

    #[actix_web::test]
    async fn a_hash_with_old_parameters_is_replaced_and_every_login_lives_on() {
        let app = TestApp::spawn();
        let before = app.logged_in_client(ADA).await;
        app.execute(&format!("UPDATE users SET password_hash = '{}'", old_hash()));
        app.logged_in_client(ADA).await;
        assert!(app.value("SELECT password_hash FROM users").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(before.get("/api/account").await.status, 200, "it is the same password");
        app.logged_in_client(ADA).await;
    }

    #[actix_web::test]
    async fn a_log_in_brought_along_by_the_sites_cookie_is_none() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let answer = app.request("GET", "/api/account", &[("cookie", &browser.cookies())], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "not-authenticated"));
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"two-doors\"", "no error where nothing was shown");
    }
}

#[actix_web::test]
async fn a_guess_is_recorded_whose_client_did_not_wait_for_the_answer() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let body = json!({ "email": ADA, "password": "a wrong password, typed" }).to_string();
    let length = body.len();
    let head = format!("POST /api/auth/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n", app.address);
    let mut hold = app.hold("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    let socket = raw::send(app.address, format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes());
    hold.until_waiting(1).await;
    raw::reset(socket);
    // Each worker has looked after its connections since.
    for _ in 0..20 {
        assert_eq!(app.client().get("/healthz").await.status, 200);
    }
    hold.release();
    let deadline = Instant::now() + Duration::from_secs(30);
    while app.count("auth_events WHERE kind = 'log-in failed'") == 0 {
        assert!(Instant::now() < deadline, "it left no trace");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn a_password_of_ten_years_is_as_good_as_one_of_today() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    app.execute("UPDATE users SET created_at = created_at - interval '10 years'");
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn both_doors_spend_the_same_budget_of_guesses() {
    let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "2")]);
    app.sign_up(ADA).await;
    assert_eq!(app.browser().log_in(ADA, WRONG).await.status, 422);
    assert_eq!(app.client().log_in(ADA, WRONG).await.status, 401);
    let (page, problem) = (app.browser().log_in(ADA, PASSWORD).await, app.client().log_in(ADA, PASSWORD).await);
    assert_eq!((page.status, problem.code().as_str()), (429, "throttled"));
    assert!(page.body.contains("Too many attempts."), "{page:?}");
}
