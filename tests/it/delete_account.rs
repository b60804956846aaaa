//! A deleted account takes every credential of both kinds with it, those under way included.

use crate::{
    change_password::demo,
    races::{self, ADA, is_dead},
    support::{PASSWORD, TestApp},
};

/// Nothing of the account is left but what the audit trail says of it.
async fn assert_gone(app: &TestApp, door: &str) {
    for rows in ["users", "sessions", "token_families", "refresh_tokens"] {
        assert_eq!(app.count(rows), 0, "{rows}");
    }
    let event = "auth_events WHERE kind = 'account deleted' AND user_id IS NOT NULL AND login_id IS NOT NULL";
    assert_eq!(app.value(&format!("SELECT door FROM {event}")), door);
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 422);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 401);
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn every_credential_of_both_kinds_dies_and_the_account_is_gone() {
        let app = TestApp::spawn();
        let (mut browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let (copy, other) = (browser.clone(), app.logged_in_browser(ADA).await);
        let answer = browser.post_from("/account", "/account/delete", &[("current_password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"));
        let attributes = answer.cookie_attributes("session");
        assert_eq!(attributes[1..], ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
        for mut browser in [browser.clone(), copy, other] {
            assert!(!browser.is_logged_in().await);
        }
        assert!(browser.get("/").await.body.contains("Your account is deleted"));
        assert!(is_dead(&client).await);
        assert_gone(&app, "session").await;
    }

    #[actix_web::test]
    async fn without_the_present_password_nothing_is_deleted() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        for present in ["", "not the password of anybody"] {
            let answer = browser.post_from("/account", "/account/delete", &[("current_password", present)]).await;
            assert_eq!((answer.status, answer.set_cookie("session")), (422, None));
        }
        assert_eq!(
            browser.post_raw("/account/delete", &[("current_password", PASSWORD)]).await.status,
            403,
            "no token"
        );
        assert!(browser.is_logged_in().await);
        assert_eq!(app.count("users"), 1);
    }

    #[actix_web::test]
    async fn somebody_elses_password_deletes_nobody() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let body = serde_json::json!({ "email": "bob@example.org", "display_name": "Bob", "password": "quite another password" });
        assert_eq!(app.client().post("/api/users", &body).await.status, 201);
        let fields = [("current_password", "quite another password"), ("email", "bob@example.org")];
        assert_eq!(browser.post_from("/account", "/account/delete", &fields).await.status, 422);
        assert_eq!(app.count("users"), 2);
    }

    #[actix_web::test]
    async fn a_demo_account_stays_and_the_page_says_why() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = demo();
        let mut browser = app.browser();
        browser.log_in(email, &password).await;
        let answer = browser.post_from("/account", "/account/delete", &[("current_password", &password)]).await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("This is a demo account that everybody shares"), "{answer:?}");
        assert!(browser.is_logged_in().await);
        assert_eq!(app.count("users WHERE demo"), 3);
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let deletion = races::form(&browser, "/account/delete", &[("current_password", PASSWORD)]).await;
        assert_eq!(races::log_ins_before(&app, deletion).await.status, 303);
        assert_gone(&app, "session").await;
    }

    #[actix_web::test]
    async fn log_ins_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let deletion = races::form(&browser, "/account/delete", &[("current_password", PASSWORD)]).await;
        assert_eq!(races::log_ins_after(&app, deletion).await.status, 303);
        assert_gone(&app, "session").await;
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let deletion = races::form(&browser, "/account/delete", &[("current_password", PASSWORD)]).await;
        assert_eq!(races::renewal_before(&app, &client, deletion).await.status, 303);
        assert_gone(&app, "session").await;
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let deletion = races::form(&browser, "/account/delete", &[("current_password", PASSWORD)]).await;
        assert_eq!(races::renewal_after(&app, &client, deletion).await.status, 303);
        assert_gone(&app, "session").await;
    }

    #[actix_web::test]
    async fn a_deletion_that_a_change_of_password_overtakes_deletes_nothing() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let deletion = races::form(&browser, "/account/delete", &[("current_password", PASSWORD)]).await;
        let change = races::change_by_call(&client, crate::support::NEW_PASSWORD);
        let (change, deletion) = races::one_after_the_other(&app, change, deletion).await;
        assert_eq!((change.status, deletion.status), (200, 409));
        assert_eq!((app.count("users"), app.live_logins()), (1, (0, 1)));
    }
}

mod token {
    use serde_json::json;

    use super::*;
    use crate::{races::Ready, support::Client};

    fn deletion(client: &Client) -> Ready {
        races::call(client, "DELETE", "/api/account", json!({ "current_password": PASSWORD }))
    }

    #[actix_web::test]
    async fn every_credential_of_both_kinds_dies_and_the_account_is_gone() {
        let app = TestApp::spawn();
        let (mut browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let other = app.logged_in_client(ADA).await;
        let answer = deletion(&client).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert!(is_dead(&client).await && is_dead(&other).await && !browser.is_logged_in().await);
        assert_eq!(client.get("/api/me").await.status, 200, "the scheme's limit: claims outlive even the account");
        assert_gone(&app, "token").await;
    }

    #[actix_web::test]
    async fn without_the_present_password_nothing_is_deleted() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        for present in ["", "not the password of anybody"] {
            let body = json!({ "current_password": present });
            assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.code(), "wrong-password");
        }
        assert_eq!(client.send("DELETE", "/api/account", None).await.status, 415);
        assert_eq!(client.get("/api/account").await.status, 200);
    }

    #[actix_web::test]
    async fn somebody_elses_password_deletes_nobody() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "email": "bob@example.org", "display_name": "Bob", "password": "quite another password" });
        assert_eq!(app.client().post("/api/users", &body).await.status, 201);
        let body = json!({ "current_password": "quite another password" });
        assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.code(), "wrong-password");
        assert_eq!(app.count("users"), 2);
    }

    #[actix_web::test]
    async fn a_demo_account_stays_and_the_answer_says_why() {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let (email, password) = demo();
        let mut client = app.client();
        client.log_in(email, &password).await;
        let body = json!({ "current_password": password });
        let answer = client.send("DELETE", "/api/account", Some(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "demo-account"));
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(app.count("users WHERE demo"), 3);
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        assert_eq!(races::log_ins_before(&app, deletion(&client)).await.status, 204);
        assert_gone(&app, "token").await;
    }

    #[actix_web::test]
    async fn log_ins_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        assert_eq!(races::log_ins_after(&app, deletion(&client)).await.status, 204);
        assert_gone(&app, "token").await;
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        assert_eq!(races::renewal_before(&app, &client, deletion(&client)).await.status, 204);
        assert_gone(&app, "token").await;
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        assert_eq!(races::renewal_after(&app, &client, deletion(&client)).await.status, 204);
        assert_gone(&app, "token").await;
    }

    #[actix_web::test]
    async fn a_deletion_that_a_change_of_password_overtakes_deletes_nothing() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let change = races::change_by_form(&browser, crate::support::NEW_PASSWORD).await;
        let (change, deletion) = races::one_after_the_other(&app, change, deletion(&client)).await;
        assert_eq!((change.status, deletion.code().as_str()), (303, "conflict"));
        assert_eq!((app.count("users"), app.live_logins()), (1, (1, 0)));
    }
}
