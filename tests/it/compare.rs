//! `/compare` runs real requests against its own server, or against private instances: what it shows is what happened, and it
//! leaves nothing behind.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::BigInt,
};
use two_doors::experiments::compare;

use crate::{
    support::{Answer, Browser, TestApp, binary},
    weight::assert_is_light,
};

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

/// [`until`] on a thread of its own: the visitor under way must be polled meanwhile.
async fn until_async(app: &TestApp, wanted: i64, what: &'static str) {
    let mut conn = app.connect();
    actix_web::web::block(move || until(&mut conn, wanted, what)).await.expect("it came to that");
}

fn open(variables: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[&[("EXPERIMENTS", "on")], variables].concat())
}

/// Starts a run; the address of its page.
async fn start(browser: &mut Browser, event: &str) -> String {
    let page = format!("/compare/{event}");
    let answer = browser.post_from(&page, &page, &[]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").to_owned()
}

/// Runs it to its end; the events that told of it, and the page afterwards.
async fn run(mut browser: Browser, event: &str) -> (Answer, Answer) {
    let run = start(&mut browser, event).await;
    let told = browser.get(&format!("{run}/events")).await;
    let page = browser.get(&run).await;
    assert_eq!((told.status, page.status), (200, 200));
    assert_is_light(event, &page.body);
    (told, page)
}

fn stamp(page: &Answer) -> &str {
    page.body.split("<p class=\"stamp ").nth(1).and_then(|rest| rest.split('"').next()).expect("a stamp")
}

#[actix_web::test]
async fn a_log_out_finds_the_copied_session_dead_at_once_and_the_copied_token_alive_until_it_expires() {
    let app = open(&[]);
    let (told, page) = run(app.browser(), "log-out").await;
    assert_eq!(stamp(&page), "holds-but");
    let residuals: Vec<f64> = page
        .body
        .split("<p class=\"big\">")
        .skip(1)
        .map(|rest| rest.split('<').next().and_then(|number| number.parse().ok()).expect("a number"))
        .collect();
    assert!(residuals[0] == 0.0 && residuals[1] > 1.0, "{residuals:?}");
    for lane in ["session cookie", "claims only", "live check", "follows the feed", "refresh token"] {
        assert!(page.body.contains(lane), "{lane}");
    }
    assert!(page.body.contains("It died of age."));
    let events: Vec<&str> = told.body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert!(events.contains(&"row") && events.contains(&"lives"), "{events:?}");
    assert_eq!(events.last(), Some(&"end"));
}

#[actix_web::test]
async fn a_run_shows_the_real_exchanges_of_both_doors_and_leaves_nothing_behind() {
    let app = open(&[]);
    let mut conn = app.connect();
    let (_, page) = run(app.browser(), "log-out").await;
    for (method, path) in [
        ("POST", "/login"),
        ("GET", "/account/me"),
        ("POST", "/logout"),
        ("POST", "/api/auth/login"),
        ("GET", "/api/me"),
        ("GET", "/api/account"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/refresh"),
    ] {
        let title = format!("<b>{method}</b> <span class=\"path\">{path}</span>");
        assert!(page.body.contains(&title), "{method} {path}");
    }
    for shown in ["200 · accepted", "303 · refused", "401 · refused", "ms · 1 statement", "ms · 0 statements"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    for shown in ["src/session/log_out.rs", "src/token/log_out.rs", "throwaway.invalid"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    assert!(!page.body.to_lowercase().contains("own-client"), "our own mark never goes to a browser");
    for table in [THROWAWAYS, EVENTS, "sessions", "token_families"] {
        assert_eq!(count(&mut conn, table), 0, "{table}");
    }
    // What the page shows whole opens nothing any more.
    let wholes = page.body.split("</summary><code>").skip(1).filter_map(|rest| rest.split('<').next());
    for credential in wholes.collect::<std::collections::BTreeSet<_>>() {
        let bearer = format!("Bearer {credential}");
        let cookie = format!("session={credential}");
        assert_eq!(app.request("GET", "/api/me", &[("authorization", &bearer)], "").await.status, 401);
        assert_eq!(app.request("GET", "/account/me", &[("cookie", &cookie)], "").await.status, 303);
    }
}

#[actix_web::test]
async fn a_run_works_where_the_server_does_not_tell_what_its_answers_cost() {
    let app = open(&[("SERVER_TIMING", "off")]);
    let (_, page) = run(app.browser(), "password-change").await;
    assert_eq!(stamp(&page), "holds-but");
    assert!(!page.body.contains("ms · 1 statement") && !page.body.contains("SQL statement"));
    assert_eq!(count(&mut app.connect(), THROWAWAYS), 0, "it was deleted with its new password");
}

/// Runs comparisons from the shell, at private instances.
fn run_in_the_shell(events: &[&str]) {
    let outcome = binary::run(&[&["experiment", "run", "--format", "json"], events].concat(), &[]);
    let findings: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{outcome:?}"));
    for (event, finding) in events.iter().zip(findings.as_array().expect("a list")) {
        let expected = compare::find(event).and_then(|event| event.expected).expect("a comparison").name();
        assert_eq!(finding["stamp"], expected, "{event}: {}", finding["condition"]);
        let lanes = finding["lives"]["lanes"].as_array().expect("lanes");
        let session = lanes.iter().find(|lane| lane["door"] == "session").expect("a session");
        if *event != "clock-skew" {
            assert_eq!(session["let_in"], 0, "{event}: {session}");
        }
    }
    assert!(outcome.success, "{}", outcome.stderr);
}

#[test]
fn theft_and_a_ban_end_as_expected() {
    run_in_the_shell(&["theft", "ban"]);
}

#[test]
fn a_change_of_role_and_an_outage_end_as_expected() {
    run_in_the_shell(&["role-change", "database-down"]);
}

#[test]
fn a_second_instance_and_clocks_that_differ_end_as_expected() {
    run_in_the_shell(&["second-instance", "clock-skew"]);
}

#[actix_web::test]
async fn an_address_has_sixty_runs_an_hour() {
    let app = open(&[]);
    // Without the table each run breaks off at its account.
    app.connect().batch_execute("ALTER TABLE users RENAME TO gone").expect("renamed");
    let mut browser = app.browser();
    for number in 1..=60 {
        let run = start(&mut browser, "log-out").await;
        let told = browser.get(&format!("{run}/events")).await;
        assert!(told.body.contains("event: end"), "run {number}");
    }
    assert_eq!(stamp(&browser.get("/compare/log-out").await), "could-not-run");
    let answer = browser.post_from("/compare/log-out", "/compare/log-out", &[]).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").parse::<u32>().expect("seconds") > 3000);
    assert!(answer.body.contains("60 runs an hour"));
}

#[actix_web::test]
async fn an_address_has_ten_runs_at_a_time_which_is_half_of_what_there_is() {
    let app = open(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let mut browser = app.browser();
    let token = browser.form_token("/compare/log-out").await;
    let mut ask = async |address: &str| {
        browser.headers = vec![("x-forwarded-for".to_owned(), address.to_owned())];
        browser.post_raw("/compare/log-out", &[("form_token", &token)]).await
    };
    for address in ["192.0.2.1", "192.0.2.2"] {
        for _ in 1..=10 {
            assert_eq!(ask(address).await.status, 303);
        }
        // Each of them waits for a token to expire before it is over.
        let answer = ask(address).await;
        let (status, says) =
            if address == "192.0.2.1" { (429, "10 runs at a time") } else { (503, "Too many runs are waiting") };
        assert_eq!((answer.status, answer.header("retry-after")), (status, "30"));
        assert!(answer.body.contains(says), "{}", answer.body);
    }
    assert_eq!(ask("192.0.2.3").await.status, 503, "nor has anybody else a place");
}

#[actix_web::test]
async fn a_run_that_no_page_of_ours_asked_for_does_not_start() {
    let app = open(&[]);
    let mut browser = app.browser();
    browser.form_token("/compare/log-out").await;
    for fields in [&[][..], &[("form_token", "AAAA")]] {
        assert_eq!(browser.post_raw("/compare/log-out", fields).await.status, 403);
    }
    assert_eq!(count(&mut app.connect(), EVENTS), 0);
}

#[actix_web::test]
async fn outside_of_demo_mode_nobody_starts_a_run_unless_that_is_asked_for() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let page = browser.get("/compare/log-out").await;
    assert!(page.status == 200 && page.body.contains("can’t be started on this server"));
    let token = browser.form_token("/login").await;
    let answer = browser.post_raw("/compare/log-out", &[("form_token", &token)]).await;
    assert_eq!(answer.status, 403);
    assert_eq!(count(&mut app.connect(), EVENTS), 0);
}

#[actix_web::test]
async fn a_database_that_goes_away_in_the_middle_makes_a_run_that_could_not_run() {
    let app = open(&[]);
    let (mut lock, mut look) = (app.connect(), app.connect());
    lock.batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").expect("a lock");
    let mut browser = app.browser();
    let page = start(&mut browser, "log-out").await;
    until_async(&app, 1, WAITING_TO_LOG_IN).await;
    look.batch_execute("UPDATE pg_database SET datallowconn = false WHERE datname = current_database()")
        .expect("closed");
    // By the holder of the lock, or the log-in might get it before it is cut off itself.
    lock.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .expect("cut off");
    // Without a session to look for, also during an outage.
    let mut stranger = app.browser();
    let told = stranger.get(&format!("{page}/events")).await;
    assert!(told.body.contains("event: end"));
    let page = stranger.get(&page).await;
    assert_eq!((page.status, stamp(&page)), (200, "could-not-run"));
    assert!(page.body.contains("POST /login was answered 503"), "{}", page.body);
    assert!(page.body.contains("An account could not be deleted"), "and what it left");
    assert!(!page.body.contains("s after log-out"), "and nothing that was not measured");
}

#[actix_web::test]
async fn a_run_whose_visitor_leaves_still_cleans_up() {
    let app = open(&[]);
    start(&mut app.browser(), "log-out").await;
    until_async(&app, 1, THROWAWAYS).await;
    until_async(&app, 0, THROWAWAYS).await;
}
