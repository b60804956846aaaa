//! The password, once more: what it makes fresh, what goes on as it was, and that it brings nothing back to life.
//!
//! Logins are made old by their rows.

use serde_json::json;

use crate::{
    races::{self, ADA, is_dead},
    support::{Answer, Client, NEW_PASSWORD, PASSWORD, TestApp, forge},
};

/// Makes every login so many seconds older, by the instant at which its password was checked.
fn age(app: &TestApp, seconds: u32) {
    for table in ["sessions", "token_families"] {
        app.execute(&format!(
            "UPDATE {table} SET authenticated_at = authenticated_at - {seconds} * interval '1 s' WHERE ended_at IS NULL"
        ));
    }
}

mod token {
    use super::*;

    async fn reauthenticate(client: &Client, password: &str) -> Answer {
        client.post("/api/auth/reauthenticate", &json!({ "current_password": password })).await
    }

    fn auth_time(access_token: &str) -> i64 {
        forge::claims(access_token)["auth_time"].as_i64().expect("an instant")
    }

    /// When the family's password was checked, as its row says.
    fn noted(app: &TestApp) -> i64 {
        app.value("SELECT floor(extract(epoch FROM authenticated_at))::bigint FROM token_families")
            .parse()
            .expect("one")
    }

    #[actix_web::test]
    async fn the_password_gives_a_new_access_token_of_the_same_login_and_nothing_else() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        age(&app, 3600);
        let before = noted(&app);
        let answer = reauthenticate(&client, PASSWORD).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "{answer:?}");
        let (body, old) = (answer.json(), forge::claims(&client.access_token));
        assert_eq!((body.get("refresh_token"), &body["token_type"]), (None, &json!("Bearer")));
        let new = forge::claims(body["access_token"].as_str().expect("a token"));
        for claim in ["sid", "sub", "ver", "role", "aud"] {
            assert_eq!(new[claim], old[claim], "{claim}");
        }
        assert_ne!(new["jti"], old["jti"]);
        assert!(noted(&app) >= before + 3600);
        assert_eq!(new["auth_time"], noted(&app));
        assert_eq!((app.count("token_families"), app.count("refresh_tokens")), (1, 1));
        let events = "auth_events WHERE kind = 'password checked again' AND door = 'token'";
        assert_eq!(app.count(&format!("{events} AND login_id = (SELECT id FROM token_families)")), 1);
    }

    #[actix_web::test]
    async fn the_refresh_token_goes_on_and_what_it_yields_says_the_new_time() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        age(&app, 3600);
        client.renew().await;
        assert_eq!(auth_time(&client.access_token), noted(&app), "a refresh alone makes nothing fresh");
        reauthenticate(&client, PASSWORD).await;
        let old = auth_time(&client.access_token);
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(auth_time(&client.access_token), noted(&app));
        assert!(auth_time(&client.access_token) >= old + 3600);
    }

    #[actix_web::test]
    async fn a_shorter_life_can_be_asked_for() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "current_password": PASSWORD, "expires_in": 60 });
        assert_eq!(client.post("/api/auth/reauthenticate", &body).await.json()["expires_in"], 60);
    }

    #[actix_web::test]
    async fn a_wrong_password_changes_nothing_and_ends_nothing() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        age(&app, 3600);
        let before = noted(&app);
        for wrong in ["", NEW_PASSWORD] {
            let answer = reauthenticate(&client, wrong).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "wrong-password"));
        }
        assert_eq!(noted(&app), before);
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(app.count("auth_events WHERE kind = 'password checked again'"), 0);
    }

    #[actix_web::test]
    async fn guesses_are_counted_like_any_other() {
        let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "2")]);
        let client = app.logged_in_client(ADA).await;
        // Making the account took one failed log-in.
        assert_eq!(reauthenticate(&client, "a wrong one").await.status, 403);
        assert_eq!(reauthenticate(&client, PASSWORD).await.code(), "throttled");
    }

    #[actix_web::test]
    async fn somebody_elses_password_is_of_no_use() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "email": "bob@example.org", "display_name": "Bob", "password": NEW_PASSWORD });
        assert_eq!(app.client().post("/api/users", &body).await.status, 201);
        assert_eq!(reauthenticate(&client, NEW_PASSWORD).await.code(), "wrong-password");
    }

    #[actix_web::test]
    async fn an_access_token_of_an_ended_login_gets_nothing() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        client.log_out().await;
        assert_eq!(reauthenticate(&client, PASSWORD).await.code(), "invalid-token");
        assert_eq!(app.live_logins(), (0, 0));
    }

    #[actix_web::test]
    async fn a_log_out_that_overtakes_it_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let body = json!({ "current_password": PASSWORD });
        let again = actix_web::rt::spawn(races::call(&client, "POST", "/api/auth/reauthenticate", body));
        hold.until_waiting(1).await;
        assert_eq!(client.log_out().await.status, 200);
        hold.release();
        let answer = again.await.expect("answered");
        assert_eq!(
            (answer.code().as_str(), answer.json()["detail"].as_str()),
            ("invalid-token", Some("You logged out."))
        );
        assert!(is_dead(&client).await);
        assert_eq!(app.live_logins(), (0, 0));
    }

    #[actix_web::test]
    async fn a_change_of_password_that_overtakes_it_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let again = races::call(&client, "POST", "/api/auth/reauthenticate", json!({ "current_password": PASSWORD }));
        let change = races::change_by_call(&other, NEW_PASSWORD);
        let (change, again) = races::one_after_the_other(&app, change, again).await;
        assert_eq!((change.status, again.code().as_str()), (200, "conflict"), "{again:?}");
        assert!(is_dead(&client).await);
        assert_eq!(app.live_logins(), (0, 1), "the change's own answer");
    }

    #[actix_web::test]
    async fn what_it_answered_dies_with_a_change_of_password_that_came_second() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let again = races::call(&client, "POST", "/api/auth/reauthenticate", json!({ "current_password": PASSWORD }));
        let change = races::change_by_call(&other, NEW_PASSWORD);
        let (again, change) = races::one_after_the_other(&app, again, change).await;
        assert_eq!((again.status, change.status), (200, 200), "{again:?}");
        let mut fresh = client.clone();
        fresh.keep(&again);
        assert!(is_dead(&fresh).await);
    }
}
