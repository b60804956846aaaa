//! The table of the README: after each event the copies of all four credentials are replayed, from second clients.

use std::time::Duration;

use crate::support::{Browser, Client, NAMES, NEW_PASSWORD, PASSWORD, TestApp, app::SECRET, binary, forge};

const ADA: &str = "ada@example.org";

/// Which of the copied credentials still let somebody in.
#[derive(Debug, PartialEq, Eq)]
struct Works {
    session_cookie: bool,
    claims_only: bool,
    live_check: bool,
    refresh_token: bool,
}

const ALL: Works = Works { session_cookie: true, claims_only: true, live_check: true, refresh_token: true };
/// What everything that ends the login at both doors leaves: nobody is asked about the claims.
const CLAIMS: Works = Works { session_cookie: false, claims_only: true, live_check: false, refresh_token: false };

async fn logged_in(app: &TestApp) -> (Browser, Client) {
    (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await)
}

/// Replays copies; the refresh token last, as it works once.
async fn replay(browser: &Browser, client: &Client) -> Works {
    Works {
        session_cookie: browser.clone().is_logged_in().await,
        claims_only: client.get("/api/me").await.status == 200,
        live_check: client.get("/api/account").await.status == 200,
        refresh_token: client.redeem().await.status == 200,
    }
}

#[actix_web::test]
async fn after_nothing() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    assert_eq!(replay(&browser, &client).await, ALL);
}

#[actix_web::test]
async fn after_log_out_at_the_session_door() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let copy = browser.clone();
    assert_eq!(browser.log_out().await.status, 303);
    assert_eq!(replay(&copy, &client).await, Works { session_cookie: false, ..ALL });
}

#[actix_web::test]
async fn after_log_out_at_the_token_door() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    assert_eq!(client.log_out().await.status, 200);
    assert_eq!(replay(&browser, &client).await, Works { session_cookie: true, ..CLAIMS });
}

#[actix_web::test]
async fn after_a_change_of_password_at_the_session_door() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let copy = browser.clone();
    assert_eq!(browser.change_password(PASSWORD, NEW_PASSWORD).await.status, 303);
    assert_eq!(replay(&copy, &client).await, CLAIMS);
    assert!(browser.is_logged_in().await, "who changed it has a new one");
}

#[actix_web::test]
async fn after_a_change_of_password_at_the_token_door() {
    let app = TestApp::spawn();
    let (browser, mut client) = logged_in(&app).await;
    let copy = client.clone();
    assert_eq!(client.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    assert_eq!(replay(&browser, &copy).await, CLAIMS);
    assert_eq!(client.get("/api/account").await.status, 200, "who changed it has a new one");
}

#[actix_web::test]
async fn after_deletion_of_the_account() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let body = serde_json::json!({ "current_password": PASSWORD });
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.status, 204);
    assert_eq!(replay(&browser, &client).await, CLAIMS);
}

#[actix_web::test]
async fn after_an_old_refresh_token_came_back() {
    let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
    let (browser, mut client) = logged_in(&app).await;
    let old = client.clone();
    assert_eq!(client.renew().await.status, 200);
    assert_eq!(old.redeem().await.code(), "reused-refresh-token");
    assert_eq!(replay(&browser, &client).await, Works { session_cookie: true, ..CLAIMS });
}

#[actix_web::test]
async fn after_lying_unused_for_too_long() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.execute("UPDATE sessions SET seen_at = seen_at - interval '31 minutes'");
    app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp()");
    // The family is not over before its last access token is: only nothing can renew it.
    let expected = Works { session_cookie: false, refresh_token: false, ..ALL };
    assert_eq!(replay(&browser, &client).await, expected);
}

#[actix_web::test]
async fn after_reaching_the_greatest_age() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.execute("UPDATE sessions SET absolute_expires_at = clock_timestamp()");
    app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp()");
    assert_eq!(replay(&browser, &client).await, CLAIMS);
}

#[actix_web::test]
async fn after_a_restart_of_the_server() {
    // Another address, as the port is free to change, but the same names in its tokens.
    let before = TestApp::with(NAMES);
    let (mut browser, mut client) = logged_in(&before).await;
    let url = before.database.url().to_owned();
    let after = TestApp::with(&[NAMES, &[("DATABASE_URL", &url)]].concat());
    browser.move_to(after.address);
    client.move_to(after.address);
    assert_eq!(replay(&browser, &client).await, ALL);
}

/// `two-doors keys …` on the server's database.
fn keys(app: &TestApp, arguments: &[&str]) -> String {
    let variables = [("DATABASE_URL", app.database.url()), ("SECRETS", SECRET), ("LOG", "error")];
    let outcome = binary::run(&[&["keys"], arguments].concat(), &variables);
    assert!(outcome.success, "{outcome:?}");
    outcome.stdout.split(' ').next().expect("a kid").to_owned()
}

/// Makes another key, and waits until the server signs with it; says which one it was before.
async fn rotate(app: &TestApp) -> String {
    let kid = |client: &Client| forge::header(&client.access_token)["kid"].as_str().expect("a kid").to_owned();
    let old = kid(&app.logged_in_client(ADA).await);
    let new = keys(app, &["rotate", "--in", "0s"]);
    while kid(&app.logged_in_client(ADA).await) != new {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    old
}

#[actix_web::test]
async fn after_a_rotation_of_the_signing_key() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    rotate(&app).await;
    assert_eq!(replay(&browser, &client).await, ALL);
}

#[actix_web::test]
async fn after_the_retirement_of_a_signing_key() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let old = rotate(&app).await;
    keys(&app, &["retire", &old]);
    let published = || async { app.client().get("/.well-known/jwks.json").await.body };
    while published().await.contains(&old) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The only event that reaches claims-only routes, and it reaches everybody's tokens.
    let expected = Works { claims_only: false, live_check: false, ..ALL };
    assert_eq!(replay(&browser, &client).await, expected);
}

#[actix_web::test]
async fn after_a_rotation_of_the_secrets() {
    let before = TestApp::with(NAMES);
    let (mut browser, mut client) = logged_in(&before).await;
    let secrets = format!("{},{SECRET}", "a newer secret for tests that every reader of them knows");
    let after = before.beside(&[NAMES, &[("SECRETS", &secrets)]].concat());
    browser.move_to(after.address);
    client.move_to(after.address);
    assert_eq!(replay(&browser, &client).await, ALL);
}
