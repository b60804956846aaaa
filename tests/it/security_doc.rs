//! docs/security.md is true: its tests exist, its table is the standard's, and what has no other test of its own is shown here.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use two_doors::config::Config;

use crate::support::{
    PASSWORD, TestApp, app::SECRET, binary::Binary, html, postgres::TestDatabase, raw, routes::sources,
};

fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).expect("docs/security.md")
}

/// OWASP ASVS 5.0.0, levels 1 and 2 of the chapters V3, V6 to V9, V11 and V16, as `section: requirements` and their levels.
const REQUIREMENTS: &str = "
    3.2: 11  3.3: 1222  3.4: 112222  3.5: 11122  3.7: 22
    6.1: 122  6.2: 111111112222  6.3: 1122  6.4: 1122  6.5: 22222  6.6: 222  6.8: 2222
    7.1: 222  7.2: 1111  7.3: 22  7.4: 11222  7.5: 22  7.6: 22
    8.1: 12  8.2: 112  8.3: 1  8.4: 2
    9.1: 111  9.2: 1222
    11.1: 22  11.2: 222  11.3: 112  11.4: 1222  11.5: 2  11.6: 2
    16.1: 2  16.2: 22222  16.3: 2222  16.4: 222  16.5: 222";

#[actix_web::test]
async fn every_refusal_and_every_attempt_to_get_round_a_control_leaves_a_line() {
    let database = TestDatabase::create();
    let variables =
        [("LOG", "info"), ("LOG_FORMAT", "json"), ("THROTTLE_ACCOUNT_ADDRESS", "1"), ("REFRESH_GRACE", "0")];
    let server = Binary::serve(database.url(), &variables);
    let (mut ada, mut client) = (server.browser(), server.client());
    assert_eq!(ada.sign_up("ada@example.org", "Ada", PASSWORD).await.status, 303);
    let user = ada.get("/account/me").await.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.log_in("ada@example.org", PASSWORD).await.status, 200);
    // No permission, at either door.
    assert_eq!(ada.get("/admin").await.status, 403);
    assert_eq!(client.get("/api/admin/users").await.status, 403);
    // A form that another site sends, a password that is guessed too often, a refresh token that comes back.
    let mut forged = ada.clone();
    forged.headers.push(("sec-fetch-site".to_owned(), "cross-site".to_owned()));
    assert_eq!(forged.post_raw("/account/name", &[("display_name", "Eve")]).await.status, 403);
    for status in [401, 429] {
        assert_eq!(server.client().log_in("ada@example.org", "a wrong password, typed").await.status, status);
    }
    let copy = client.clone();
    assert_eq!(client.renew().await.status, 200);
    assert_eq!(copy.redeem().await.status, 401);
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (route, status, who) in [
        ("/admin", 403, user.as_str()),
        ("/api/admin/users", 403, &user),
        ("/account/name", 403, &user),
        ("/api/auth/login", 401, "-"),
        ("/api/auth/login", 429, "-"),
        ("/api/auth/refresh", 401, "-"),
    ] {
        let is_it = |line: &&serde_json::Value| line["route"] == route && line["status"] == status;
        let line = lines.iter().find(is_it).unwrap_or_else(|| panic!("{route} {status}: {log}"));
        assert_eq!(line["who"], who, "{line}");
    }
}

