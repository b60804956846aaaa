//! The audit trail: who, when, from where and at which door; for the person whom it concerns, never changed, never a credential.

use std::collections::BTreeSet;

use serde_json::json;
use two_doors::secrets::{hex, sha256};

use crate::{
    races::ADA,
    support::{NEW_PASSWORD, PASSWORD, TestApp, html},
};

const GRACE: &str = "grace@example.org";
const WRONG: &str = "not the password of anybody";

/// Everything that happens to logins, at both doors; returns every secret that was in somebody's hand.
async fn a_life(app: &TestApp) -> Vec<String> {
    let mut secrets = vec![PASSWORD.to_owned(), NEW_PASSWORD.to_owned(), WRONG.to_owned()];
    let mut browser = app.browser();
    browser.sign_up(ADA, "Ada", PASSWORD).await;
    secrets.push(browser.jar["session"].clone());
    app.browser().log_in(ADA, WRONG).await;
    app.browser().log_in(WRONG, PASSWORD).await;
    app.client().log_in(ADA, WRONG).await;
    let mut client = app.logged_in_client(ADA).await;
    let old = client.clone();
    client.renew().await;
    old.redeem().await;
    secrets.extend([
        old.refresh_token.clone(),
        old.access_token,
        client.refresh_token.clone(),
        client.access_token.clone(),
    ]);
    let mut third = client.clone();
    third.renew().await;
    assert_eq!(client.with_refresh_token(&old.refresh_token).redeem().await.code(), "reused-refresh-token");
    app.logged_in_client(ADA).await.log_out().await;
    app.logged_in_browser(ADA).await.log_out().await;
    app.logged_in_browser(ADA).await;
    let other = app.value("SELECT id FROM sessions WHERE ended_at IS NULL ORDER BY created_at DESC LIMIT 1");
    browser.post_from("/account/devices", "/account/devices/end", &[("id", &other)]).await;
    browser.change_password(PASSWORD, NEW_PASSWORD).await;
    secrets.push(browser.jar["session"].clone());
    browser.post_from("/account/devices", "/account/devices/end-all", &[]).await;
    let keys = secrets.iter().filter_map(|secret| secret.split("%3D").last().map(str::to_owned));
    let all: Vec<String> = secrets.iter().cloned().chain(keys).collect();
    let hashes = all.iter().map(|secret| hex(&sha256(secret.as_bytes())));
    all.iter().cloned().chain(hashes).collect()
}

#[actix_web::test]
async fn everything_that_happens_to_a_login_is_recorded_with_who_and_where_from() {
    let app = TestApp::spawn();
    a_life(&app).await;
    let kinds = app
        .value("SELECT string_agg(DISTINCT kind || ' ' || door, ', ' ORDER BY kind || ' ' || door) FROM auth_events");
    let recorded: BTreeSet<&str> = kinds.split(", ").collect();
    for expected in [
        "signed up session",
        "logged in session",
        "logged in token",
        "log-in failed session",
        "log-in failed token",
        "refreshed token",
        "refresh token reused token",
        "logged out session",
        "logged out token",
        "login ended session",
        "password changed session",
        "logged out everywhere session",
    ] {
        assert!(recorded.contains(expected), "{expected}: {kinds}");
    }
    assert_eq!(app.count("auth_events WHERE address <> '127.0.0.1'"), 0);
    assert_eq!(app.count("auth_events WHERE user_id IS NULL AND door <> 'none'"), 1, "the address that nobody has");
    let without =
        "auth_events WHERE login_id IS NULL AND kind NOT IN ('signed up', 'log-in failed', 'signing key made')";
    assert_eq!(app.count(without), 0, "each names its login");
    assert_eq!(app.value("SELECT detail FROM auth_events WHERE kind = 'refresh token reused'"), "of an older token");
    let refreshes =
        "SELECT string_agg(coalesce(detail, 'new'), ', ' ORDER BY id) FROM auth_events WHERE kind = 'refreshed'";
    assert_eq!(app.value(refreshes), "new, the same successor again, new");
}

#[actix_web::test]
async fn no_credential_stands_in_it_nor_the_hash_of_one() {
    let app = TestApp::spawn();
    let secrets = a_life(&app).await;
    assert!(secrets.len() > 20);
    for secret in secrets {
        assert_eq!(app.count(&format!("auth_events e WHERE strpos(e::text, '{secret}') > 0")), 0, "{secret}");
    }
}

