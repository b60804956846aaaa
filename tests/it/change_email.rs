//! Another e-mail address: free, one's own from then on, and no login ends by it.

use serde_json::json;

use crate::{
    change_password::demo,
    races::{self, ADA},
    support::{Browser, PASSWORD, TestApp},
};

const NEW: &str = "Ada.Lovelace@example.org";
const BOB: &str = "bob@example.org";

async fn assert_changed(app: &TestApp, door: &str) {
    assert_eq!(app.value("SELECT email || ' ' || email_folded FROM users"), format!("{NEW} {}", NEW.to_lowercase()));
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 422);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 401);
    assert_eq!(app.browser().log_in(&NEW.to_uppercase(), PASSWORD).await.status, 303);
    assert_eq!(app.client().log_in(NEW, PASSWORD).await.status, 200);
    let events = "auth_events WHERE kind = 'e-mail address changed' AND login_id IS NOT NULL";
    assert_eq!(app.value(&format!("SELECT string_agg(door, ' ') FROM {events}")), door);
    assert_eq!(app.count(&format!("{events} AND detail IS NOT NULL")), 0, "the trail keeps no address");
}

fn assert_not_changed(app: &TestApp) {
    assert_eq!(app.value("SELECT min(email) FROM users"), ADA);
    assert_eq!(app.count("auth_events WHERE kind = 'e-mail address changed'"), 0);
}

mod session {
    use super::*;

    async fn change(browser: &mut Browser, email: &str) -> crate::support::Answer {
        browser.post_from("/account", "/account/email", &[("email", email)]).await
    }

    #[actix_web::test]
    async fn the_new_address_logs_in_at_both_doors_and_the_old_one_does_not() {
        let app = TestApp::spawn();
        let (mut browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let answer = change(&mut browser, &format!("  {NEW} ")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account"));
        assert!(browser.get("/account").await.body.contains(NEW));
        assert!(browser.is_logged_in().await);
        assert_eq!(client.get("/api/account").await.json()["email"], NEW);
        assert_changed(&app, "session").await;
    }

    #[actix_web::test]
    async fn an_address_that_is_taken_or_none_comes_back_with_a_word_about_it() {
        let app = TestApp::spawn();
        app.sign_up(BOB).await;
        let mut browser = app.logged_in_browser(ADA).await;
        for (typed, status, advice) in [
            (BOB, 409, "has an account already"),
            ("BOB@EXAMPLE.ORG", 409, "has an account already"),
            ("", 422, "Enter an e-mail address."),
            ("<b>nobody", 422, "Enter an e-mail address with an @"),
            ("x@throwaway.invalid", 422, "swept away"),
        ] {
            let answer = change(&mut browser, typed).await;
            assert_eq!(answer.status, status, "{typed}");
            assert!(crate::support::html::advice(&answer.body, "email").is_some_and(|text| text.contains(advice)));
            assert_eq!(crate::support::html::value(&answer.body, "email").as_deref(), Some(typed), "nothing is lost");
        }
        assert_not_changed(&app);
    }

    #[actix_web::test]
    async fn asking_whether_addresses_are_taken_is_throttled_as_at_sign_up() {
        let app = TestApp::with(&[("THROTTLE_SIGN_UP", "3")]);
        app.sign_up(BOB).await;
        let mut browser = app.logged_in_browser(ADA).await;
        assert_eq!(change(&mut browser, BOB).await.status, 409);
        let answer = change(&mut browser, NEW).await;
        assert_eq!(answer.status, 429);
        assert!((1..=3600).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
        assert_eq!(change(&mut browser, ADA).await.status, 303, "one's own is no question");
        assert_not_changed(&app);
    }

    #[actix_web::test]
    async fn a_demo_accounts_address_stays() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = demo();
        let mut browser = app.browser();
        browser.log_in(email, &password).await;
        assert_eq!(change(&mut browser, NEW).await.status, 403);
        assert!(!browser.get("/account").await.body.contains("action=\"/account/email\""), "nor is there a form");
    }

    #[actix_web::test]
    async fn what_was_under_way_when_the_password_was_changed_changes_nothing() {
        let app = TestApp::spawn();
        let (thief, owner) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let password = races::change_by_form(&owner, crate::support::NEW_PASSWORD).await;
        let address = races::form(&thief, "/account/email", &[("email", NEW)]).await;
        let (password, address) = races::one_after_the_other(&app, password, address).await;
        assert_eq!((password.status, address.status), (303, 409));
        assert_not_changed(&app);
    }

    #[actix_web::test]
    async fn of_two_who_want_one_address_at_once_one_gets_it() {
        let app = TestApp::spawn();
        let (ada, bob) = (app.logged_in_browser(ADA).await, app.logged_in_browser(BOB).await);
        let (ada, bob) = (
            races::form(&ada, "/account/email", &[("email", NEW)]).await,
            races::form(&bob, "/account/email", &[("email", NEW)]).await,
        );
        let (ada, bob) = races::one_after_the_other(&app, ada, bob).await;
        let mut statuses = [ada.status, bob.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
        assert_eq!(app.count("users WHERE email_folded = 'ada.lovelace@example.org'"), 1);
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn what_is_null_is_no_value_and_nothing_is_changed() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        for body in [json!({ "display_name": null }), json!({ "display_name": "Countess", "email": null }), json!({})] {
            let answer = client.send("PATCH", "/api/account", Some(&body)).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{body}");
        }
        assert_eq!(client.get("/api/account").await.json()["display_name"], "Ada");
    }

    #[actix_web::test]
    async fn the_new_address_logs_in_at_both_doors_and_the_old_one_does_not() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = client.send("PATCH", "/api/account", Some(&json!({ "email": NEW }))).await;
        assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(NEW)));
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_changed(&app, "token").await;
    }

    #[actix_web::test]
    async fn name_and_address_change_together_or_not_at_all() {
        let app = TestApp::spawn();
        app.sign_up(BOB).await;
        let client = app.logged_in_client(ADA).await;
        for (email, code) in
            [(BOB, "email-taken"), ("nobody", "refused-fields"), ("x@throwaway.invalid", "refused-fields")]
        {
            let body = json!({ "display_name": "Countess", "email": email });
            assert_eq!(client.send("PATCH", "/api/account", Some(&body)).await.code(), code);
        }
        let body = json!({ "display_name": "", "email": "nobody" });
        let errors = client.send("PATCH", "/api/account", Some(&body)).await.json()["errors"].clone();
        assert_eq!(errors.as_array().expect("a list").len(), 2, "{errors}");
        assert_eq!(client.send("PATCH", "/api/account", Some(&json!({}))).await.code(), "malformed-json");
        assert_eq!(app.count("users WHERE display_name = 'Countess'"), 0);
        assert_not_changed(&app);
        let body = json!({ "display_name": "Countess", "email": NEW });
        assert_eq!(client.send("PATCH", "/api/account", Some(&body)).await.json()["display_name"], "Countess");
    }

    #[actix_web::test]
    async fn a_demo_accounts_address_stays_but_its_name_does_not_have_to() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = demo();
        let mut client = app.client();
        client.log_in(email, &password).await;
        assert_eq!(client.send("PATCH", "/api/account", Some(&json!({ "email": NEW }))).await.code(), "demo-account");
        assert_eq!(client.send("PATCH", "/api/account", Some(&json!({ "display_name": "L" }))).await.status, 200);
    }
}
