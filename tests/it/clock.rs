//! Clocks that are wrong: an instance 40 s beside the other, and time that goes backwards while it runs.
//!
//! The real program runs under libfaketime, which changes what it takes for the time and leaves its timers alone.

use std::{fs, path::PathBuf};

use crate::support::{NAMES, NEW_PASSWORD, PASSWORD, TestApp, binary::Binary, html, postgres::TestDatabase};

const ADA: &str = "ada@example.org";

/// A clock that a test sets.
struct Clock {
    folder: tempfile::TempDir,
}

impl Clock {
    fn set_to(seconds: i64) -> Self {
        let clock = Self { folder: tempfile::tempdir().expect("a folder") };
        clock.set(seconds);
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("time")
    }

    /// So many seconds beside the true time.
    fn set(&self, seconds: i64) {
        // Renamed into its place: it is read at any moment.
        let aside = self.folder.path().join("next");
        fs::write(&aside, format!("{seconds:+}\n")).and_then(|()| fs::rename(aside, self.file())).expect("a file");
    }

    fn serve(&self, database: &TestDatabase) -> Binary {
        let library = glob("/usr/lib/*/faketime/libfaketime.so.1");
        let file = self.file().display().to_string();
        let variables = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        Binary::serve(database.url(), &[&variables[..], NAMES].concat())
    }
}

fn glob(pattern: &str) -> String {
    let (before, after) = pattern.split_once('*').expect("a pattern");
    let folders = fs::read_dir(before).expect("a folder").flatten();
    let mut files = folders.map(|folder| format!("{before}{}{after}", folder.file_name().to_string_lossy()));
    files
        .find(|file| fs::exists(file).is_ok_and(|exists| exists))
        .expect("libfaketime, which script/bootstrap --test installs")
}

#[actix_web::test]
async fn two_instances_40_seconds_apart_accept_what_the_other_issued() {
    let database = TestDatabase::create();
    let right = TestApp::on(database, NAMES);
    for seconds in [40, -40] {
        let clock = Clock::set_to(seconds);
        let wrong = clock.serve(&right.database.shared());
        for (here, there) in [(right.address, wrong.address), (wrong.address, right.address)] {
            let mut browser = right.logged_in_browser(ADA).await;
            browser.log_out().await;
            browser.move_to(here);
            assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
            let mut client = right.client();
            client.move_to(here);
            assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);
            browser.move_to(there);
            client.move_to(there);
            assert!(browser.is_logged_in().await, "{seconds} s");
            assert_eq!(client.get("/api/me").await.status, 200, "{seconds} s");
            assert_eq!(client.get("/api/account").await.status, 200, "{seconds} s");
            assert_eq!(client.renew().await.status, 200, "{seconds} s");
            client.move_to(here);
            assert_eq!(client.get("/api/me").await.status, 200, "{seconds} s");
            let answer = browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await;
            assert_eq!(answer.status, 303, "a form outlives the way to the other clock: {answer:?}");
        }
    }
}

#[actix_web::test]
async fn time_that_goes_backwards_while_a_server_runs_logs_nobody_out() {
    let database = TestDatabase::create();
    let clock = Clock::set_to(0);
    let server = clock.serve(&database);
    let (mut browser, mut client) = (server.browser(), server.client());
    assert_eq!(browser.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);

    // A second, as when a clock is put right; a minute less one second, within the leeway.
    for seconds in [-1, -59] {
        clock.set(seconds);
        assert!(browser.is_logged_in().await, "{seconds} s");
        assert_eq!(client.get("/api/me").await.status, 200, "{seconds} s");
        assert_eq!(client.get("/api/account").await.status, 200, "{seconds} s");
    }
    // An hour, as when it was an hour wrong before. Access tokens are from the future now, which nobody can tell from forged
    // ones; a client does then what it does when they expire.
    clock.set(-3600);
    assert!(browser.is_logged_in().await);
    let refused = client.get("/api/me").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "invalid-token"));
    assert_eq!(client.renew().await.status, 200);
    assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
    assert_eq!(browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await.status, 303);
    assert_eq!(browser.change_password(PASSWORD, NEW_PASSWORD).await.status, 303);
    assert!(browser.is_logged_in().await);
    assert_eq!(client.get("/api/account").await.status, 401, "and what ends, ends");
    assert_eq!(client.log_in(ADA, NEW_PASSWORD).await.status, 200);
    // And right again.
    clock.set(0);
    assert!(browser.is_logged_in().await);
    assert_eq!(client.renew().await.status, 200);
    assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
    let (is_good, log) = server.stop();
    assert!(is_good && !log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

#[actix_web::test]
async fn rows_from_the_future_are_no_riddle() {
    // As when the database's clock was an hour ahead and was put right.
    let app = TestApp::spawn();
    let (mut browser, mut client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let copy = browser.clone();
    browser.log_out().await;
    let mut other = app.logged_in_browser(ADA).await;
    app.age_sessions(-3600);
    app.execute("UPDATE sessions SET ended_at = ended_at + interval '1 h'");
    app.execute("UPDATE token_families SET created_at = created_at + interval '1 h', authenticated_at = authenticated_at + interval '1 h', seen_at = seen_at + interval '1 h'");
    app.execute("UPDATE refresh_tokens SET created_at = created_at + interval '1 h'");
    app.execute("UPDATE users SET created_at = created_at + interval '1 h'");
    assert!(!copy.clone().is_logged_in().await, "what ended in the future has ended");
    assert!(other.is_logged_in().await);
    for path in ["/", "/account", "/account/session", "/account/devices", "/account/activity"] {
        assert_eq!(other.get(path).await.status, 200, "{path}");
    }
    assert_eq!(client.get("/api/account").await.status, 200);
    assert_eq!(client.renew().await.status, 200);
    assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
    let keep = two_doors::everywhere::Keep { grace_seconds: 10.0, events_seconds: 86_400 };
    crate::sweep::swept(&app, keep);
    assert!(other.is_logged_in().await);
    assert_eq!(other.log_out().await.status, 303);
    assert!(!other.is_logged_in().await);
}

#[actix_web::test]
async fn what_was_checked_or_used_in_the_future_was_not_lately() {
    // As when the database's clock was an hour ahead and was put right: how long ago it was nobody knows.
    let app = TestApp::spawn();
    let (mut browser, mut client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    app.execute("UPDATE sessions SET authenticated_at = authenticated_at + interval '1 h'");
    app.execute("UPDATE token_families SET authenticated_at = authenticated_at + interval '1 h'");
    let renamed = browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await;
    assert_eq!(renamed.status, 303, "what is not sensitive goes on");
    let asked = browser.post_from("/account/devices", "/account/devices/end-others", &[]).await;
    assert_eq!(html::text_of(&asked.body, "h1"), "Your password, once more", "{asked:?}");
    assert_eq!(client.renew().await.status, 200);
    let asked = client.post("/api/auth/logout-everywhere", &serde_json::json!({})).await;
    assert_eq!((asked.status, asked.code().as_str()), (401, "step-up-required"));

    let client = app.logged_in_client(ADA).await;
    assert_eq!(client.redeem().await.status, 200);
    assert_eq!(client.redeem().await.status, 200, "within the grace");
    app.execute("UPDATE refresh_tokens SET used_at = used_at + interval '1 h' WHERE used_at IS NOT NULL");
    assert_eq!(client.redeem().await.code(), "reused-refresh-token");
}
