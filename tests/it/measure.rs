//! `/measure` measures this very server when asked to, shows it to everybody from then on, and leaves nothing behind.

use std::time::{Duration, Instant};

use crate::support::{Answer, Browser, TestApp, html, store::Store};

const OPEN: &[(&str, &str)] = &[("EXPERIMENTS", "on")];
const HERE: &str = "measured on this server at";
const REFERENCE: &str = "measured on a machine with 2 cores";
const WAITING_TO_SIGN_UP: &str = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
     AND query LIKE 'INSERT INTO \"users\"%'";

async fn run(mut browser: Browser) -> Answer {
    browser.post_from("/measure", "/measure", &[]).await
}

/// The first two numbers that a figure's table has for this label: what was measured here, and what stands beside it.
fn numbers(page: &str, figure: &str, label: &str) -> Vec<f64> {
    let figure = page.split(&format!("<h3 id=\"{figure}\">")).nth(1).unwrap_or_else(|| panic!("no figure {figure}"));
    let row = figure.split(&format!("<th scope=\"row\">{label}</th>")).nth(1);
    let row = row.and_then(|rest| rest.split("</tr>").next()).unwrap_or_else(|| panic!("no {label}: {figure}"));
    let number = |cell: &str| html::text(cell.split_once('>')?.1).replace(',', "").parse().ok();
    row.split("<td ").skip(1).filter_map(|cell| number(cell.split("</td>").next()?)).collect()
}

#[actix_web::test]
async fn a_run_measures_this_server_shows_it_to_everybody_and_leaves_nothing_behind() {
    let app = TestApp::with(OPEN);
    let before = app.browser().get("/measure").await;
    assert_eq!((before.status, before.body.matches("<figure").count()), (200, 5));
    assert!(before.body.contains(REFERENCE) && !before.body.contains(HERE), "nothing was measured yet");

    let answer = run(app.browser()).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/measure"), "{answer:?}");
    for left in ["users", "sessions", "token_families", "auth_events WHERE door <> 'none'"] {
        assert_eq!(app.count(left), 0, "{left}");
    }

    // Whoever comes next sees it, too.
    let page = app.browser().get("/measure").await.body;
    assert_eq!((page.matches(HERE).count(), page.matches(REFERENCE).count()), (6, 0), "{page}");
    assert!(page.len() < 40_000, "{} bytes", page.len());
    assert!(page.contains("Redis was not measured here"), "{page}");
    for label in ["HS256", "ES256", "EdDSA", "RS256, 2048 bits", "RS256, 3072 bits"] {
        for figure in ["sign", "verify"] {
            assert!(numbers(&page, figure, label)[0] > 0.0, "{figure} {label}");
        }
    }
    for (figure, label) in [
        ("password", "argon2id, 19 MiB, 2 passes (n = 15)"),
        ("look-up", "session in Postgres"),
        ("look-up", "token, claims only"),
        ("look-up", "token, live check"),
        ("round-trip", "session, in Postgres"),
    ] {
        assert!(numbers(&page, figure, label)[0] > 0.0, "{figure} {label}");
    }

    // The bytes are those that go over the wire.
    let browser = app.logged_in_browser("ada@example.org").await;
    let cookie = format!("Cookie: session={}\r\n", browser.jar["session"]);
    // Its signature is encoded for a cookie: some letters of it take three bytes, and which is chance.
    let shortest = (cookie.len() - 2 * cookie.matches('%').count()) as f64;
    assert!((shortest..shortest + 30.0).contains(&numbers(&page, "bytes", "session cookie")[0]), "{cookie}");
    let client = app.logged_in_client("ada@example.org").await;
    let bearer = format!("Authorization: Bearer {}\r\n", client.access_token);
    assert!((numbers(&page, "bytes", "token, ES256")[0] - bearer.len() as f64).abs() < 0.5, "{bearer}");
}

#[actix_web::test]
async fn while_one_run_is_under_way_the_next_visitor_is_told_to_wait_and_a_silent_server_is_measured_from_outside() {
    let app = TestApp::with(&[OPEN, &[("SERVER_TIMING", "off")]].concat());
    let hold = app.hold("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    let first = actix_web::rt::spawn(run(app.browser()));
    let began = Instant::now();
    while app.count(WAITING_TO_SIGN_UP) == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the run never began");
        // The first visitor lives on this very thread.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = run(app.browser()).await;
    assert_eq!(second.status, 503);
    assert!((1..=60).contains(&second.header("retry-after").parse::<u32>().expect("seconds")));
    assert!(second.body.contains("two would disturb each other") && !second.body.contains(HERE));
    hold.release();
    assert_eq!(first.await.expect("the first visitor waits").status, 303);
    let page = app.browser().get("/measure").await.body;
    assert!(page.contains("SERVER_TIMING=off"), "it says what it can't know");
    assert_eq!(page.matches(HERE).count(), 5, "and shows no figure of that");
}

#[actix_web::test]
async fn a_run_that_breaks_off_says_why_shows_nothing_new_and_sixty_an_hour_are_all_for_an_address() {
    let app = TestApp::with(OPEN);
    app.execute_all("ALTER TABLE users RENAME TO gone");
    let mut browser = app.browser();
    for number in 1..=60 {
        let answer = browser.post_from("/measure", "/measure", &[]).await;
        assert_eq!(answer.status, 503, "run {number}: {answer:?}");
        assert!(answer.body.contains("POST /api/users was answered 500, not 201"), "{}", answer.body);
        assert!(answer.body.contains(REFERENCE) && !answer.body.contains(HERE), "nothing was measured");
    }
    let answer = browser.post_from("/measure", "/measure", &[]).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").parse::<u32>().expect("seconds") > 3000);
    assert!(answer.body.contains("60 runs an hour"));
}

#[actix_web::test]
async fn where_sessions_are_in_redis_redis_is_what_is_measured() {
    let app = Store::Redis.with(OPEN);
    assert_eq!(run(app.browser()).await.status, 303);
    let page = app.browser().get("/measure").await.body;
    assert!(numbers(&page, "look-up", "session in Redis")[0] > 0.0);
    assert!(page.contains("Postgres was not measured here"), "{page}");
    assert_eq!(app.unended_sessions(), 0, "and nothing is left behind there either");
}

#[actix_web::test]
async fn where_experiments_are_not_asked_for_nobody_starts_a_run_and_the_reference_is_shown() {
    let app = TestApp::spawn();
    let page = app.browser().get("/measure").await.body;
    assert!(page.contains(REFERENCE) && !page.contains("action=\"/measure\""), "{page}");
    let mut browser = app.browser();
    let token = browser.form_token("/login").await;
    let answer = browser.post_raw("/measure", &[("form_token", &token)]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("can’t be started on this server"), "{}", answer.body);
    assert_eq!(app.count("auth_events WHERE door <> 'none'"), 0);
}
