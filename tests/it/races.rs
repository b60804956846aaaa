//! What concurrent requests must never achieve. The test holds a lock, the requests queue behind it, and their order is known.

use std::pin::Pin;

use actix_web::rt::spawn;
use serde_json::json;

use crate::support::{Answer, Browser, Client, NEW_PASSWORD, PASSWORD, TestApp, browser::FilledIn};

pub const ADA: &str = "ada@example.org";

/// A request that is ready to be sent.
pub type Ready = Pin<Box<dyn Future<Output = Answer>>>;

/// Stops whoever writes to the audit trail, which every transaction that makes or ends a login does last.
const BEFORE_THE_END: &str = "LOCK TABLE auth_events IN SHARE MODE";

/// A form of the account page, ready to be sent.
pub async fn form(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Ready {
    let form = browser.clone().filled_in("/account", path, fields).await;
    Box::pin(async move { form.send().await.expect("answered").0 })
}

/// A change of password at the session door, ready to be sent.
pub async fn change_by_form(browser: &Browser, new: &str) -> Ready {
    form(browser, "/account/password", &[("current_password", PASSWORD), ("new_password", new)]).await
}

/// A call of the API, ready to be sent.
pub fn call(client: &Client, method: &'static str, path: &'static str, body: serde_json::Value) -> Ready {
    let client = client.clone();
    Box::pin(async move { client.send(method, path, Some(&body)).await })
}

/// A change of password at the token door, ready to be sent.
pub fn change_by_call(client: &Client, new: &str) -> Ready {
    let body = json!({ "current_password": PASSWORD, "new_password": new, "refresh_token_in": "body" });
    call(client, "POST", "/api/account/password", body)
}

/// Whether nothing that a client holds is of any use where it is checked live.
pub async fn is_dead(client: &Client) -> bool {
    let statuses = (client.get("/api/account").await.status, client.redeem().await.status);
    assert!(matches!(statuses, (200, 200) | (401, 401)), "half of it is alive: {statuses:?}");
    statuses == (401, 401)
}

/// A log-in form from a device that is known: a new one would be noted in the user's row, and those who wait for a row that has
/// changed are no longer in order.
pub async fn log_in_form_of_a_known_device(app: &TestApp) -> FilledIn {
    let mut known = app.logged_in_browser(ADA).await;
    assert_eq!(known.log_out().await.status, 303);
    known.filled_in("/login", "/login", &[("email", ADA), ("password", PASSWORD)]).await
}

/// Log-ins at both doors whose password was already found right when `ending` begins: the first has made its row, the second
/// queues behind it.
pub async fn log_ins_before(app: &TestApp, ending: Ready) -> Answer {
    let form = log_in_form_of_a_known_device(app).await;
    let mut client = app.client();
    let mut hold = app.hold(BEFORE_THE_END);
    let by_form = form.send();
    hold.until_waiting(1).await;
    let by_call = spawn(async move { (client.log_in(ADA, PASSWORD).await, client) });
    hold.until_waiting(2).await;
    let ending = spawn(ending);
    hold.until_waiting(3).await;
    hold.release();
    let (answer, mut browser) = by_form.await.expect("answered");
    assert_eq!((answer.status, browser.jar.contains_key("session")), (303, true), "{answer:?}");
    let (answer, client) = by_call.await.expect("answered");
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = ending.await.expect("answered");
    assert!(!browser.is_logged_in().await && is_dead(&client).await);
    answer
}

/// Log-ins at both doors whose password was found right while `ending` had already counted the version up.
pub async fn log_ins_after(app: &TestApp, ending: Ready) -> Answer {
    let form = app.browser().filled_in("/login", "/login", &[("email", ADA), ("password", PASSWORD)]).await;
    let mut client = app.client();
    let mut hold = app.hold(BEFORE_THE_END);
    let ending = spawn(ending);
    hold.until_waiting(1).await;
    let by_form = form.send();
    hold.until_waiting(2).await;
    let by_call = spawn(async move { client.log_in(ADA, PASSWORD).await });
    hold.until_waiting(3).await;
    hold.release();
    let (answer, browser) = by_form.await.expect("answered");
    assert_eq!((answer.status, browser.jar.contains_key("session")), (409, false), "{answer:?}");
    assert_eq!(by_call.await.expect("answered").code(), "conflict");
    ending.await.expect("answered")
}

/// A renewal that has marked its token as used, and read the version, when `ending` begins.
pub async fn renewal_before(app: &TestApp, client: &Client, ending: Ready) -> Answer {
    let hash = two_doors::secrets::hex(&two_doors::secrets::sha256(client.refresh_token.as_bytes()));
    let mut hold = app.hold(&format!("SELECT FROM refresh_tokens WHERE hash = '\\x{hash}' FOR UPDATE"));
    let mut renewed = client.clone();
    let renewal = spawn(async move { (renewed.renew().await, renewed) });
    hold.until_waiting(1).await;
    let ending = spawn(ending);
    hold.until_waiting(2).await;
    hold.release();
    let (answer, renewed) = renewal.await.expect("answered");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_ne!(renewed.refresh_token, client.refresh_token);
    let answer = ending.await.expect("answered");
    assert!(is_dead(&renewed).await && is_dead(client).await);
    answer
}

/// A renewal that comes when `ending` has ended its login, but not yet committed.
pub async fn renewal_after(app: &TestApp, client: &Client, ending: Ready) -> Answer {
    let before = app.count("refresh_tokens WHERE used_at IS NOT NULL");
    let mut hold = app.hold(BEFORE_THE_END);
    let ending = spawn(ending);
    hold.until_waiting(1).await;
    let renewal = spawn({
        let client = client.clone();
        async move { client.redeem().await }
    });
    hold.until_waiting(2).await;
    hold.release();
    assert_eq!(renewal.await.expect("answered").code(), "invalid-refresh-token");
    assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), before);
    let answer = ending.await.expect("answered");
    assert!(is_dead(client).await);
    answer
}

