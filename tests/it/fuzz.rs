//! Made-up credentials and bodies: nothing panics, nothing is a fault of ours (5xx), nobody is let in.
//!
//! proptest makes them up, partly from nothing and partly by bending what is valid, and looks for the smallest that breaks a
//! property. `PROPTEST_CASES=20000 cargo test --test it fuzz` looks further than the 256 cases of an ordinary run.

use std::mem::discriminant;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use percent_encoding::percent_decode;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use two_doors::token::{access, authenticate::bearer};

use crate::support::{Browser, Client, Forge, PASSWORD, TestApp, forge, raw, raw::Raw};

const ADA: &str = "ada@example.org";

/// Holds a property to so many times the configured number of made-up values.
fn hold<S: Strategy>(times: u32, strategy: S, property: impl Fn(S::Value)) {
    let cases = Config::default().cases * times;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new(config).run(&strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = held {
        panic!("{error}");
    }
}

/// Runs the part of a test that waits for answers.
fn wait<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// One way of bending a text.
#[derive(Debug, Clone)]
enum Bend {
    Replace(Index, char),
    Insert(Index, char),
    Remove(Index),
    Cut(Index),
    Exchange(Index, Index),
    Twice,
}

fn letter() -> impl Strategy<Value = char> {
    let telling: Vec<char> = ".=%;,:\" \\/+-_{}\u{e9}\u{2028}\u{202e}".chars().collect();
    prop_oneof![select(telling), prop::char::range('!', '~'), any::<char>()]
}

fn bends() -> impl Strategy<Value = Vec<Bend>> {
    let at = any::<Index>;
    let bend = prop_oneof![
        (at(), letter()).prop_map(|(at, letter)| Bend::Replace(at, letter)),
        (at(), letter()).prop_map(|(at, letter)| Bend::Insert(at, letter)),
        at().prop_map(Bend::Remove),
        at().prop_map(Bend::Cut),
        (at(), at()).prop_map(|(one, other)| Bend::Exchange(one, other)),
        Just(Bend::Twice),
    ];
    vec(bend, 1..4)
}

fn bent(text: &str, bends: &[Bend]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for bend in bends.iter().filter(|_| !text.is_empty()) {
        let length = letters.len().max(1);
        match bend {
            Bend::Insert(at, letter) => letters.insert(at.index(letters.len() + 1), *letter),
            Bend::Twice => letters.extend(letters.clone()),
            _ if letters.is_empty() => {}
            Bend::Replace(at, letter) => letters[at.index(length)] = *letter,
            Bend::Remove(at) => {
                letters.remove(at.index(length));
            }
            Bend::Cut(at) => letters.truncate(at.index(length)),
            Bend::Exchange(one, other) => letters.swap(one.index(length), other.index(length)),
        }
    }
    letters.into_iter().collect()
}

/// Bytes that may stand in a header's value; what ends the line would only make another header.
fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_map(|byte| if b"\r\n\0".contains(&byte) { b' ' } else { byte });
    vec(byte, 0..most)
}

fn one_line(text: &str) -> Vec<u8> {
    text.replace(['\r', '\n', '\0'], " ").into_bytes()
}

