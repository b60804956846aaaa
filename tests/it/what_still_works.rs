//! The table of the README and of `/what-still-works`: after each event the copies of all four credentials are replayed, from
//! second clients, and what is seen is held against the row that the page shows.

use std::{collections::BTreeSet, fs, time::Duration};

use two_doors::{
    accounts::Role,
    pages::what_still_works::table::{self, Fate},
};

use crate::support::{
    Answer, Browser, Client, NAMES, NEW_PASSWORD, PASSWORD, TestApp,
    app::SECRET,
    binary,
    forge::{self, Forge},
    html,
    store::Store,
};

const ADA: &str = "ada@example.org";

/// What becomes of the copies: session cookie; access token, claims only; access token, live check; refresh token.
type Fates = [Fate; 4];

/// What the row says that this test proves.
fn promised(test: &str) -> Fates {
    let row = table::rows().find(|row| row.test == test);
    row.unwrap_or_else(|| panic!("no row names {test}")).cells.map(table::Cell::fate)
}

fn fate(answer: &Answer) -> Fate {
    match answer.status {
        200 => Fate::Accepted,
        503 => Fate::Unavailable,
        // A page redirects to the log-in, or says that the account is banned; the API challenges.
        303 | 401 | 403 => Fate::Refused,
        other => panic!("neither accepted nor refused: {other} {answer:?}"),
    }
}

async fn logged_in(app: &TestApp) -> (Browser, Client) {
    (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await)
}

/// Replays copies; the refresh token last, as it works once.
async fn replay(browser: &Browser, client: &Client) -> Fates {
    [
        fate(&browser.clone().get("/account/me").await),
        fate(&client.get("/api/me").await),
        fate(&client.get("/api/account").await),
        fate(&client.redeem().await),
    ]
}

#[test]
fn the_readme_shows_the_same_table_as_the_site() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    assert!(readme.contains(&table::markdown()), "the README should show this table:\n\n{}", table::markdown());
}

#[actix_web::test]
async fn the_site_shows_every_row_and_the_test_behind_it() {
    let app = TestApp::spawn();
    let page = app.browser().get("/what-still-works").await;
    for row in table::rows() {
        let path = format!("/what-still-works/{}", row.slug());
        assert!(page.body.contains(&format!("href=\"{path}\"")), "{path}");
        let one = app.browser().get(&path).await;
        assert!(one.status == 200 && one.body.contains(row.test), "{path}");
    }
    assert_eq!(app.browser().get("/what-still-works/after-nothing").await.status, 404);
}

#[actix_web::test]
async fn every_cell_leads_to_the_experiment_or_the_test_behind_it() {
    let app = TestApp::spawn();
    let page = app.browser().get("/what-still-works").await;
    assert!(page.body.len() < 40_000, "{} bytes", page.body.len());
    let links = html::all(&page.body, "a");
    let cells: Vec<&str> = links
        .iter()
        .filter(|link| link.get("class").is_some_and(|class| class.starts_with("fate ")))
        .filter_map(|link| link.get("href"))
        .collect();
    assert_eq!(cells.len(), table::rows().count() * 4);
    for (row, cells) in table::rows().zip(cells.chunks(4)) {
        for to in cells {
            let proof = format!("/what-still-works/{}#proof", row.slug());
            assert!(*to == proof || to.starts_with("/experiments/"), "{}: {to}", row.test);
        }
    }
    for to in cells.into_iter().collect::<BTreeSet<_>>() {
        let path = to.split('#').next().expect("a path");
        assert_eq!(app.browser().get(path).await.status, 200, "{to}");
    }
}

#[actix_web::test]
async fn after_nothing() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    assert_eq!(replay(&browser, &client).await, [Fate::Accepted; 4]);
}

#[actix_web::test]
async fn after_log_out_at_the_session_door() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let copy = browser.clone();
    assert_eq!(browser.log_out().await.status, 303);
    assert_eq!(replay(&copy, &client).await, promised("after_log_out_at_the_session_door"));
}

#[actix_web::test]
async fn after_log_out_at_the_token_door() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    assert_eq!(client.log_out().await.status, 200);
    assert_eq!(replay(&browser, &client).await, promised("after_log_out_at_the_token_door"));
}