/// Runs both behind a lock on the user's row, in this order.
pub async fn one_after_the_other(app: &TestApp, first: Ready, second: Ready) -> (Answer, Answer) {
    let mut hold = app.hold("SELECT FROM users FOR UPDATE");
    let first = spawn(first);
    hold.until_waiting(1).await;
    let second = spawn(second);
    hold.until_waiting(2).await;
    hold.release();
    (first.await.expect("answered"), second.await.expect("answered"))
}

/// Two people who choose one e-mail address at the same time.
async fn sign_up_twice(app: &TestApp, one: Ready, other: Ready, made: u16) {
    // An account that nobody sees yet: both wait to hear whether it comes to be.
    let mut hold = app.hold(
        "INSERT INTO users (email, email_folded, display_name, password_hash) \
         VALUES ('ada@example.org', 'ada@example.org', 'Ada', '')",
    );
    let (one, other) = (spawn(one), spawn(other));
    hold.until_waiting(2).await;
    hold.release();
    let mut statuses = [one.await.expect("answered").status, other.await.expect("answered").status];
    statuses.sort_unstable();
    assert_eq!(statuses, [made, 409]);
    assert_eq!((app.count("users"), app.count("auth_events WHERE kind = 'signed up'")), (1, 1));
}

mod session {
    use actix_session::SessionExt as _;
    use actix_web::{HttpRequest, HttpResponse};

    use super::*;
    use crate::support::probe::Probe;

    async fn sign_up(app: &TestApp) -> Ready {
        let fields = [("email", "Ada@example.org"), ("display_name", "Ada"), ("password", PASSWORD)];
        let form = app.browser().filled_in("/signup", "/signup", &fields).await;
        Box::pin(async move { form.send().await.expect("answered").0 })
    }

    #[actix_web::test]
    async fn of_two_sign_ups_with_one_address_exactly_one_makes_an_account() {
        let app = TestApp::spawn();
        let (one, other) = (sign_up(&app).await, sign_up(&app).await);
        sign_up_twice(&app, one, other, 303).await;
        assert_eq!(app.count("sessions"), 1);
    }

