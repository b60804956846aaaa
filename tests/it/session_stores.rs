//! What every store of sessions promises: each of these tests runs once with sessions in Postgres and once with Redis.

use actix_session::SessionExt as _;
use actix_web::{HttpRequest, HttpResponse, rt::spawn, web::Data};
use serde_json::json;
use two_doors::{
    accounts::{self, Role},
    db::{self, Pool},
    session::{
        SessionUser,
        reauthenticate::{Reauthenticated, enter, reauthenticate},
    },
};

use crate::{
    races::{self, ADA, change_by_call, change_by_form, form},
    support::{Browser, NEW_PASSWORD, PASSWORD, TestApp, probe::Probe, store::Store},
};

/// Every promise, as a test for either store.
macro_rules! both_stores_hold {
    ($($promise:ident)*) => {
        mod postgres {
            $(#[actix_web::test]
            async fn $promise() {
                super::$promise(super::Store::Postgres).await;
            })*
        }
        mod redis {
            $(#[actix_web::test]
            async fn $promise() {
                super::$promise(super::Store::Redis).await;
            })*
        }
    };
}

both_stores_hold! {
    a_copied_cookie_is_dead_after_log_out
    logging_out_twice_is_no_error_and_ends_nothing_else
    plain_log_out_ends_only_this_login
    only_the_hash_of_a_key_is_stored
    a_planted_key_never_becomes_a_session
    logging_in_again_ends_the_login_before
    a_session_that_is_used_goes_on_and_one_that_is_not_ends
    a_session_ends_at_its_greatest_age_however_much_it_is_used
    a_remembered_session_lives_longer
    a_change_of_password_at_either_door_ends_every_session
    an_account_deleted_at_the_other_door_takes_its_sessions_along
    a_name_changed_at_the_other_door_is_shown_at_once
    who_shows_a_dead_session_is_told_why
    one_other_login_ends_from_the_list_of_devices
    all_others_end_and_this_one_goes_on
    log_out_everywhere_ends_sessions_if_it_is_asked_to
    log_ins_that_are_under_way_end_with_the_others
    only_so_many_sessions_live_at_once_and_the_newest_win
    a_ban_ends_every_session_and_says_why
    a_role_is_seen_at_once_and_a_demotion_ends_no_session
    the_password_given_again_exchanges_the_key_and_prolongs_nothing
    two_servers_agree_at_once_and_a_restart_logs_nobody_out
    log_ins_that_were_under_way_die_with_a_change_of_password
    log_ins_with_the_old_password_that_come_second_are_refused
    of_two_changes_of_password_exactly_one_wins
    a_log_out_that_overtakes_a_change_of_password_leaves_nothing_alive
    a_log_out_that_a_change_of_password_overtakes_leaves_only_the_changes_own_answer_alive
    an_answer_that_comes_late_does_not_set_the_dead_cookie_again
    what_pages_keep_is_kept
    a_late_write_brings_no_session_back
    a_late_write_makes_no_session_where_there_is_none_any_more
    state_of_a_visitor_without_a_session_makes_none
}

/// Whether a copy of a browser's cookie still lets somebody in.
async fn lets_in(copy: &Browser) -> bool {
    copy.clone().is_logged_in().await
}

async fn a_copied_cookie_is_dead_after_log_out(store: Store) {
    let app = store.spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    let thief = browser.clone();
    assert!(lets_in(&thief).await, "before log-out the copy is as good as the original");
    let answer = browser.log_out().await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login"));
    assert!(!lets_in(&thief).await);
    assert_eq!(app.unended_sessions(), 0);
}

async fn logging_out_twice_is_no_error_and_ends_nothing_else(store: Store) {
    let app = store.spawn();
    let (other, mut browser) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
    browser.headers.push(("origin".to_owned(), app.url("")));
    let (once, twice) = (form(&browser, "/logout", &[]).await, form(&browser, "/logout", &[]).await);
    assert_eq!((once.await.status, twice.await.status), (303, 303));
    assert_eq!(app.count("auth_events WHERE kind = 'logged out'"), 1);
    assert!(lets_in(&other).await);
}