#[actix_web::test]
async fn after_the_end_of_one_other_session_from_the_site() {
    let app = TestApp::spawn();
    let mut here = app.logged_in_browser(ADA).await;
    let (browser, client) = logged_in(&app).await;
    let id = app.value("SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1");
    let answer = here.post_from("/account/devices", "/account/devices/end", &[("id", &id)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(replay(&browser, &client).await, promised("after_the_end_of_one_other_session_from_the_site"));
    assert!(here.is_logged_in().await);
}

#[actix_web::test]
async fn after_the_end_of_one_other_token_login_from_the_site() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let id = app.value("SELECT id FROM token_families");
    let answer = browser.post_from("/account/devices", "/account/devices/end", &[("id", &id)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(replay(&browser, &client).await, promised("after_the_end_of_one_other_token_login_from_the_site"));
}

#[actix_web::test]
async fn after_the_end_of_one_other_token_login_from_the_api() {
    let app = TestApp::spawn();
    let here = app.logged_in_client(ADA).await;
    let (browser, client) = logged_in(&app).await;
    let id = app.value("SELECT id FROM token_families ORDER BY created_at DESC LIMIT 1");
    assert_eq!(here.send("DELETE", &format!("/api/auth/tokens/{id}"), None).await.status, 204);
    assert_eq!(replay(&browser, &client).await, promised("after_the_end_of_one_other_token_login_from_the_api"));
    assert_eq!(here.get("/api/account").await.status, 200);
}

#[actix_web::test]
async fn after_log_out_everywhere_from_the_site() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let copy = browser.clone();
    let answer = browser.post_from("/account/devices", "/account/devices/end-all", &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(replay(&copy, &client).await, promised("after_log_out_everywhere_from_the_site"));
}

#[actix_web::test]
async fn after_log_out_everywhere_from_the_api() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    assert_eq!(client.send("POST", "/api/auth/logout-everywhere", None).await.status, 200);
    assert_eq!(replay(&browser, &client).await, promised("after_log_out_everywhere_from_the_api"));
}

#[actix_web::test]
async fn after_log_out_everywhere_from_the_api_with_the_sessions() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let body = serde_json::json!({ "sessions": true });
    assert_eq!(client.post("/api/auth/logout-everywhere", &body).await.status, 200);
    assert_eq!(replay(&browser, &client).await, promised("after_log_out_everywhere_from_the_api_with_the_sessions"));
}

#[actix_web::test]
async fn after_a_change_of_password_at_the_session_door() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let copy = browser.clone();
    assert_eq!(browser.change_password(PASSWORD, NEW_PASSWORD).await.status, 303);
    assert_eq!(replay(&copy, &client).await, promised("after_a_change_of_password_at_the_session_door"));
    assert!(browser.is_logged_in().await, "who changed it has a new one");
}

#[actix_web::test]
async fn after_a_change_of_password_at_the_token_door() {
    let app = TestApp::spawn();
    let (browser, mut client) = logged_in(&app).await;
    let copy = client.clone();
    assert_eq!(client.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    assert_eq!(replay(&browser, &copy).await, promised("after_a_change_of_password_at_the_token_door"));
    assert_eq!(client.get("/api/account").await.status, 200, "who changed it has a new one");
}

#[actix_web::test]
async fn after_a_ban() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.ban(ADA, "spam", None);
    assert_eq!(replay(&browser, &client).await, promised("after_a_ban"));
}

#[actix_web::test]
async fn after_an_un_ban() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.ban(ADA, "spam", None);
    app.unban(ADA);
    assert_eq!(replay(&browser, &client).await, promised("after_an_un_ban"));
}

#[actix_web::test]
async fn after_a_promotion() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.change_role(ADA, Role::Admin);
    assert_eq!(replay(&browser, &client).await, promised("after_a_promotion"));
}

#[actix_web::test]
async fn after_a_demotion() {
    let app = TestApp::spawn();
    app.admin("root@example.org").await;
    app.admin(ADA).await;
    let (browser, client) = logged_in(&app).await;
    app.change_role(ADA, Role::User);
    assert_eq!(replay(&browser, &client).await, promised("after_a_demotion"));
}

#[actix_web::test]
async fn after_deletion_of_the_account() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let body = serde_json::json!({ "current_password": PASSWORD });
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.status, 204);
    assert_eq!(replay(&browser, &client).await, promised("after_deletion_of_the_account"));
}