    #[actix_web::test]
    async fn of_two_changes_of_password_exactly_one_wins() {
        let app = TestApp::spawn();
        let (one, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let (first, second) =
            (change_by_form(&one, NEW_PASSWORD).await, change_by_form(&other, "quite another password").await);
        let (first, second) = one_after_the_other(&app, first, second).await;
        assert_eq!((first.status, second.status), (303, 409), "{second:?}");
        assert_eq!(second.set_cookie("session"), None);
        assert_eq!((app.live_logins(), app.value("SELECT credential_version FROM users")), ((1, 0), "2".to_owned()));
        assert_eq!(app.browser().log_in(ADA, NEW_PASSWORD).await.status, 303, "the first one's password counts");
    }

    #[actix_web::test]
    async fn a_log_out_that_overtakes_a_change_of_password_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let (change, log_out) = (change_by_form(&browser, NEW_PASSWORD).await, form(&browser, "/logout", &[]).await);
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let change = spawn(change);
        hold.until_waiting(1).await;
        assert_eq!(log_out.await.status, 303);
        hold.release();
        let change = change.await.expect("answered");
        assert_eq!((change.status, change.header("location")), (303, "/login?next=%2Faccount"), "nobody is logged in");
        assert_eq!((change.set_cookie("session"), app.live_logins()), (None, (0, 0)));
        assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303, "and nothing was changed");
    }

    #[actix_web::test]
    async fn a_log_out_that_a_change_of_password_overtakes_leaves_only_the_changes_own_answer_alive() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let (change, log_out) = (change_by_form(&browser, NEW_PASSWORD).await, form(&browser, "/logout", &[]).await);
        let mut hold = app.hold(BEFORE_THE_END);
        let change = spawn(change);
        hold.until_waiting(1).await;
        let log_out = spawn(log_out);
        hold.until_waiting(2).await;
        hold.release();
        let (change, log_out) = (change.await.expect("answered"), log_out.await.expect("answered"));
        assert_eq!((change.status, log_out.status), (303, 409), "it does not say that somebody is logged out");
        assert!(!browser.clone().is_logged_in().await);
        let mut changed = browser.clone();
        changed.keep(&change);
        changed.keep(&log_out);
        assert!(changed.is_logged_in().await);
        assert_eq!(app.live_logins(), (1, 0));
    }

    #[actix_web::test]
    async fn an_answer_that_comes_late_does_not_overwrite_the_next_logins_cookie() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let slow = form(&browser, "/account/name", &[("display_name", "Late")]).await;
        let change = change_by_form(&browser, NEW_PASSWORD).await;
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let change = spawn(change);
        hold.until_waiting(1).await;
        let slow = spawn(slow);
        hold.until_waiting(2).await;
        hold.release();
        let mut tab = browser.clone();
        tab.keep(&change.await.expect("answered"));
        tab.keep(&slow.await.expect("answered"));
        assert!(tab.is_logged_in().await);
    }

    /// Keeps something in the session, at the moment that the test chooses.
    async fn keep_something(request: HttpRequest) -> HttpResponse {
        let kept = request.get_session().insert("kept", "something");
        Probe::wait(&request).await;
        kept.map_or_else(|_| HttpResponse::BadRequest().finish(), |()| HttpResponse::Ok().finish())
    }

    #[actix_web::test]
    async fn a_slow_request_that_writes_state_finds_its_row_when_nothing_happened() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let probe = Probe::start(&app, keep_something);
        let slow = probe.send(&browser.cookies()).await;
        let answer = probe.finish(slow).await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.value("SELECT state FROM sessions"), r#"{"kept": "\"something\""}"#);
        assert!(browser.clone().is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_slow_request_that_writes_state_neither_brings_a_session_back_nor_sets_its_cookie_again() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let probe = Probe::start(&app, keep_something);
        let slow = probe.send(&browser.cookies()).await;
        assert_eq!(browser.clone().log_out().await.status, 303);
        let answer = probe.finish(slow).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "{answer:?}");
        assert!(!browser.clone().is_logged_in().await);
        assert_eq!((app.count("sessions"), app.live_logins().0), (1, 0));
        assert_eq!(app.value("SELECT state FROM sessions"), "{}", "not even into the dead row");
    }

    #[actix_web::test]
    async fn a_slow_request_that_writes_state_does_not_bring_a_deleted_row_back() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let probe = Probe::start(&app, keep_something);
        let slow = probe.send(&browser.cookies()).await;
        app.execute("DELETE FROM sessions");
        let answer = probe.finish(slow).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "{answer:?}");
        assert_eq!(app.count("sessions"), 0);
    }

    #[actix_web::test]
    async fn state_of_a_visitor_without_a_session_makes_no_row() {
        let app = TestApp::spawn();
        let ended = app.logged_in_browser(ADA).await;
        ended.clone().log_out().await;
        let probe = Probe::start(&app, keep_something);
        for cookies in [String::new(), ended.cookies(), "session=garbage".to_owned()] {
            let slow = probe.send(&cookies).await;
            let answer = probe.finish(slow).await;
            assert_eq!((answer.status, answer.set_cookies().len()), (500, 0), "{cookies}: {answer:?}");
        }
        assert_eq!((app.count("sessions"), app.live_logins().0), (1, 0));
    }

    /// What a handler that knows nothing of rows can do to end a session.
    async fn purge(request: HttpRequest) -> HttpResponse {
        request.get_session().purge();
        Probe::wait(&request).await;
        HttpResponse::Ok().finish()
    }

    #[actix_web::test]
    async fn a_session_that_is_purged_without_more_ado_ends_all_the_same() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let probe = Probe::start(&app, purge);
        let slow = probe.send(&browser.cookies()).await;
        let answer = probe.finish(slow).await;
        assert!(answer.cookie_attributes("session").contains(&"Max-Age=0"), "{answer:?}");
        assert!(!browser.clone().is_logged_in().await);
    }

    /// What gives a session a new key without a password.
    async fn renew(request: HttpRequest) -> HttpResponse {
        request.get_session().renew();
        Probe::wait(&request).await;
        HttpResponse::Ok().finish()
    }

    #[actix_web::test]
    async fn nobody_gets_a_new_key_without_a_password() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let probe = Probe::start(&app, renew);
        let slow = probe.send(&browser.cookies()).await;
        let answer = probe.finish(slow).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (500, 0), "{answer:?}");
        assert_eq!(app.count("sessions"), 1);
    }
}

