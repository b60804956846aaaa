//! A change of password ends every credential of both kinds, the copies of the present one and those under way included.

use crate::{
    races::{self, ADA, is_dead},
    support::{Browser, Client, NEW_PASSWORD, PASSWORD, TestApp},
};

/// Somebody who is logged in twice at each door.
struct Logins {
    browser: Browser,
    client: Client,
    others: (Browser, Client),
}

impl Logins {
    async fn of(app: &TestApp) -> Self {
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let others = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        app.logged_in_browser("bob@example.org").await;
        app.logged_in_client("bob@example.org").await;
        Self { browser, client, others }
    }

    /// Replays everything from clients of their own.
    async fn assert_dead(&self, app: &TestApp) {
        for browser in [&self.browser, &self.others.0] {
            assert!(!browser.clone().is_logged_in().await);
        }
        for client in [&self.client, &self.others.1] {
            assert!(is_dead(client).await);
        }
        let bobs = "JOIN users u ON u.id = l.user_id WHERE u.email LIKE 'bob%' AND l.ended_at IS NULL";
        let counts = ["sessions", "token_families"].map(|table| app.count(&format!("{table} l {bobs}")));
        assert_eq!(counts, [1, 1], "nobody else is concerned");
    }
}

async fn assert_only_the_new_password_counts(app: &TestApp) {
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 422);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 401);
    assert_eq!(app.browser().log_in(ADA, NEW_PASSWORD).await.status, 303);
    assert_eq!(app.client().log_in(ADA, NEW_PASSWORD).await.status, 200);
}

async fn assert_nothing_happened(app: &TestApp, logins: &Logins) {
    for browser in [&logins.browser, &logins.others.0] {
        assert!(browser.clone().is_logged_in().await);
    }
    for client in [&logins.client, &logins.others.1] {
        assert_eq!(client.get("/api/account").await.status, 200);
    }
    assert_eq!(app.value("SELECT sum(credential_version) FROM users"), "2");
    assert_eq!(app.count("auth_events WHERE kind = 'password changed'"), 0);
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn every_credential_of_both_kinds_dies_and_the_caller_gets_a_new_one() {
        let app = TestApp::spawn();
        let logins = Logins::of(&app).await;
        let mut browser = logins.browser.clone();
        let answer = browser.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account"));
        assert_eq!(answer.cookie_attributes("session"), ["HttpOnly", "Path=/", "SameSite=Lax"]);
        assert_ne!(browser.jar["session"], logins.browser.jar["session"]);
        assert!(browser.is_logged_in().await);
        logins.assert_dead(&app).await;
        assert_only_the_new_password_counts(&app).await;
        assert_eq!(app.count("sessions WHERE end_reason = 'password changed'"), 2);
        assert_eq!(app.count("token_families WHERE end_reason = 'password changed'"), 2);
        assert_eq!(app.count("auth_events WHERE kind = 'password changed' AND door = 'session'"), 1);
    }

    #[actix_web::test]
    async fn who_holds_a_dead_credential_is_told_why() {
        let app = TestApp::spawn();
        let logins = Logins::of(&app).await;
        let (mut browser, mut other) = (logins.browser, logins.others.0);
        browser.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!(other.get("/account").await.status, 303);
        let page = other.get("/login").await.body;
        assert!(page.contains("Your password was changed, which ends every login. Please log in."), "{page}");
    }

    #[actix_web::test]
    async fn a_remembered_login_stays_remembered() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let mut browser = app.browser();
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        browser.post_from("/login", "/login", &fields).await;
        let answer = browser.change_password(PASSWORD, NEW_PASSWORD).await;
        let expected = ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"];
        assert_eq!(answer.cookie_attributes("session"), expected);
    }

    #[actix_web::test]
    async fn without_the_present_password_nothing_changes_and_nobody_is_logged_out() {
        let app = TestApp::spawn();
        let mut logins = Logins::of(&app).await;
        for present in ["", "not the password of anybody", NEW_PASSWORD] {
            let answer = logins.browser.change_password(present, NEW_PASSWORD).await;
            assert_eq!((answer.status, answer.set_cookie("session")), (422, None));
            assert!(answer.body.contains("This is not your present password."), "{answer:?}");
        }
        assert_nothing_happened(&app, &logins).await;
    }

    #[actix_web::test]
    async fn a_new_password_that_is_no_good_changes_nothing() {
        let app = TestApp::spawn();
        let mut logins = Logins::of(&app).await;
        for new in ["", "too short", "password1234567", "ada@example.org!", &"x".repeat(257)] {
            assert_eq!(logins.browser.change_password(PASSWORD, new).await.status, 422, "{new}");
        }
        assert_nothing_happened(&app, &logins).await;
    }

    #[actix_web::test]
    async fn guesses_at_the_present_password_are_counted_like_any_other() {
        let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "2")]);
        let mut browser = app.logged_in_browser(ADA).await;
        // A browser that has logged in has a budget of its own.
        for _ in 0..2 {
            assert_eq!(browser.change_password("a wrong one", NEW_PASSWORD).await.status, 422);
        }
        let answer = browser.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!(answer.status, 429, "{answer:?}");
        assert!((1..=900).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_demo_accounts_password_stays_and_the_page_says_why() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = super::demo();
        let mut browser = app.browser();
        assert_eq!(browser.log_in(email, &password).await.status, 303);
        let before = app.value("SELECT string_agg(password_hash, ' ') FROM users");
        let answer = browser.change_password(&password, NEW_PASSWORD).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("This is a demo account that everybody shares"), "{answer:?}");
        assert!(!browser.get("/account").await.body.contains("action=\"/account/password\""), "nor is there a form");
        assert!(browser.is_logged_in().await);
        assert_eq!(app.value("SELECT string_agg(password_hash, ' ') FROM users"), before);
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let answer = races::log_ins_before(&app, races::change_by_form(&browser, NEW_PASSWORD).await).await;
        assert_survives(&app, browser, &answer).await;
    }

    #[actix_web::test]
    async fn log_ins_with_the_old_password_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let answer = races::log_ins_after(&app, races::change_by_form(&browser, NEW_PASSWORD).await).await;
        assert_survives(&app, browser, &answer).await;
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_before(&app, &client, races::change_by_form(&browser, NEW_PASSWORD).await).await;
        assert_survives(&app, browser, &answer).await;
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_after(&app, &client, races::change_by_form(&browser, NEW_PASSWORD).await).await;
        assert_survives(&app, browser, &answer).await;
    }

    /// Only what the change itself answered is alive.
    async fn assert_survives(app: &TestApp, mut browser: Browser, answer: &crate::support::Answer) {
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(!browser.is_logged_in().await);
        browser.keep(answer);
        assert!(browser.is_logged_in().await);
        assert_eq!(app.live_logins(), (1, 0));
    }
}