#[actix_web::test]
async fn after_an_old_refresh_token_came_back() {
    let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
    let (browser, mut client) = logged_in(&app).await;
    let old = client.clone();
    assert_eq!(client.renew().await.status, 200);
    assert_eq!(old.redeem().await.code(), "reused-refresh-token");
    assert_eq!(replay(&browser, &client).await, promised("after_an_old_refresh_token_came_back"));
}

#[actix_web::test]
async fn after_lying_unused_for_too_long() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.execute("UPDATE sessions SET seen_at = seen_at - interval '31 minutes'");
    app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp()");
    // The family is not over before its last access token is: only nothing can renew it.
    assert_eq!(replay(&browser, &client).await, promised("after_lying_unused_for_too_long"));
}

#[actix_web::test]
async fn after_reaching_the_greatest_age() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    app.execute("UPDATE sessions SET absolute_expires_at = clock_timestamp()");
    app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp()");
    assert_eq!(replay(&browser, &client).await, promised("after_reaching_the_greatest_age"));
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
    assert_eq!(replay(&browser, &client).await, promised("after_a_restart_of_the_server"));
}

#[actix_web::test]
async fn after_a_stolen_cookie_and_a_log_out() {
    let app = TestApp::spawn();
    let (mut browser, client) = logged_in(&app).await;
    let mut thief = browser.clone();
    assert_eq!(thief.get("/account").await.status, 200, "a copied cookie is as good as the first");
    assert_eq!(browser.log_out().await.status, 303);
    assert_eq!(replay(&thief, &client).await, promised("after_a_stolen_cookie_and_a_log_out"));
}

#[actix_web::test]
async fn while_the_database_is_down() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let outage = app.outage();
    assert_eq!(replay(&browser, &client).await, promised("while_the_database_is_down"));
    outage.end().await;
    assert_eq!(replay(&browser, &client).await, [Fate::Accepted; 4], "nothing has ended by this");
}

#[actix_web::test]
async fn while_redis_is_down() {
    let app = Store::Redis.spawn();
    let (browser, client) = logged_in(&app).await;
    let redis = app.redis.as_ref().expect("a Redis");
    redis.freeze();
    assert_eq!(replay(&browser, &client).await, promised("while_redis_is_down"));
    redis.thaw();
    app.until_ready().await;
    assert_eq!(fate(&browser.clone().get("/account/me").await), Fate::Accepted, "nothing has ended by this");
}

#[actix_web::test]
async fn with_a_clock_40_seconds_off() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    let (forge, genuine) = (Forge::of(&app), forge::claims(&client.access_token));
    // What an instance whose clock is ahead, or behind, would have signed at this very moment.
    for seconds in [40, -40] {
        let mut claims = genuine.clone();
        for name in ["iat", "nbf", "exp"] {
            claims[name] = (genuine[name].as_i64().expect("an instant") + seconds).into();
        }
        let mut issued_there = client.clone();
        issued_there.access_token = forge.sign(&forge.header(), &claims);
        assert_eq!(replay(&browser, &issued_there).await, promised("with_a_clock_40_seconds_off"), "{seconds} s");
    }
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
    // One login that is renewed: so many log-ins would end the oldest ones.
    let mut watcher = app.logged_in_client(ADA).await;
    let old = kid(&watcher);
    let new = keys(app, &["rotate", "--in", "0s"]);
    while kid(&watcher) != new {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(watcher.renew().await.status, 200);
    }
    old
}

#[actix_web::test]
async fn after_a_rotation_of_the_signing_key() {
    let app = TestApp::spawn();
    let (browser, client) = logged_in(&app).await;
    rotate(&app).await;
    assert_eq!(replay(&browser, &client).await, promised("after_a_rotation_of_the_signing_key"));
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
    assert_eq!(replay(&browser, &client).await, promised("after_the_retirement_of_a_signing_key"));
}

#[actix_web::test]
async fn after_a_rotation_of_the_secrets() {
    let before = TestApp::with(NAMES);
    let (mut browser, mut client) = logged_in(&before).await;
    let secrets = format!("{},{SECRET}", "a newer secret for tests that every reader of them knows");
    let after = before.beside(&[NAMES, &[("SECRETS", &secrets)]].concat());
    browser.move_to(after.address);
    client.move_to(after.address);
    assert_eq!(replay(&browser, &client).await, promised("after_a_rotation_of_the_secrets"));
}
