//! `/compare` runs real requests against its own server: what it shows is what happened, and it leaves nothing behind.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::BigInt,
};

use crate::support::{Answer, Browser, TestApp};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(conn: &mut PgConnection, what: &str) -> i64 {
    sql_query(format!("SELECT count(*) AS count FROM {what}")).get_result::<Count>(conn).expect("a count").count
}

const THROWAWAYS: &str = "users WHERE email_folded LIKE '%@throwaway.invalid'";
/// But for what the server itself did at its start.
const EVENTS: &str = "auth_events WHERE door <> 'none'";
// By their statement: the sweeper waits for the same lock.
const WAITING_TO_SIGN_UP: &str = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
     AND query LIKE 'INSERT INTO \"users\"%'";
const WAITING_TO_LOG_IN: &str = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
     AND query LIKE 'INSERT INTO \"sessions\"%'";

/// Waits until there are so many of something.
fn until(conn: &mut PgConnection, wanted: i64, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(conn, what) != wanted {
        assert!(Instant::now() < deadline, "there were never {wanted} of {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

async fn run(mut browser: Browser) -> Answer {
    browser.post_from("/compare", "/compare", &[]).await
}

fn stamps(answer: &Answer) -> Vec<&str> {
    answer.body.split("class=\"stamp\">").skip(1).filter_map(|rest| rest.split('<').next()).collect()
}

#[actix_web::test]
async fn a_run_finds_the_copied_session_dead_at_once_and_the_copied_token_alive_until_it_expires() {
    let app = TestApp::spawn();
    let answer = run(app.browser()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(stamps(&answer), ["holds", "holds, but…"]);
    let residuals: Vec<f64> = answer
        .body
        .split("<p class=\"big\">")
        .skip(1)
        .map(|rest| rest.split('<').next().and_then(|number| number.parse().ok()).expect("a number"))
        .collect();
    assert!(residuals[0] == 0.0 && residuals[1] > 1.0, "{residuals:?}");
    assert!(answer.body.contains("refused at the first try, and ever after: 0 of "));
    assert!(answer.body.contains("until it expired"));
    assert!(answer.body.contains("usual tokens live 15 minutes"));
}

#[actix_web::test]
async fn a_run_shows_the_real_exchanges_of_both_doors_and_leaves_nothing_behind() {
    let app = TestApp::spawn();
    let mut conn = app.connect();
    let answer = run(app.browser()).await;
    for (method, path) in [
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/account/me"),
        ("POST", "/logout"),
        ("POST", "/api/users"),
        ("POST", "/api/auth/login"),
        ("GET", "/api/me"),
        ("GET", "/api/account"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/refresh"),
    ] {
        let title = format!("<b>{method}</b> <span class=\"path\">{path}</span>");
        assert!(answer.body.contains(&title), "{method} {path}");
    }
    for shown in ["200 · accepted", "303 · refused", "401 · refused", "ms · 1 statement", "ms · 0 statements"] {
        assert!(answer.body.contains(shown), "{shown}");
    }
    for shown in ["The account is deleted", "src/session/log_out.rs", "src/token/log_out.rs", "throwaway.invalid"] {
        assert!(answer.body.contains(shown), "{shown}");
    }
    assert!(!answer.body.to_lowercase().contains("own-client"), "our own mark never goes to a browser");
    for table in [THROWAWAYS, EVENTS, "sessions", "token_families"] {
        assert_eq!(count(&mut conn, table), 0, "{table}");
    }
    // What the page shows whole opens nothing any more.
    let wholes = answer.body.split("</summary><code>").skip(1).filter_map(|rest| rest.split('<').next());
    for credential in wholes.collect::<std::collections::BTreeSet<_>>() {
        let bearer = format!("Bearer {credential}");
        let cookie = format!("session={credential}");
        assert_eq!(app.request("GET", "/api/me", &[("authorization", &bearer)], "").await.status, 401);
        assert_eq!(app.request("GET", "/account/me", &[("cookie", &cookie)], "").await.status, 303);
    }
}

#[actix_web::test]
async fn a_run_works_where_the_server_does_not_tell_what_its_answers_cost() {
    let app = TestApp::with(&[("SERVER_TIMING", "off")]);
    let answer = run(app.browser()).await;
    assert_eq!(stamps(&answer), ["holds", "holds, but…"]);
    assert!(!answer.body.contains("ms · 1 statement"));
    assert!(answer.body.contains("SERVER_TIMING=off"));
}

#[actix_web::test]
async fn while_one_run_is_under_way_the_next_visitor_is_told_to_wait() {
    let app = TestApp::spawn();
    let mut lock = app.connect();
    lock.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").expect("a lock");
    let first = actix_web::rt::spawn(run(app.browser()));
    until_async(&app, 1, WAITING_TO_SIGN_UP).await;
    let second = run(app.browser()).await;
    assert_eq!(second.status, 503);
    assert!((1..=8).contains(&second.header("retry-after").parse::<u32>().expect("seconds")));
    assert!(second.body.contains("two would disturb each other"));
    assert!(stamps(&second).is_empty());
    lock.batch_execute("ROLLBACK").expect("unlocked");
    assert_eq!(stamps(&first.await.expect("the first visitor waits")), ["holds", "holds, but…"]);
}

#[actix_web::test]
async fn an_address_has_thirty_runs_an_hour() {
    let app = TestApp::spawn();
    // Without the table each run breaks off at its first look for the account.
    app.connect().batch_execute("ALTER TABLE users RENAME TO gone").expect("renamed");
    let mut browser = app.browser();
    for number in 1..=30 {
        let answer = browser.post_from("/compare", "/compare", &[]).await;
        assert_eq!((answer.status, stamps(&answer)), (200, vec!["could not run"; 2]), "run {number}");
    }
    let answer = browser.post_from("/compare", "/compare", &[]).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").parse::<u32>().expect("seconds") > 3000);
    assert!(answer.body.contains("30 comparisons an hour"));
}

#[actix_web::test]
async fn a_run_that_no_page_of_ours_asked_for_does_not_start() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    browser.form_token("/compare").await;
    for fields in [&[][..], &[("form_token", "AAAA")]] {
        assert_eq!(browser.post_raw("/compare", fields).await.status, 403);
    }
    assert_eq!(count(&mut app.connect(), EVENTS), 0);
}

#[actix_web::test]
async fn a_database_that_goes_away_in_the_middle_makes_a_run_that_could_not_run() {
    let app = TestApp::spawn();
    let (mut lock, mut look) = (app.connect(), app.connect());
    lock.batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").expect("a lock");
    let visitor = actix_web::rt::spawn(run(app.browser()));
    until_async(&app, 1, WAITING_TO_LOG_IN).await;
    look.batch_execute("UPDATE pg_database SET datallowconn = false WHERE datname = current_database()")
        .expect("closed");
    // By the holder of the lock, or the log-in might get it before it is cut off itself.
    lock.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .expect("cut off");
    let answer = visitor.await.expect("an answer");
    assert_eq!((answer.status, stamps(&answer)), (200, vec!["could not run"; 2]));
    let why = answer.body.split("role=\"alert\">").nth(1).and_then(|rest| rest.split('<').next());
    assert!(why.is_some_and(|why| why.contains("POST /login was answered 503")), "{why:?}");
    assert!(answer.body.contains("The account could not be deleted"), "and what it left");
    assert!(answer.body.contains("/api/users"), "what did happen is shown");
    assert!(!answer.body.contains("s after log-out"), "and nothing that was not measured");
}

#[actix_web::test]
async fn a_run_whose_visitor_leaves_still_cleans_up() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let token = browser.form_token("/compare").await;
    let visitor = actix_web::rt::spawn(async move { browser.post_raw("/compare", &[("form_token", &token)]).await });
    until_async(&app, 1, THROWAWAYS).await;
    visitor.abort();
    assert!(visitor.await.is_err_and(|error| error.is_cancelled()));
    until_async(&app, 0, THROWAWAYS).await;
}

/// [`until`] on a thread of its own: the visitor under way must be polled meanwhile.
async fn until_async(app: &TestApp, wanted: i64, what: &'static str) {
    let mut conn = app.connect();
    actix_web::web::block(move || until(&mut conn, wanted, what)).await.expect("it came to that");
}
