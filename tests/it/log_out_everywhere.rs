//! Log-out everywhere ends every login, the copies and those under way included: every test replays them from second clients.

use serde_json::json;

use crate::{
    races::{self, ADA, Ready, is_dead},
    support::{Answer, Browser, Client, PASSWORD, TestApp},
};

const GRACE: &str = "grace@example.org";

/// Log-out everywhere at the session door, ready to be sent.
async fn by_form(browser: &Browser) -> Ready {
    races::form(browser, "/account/devices/end-all", &[]).await
}

/// Log-out everywhere at the token door, ready to be sent.
fn by_call(client: &Client, body: serde_json::Value) -> Ready {
    races::call(client, "POST", "/api/auth/logout-everywhere", body)
}

async fn logged_in_twice(app: &TestApp) -> ([Browser; 2], [Client; 2]) {
    (
        [app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await],
        [app.logged_in_client(ADA).await, app.logged_in_client(ADA).await],
    )
}

/// Nobody is logged in as before, and the password lets Ada in as ever.
async fn assert_all_dead(app: &TestApp, browsers: &[Browser], clients: &[Client]) {
    for browser in browsers {
        assert!(!browser.clone().is_logged_in().await);
    }
    for client in clients {
        assert!(is_dead(client).await);
    }
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
}

mod session {
    use actix_session::SessionExt as _;
    use actix_web::{HttpRequest, HttpResponse};

    use super::*;
    use crate::support::probe::Probe;

    #[actix_web::test]
    async fn every_copy_at_both_doors_is_dead_and_this_browser_is_logged_out() {
        let app = TestApp::spawn();
        let (browsers, clients) = logged_in_twice(&app).await;
        let (mut grace, graces) = (app.logged_in_browser(GRACE).await, app.logged_in_client(GRACE).await);
        let answer = by_form(&browsers[0]).await.await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"));
        assert!(answer.cookie_attributes("session").contains(&"Max-Age=0"), "{answer:?}");
        assert_eq!(app.live_logins(), (1, 1), "nobody else is concerned");
        assert_all_dead(&app, &browsers, &clients).await;
        assert!(grace.is_logged_in().await && !is_dead(&graces).await);
        let event = "SELECT door || ' ' || detail FROM auth_events e JOIN sessions s ON s.id = e.login_id WHERE kind = 'logged out everywhere'";
        assert_eq!(app.value(event), "session 2 sessions and 2 token logins");
    }

    #[actix_web::test]
    async fn who_holds_a_dead_credential_is_told_why() {
        let app = TestApp::spawn();
        let ([browser, mut other], [client, _]) = logged_in_twice(&app).await;
        by_form(&browser).await.await;
        other.get("/account").await;
        assert!(other.get("/login").await.body.contains("This login was ended from another one of yours."));
        assert_eq!(client.redeem().await.json()["detail"], "This login was ended from another one of yours.");
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let answer = races::log_ins_before(&app, by_form(&browser).await).await;
        assert_eq!((answer.status, app.live_logins()), (303, (0, 0)));
    }

    #[actix_web::test]
    async fn log_ins_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let answer = races::log_ins_after(&app, by_form(&browser).await).await;
        assert_eq!((answer.status, app.live_logins()), (303, (0, 0)));
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_before(&app, &client, by_form(&browser).await).await;
        assert_eq!((answer.status, app.live_logins()), (303, (0, 0)));
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_after(&app, &client, by_form(&browser).await).await;
        assert_eq!((answer.status, app.live_logins()), (303, (0, 0)));
    }

    #[actix_web::test]
    async fn a_change_of_password_that_comes_second_brings_nothing_back() {
        let app = TestApp::spawn();
        let ([browser, other], _) = logged_in_twice(&app).await;
        let change = races::change_by_form(&other, crate::support::NEW_PASSWORD).await;
        let (ended, changed) = races::one_after_the_other(&app, by_form(&browser).await, change).await;
        assert_eq!((ended.status, changed.status, app.live_logins()), (303, 409, (0, 0)), "{changed:?}");
    }

    async fn keep_something(request: HttpRequest) -> HttpResponse {
        let kept = request.get_session().insert("kept", "something");
        Probe::wait(&request).await;
        kept.map_or_else(|_| HttpResponse::BadRequest().finish(), |()| HttpResponse::Ok().finish())
    }

    #[actix_web::test]
    async fn a_slow_request_that_was_under_way_brings_nothing_back() {
        let app = TestApp::spawn();
        let ([browser, other], _) = logged_in_twice(&app).await;
        let probe = Probe::start(&app, keep_something);
        let slow = probe.send(&other.cookies()).await;
        assert_eq!(by_form(&browser).await.await.status, 303);
        let answer = probe.finish(slow).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "{answer:?}");
        assert!(!other.clone().is_logged_in().await);
        assert_eq!(app.live_logins(), (0, 0));
    }
}