#[test]
fn every_requirement_of_the_chapters_has_one_row() {
    let words: Vec<&str> = REQUIREMENTS.split_whitespace().collect();
    let expected: Vec<(String, String)> = words
        .chunks(2)
        .flat_map(|pair| {
            let section = pair[0].trim_end_matches(':');
            pair[1]
                .chars()
                .enumerate()
                .map(move |(index, level)| (format!("{section}.{}", index + 1), level.to_string()))
        })
        .collect();
    assert_eq!(expected.len(), 116, "the list itself");
    let document = document();
    let rows: Vec<Vec<&str>> = document
        .lines()
        .filter(|line| line.starts_with("| ") && line[2..].starts_with(|first: char| first.is_ascii_digit()))
        .map(|line| line.trim_matches('|').splitn(5, '|').map(str::trim).collect())
        .collect();
    let found: Vec<(String, String)> = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    assert_eq!(found, expected);
    for row in rows {
        let [_, _, asks, standing, shown] = row[..] else { panic!("{row:?}") };
        assert!(
            !asks.is_empty() && ["met", "n/a", "**not met**"].iter().any(|begins| standing.starts_with(begins)),
            "{row:?}"
        );
        assert!(!standing.starts_with("met") || shown.contains("::"), "{row:?} names no test");
        assert!(!standing.contains("not met") || !shown.is_empty(), "{row:?} says not why");
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let (folder, source) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it"), concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let (folder, source) = (Path::new(folder), Path::new(source));
    let units = sources();
    let document = document();
    let named: BTreeSet<&str> = document.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect();
    assert!(named.len() > 90, "{}", named.len());
    for name in named {
        let (file, function) = name.split_once("::").expect("a file and a test");
        let text = fs::read_to_string(folder.join(format!("{file}.rs"))).ok().or_else(|| {
            let unit = units.iter().find(|(path, _)| Path::new(path).file_stem().is_some_and(|stem| stem == file));
            unit.and_then(|(path, _)| fs::read_to_string(source.join(path)).ok())
        });
        let text = text.unwrap_or_else(|| panic!("no file for {name}"));
        assert!(text.contains(&format!("fn {function}(")), "there is no test {name}");
    }
}

#[test]
fn the_numbers_that_are_written_down_are_the_defaults() {
    let config = Config::from_lookup(&|name| match name {
        "DATABASE_URL" => Some("postgresql://nobody@localhost/nothing".into()),
        "SECRETS" => Some(SECRET.into()),
        _ => None,
    })
    .expect("the defaults");
    let (accounts, session, token) = (&config.accounts, &config.session, &config.token);
    let minutes = |time: Duration| time.as_secs() / 60;
    let days = |time: Duration| time.as_secs() / 86_400;
    let text = document().replace('\n', " ");
    for said in [
        format!("{} wrong passwords for an account from an address", accounts.failures_account_address),
        format!("{} for an account (`THROTTLE_ACCOUNT`)", accounts.failures_account),
        format!("{} from an address (`THROTTLE_ADDRESS`", accounts.failures_address),
        format!("{} sign-ups an hour and address", accounts.sign_ups_address),
        format!("{} refreshes a minute of one token login", accounts.refreshes_login),
        format!("Unused {} minutes and {} hours at most", minutes(session.idle), minutes(session.absolute) / 60),
        format!(
            "with \"remember me\" {} and {} days",
            days(session.remembered_idle),
            days(session.remembered_absolute)
        ),
        format!("Access tokens {} minutes", minutes(token.access)),
        format!("refresh tokens {} days", days(token.refresh)),
        format!("a token login {} days", days(token.family)),
        format!("{} sessions and {} token logins", session.most, token.most),
        format!("within the grace of {} s", token.grace.as_secs()),
        format!("`EVENTS_TTL` ({} days)", days(config.events_ttl)),
    ] {
        assert!(text.contains(&said), "{said}");
    }
}

#[test]
fn the_inventory_of_cryptography_is_what_the_sources_use() {
    let document = document();
    let inventory = document.split("**Cryptography in use**").nth(1).and_then(|rest| rest.split("**Logs**").next());
    let inventory = inventory.expect("the inventory");
    let cargo = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("Cargo.toml");
    let used = cargo.split("[dev-dependencies]").next().expect("what the program uses");
    for (library, _) in used.lines().filter_map(|line| line.split_once(" = ")) {
        let cryptographic = "aws-lc argon2 sha md5 blake hmac aes chacha rsa p256 ed25519 ring openssl";
        if cryptographic.split(' ').any(|name| library.starts_with(name)) {
            assert!(inventory.contains(library), "{library}");
        }
    }
    // Every word for an algorithm that the sources take from the library; experiments measure those that nobody uses here.
    let mut found = BTreeSet::new();
    for (file, text) in sources().iter().filter(|(file, _)| !file.starts_with("experiments")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in code.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')) {
            let begin = "AES_ CHACHA SHA1 SHA2 SHA3 SHA5 MD5 HMAC_ HKDF_ ECDSA_ RSA_PKCS1 RSA_PSS";
            if begin.split(' ').any(|begin| word.starts_with(begin)) {
                found.insert((word.to_owned(), file.clone()));
            }
        }
    }
    let words: BTreeSet<&str> = found.iter().map(|(word, _)| word.as_str()).collect();
    let known = ["AES_256_GCM", "ECDSA_P256_SHA256_FIXED_SIGNING", "HKDF_SHA256", "HMAC_SHA256", "SHA256"];
    assert_eq!(words.into_iter().collect::<Vec<_>>(), known, "{found:?}");
}