#[actix_web::test]
async fn nobody_can_change_what_was_recorded() {
    use diesel::connection::SimpleConnection as _;

    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let before = app.value("SELECT string_agg(e::text, ' ') FROM auth_events e");
    for statement in [
        "UPDATE auth_events SET detail = 'nothing to see'",
        "UPDATE auth_events SET user_id = NULL WHERE false",
        "TRUNCATE auth_events",
    ] {
        let refused = app.connect().batch_execute(statement).expect_err(statement);
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(app.value("SELECT string_agg(e::text, ' ') FROM auth_events e"), before);
}

#[actix_web::test]
async fn the_site_shows_its_owner_what_happened_at_both_doors_and_nobody_elses() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    browser.headers.push(("user-agent".to_owned(), "curl/8.5.0".to_owned()));
    browser.sign_up(ADA, "Ada", PASSWORD).await;
    app.client().log_in(ADA, WRONG).await;
    let mut client = app.logged_in_client(ADA).await;
    client.renew().await;
    app.logged_in_browser(GRACE).await;
    app.execute_all("INSERT INTO auth_events (door, kind, user_id, actor_id, detail, address, user_agent) SELECT 'session', 'role changed', u.id, g.id, 'to admin', '203.0.113.9', '' FROM users u, users g WHERE u.email LIKE 'ada%' AND g.email LIKE 'grace%'");
    let page = browser.get("/account/activity").await.body;
    let text = html::text(&page);
    for shown in [
        "Signed up",
        "Logged in",
        "this login",
        "Log-in failed",
        "curl 8",
        "127.0.0.1",
        "Role changed",
        "to admin",
        "by an admin",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert_eq!(page.matches("<li class=\"ses").count(), 3, "{page}");
    assert_eq!(page.matches("<li class=\"tok").count(), 3, "{page}");
    assert!(!text.contains("Refreshed"), "a busy client's refreshes would hide the rest");
    assert!(html::text(&browser.get("/account/activity?refreshes=shown").await.body).contains("Refreshed"));
}

#[actix_web::test]
async fn the_site_shows_it_page_by_page() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    app.execute("INSERT INTO auth_events (door, kind, user_id, detail, address, user_agent) SELECT 'session', 'log-in failed', u.id, 'number ' || n, '127.0.0.1', '' FROM users u, generate_series(1, 60) n ORDER BY n");
    let (mut path, mut seen) = ("/account/activity".to_owned(), Vec::new());
    for _ in 0..3 {
        let page = browser.get(&path).await.body;
        seen.extend(
            page.split("<p>number ").skip(1).map(|rest| rest.split('<').next().unwrap().parse::<u32>().unwrap()),
        );
        let older = html::all(&page, "a").into_iter().find(|link| link.get("rel") == Some("next"));
        path = older.and_then(|link| link.get("href").map(str::to_owned)).unwrap_or_default();
    }
    assert_eq!((seen, path.as_str()), ((1..=60).rev().collect(), ""));
    let end = browser.get("/account/activity?before=0").await;
    assert!(html::text(&end.body).contains("Nothing older is kept."), "{end:?}");
    assert_eq!(browser.get("/account/activity?before=x").await.status, 400);
}

#[actix_web::test]
async fn the_api_gives_it_page_by_page_and_nobody_elses() {
    let app = TestApp::spawn();
    let mut client = app.logged_in_client(ADA).await;
    client.renew().await;
    app.logged_in_client(GRACE).await;
    let (mut before, mut kinds) = (String::new(), Vec::new());
    loop {
        let page = client.get(&format!("/api/account/events?limit=2{before}")).await.json();
        let events = page["events"].as_array().expect("events").clone();
        assert!((1..=2).contains(&events.len()), "{page}");
        kinds.extend(events.iter().map(|event| event["kind"].as_str().expect("a kind").to_owned()));
        match page["next_before"].as_i64() {
            Some(id) => before = format!("&before={id}"),
            None => break,
        }
    }
    assert_eq!(kinds, ["refreshed", "logged in", "signed up"].map(str::to_owned));
    let newest = client.get("/api/account/events").await.json()["events"][0].clone();
    let fields: Vec<_> = newest.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["address", "at", "by", "client", "detail", "door", "id", "kind", "login", "user_agent"]);
    assert_eq!(
        (&newest["door"], &newest["address"], &newest["by"]),
        (&json!("token"), &json!("127.0.0.1"), &json!(null))
    );
}

#[actix_web::test]
async fn a_page_that_can_not_be_is_refused_by_name() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("before=x", "before"),
        ("before=9999999999999999999", "before"),
    ] {
        let answer = client.get(&format!("/api/account/events?{query}")).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["field"].as_str()), (422, Some(field)), "{query}");
    }
}
