//! The table of the README: after each event the copies of all four credentials are replayed, from second clients.

use two_doors::accounts::Role;

use crate::support::{Browser, Client, NEW_PASSWORD, PASSWORD, TestApp};

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
    let names = [("TOKEN_ISSUER", "https://doors.example.com"), ("TOKEN_AUDIENCE", "https://doors.example.com/api")];
    let before = TestApp::with(&names);
    let (mut browser, mut client) = logged_in(&before).await;
    let url = before.database.url().to_owned();
    let after = TestApp::with(&[&names[..], &[("DATABASE_URL", &url)]].concat());
    browser.move_to(after.address);
    client.move_to(after.address);
    assert_eq!(replay(&browser, &client).await, ALL);
}

#[actix_web::test]
async fn after_a_ban() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.ban(ADA, "spam", None);
    assert_eq!(replay(&browser, &client).await, CLAIMS);
}

#[actix_web::test]
async fn after_an_un_ban() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.ban(ADA, "spam", None);
    app.unban(ADA);
    assert_eq!(replay(&browser, &client).await, CLAIMS);
}

#[actix_web::test]
async fn after_a_promotion() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.change_role(ADA, Role::Admin);
    assert_eq!(replay(&browser, &client).await, ALL);
}

#[actix_web::test]
async fn after_a_demotion() {
    let app = TestApp::spawn();
    app.admin("root@example.org").await;
    let (browser, client) = logged_in(&app).await;
    app.change_role(ADA, Role::Admin);
    app.change_role(ADA, Role::User);
    assert_eq!(replay(&browser, &client).await, Works { session_cookie: true, ..CLAIMS });
}