mod token {
    use actix_web::rt::spawn;

    use super::*;

    fn removes_cookie(answer: &Answer) -> bool {
        answer.set_cookie("refresh").is_some_and(|line| line.starts_with("refresh=;") && line.contains("Max-Age=0"))
    }

    #[actix_web::test]
    async fn every_token_login_is_dead_and_the_sessions_go_on() {
        let app = TestApp::spawn();
        let ([mut browser, mut other], clients) = logged_in_twice(&app).await;
        let graces = app.logged_in_client(GRACE).await;
        let answer = clients[0].send("POST", "/api/auth/logout-everywhere", None).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "sessions": 0, "tokens": 2 })));
        assert!(removes_cookie(&answer), "{answer:?}");
        assert!(is_dead(&clients[0]).await && is_dead(&clients[1]).await && !is_dead(&graces).await);
        assert!(browser.is_logged_in().await && other.is_logged_in().await);
        assert_eq!(clients[1].get("/api/me").await.status, 200, "the scheme's limit");
        assert_eq!(app.count("auth_events WHERE kind = 'logged out everywhere' AND door = 'token'"), 1);
    }

    #[actix_web::test]
    async fn the_sessions_end_as_well_if_asked_to() {
        let app = TestApp::spawn();
        let (browsers, clients) = logged_in_twice(&app).await;
        let answer = by_call(&clients[0], json!({ "sessions": true })).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "sessions": 2, "tokens": 2 })));
        assert_all_dead(&app, &browsers, &clients).await;
    }

    #[actix_web::test]
    async fn an_access_token_whose_login_has_ended_ends_nothing() {
        let app = TestApp::spawn();
        let (_, [client, other]) = logged_in_twice(&app).await;
        client.log_out().await;
        assert_eq!(by_call(&client, json!({ "sessions": true })).await.code(), "invalid-token");
        assert!(!is_dead(&other).await);
        assert_eq!(app.live_logins(), (2, 1));
    }

    #[actix_web::test]
    async fn log_ins_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::log_ins_before(&app, by_call(&client, json!({ "sessions": true }))).await;
        assert_eq!((answer.status, app.live_logins()), (200, (0, 0)));
    }

    #[actix_web::test]
    async fn log_ins_that_come_second_are_refused() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = races::log_ins_after(&app, by_call(&client, json!({ "sessions": true }))).await;
        assert_eq!((answer.status, app.live_logins()), (200, (0, 0)));
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_before(&app, &other, by_call(&client, json!({}))).await;
        assert_eq!((answer.status, app.live_logins()), (200, (0, 0)));
    }

    #[actix_web::test]
    async fn a_renewal_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let answer = races::renewal_after(&app, &other, by_call(&client, json!({}))).await;
        assert_eq!((answer.status, app.live_logins()), (200, (0, 0)));
    }

    #[actix_web::test]
    async fn a_slow_request_that_was_under_way_brings_nothing_back() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let slow = races::call(&other, "PATCH", "/api/account", json!({ "display_name": "Late" }));
        let (slow, ended) = races::one_after_the_other(&app, slow, by_call(&client, json!({}))).await;
        assert_eq!((slow.status, slow.set_cookies().len(), ended.status), (200, 0, 200));
        assert!(is_dead(&other).await && is_dead(&client).await);
        assert_eq!(app.live_logins(), (0, 0));
    }

    #[actix_web::test]
    async fn two_at_once_are_no_error() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let (one, two) = (spawn(by_call(&client, json!({}))), spawn(by_call(&other, json!({}))));
        hold.until_waiting(2).await;
        hold.release();
        let statuses = (one.await.expect("answered").status, two.await.expect("answered").status);
        assert_eq!((statuses, app.live_logins()), ((200, 200), (0, 0)));
    }
}
