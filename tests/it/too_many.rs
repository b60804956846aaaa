//! A user has only so many logins at once at each door: the newest stay, the oldest ends and is told why.

use actix_web::rt::spawn;
use serde_json::json;

use crate::{
    races::{ADA, Ready, call},
    support::{PASSWORD, TestApp},
};

const TOLD: &str = "You logged in more often than one may be logged in at once, so the oldest login ended.";

/// Log-ins that all stand before the user's row when it is let go.
async fn at_once(app: &TestApp, log_ins: Vec<Ready>, success: u16) {
    let mut hold = app.hold("SELECT FROM users FOR UPDATE");
    let count = i64::try_from(log_ins.len()).expect("few");
    let log_ins: Vec<_> = log_ins.into_iter().map(spawn).collect();
    hold.until_waiting(count).await;
    hold.release();
    for log_in in log_ins {
        assert_eq!(log_in.await.expect("answered").status, success);
    }
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn the_oldest_ends_with_the_log_in_that_is_one_too_many() {
        let app = TestApp::with(&[("MAX_SESSIONS", "2")]);
        let client = app.logged_in_client(ADA).await;
        let (mut first, mut second) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let mut third = app.logged_in_browser(ADA).await;
        assert!(!first.is_logged_in().await && second.is_logged_in().await && third.is_logged_in().await);
        first.get("/account").await;
        assert!(first.get("/login").await.body.contains(TOLD));
        assert_eq!(client.get("/api/account").await.status, 200, "each door counts its own");
        let events = "auth_events e JOIN sessions s ON s.id = e.login_id AND s.end_reason = 'too many'";
        assert_eq!(app.count(&format!("{events} WHERE e.kind = 'login ended' AND e.detail = 'too many at once'")), 1);
    }

    #[actix_web::test]
    async fn with_one_the_newest_login_wins() {
        let app = TestApp::with(&[("MAX_SESSIONS", "1")]);
        let (mut first, mut second) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        assert!(!first.is_logged_in().await && second.is_logged_in().await);
        app.logged_in_browser("grace@example.org").await;
        assert!(second.is_logged_in().await, "each user has their own");
    }

    #[actix_web::test]
    async fn a_browser_that_logs_in_again_takes_its_own_place_and_nobody_elses() {
        let app = TestApp::with(&[("MAX_SESSIONS", "2")]);
        let (mut first, mut second) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        assert_eq!(second.log_in(ADA, PASSWORD).await.status, 303);
        assert!(first.is_logged_in().await && second.is_logged_in().await);
        assert_eq!(app.value("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL"), "replaced");
    }

    #[actix_web::test]
    async fn one_that_lay_unused_for_too_long_counts_for_nothing() {
        let app = TestApp::with(&[("MAX_SESSIONS", "2")]);
        let mut first = app.logged_in_browser(ADA).await;
        app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '31 minutes' WHERE created_at = (SELECT max(created_at) FROM sessions)");
        app.logged_in_browser(ADA).await;
        assert!(first.is_logged_in().await);
    }

    #[actix_web::test]
    async fn of_log_ins_at_once_exactly_the_greatest_number_is_left() {
        let app = TestApp::with(&[("MAX_SESSIONS", "3")]);
        app.sign_up(ADA).await;
        let mut log_ins: Vec<Ready> = Vec::new();
        for _ in 0..6 {
            let form = app.browser().filled_in("/login", "/login", &[("email", ADA), ("password", PASSWORD)]).await;
            log_ins.push(Box::pin(async move { form.send().await.expect("answered").0 }));
        }
        at_once(&app, log_ins, 303).await;
        assert_eq!((app.live_logins(), app.count("sessions WHERE end_reason = 'too many'")), ((3, 0), 3));
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn the_oldest_ends_with_the_log_in_that_is_one_too_many() {
        let app = TestApp::with(&[("MAX_FAMILIES", "2")]);
        let mut browser = app.logged_in_browser(ADA).await;
        let (first, second) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let third = app.logged_in_client(ADA).await;
        assert_eq!(first.get("/api/account").await.json()["detail"], TOLD);
        assert_eq!(first.redeem().await.json()["detail"], TOLD);
        for client in [second, third] {
            assert_eq!((client.get("/api/account").await.status, client.redeem().await.status), (200, 200));
        }
        assert!(browser.is_logged_in().await, "each door counts its own");
        let events = "auth_events e JOIN token_families f ON f.id = e.login_id AND f.end_reason = 'too many'";
        assert_eq!(app.count(&format!("{events} WHERE e.kind = 'login ended' AND e.detail = 'too many at once'")), 1);
    }

    #[actix_web::test]
    async fn with_one_the_newest_login_wins() {
        let app = TestApp::with(&[("MAX_FAMILIES", "1")]);
        let (first, second) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        app.logged_in_client("grace@example.org").await;
        assert_eq!((first.get("/api/account").await.status, second.get("/api/account").await.status), (401, 200));
    }

    #[actix_web::test]
    async fn of_log_ins_at_once_exactly_the_greatest_number_is_left() {
        let app = TestApp::with(&[("MAX_FAMILIES", "3")]);
        app.sign_up(ADA).await;
        let log_in = || {
            let body = json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body" });
            call(&app.client(), "POST", "/api/auth/login", body)
        };
        at_once(&app, (0..6).map(|_| log_in()).collect(), 200).await;
        assert_eq!((app.live_logins(), app.count("token_families WHERE end_reason = 'too many'")), ((0, 3), 3));
    }
}