mod token {
    use serde_json::json;

    use super::*;

    #[actix_web::test]
    async fn every_credential_of_both_kinds_dies_and_the_caller_gets_a_new_one() {
        let app = TestApp::spawn();
        let logins = Logins::of(&app).await;
        let mut client = logins.client.clone();
        let answer = client.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_ne!(client.refresh_token, logins.client.refresh_token);
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(client.renew().await.status, 200);
        logins.assert_dead(&app).await;
        assert_only_the_new_password_counts(&app).await;
        assert_eq!(app.count("sessions WHERE end_reason = 'password changed'"), 2);
        assert_eq!(app.count("token_families WHERE end_reason = 'password changed'"), 2);
        assert_eq!(app.count("auth_events WHERE kind = 'password changed' AND door = 'token'"), 1);
    }

    #[actix_web::test]
    async fn who_holds_a_dead_credential_is_told_why() {
        let app = TestApp::spawn();
        let logins = Logins::of(&app).await;
        let mut client = logins.client;
        client.change_password(PASSWORD, NEW_PASSWORD).await;
        for answer in [logins.others.1.get("/api/account").await, logins.others.1.redeem().await] {
            assert_eq!(answer.json()["detail"], "Your password was changed, which ends every login.");
        }
    }

    #[actix_web::test]
    async fn the_new_refresh_token_comes_in_a_cookie_unless_asked_for_otherwise() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD, "expires_in": 60 });
        let answer = client.post("/api/account/password", &body).await;
        let expected = ["HttpOnly", "Max-Age=1209600", "Path=/api/auth", "SameSite=Strict"];
        assert_eq!(answer.cookie_attributes("refresh"), expected);
        assert_eq!((answer.json().get("refresh_token"), &answer.json()["expires_in"]), (None, &json!(60)));
    }

    #[actix_web::test]
    async fn a_refresh_token_in_the_body_takes_the_cookie_that_would_contradict_it() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD, "refresh_token_in": "body" });
        // The cookie's path keeps it from being sent here.
        let answer = client.post("/api/account/password", &body).await;
        assert!(answer.json()["refresh_token"].is_string());
        assert!(answer.cookie_attributes("refresh").contains(&"Max-Age=0"), "{answer:?}");
    }

    #[actix_web::test]
    async fn without_the_present_password_nothing_changes_and_nobody_is_logged_out() {
        let app = TestApp::spawn();
        let mut logins = Logins::of(&app).await;
        for present in ["", "not the password of anybody", NEW_PASSWORD] {
            let answer = logins.client.change_password(present, NEW_PASSWORD).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "wrong-password"));
        }
        assert_nothing_happened(&app, &logins).await;
    }

    #[actix_web::test]
    async fn a_new_password_that_is_no_good_changes_nothing() {
        let app = TestApp::spawn();
        let mut logins = Logins::of(&app).await;
        for new in ["", "too short", "password1234567", "ada@example.org!", &"x".repeat(257)] {
            let answer = logins.client.change_password(PASSWORD, new).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "refused-fields"), "{new}");
            assert_eq!(answer.json()["errors"][0]["field"], "new_password");
        }
        assert_nothing_happened(&app, &logins).await;
    }

    #[actix_web::test]
    async fn guesses_at_the_present_password_are_counted_like_any_other() {
        let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "2")]);
        let mut client = app.logged_in_client(ADA).await;
        // Making the account took one failed log-in.
        assert_eq!(client.change_password("a wrong one", NEW_PASSWORD).await.status, 403);
        let answer = client.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!(answer.code(), "throttled");
        assert!((1..=900).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
        assert_eq!(client.get("/api/account").await.status, 200);
    }

    #[actix_web::test]
    async fn a_demo_accounts_password_stays_and_the_answer_says_why() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = super::demo();
        let mut client = app.client();
        assert_eq!(client.log_in(email, &password).await.status, 200);
        let before = app.value("SELECT string_agg(password_hash, ' ') FROM users");
        let answer = client.change_password(&password, NEW_PASSWORD).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "demo-account"));
        assert!(answer.body.contains("This is a demo account that everybody shares"), "{answer:?}");
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(app.value("SELECT string_agg(password_hash, ' ') FROM users"), before);
    }

    #[actix_web::test]
    async fn an_access_token_alone_changes_nothing_once_its_login_has_ended() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        client.log_out().await;
        assert_eq!(client.get("/api/me").await.status, 200);
        assert_eq!(client.change_password(PASSWORD, NEW_PASSWORD).await.code(), "invalid-token");
        assert_eq!(app.value("SELECT credential_version FROM users"), "1");
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::log_ins_before(&app, races::change_by_call(&client, NEW_PASSWORD)).await;
        assert_survives(&app, client, &answer).await;
    }

    #[actix_web::test]
    async fn log_ins_with_the_old_password_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::log_ins_after(&app, races::change_by_call(&client, NEW_PASSWORD)).await;
        assert_survives(&app, client, &answer).await;
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_before(&app, &other, races::change_by_call(&client, NEW_PASSWORD)).await;
        assert_survives(&app, client, &answer).await;
    }

    #[actix_web::test]
    async fn a_renewal_of_the_very_login_that_changes_the_password_dies_too() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::renewal_before(&app, &client, races::change_by_call(&client, NEW_PASSWORD)).await;
        assert_survives(&app, client, &answer).await;
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::renewal_after(&app, &client, races::change_by_call(&client, NEW_PASSWORD)).await;
        assert_survives(&app, client, &answer).await;
    }

    /// Only what the change itself answered is alive.
    async fn assert_survives(app: &TestApp, mut client: Client, answer: &crate::support::Answer) {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(is_dead(&client).await);
        client.keep(answer);
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(app.live_logins(), (0, 1));
    }
}

/// A demo account that is no admin.
pub fn demo() -> (&'static str, String) {
    let secrets = two_doors::secrets::Secrets::parse(crate::support::app::SECRET).expect("valid");
    let account = two_doors::accounts::demo::accounts(&secrets).pop().expect("three of them");
    (account.email, account.password)
}