mod token {
    use super::*;

    fn sign_up(app: &TestApp) -> Ready {
        let body = json!({ "email": "Ada@example.org", "display_name": "Ada", "password": PASSWORD });
        call(&app.client(), "POST", "/api/users", body)
    }

    #[actix_web::test]
    async fn of_two_sign_ups_with_one_address_exactly_one_makes_an_account() {
        let app = TestApp::spawn();
        sign_up_twice(&app, sign_up(&app), sign_up(&app), 201).await;
        assert_eq!(app.count("token_families"), 0);
    }

    #[actix_web::test]
    async fn of_two_changes_of_password_exactly_one_wins() {
        let app = TestApp::spawn();
        let (one, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let (first, second) = (change_by_call(&one, NEW_PASSWORD), change_by_call(&other, "quite another password"));
        let (first, second) = one_after_the_other(&app, first, second).await;
        assert_eq!((first.status, second.code().as_str()), (200, "conflict"), "{second:?}");
        assert_eq!((app.live_logins(), app.value("SELECT credential_version FROM users")), ((0, 1), "2".to_owned()));
        assert_eq!(app.client().log_in(ADA, NEW_PASSWORD).await.status, 200, "the first one's password counts");
    }

    #[actix_web::test]
    async fn a_log_out_that_overtakes_a_change_of_password_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let change = spawn(change_by_call(&client, NEW_PASSWORD));
        hold.until_waiting(1).await;
        assert_eq!(client.log_out().await.status, 200);
        hold.release();
        assert_eq!(change.await.expect("answered").code(), "invalid-token");
        assert_eq!(app.live_logins(), (0, 0));
        assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200, "and nothing was changed");
    }

    #[actix_web::test]
    async fn a_log_out_that_a_change_of_password_overtakes_leaves_only_the_changes_own_answer_alive() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold(BEFORE_THE_END);
        let change = spawn(change_by_call(&client, NEW_PASSWORD));
        hold.until_waiting(1).await;
        let log_out = spawn({
            let client = client.clone();
            async move { client.log_out().await }
        });
        hold.until_waiting(2).await;
        hold.release();
        let change = change.await.expect("answered");
        assert_eq!((change.status, log_out.await.expect("answered").status), (200, 200));
        assert!(is_dead(&client).await);
        let mut changed = client.clone();
        changed.keep(&change);
        assert_eq!(changed.get("/api/account").await.status, 200);
        assert_eq!(app.live_logins(), (0, 1));
    }

    #[actix_web::test]
    async fn a_slow_request_that_began_before_log_out_brings_nothing_back() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let slow = spawn(call(&client, "PATCH", "/api/account", json!({ "display_name": "Late" })));
        hold.until_waiting(1).await;
        assert_eq!(client.log_out().await.status, 200);
        hold.release();
        let answer = slow.await.expect("answered");
        assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "it was let in before the log-out");
        assert!(is_dead(&client).await);
        assert_eq!(app.live_logins(), (0, 0));
    }
}

#[actix_web::test]
async fn of_two_changes_of_password_at_different_doors_exactly_one_wins() {
    let app = TestApp::spawn();
    let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let change = change_by_form(&browser, NEW_PASSWORD).await;
    let (by_form, by_call) = one_after_the_other(&app, change, change_by_call(&client, "quite another password")).await;
    assert_eq!((by_form.status, by_call.code().as_str()), (303, "conflict"));
    assert_eq!(app.live_logins(), (1, 0));
    assert!(is_dead(&client).await);
}

#[actix_web::test]
async fn a_sign_up_at_each_door_with_one_address_makes_exactly_one_account() {
    let app = TestApp::spawn();
    let mut hold = app.hold(
        "INSERT INTO users (email, email_folded, display_name, password_hash) \
         VALUES ('ada@example.org', 'ada@example.org', 'Ada', '')",
    );
    let fields = [("email", ADA), ("display_name", "Ada"), ("password", PASSWORD)];
    let form = app.browser().filled_in("/signup", "/signup", &fields);
    let by_form = form.await.send();
    hold.until_waiting(1).await;
    let body = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD });
    let by_call = spawn(call(&app.client(), "POST", "/api/users", body));
    hold.until_waiting(2).await;
    hold.commit();
    assert_eq!(by_form.await.expect("answered").0.status, 409, "the address was taken while they waited");
    assert_eq!(by_call.await.expect("answered").code(), "email-taken");
    assert_eq!(app.count("users"), 1);
}