fn made_up_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(".{0,8}", inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Sends a request as it is, and sees that the answer is none of a server in trouble.
fn ask(app: &TestApp, request: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Raw {
    let mut bytes = format!("{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", app.address).into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if !body.is_empty() {
        bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    let answer = raw::exchange(app.address, &bytes);
    assert!(answer.status < 500, "{answer:?}");
    answer
}

/// Whether something valid stands in it whole, in whatever spelling: nobody has to refuse that.
fn holds(made_up: &[u8], valid: &str) -> bool {
    let plain = |bytes: &[u8]| percent_decode(bytes).decode_utf8_lossy().into_owned();
    plain(made_up).contains(&plain(valid.as_bytes()))
}

#[test]
fn no_made_up_cookie_lets_anybody_in() {
    let app = TestApp::spawn();
    let browser: Browser = wait(app.logged_in_browser(ADA));
    let valid = browser.jar["session"].clone();
    let bend_this = valid.clone();
    let names = vec![
        "session",
        "visitor",
        "device",
        "flash",
        "tour",
        "acknowledged",
        "access",
        "refresh",
        "__Host-session",
        "SESSION",
        "$Version",
        "",
    ];
    let made_up = (select(names), bytes(160)).prop_map(|(name, value)| [name.as_bytes(), b"=", &value].concat());
    let bent = bends().prop_map(move |bends| one_line(&format!("session={}", bent(&bend_this, &bends))));
    hold(1, vec(prop_oneof![made_up, bent, bytes(80)], 1..4), |cookies| {
        let line = cookies.join(&b"; "[..]);
        if !holds(&line, &valid) {
            let answer = ask(&app, "GET /account/me", &[("cookie", &line[..])], b"");
            assert!([303, 400].contains(&answer.status), "{answer:?}");
            // A page that reads every cookie of the site's, and the route that reads the API's.
            for path in ["/tour", "/api/auth/state", "/api/browser/me"] {
                let answer = ask(&app, &format!("GET {path}"), &[("cookie", &line[..])], b"");
                assert!(path != "/api/browser/me" || answer.status != 200, "{answer:?}");
            }
        }
    });
    assert_eq!(ask(&app, "GET /account/me", &[("cookie", browser.cookies().as_bytes())], b"").status, 200);
}

#[test]
fn no_made_up_bearer_header_lets_anybody_in() {
    let app = TestApp::spawn();
    let valid = wait(app.logged_in_client(ADA)).access_token;
    let bend_this = valid.clone();
    let schemes = vec!["Bearer ", "bearer  ", "BEARER\t", "Bearer", "Basic ", "DPoP ", "Bearer Bearer ", ""];
    let bent = (select(schemes.clone()), bends())
        .prop_map(move |(scheme, bends)| one_line(&format!("{scheme}{}", bent(&bend_this, &bends))));
    let made_up = (select(schemes), bytes(200)).prop_map(|(scheme, rest)| [scheme.as_bytes(), &rest].concat());
    hold(1, prop_oneof![made_up, bent], |value| {
        if let Ok(header) = HeaderValue::from_bytes(&value) {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header);
            if let Ok(token) = bearer(&headers) {
                assert!(!token.is_empty() && !token.contains([' ', ',']), "{token:?}");
            }
        }
        if !holds(&value, &valid) {
            let answer = ask(&app, "GET /api/me", &[("authorization", &value[..])], b"");
            assert!([400, 401].contains(&answer.status), "{answer:?}");
            assert!(answer.status == 400 || answer.header("www-authenticate").starts_with("Bearer "), "{answer:?}");
        }
    });
    assert_eq!(ask(&app, "GET /api/me", &[("authorization", format!("Bearer {valid}").as_bytes())], b"").status, 200);
}

#[test]
fn no_made_up_token_is_verified() {
    let app = TestApp::spawn();
    let valid = wait(app.logged_in_client(ADA)).access_token;
    let (tokens, now, bend_this) = (app.tokens(), access::now(), valid.clone());
    let parts = vec("[A-Za-z0-9_=-]{0,60}", 0..6).prop_map(|parts| parts.join("."));
    let bent = bends().prop_map(move |bends| bent(&bend_this, &bends));
    hold(8, prop_oneof![any::<String>(), parts, bent], |token| {
        assert!(token == valid || tokens.verify(&token, now).is_err(), "{token:?}");
        assert!(token == valid || tokens.verify_for_any_audience(&token, now).is_err(), "{token:?}");
    });
    assert!(tokens.verify(&valid, now).is_ok());
}

#[test]
fn nothing_of_another_type_is_accepted_even_under_our_own_signature() {
    let app = TestApp::spawn();
    let valid = wait(app.logged_in_client(ADA)).access_token;
    let (tokens, now, forge) = (app.tokens(), access::now(), Forge::of(&app));
    let (header, claims) = (forge.header(), forge::claims(&valid));
    let known: Vec<String> = claims.as_object().expect("an object").keys().cloned().collect();
    let name = prop_oneof![4 => select(known), 1 => ".{0,12}"];
    hold(2, (name, made_up_json()), |(name, value)| {
        let mut changed = claims.clone();
        let before = changed.get(&name).cloned();
        changed[&name] = value.clone();
        let verified = tokens.verify(&forge.sign(&header, &changed), now);
        // Several audiences are a list, and any other claim is nobody's business.
        if before.is_some_and(|before| discriminant(&before) != discriminant(&value)) {
            assert!(verified.is_err(), "{name} {value}");
        }
    });
    hold(1, (select(vec!["typ", "alg", "kid", "crit"]), made_up_json()), |(name, value)| {
        let mut changed = header.clone();
        changed[name] = value.clone();
        let verified = tokens.verify(&forge.sign(&changed, &claims), now);
        assert!(verified.is_err() || header[name] == value || (name == "crit" && value.is_null()), "{name} {value}");
    });
    hold(1, (any::<String>(), any::<String>()), |(header, claims)| {
        assert!(tokens.verify(&forge.sign_text(&header, &claims), now).is_err());
    });
}

#[test]
fn no_made_up_form_logs_anybody_in() {
    let app = TestApp::spawn();
    wait(app.sign_up(ADA));
    let mut visitor = app.browser();
    let token = wait(visitor.form_token("/login"));
    let name = select(vec!["email", "password", "form_token", "next", "remember", ""]);
    let value = prop_oneof![any::<String>(), Just(token.clone()), Just(ADA.to_owned()), Just(format!("{PASSWORD} "))];
    let fields = vec((name, value), 0..5).prop_map(|fields| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
    });
    let with_token = (fields.clone(), Just(token))
        .prop_map(|(fields, token)| [&fields[..], b"&form_token=", token.as_bytes()].concat());
    let cookies = visitor.cookies();
    let types =
        vec!["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16", "text/plain"];
    hold(1, (prop_oneof![vec(any::<u8>(), 1..300), fields, with_token], select(types)), |(body, kind)| {
        let headers: [(&str, &[u8]); 2] = [("content-type", kind.as_bytes()), ("cookie", cookies.as_bytes())];
        for path in ["/login", "/signup"] {
            let answer = ask(&app, &format!("POST {path}"), &headers, &body);
            assert_ne!(answer.status, 303, "{answer:?}");
            assert!(!answer.head.contains("set-cookie: session="), "{answer:?}");
        }
    });
    assert_eq!(app.live_logins(), (0, 0));
}

#[test]
fn no_made_up_form_changes_anything_for_who_is_logged_in() {
    const PATHS: &[&str] = &[
        "/account/name",
        "/account/password",
        "/account/confirm",
        "/account/devices/end-all",
        "/logout",
        "/api/revoke",
        "/api/introspect",
    ];
    let app = TestApp::spawn();
    let browser: Browser = wait(app.logged_in_browser(ADA));
    let (cookies, origin) = (browser.cookies(), format!("http://{}", app.address));
    let before = (app.live_logins(), app.value("SELECT u::text FROM users u"));
    let name =
        select(vec!["form_token", "display_name", "current_password", "new_password", "sealed", "email", "token", ""]);
    let value = prop_oneof![any::<String>(), Just(PASSWORD.to_owned()), "[A-Za-z0-9_-]{64}".prop_map(String::from)];
    let fields = vec((name, value), 0..5).prop_map(|fields| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
    });
    hold(1, (select(PATHS), prop_oneof![3 => fields, 1 => vec(any::<u8>(), 1..300)]), |(path, body)| {
        let headers: [(&str, &[u8]); 3] = [
            ("content-type", b"application/x-www-form-urlencoded"),
            ("cookie", cookies.as_bytes()),
            ("origin", origin.as_bytes()),
        ];
        let answer = ask(&app, &format!("POST {path}"), &headers, &body);
        // A token that nobody knows is as good as one that was taken back (RFC 7009, section 2.2).
        assert!(answer.status >= 400 || path == "/api/revoke", "{path}: {answer:?}");
    });
    assert_eq!((app.live_logins(), app.value("SELECT u::text FROM users u")), before);
}