#[actix_web::test]
async fn passwords_are_typed_unseen_and_may_be_pasted() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser("ada@example.org").await;
    let mut inputs = 0;
    for page in [
        app.browser().get("/login").await,
        app.browser().get("/signup").await,
        app.browser().get("/spa").await,
        browser.get("/account").await,
    ] {
        for input in html::all(&page.body, "input") {
            let about = input.get("name").or(input.get("id")).unwrap_or_default();
            if about.contains("password") {
                assert_eq!(input.get("type"), Some("password"), "{about}");
                assert!(input.get("autocomplete").is_some_and(|hint| hint.ends_with("-password")), "{about}");
                assert!(input.get("maxlength").is_none() && input.get("readonly").is_none(), "{about}");
                inputs += 1;
            }
        }
    }
    assert!(inputs >= 6, "{inputs}");
    // No script of ours listens to what is pasted or typed into one.
    for script in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static")).expect("static").flatten() {
        let text = fs::read_to_string(script.path()).unwrap_or_default();
        assert!(!text.contains("(\"paste\", ") && !text.contains("onpaste"), "{script:?}");
    }
}

#[test]
fn every_line_of_the_log_has_its_instant_in_utc_and_goes_to_standard_error() {
    let database = TestDatabase::create();
    for (format, begins) in [("text", ""), ("json", "{\"timestamp\":\"")] {
        let server = Binary::serve(&database.server_url(), &[("LOG_FORMAT", format), ("MIGRATE", "off")]);
        raw::exchange(
            server.address,
            format!("GET /login HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.address).as_bytes(),
        );
        let (_, log) = server.stop();
        assert!(log.lines().any(|line| line.contains("request")), "{log}");
        for line in log.lines() {
            let instant = line.strip_prefix(begins).and_then(|rest| rest.split(['"', ' ']).next()).unwrap_or_default();
            assert!(instant.len() >= 20 && instant.ends_with('Z') && instant.as_bytes()[10] == b'T', "{line}");
        }
    }
    for (file, text) in sources() {
        assert!(
            !text.contains("tracing_subscriber")
                || ["telemetry.rs", "config/telemetry.rs"].contains(&file.to_string_lossy().as_ref()),
            "{file:?} logs elsewhere"
        );
    }
}

#[test]
fn nobody_writes_a_line_of_their_own_into_the_log() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[]);
    let planted = "PLANTED";
    for head in [
        format!("{planted} /login HTTP/1.1"),
        format!("GET /{planted}%0a{planted} HTTP/1.1"),
        format!("GET /login?{planted}=%0d%0a{planted} HTTP/1.1"),
        format!("GET /account HTTP/1.1\r\nuser-agent: {planted}\t[31m\r\ncookie: session={planted}"),
        // What is no HTTP has no line of ours, and none of the library's.
        format!("GET /account HTTP/1.1\r\nuser-agent: {planted}\u{1b}[31m"),
        format!("GET /api/me HTTP/1.1\r\nauthorization: Bearer {planted}\r\nx-request-id: {planted}"),
        format!("GET /login HTTP/1.1\r\norigin: http://{planted}\r\nx-forwarded-for: {planted}"),
    ] {
        let request = format!("{head}\r\nhost: {}\r\nconnection: close\r\n\r\n", server.address);
        let answer = raw::exchange(server.address, request.as_bytes());
        assert!(answer.status < 500, "{head}: {answer:?}");
    }
    let (is_good, log) = server.stop();
    assert!(is_good && log.lines().filter(|line| line.contains("request")).count() >= 6, "{log}");
    // The method stands in the line as it came: RFC 9110 lets it be letters, and neither spaces nor lines.
    let others: Vec<&str> =
        log.lines().filter(|line| line.contains(planted) && !line.contains("method=PLANTED")).collect();
    assert_eq!(others, Vec::<&str>::new());
    let (_, since) = log.split_once("method=PLANTED").expect("the first request's line");
    assert!(since.lines().skip(1).all(|line| line.contains(" INFO ")), "nobody raises an alarm from outside: {log}");
}