async fn plain_log_out_ends_only_this_login(store: Store) {
    let app = store.spawn();
    let (other, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let bob = app.logged_in_browser("bob@example.org").await;
    app.logged_in_browser(ADA).await.log_out().await;
    assert!(lets_in(&other).await && lets_in(&bob).await);
    assert_eq!(client.get("/api/account").await.status, 200);
}

async fn only_the_hash_of_a_key_is_stored(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    assert!(lets_in(&browser).await);
    let cookie = percent_encoding::percent_decode_str(&browser.jar["session"]).decode_utf8_lossy().into_owned();
    // The signature in base64 and the key.
    let key = &cookie[44..];
    let stored = app.everything_stored();
    assert!(!stored.contains(key), "{stored}");
    let hash = two_doors::secrets::hex(&two_doors::secrets::sha256(key.as_bytes()));
    assert!(stored.contains(&hash), "{stored}");
}

async fn a_planted_key_never_becomes_a_session(store: Store) {
    let app = store.spawn();
    let mallory = app.logged_in_browser("mallory@example.org").await;
    app.sign_up(ADA).await;
    let mut ada = app.browser();
    ada.jar.insert("session".to_owned(), mallory.jar["session"].clone());
    assert_eq!(ada.log_in(ADA, PASSWORD).await.status, 303);
    assert_ne!(ada.jar["session"], mallory.jar["session"]);
    assert!(lets_in(&ada).await && !lets_in(&mallory).await);
}

async fn logging_in_again_ends_the_login_before(store: Store) {
    let app = store.spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    let before = browser.clone();
    assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
    assert!(lets_in(&browser).await && !lets_in(&before).await);
    assert_eq!(app.unended_sessions(), 1);
}

async fn a_session_that_is_used_goes_on_and_one_that_is_not_ends(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    for _ in 0..3 {
        app.age_sessions(29 * 60);
        assert!(lets_in(&browser).await);
    }
    app.age_sessions(30 * 60);
    assert!(!lets_in(&browser).await);
}

async fn a_session_ends_at_its_greatest_age_however_much_it_is_used(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    for _ in 0..24 {
        app.age_sessions(29 * 60);
        assert!(lets_in(&browser).await);
    }
    app.age_sessions(25 * 60);
    assert!(!lets_in(&browser).await);
}

async fn a_remembered_session_lives_longer(store: Store) {
    let app = store.spawn();
    app.sign_up(ADA).await;
    let mut browser = app.browser();
    let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
    let answer = browser.post_from("/login", "/login", &fields).await;
    assert_eq!(answer.cookie_attributes("session"), ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"]);
    app.age_sessions(13 * 86_400);
    assert!(lets_in(&browser).await);
    app.age_sessions(14 * 86_400);
    assert!(!lets_in(&browser).await);
}

async fn a_change_of_password_at_either_door_ends_every_session(store: Store) {
    let app = store.spawn();
    let (mut one, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
    let bob = app.logged_in_browser("bob@example.org").await;
    let mut client = app.logged_in_client(ADA).await;
    assert!(lets_in(&one).await && lets_in(&other).await);
    let copy = one.clone();
    assert_eq!(one.change_password(PASSWORD, NEW_PASSWORD).await.status, 303);
    assert!(!lets_in(&copy).await && !lets_in(&other).await);
    assert!(lets_in(&one).await, "who changed it has a new one");
    assert_eq!(client.log_in(ADA, NEW_PASSWORD).await.status, 200);
    assert_eq!(client.change_password(NEW_PASSWORD, PASSWORD).await.status, 200);
    assert!(!lets_in(&one).await && lets_in(&bob).await, "nobody else is concerned");
}

async fn an_account_deleted_at_the_other_door_takes_its_sessions_along(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    assert!(lets_in(&browser).await);
    let client = app.logged_in_client(ADA).await;
    let body = json!({ "current_password": PASSWORD });
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.status, 204);
    assert!(!lets_in(&browser).await);
    assert_eq!(app.unended_sessions(), 0);
}

async fn a_name_changed_at_the_other_door_is_shown_at_once(store: Store) {
    let app = store.spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    assert!(browser.get("/account").await.body.contains("value=\"Ada\""));
    let client = app.logged_in_client(ADA).await;
    let answer = client.send("PATCH", "/api/account", Some(&json!({ "display_name": "Countess" }))).await;
    assert_eq!(answer.status, 200);
    assert!(browser.get("/account").await.body.contains("value=\"Countess\""));
}

async fn who_shows_a_dead_session_is_told_why(store: Store) {
    let app = store.spawn();
    app.sign_up(ADA).await;
    let told = async |mut browser: Browser, why: &str| {
        assert_eq!(browser.get("/account").await.status, 303);
        let page = browser.get("/login").await.body;
        assert!(page.contains(why), "{why}: {page}");
    };
    let browser = app.logged_in_browser(ADA).await;
    browser.clone().log_out().await;
    told(browser, "You logged out.").await;
    let browser = app.logged_in_browser(ADA).await;
    app.age_sessions(30 * 60);
    told(browser, "This login was not used for a while").await;
    let browser = app.logged_in_browser(ADA).await;
    app.age_sessions(12 * 3600);
    told(browser, "This login reached its greatest age").await;
    let browser = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;
    client.change_password(PASSWORD, NEW_PASSWORD).await;
    told(browser, "Your password was changed, which ends every login.").await;
}

/// The names of a user's other logins, as the page of devices shows them.
fn names(page: &str) -> Vec<String> {
    let names = page.split("name=\"id\" value=\"").skip(1);
    names.map(|rest| rest.split('"').next().expect("a value").to_owned()).collect()
}

async fn one_other_login_ends_from_the_list_of_devices(store: Store) {
    let app = store.spawn();
    let (other, mut browser) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
    let mut mallory = app.logged_in_browser("mallory@example.org").await;
    let others = names(&browser.get("/account/devices").await.body);
    let [id] = &others[..] else { panic!("not one other login: {others:?}") };
    let end = [("id", id.as_str())];
    assert_eq!(mallory.post_from("/account/devices", "/account/devices/end", &end).await.status, 404);
    assert!(lets_in(&other).await);
    assert_eq!(browser.post_from("/account/devices", "/account/devices/end", &end).await.status, 303);
    assert!(!lets_in(&other).await && lets_in(&browser).await);
    assert_eq!(browser.post_from("/account/devices", "/account/devices/end", &end).await.status, 404, "again");
    assert!(names(&browser.get("/account/devices").await.body).is_empty());
}

async fn all_others_end_and_this_one_goes_on(store: Store) {
    let app = store.spawn();
    let (other, mut browser) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
    let (client, bob) = (app.logged_in_client(ADA).await, app.logged_in_browser("bob@example.org").await);
    assert!(lets_in(&browser).await);
    assert_eq!(browser.post_from("/account/devices", "/account/devices/end-others", &[]).await.status, 303);
    assert!(browser.get("/account/devices").await.body.contains("Ended: 1 session and 1 token login."));
    assert!(!lets_in(&other).await && races::is_dead(&client).await && lets_in(&bob).await);
    let again = app.logged_in_browser(ADA).await;
    assert!(lets_in(&again).await && lets_in(&browser).await, "old and new version side by side");
}

async fn log_out_everywhere_ends_sessions_if_it_is_asked_to(store: Store) {
    let app = store.spawn();
    let (one, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
    let client = app.logged_in_client(ADA).await;
    let answer = client.post("/api/auth/logout-everywhere", &json!({})).await;
    assert_eq!((answer.status, answer.json()["sessions"].as_u64()), (200, Some(0)));
    assert!(lets_in(&one).await && lets_in(&other).await && races::is_dead(&client).await);
    let client = app.logged_in_client(ADA).await;
    let answer = client.post("/api/auth/logout-everywhere", &json!({ "sessions": true })).await;
    assert_eq!((answer.status, answer.json()["sessions"].as_u64()), (200, Some(2)));
    assert!(!lets_in(&one).await && !lets_in(&other).await);
    let mut again = app.logged_in_browser(ADA).await;
    again.post_from("/account/devices", "/account/devices/end-all", &[]).await;
    assert!(
        again.get("/login").await.body.contains("Ended: 1 session and 0 token logins."),
        "the dead are not counted"
    );
}

async fn log_ins_that_are_under_way_end_with_the_others(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let ending = form(&browser, "/account/devices/end-others", &[]).await;
    assert_eq!(races::log_ins_before(&app, ending).await.status, 303);
    let ending = form(&browser, "/account/devices/end-others", &[]).await;
    assert_eq!(races::log_ins_after(&app, ending).await.status, 303);
    assert!(lets_in(&browser).await);
}

async fn only_so_many_sessions_live_at_once_and_the_newest_win(store: Store) {
    let app = store.with(&[("MAX_SESSIONS", "2")]);
    let bob = app.logged_in_browser("bob@example.org").await;
    let mut first = app.logged_in_browser(ADA).await;
    let second = app.logged_in_browser(ADA).await;
    let mut third = app.logged_in_browser(ADA).await;
    assert!(!lets_in(&first).await && lets_in(&second).await && lets_in(&third).await && lets_in(&bob).await);
    first.get("/account").await;
    assert!(first.get("/login").await.body.contains("the oldest login ended"));
    assert_eq!(app.count("auth_events WHERE kind = 'login ended'"), 1);
    third.log_out().await;
    let fourth = app.logged_in_browser(ADA).await;
    assert!(lets_in(&second).await && lets_in(&fourth).await, "an ended one counts no more");
}

async fn a_ban_ends_every_session_and_says_why(store: Store) {
    let app = store.spawn();
    let (mut browser, bob) = (app.logged_in_browser(ADA).await, app.logged_in_browser("bob@example.org").await);
    assert!(lets_in(&browser).await);
    app.ban(ADA, "spam", None);
    app.until_settled().await;
    let answer = browser.get("/account").await;
    assert!(answer.body.contains("The reason given is: spam"), "{answer:?}");
    assert!(!answer.body.contains(PASSWORD) && answer.status == 403, "{answer:?}");
    app.unban(ADA);
    app.until_settled().await;
    assert!(!lets_in(&browser).await, "what ended stays ended");
    assert!(lets_in(&app.logged_in_browser(ADA).await).await && lets_in(&bob).await);
}

async fn a_role_is_seen_at_once_and_a_demotion_ends_no_session(store: Store) {
    let app = store.spawn();
    app.admin("root@example.org").await;
    let mut browser = app.logged_in_browser(ADA).await;
    for (role, name) in [(Role::Admin, "admin"), (Role::User, "user")] {
        app.change_role(ADA, role);
        app.until_settled().await;
        assert_eq!(browser.get("/account/me").await.json()["role"], name);
    }
    assert_eq!(app.value("SELECT credential_version FROM users WHERE email LIKE 'ada%'"), "2");
}

/// What a form does whose password is given again.
async fn give_password(request: HttpRequest, pool: Data<Pool>) -> HttpResponse {
    let session = SessionUser::of(&request).expect("logged in");
    Probe::wait(&request).await;
    let renewed = db::transaction(&pool, move |conn| {
        let (user, _) = accounts::find(conn, session.user().id)?.expect("there is one");
        reauthenticate(conn, &session, &user)
    });
    match renewed.await.expect("answered") {
        Reauthenticated::Renewed(renewed) => {
            enter(&request, *renewed).expect("entered");
            HttpResponse::Ok().finish()
        }
        Reauthenticated::VersionChanged => HttpResponse::Conflict().finish(),
        Reauthenticated::Ended(reason) => HttpResponse::Gone().body(reason.as_str()),
    }
}

async fn the_password_given_again_exchanges_the_key_and_prolongs_nothing(store: Store) {
    let app = store.spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    app.age_sessions(1200);
    let before = browser.get("/account/me").await.json();
    let (copy, mut other) = (browser.clone(), browser.clone());
    let probe = Probe::start(&app, give_password);
    let slow = probe.send(&browser.cookies()).await;
    let answer = probe.finish(slow).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.keep(&answer);
    assert!(!lets_in(&copy).await, "the old key is dead");
    let after = browser.get("/account/me").await.json();
    let seconds = |me: &serde_json::Value| me["auth_time"].as_i64().expect("an instant");
    assert!(seconds(&after) >= seconds(&before) + 1200 && after["login"] != before["login"]);
    other.get("/account").await;
    assert_eq!(app.unended_sessions(), 1);
    app.age_sessions(11 * 3600 + 1800);
    assert!(!lets_in(&browser).await, "and its greatest age is what it was");

    let mut browser = app.logged_in_browser(ADA).await;
    let slow = probe.send(&browser.cookies()).await;
    browser.log_out().await;
    let answer = probe.finish(slow).await;
    assert_eq!((answer.status, answer.body.as_str()), (410, "logged out"), "nothing is brought back");
}

async fn two_servers_agree_at_once_and_a_restart_logs_nobody_out(store: Store) {
    let app = store.spawn();
    let other = app.beside(&[]);
    let mut browser = app.logged_in_browser(ADA).await;
    let mut copy = browser.clone();
    copy.move_to(other.address);
    assert!(lets_in(&copy).await);
    drop(other);
    let restarted = app.beside(&[]);
    copy.move_to(restarted.address);
    assert!(lets_in(&copy).await);
    browser.log_out().await;
    assert!(!lets_in(&copy).await);
    let mut again = app.logged_in_browser(ADA).await;
    copy.jar = again.jar.clone();
    again.change_password(PASSWORD, NEW_PASSWORD).await;
    assert!(!lets_in(&copy).await);
}

async fn log_ins_that_were_under_way_die_with_a_change_of_password(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let answer = races::log_ins_before(&app, change_by_form(&browser, NEW_PASSWORD).await).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let mut changed = browser.clone();
    changed.keep(&answer);
    assert!(lets_in(&changed).await && !lets_in(&browser).await);
}

async fn log_ins_with_the_old_password_that_come_second_are_refused(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let answer = races::log_ins_after(&app, change_by_form(&browser, NEW_PASSWORD).await).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(!lets_in(&browser).await);
}

async fn of_two_changes_of_password_exactly_one_wins(store: Store) {
    let app = store.spawn();
    let (browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let change = change_by_form(&browser, NEW_PASSWORD).await;
    let call = change_by_call(&client, "quite another password");
    let (by_form, by_call) = races::one_after_the_other(&app, change, call).await;
    assert_eq!((by_form.status, by_call.code().as_str()), (303, "conflict"));
    let mut changed = browser.clone();
    changed.keep(&by_form);
    assert!(lets_in(&changed).await && !lets_in(&browser).await && races::is_dead(&client).await);
}

async fn a_log_out_that_overtakes_a_change_of_password_leaves_nothing_alive(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let (change, log_out) = (change_by_form(&browser, NEW_PASSWORD).await, form(&browser, "/logout", &[]).await);
    let mut hold = app.hold("SELECT FROM users FOR UPDATE");
    let change = spawn(change);
    hold.until_waiting(1).await;
    assert_eq!(log_out.await.status, 303);
    hold.release();
    let change = change.await.expect("answered");
    assert_eq!((change.status, change.set_cookie("session")), (303, None), "nobody is logged in");
    assert!(!lets_in(&browser).await);
    assert_eq!(app.unended_sessions(), 0);
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303, "and nothing was changed");
}

async fn a_log_out_that_a_change_of_password_overtakes_leaves_only_the_changes_own_answer_alive(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let (change, log_out) = (change_by_form(&browser, NEW_PASSWORD).await, form(&browser, "/logout", &[]).await);
    let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
    let change = spawn(change);
    hold.until_waiting(1).await;
    let log_out = spawn(log_out);
    if store == Store::Postgres {
        // It waits for the row. In Redis the session has ended already, and its form with it.
        hold.until_waiting(2).await;
    }
    hold.release();
    let (change, log_out) = (change.await.expect("answered"), log_out.await.expect("answered"));
    assert_eq!(log_out.status, if store == Store::Postgres { 409 } else { 403 }, "{log_out:?}");
    assert!(!lets_in(&browser).await);
    let mut changed = browser.clone();
    changed.keep(&change);
    changed.keep(&log_out);
    assert!(lets_in(&changed).await, "what it says about the old login says nothing about the new one");
}

async fn an_answer_that_comes_late_does_not_set_the_dead_cookie_again(store: Store) {
    let app = store.spawn();
    app.sign_up(ADA).await;
    let mut browser = app.browser();
    let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
    assert_eq!(browser.post_from("/login", "/login", &fields).await.status, 303);
    let slow = form(&browser, "/account/name", &[("display_name", "Late")]).await;
    let log_out = form(&browser, "/logout", &[]).await;
    let mut hold = app.hold("SELECT FROM users FOR UPDATE");
    let slow = spawn(slow);
    hold.until_waiting(1).await;
    assert_eq!(log_out.await.status, 303);
    hold.release();
    let answer = slow.await.expect("answered");
    assert_eq!((answer.status, answer.set_cookie("session")), (303, None), "it was let in before the log-out");
    assert!(!lets_in(&browser).await);
    assert_eq!(app.unended_sessions(), 0);
}

/// Keeps something in the session, at the moment that the test chooses.
async fn keep_something(request: HttpRequest) -> HttpResponse {
    let kept = request.get_session().insert("kept", "something");
    Probe::wait(&request).await;
    kept.map_or_else(|_| HttpResponse::BadRequest().finish(), |()| HttpResponse::Ok().finish())
}

/// A slow request that keeps something, while something else happens.
async fn keep_slowly(app: &TestApp, browser: &Browser, meanwhile: impl AsyncFnOnce()) -> (u16, usize) {
    let probe = Probe::start(app, keep_something);
    let slow = probe.send(&browser.cookies()).await;
    meanwhile().await;
    let answer = probe.finish(slow).await;
    (answer.status, answer.set_cookies().len())
}

async fn what_pages_keep_is_kept(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    assert_eq!(keep_slowly(&app, &browser, async || {}).await.0, 200);
    assert_eq!(app.session_state(), json!({ "kept": "\"something\"" }));
    assert!(lets_in(&browser).await);
}

async fn a_late_write_brings_no_session_back(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    let late = keep_slowly(&app, &browser, async || {
        assert_eq!(browser.clone().log_out().await.status, 303);
    });
    assert_eq!(late.await, (200, 0));
    assert!(!lets_in(&browser).await);
    assert_eq!((app.session_state(), app.unended_sessions()), (json!({}), 0), "not even into the dead one");
}

async fn a_late_write_makes_no_session_where_there_is_none_any_more(store: Store) {
    let app = store.spawn();
    let browser = app.logged_in_browser(ADA).await;
    assert_eq!(keep_slowly(&app, &browser, async || app.delete_sessions()).await, (200, 0));
    assert!(!lets_in(&browser).await);
    assert_eq!(app.unended_sessions(), 0);
}

async fn state_of_a_visitor_without_a_session_makes_none(store: Store) {
    let app = store.spawn();
    let ended = app.logged_in_browser(ADA).await;
    ended.clone().log_out().await;
    for browser in [&app.browser(), &ended] {
        assert_eq!(keep_slowly(&app, browser, async || {}).await, (500, 0));
    }
    assert_eq!(app.unended_sessions(), 0);
}