#[test]
fn no_made_up_json_logs_anybody_in_or_changes_a_password() {
    const ROUTES: &[&str] = &[
        "POST /api/auth/login",
        "POST /api/users",
        "POST /api/auth/refresh",
        "POST /api/auth/reauthenticate",
        "POST /api/account/password",
        "DELETE /api/account",
    ];
    let app = TestApp::spawn();
    let client: Client = wait(app.logged_in_client(ADA));
    let before = (app.live_logins(), app.count("users"), app.value("SELECT password_hash FROM users"));
    let bearer = format!("Bearer {}", client.access_token);
    let name = select(vec![
        "email",
        "password",
        "display_name",
        "refresh_token",
        "current_password",
        "new_password",
        "expires_in",
        "deliver",
    ]);
    let value = prop_oneof![made_up_json(), Just(json!(ADA)), ".{15,40}".prop_map(Value::from)];
    let object = vec((name, value), 0..5)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>());
    let text = prop_oneof![
        object.clone().prop_map(|value| value.to_string().into_bytes()),
        (object, bends()).prop_map(|(value, bends)| bent(&value.to_string(), &bends).into_bytes()),
        made_up_json().prop_map(|value| value.to_string().into_bytes()),
        vec(any::<u8>(), 1..300),
    ];
    hold(1, (select(ROUTES), text), |(route, body)| {
        let headers: [(&str, &[u8]); 2] =
            [("content-type", &b"application/json"[..]), ("authorization", bearer.as_bytes())];
        let answer = ask(&app, route, &headers, if body.is_empty() { &b" "[..] } else { &body[..] });
        assert!((400..500).contains(&answer.status), "{route}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{route}: {answer:?}");
    });
    assert_eq!((app.live_logins(), app.count("users"), app.value("SELECT password_hash FROM users")), before);
}
