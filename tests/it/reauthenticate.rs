//! The password, once more: what it makes fresh, what goes on as it was, and that it brings nothing back to life.
//!
//! Logins are made old by their rows. The actions are those of the page of devices: any other sensitive form takes the same way.

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

mod session {
    use std::collections::BTreeMap;

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use two_doors::secrets::{Purpose, Secrets, sealing};

    use super::*;
    use crate::support::{Browser, app::SECRET, html};

    const OTHERS: &str = "/account/devices/end-others";
    const ONE: &str = "/account/devices/end";

    /// A form of the page of devices.
    async fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        browser.post_from("/account/devices", path, fields).await
    }

    /// The page that asks for the password; what it keeps.
    fn sealed(asked: &Answer) -> String {
        assert_eq!((asked.status, asked.set_cookie("session")), (403, None), "{asked:?}");
        assert_eq!(html::text_of(&asked.body, "h1"), "Your password, once more");
        html::value(&asked.body, "sealed").expect("a form that waits")
    }

    /// Gives the password to what waits, with a form token of this very moment.
    async fn confirm(browser: &mut Browser, sealed: &str, password: &str) -> Answer {
        let fields = [("sealed", sealed), ("current_password", password)];
        browser.post_from("/account", "/account/confirm", &fields).await
    }

    /// A browser whose password is eleven minutes old, and what waits for it: to end all others.
    async fn waiting(app: &TestApp) -> (Browser, String) {
        waiting_for(app, OTHERS, &[]).await
    }

    /// The same with another form.
    async fn waiting_for(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (Browser, String) {
        let mut browser = app.logged_in_browser(ADA).await;
        age(app, 660);
        let asked = send(&mut browser, path, fields).await;
        (browser, sealed(&asked))
    }

    /// What is inside a seal, altered, under a seal as good as ours.
    fn resealed(sealed: &str, alter: impl FnOnce(&mut serde_json::Value)) -> String {
        let key: [u8; 32] = Secrets::parse(SECRET).expect("valid").newest(Purpose::KeptForm);
        let about = b"/account/confirm";
        let inside = sealing::unseal(&[key], about, &URL_SAFE_NO_PAD.decode(sealed).expect("base64")).expect("ours");
        let mut inside = serde_json::from_slice(&inside).expect("JSON");
        alter(&mut inside);
        URL_SAFE_NO_PAD.encode(sealing::seal(&key, about, inside.to_string().as_bytes()))
    }

    #[actix_web::test]
    async fn a_sensitive_form_within_ten_minutes_of_the_password_is_done_at_once() {
        let app = TestApp::spawn();
        let (mut browser, mut other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        age(&app, 570);
        assert_eq!(send(&mut browser, OTHERS, &[]).await.status, 303);
        assert!(browser.is_logged_in().await && !other.is_logged_in().await);
    }

    #[actix_web::test]
    async fn later_it_waits_for_the_password_and_is_done_then() {
        let app = TestApp::spawn();
        let (mut other, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        let (mut browser, sealed) = waiting(&app).await;
        assert!(other.is_logged_in().await && !is_dead(&client).await, "nothing is done yet");
        let mut thief = browser.clone();
        let answer = confirm(&mut browser, &sealed, PASSWORD).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account/devices"), "{answer:?}");
        assert!(!other.is_logged_in().await && is_dead(&client).await);
        assert!(browser.is_logged_in().await && !thief.is_logged_in().await, "the key is a new one");
        thief.get("/account").await;
        assert!(thief.get("/login").await.body.contains("You gave your password again here"), "and its holder is told");
        assert!(browser.get("/account/devices").await.body.contains("Only this browser is still logged in."));
        let events = "auth_events e JOIN sessions s ON s.id = e.login_id WHERE s.ended_at IS NULL";
        assert_eq!(app.count(&format!("{events} AND e.kind = 'password checked again' AND door = 'session'")), 1);
        assert_eq!(send(&mut browser, OTHERS, &[]).await.status, 303, "and for ten minutes it is not asked for again");
    }

    #[actix_web::test]
    async fn it_waits_however_its_address_is_spelt() {
        let app = TestApp::spawn();
        let mut other = app.logged_in_browser(ADA).await;
        let (mut browser, sealed) = waiting_for(&app, "/account/devices/%65nd-others", &[]).await;
        assert!(other.is_logged_in().await, "nothing is done yet");
        assert_eq!(confirm(&mut browser, &sealed, PASSWORD).await.status, 303);
        assert!(browser.is_logged_in().await && !other.is_logged_in().await);
    }

    #[actix_web::test]
    async fn the_fields_come_back_as_they_went_and_no_password_among_them() {
        let app = TestApp::spawn();
        let (mut browser, mut other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let mut third = app.logged_in_browser(ADA).await;
        let id = app.value("SELECT id FROM sessions ORDER BY created_at OFFSET 1 LIMIT 1");
        age(&app, 660);
        let asked = send(&mut browser, ONE, &[("id", &id), ("current_password", PASSWORD)]).await;
        assert!(!asked.body.contains(PASSWORD), "{asked:?}");
        let sealed = sealed(&asked);
        resealed(&sealed, |inside| assert_eq!(inside["fields"], json!([["id", id]])));
        assert_eq!(confirm(&mut browser, &sealed, PASSWORD).await.status, 303);
        assert!(!other.is_logged_in().await && third.is_logged_in().await && browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_new_address_waits_too_and_is_the_one_that_was_read() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        age(&app, 660);
        let asked = browser.post_from("/account", "/account/email", &[("email", "Ada <b>@example.net")]).await;
        assert!(html::text(&asked.body).contains("change your e-mail address") && !asked.body.contains("<b>@"));
        let asked = browser.post_from("/account", "/account/email", &[("email", "countess@example.net")]).await;
        assert_eq!(
            html::text_of(&asked.body[asked.body.find("class=\"typed\"").expect("a list")..], "dd"),
            "countess@example.net"
        );
        assert_eq!(app.value("SELECT email FROM users"), ADA, "nothing is done yet");
        assert_eq!(confirm(&mut browser, &sealed(&asked), PASSWORD).await.header("location"), "/account");
        assert_eq!(app.value("SELECT email FROM users"), "countess@example.net");
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn the_login_goes_on_to_its_own_end() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let mut browser = app.browser();
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        browser.post_from("/login", "/login", &fields).await;
        app.execute(
            "UPDATE sessions SET created_at = created_at - interval '20 d', state = '{\"kept\": \"x\"}', \
             absolute_expires_at = absolute_expires_at - interval '20 d', authenticated_at = authenticated_at - interval '20 d'",
        );
        let row = "SELECT concat(user_id, state, remembered, created_at, idle_ttl_seconds, absolute_expires_at, user_agent, address) \
                   FROM sessions WHERE ended_at IS NULL";
        let (before, id) = (app.value(row), app.value("SELECT id FROM sessions"));
        let asked = send(&mut browser, OTHERS, &[]).await;
        let answer = confirm(&mut browser, &sealed(&asked), PASSWORD).await;
        assert_eq!((answer.status, app.value(row)), (303, before));
        assert_ne!(app.value("SELECT id FROM sessions WHERE ended_at IS NULL"), id);
        assert_eq!(app.value("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL"), "replaced");
        let age =
            answer.cookie_attributes("session").into_iter().find_map(|it| it.strip_prefix("Max-Age=")).expect("kept");
        assert!((863_000..=864_000).contains(&age.parse::<u32>().expect("seconds")), "ten days are left: {age}");
    }

    #[actix_web::test]
    async fn a_wrong_password_loses_nothing_and_counts_as_a_guess() {
        let app = TestApp::with(&[("THROTTLE_ACCOUNT_ADDRESS", "3")]);
        let mut other = app.logged_in_browser(ADA).await;
        let (mut browser, sealed) = waiting(&app).await;
        // This browser has logged in before, so its guesses are its own.
        for wrong in ["", NEW_PASSWORD, "another one"] {
            let answer = confirm(&mut browser, &sealed, wrong).await;
            assert_eq!((answer.status, answer.set_cookie("session")), (422, None));
            assert_eq!(
                html::advice(&answer.body, "current_password").as_deref(),
                Some("Error: This is not your present password.")
            );
            assert_eq!(html::value(&answer.body, "sealed").as_ref(), Some(&sealed), "it is still there");
        }
        let answer = confirm(&mut browser, &sealed, PASSWORD).await;
        assert_eq!((answer.status, html::value(&answer.body, "sealed").as_ref()), (429, Some(&sealed)));
        assert!((1..=900).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
        assert!(browser.is_logged_in().await && other.is_logged_in().await);
        assert_eq!(app.count("auth_events WHERE kind = 'password checked again'"), 0);
    }

    #[actix_web::test]
    async fn after_a_wrong_password_the_right_one_finishes_it() {
        let app = TestApp::spawn();
        let mut other = app.logged_in_browser(ADA).await;
        let (mut browser, sealed) = waiting(&app).await;
        assert_eq!(confirm(&mut browser, &sealed, "wrong").await.status, 422);
        assert_eq!(confirm(&mut browser, &sealed, PASSWORD).await.status, 303);
        assert!(browser.is_logged_in().await && !other.is_logged_in().await);
    }

    #[actix_web::test]
    async fn what_is_altered_too_old_or_of_another_login_is_refused_and_nothing_is_done() {
        let app = TestApp::spawn();
        let (mut other, _) = waiting(&app).await;
        let mut grace = app.logged_in_browser("grace@example.org").await;
        age(&app, 660);
        let graces = sealed(&send(&mut grace, OTHERS, &[]).await);
        let others = sealed(&send(&mut other, OTHERS, &[]).await);
        let (mut browser, own) = waiting(&app).await;
        let too_old =
            resealed(&own, |inside| inside["until"] = json!(inside["until"].as_i64().expect("an instant") - 600));
        let of_no_action = ["/account/name", "/account/delete", "/nowhere", "//evil.example/", "", "/account/confirm"]
            .map(|action| resealed(&own, |inside| inside["action"] = json!(action)));
        let altered = format!("{}{}", &own[..own.len() - 8], "AAAAAAAA");
        let wrong = [String::new(), "x".to_owned(), altered, too_old, graces, others];
        for sealed in wrong.iter().chain(&of_no_action) {
            let answer = confirm(&mut browser, sealed, PASSWORD).await;
            assert_eq!((answer.status, answer.set_cookie("session")), (403, None), "{sealed}");
            assert_eq!(html::text_of(&answer.body, "h1"), "This was not waiting for a password", "{sealed}");
        }
        assert_eq!(app.live_logins().0, 3);
        assert_eq!(app.count("auth_events WHERE kind = 'password checked again'"), 0);
        assert_eq!(confirm(&mut browser, &own, PASSWORD).await.status, 303, "its own is still good");
    }

    #[actix_web::test]
    async fn what_was_done_is_not_done_again() {
        let app = TestApp::spawn();
        let (mut browser, sealed) = waiting(&app).await;
        let before = browser.clone();
        assert_eq!(confirm(&mut browser, &sealed, PASSWORD).await.status, 303);
        let mut other = app.logged_in_browser(ADA).await;
        let after = browser.clone();
        for mut replay in [before, after] {
            let token = browser.form_token("/account").await;
            let fields = [("sealed", sealed.as_str()), ("current_password", PASSWORD), ("form_token", &token)];
            assert_eq!(replay.post_raw("/account/confirm", &fields).await.status, 403);
        }
        assert!(other.is_logged_in().await && browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn an_action_that_is_refused_after_all_says_so_within_the_new_session() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        age(&app, 660);
        let asked = send(&mut browser, ONE, &[("id", "nobodys")]).await;
        let answer = confirm(&mut browser, &sealed(&asked), PASSWORD).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(browser.is_logged_in().await);
        let token = html::value(&answer.body, "form_token").expect("a form");
        assert_eq!(
            browser.post_raw(OTHERS, &[("form_token", &token)]).await.status,
            303,
            "its forms are the new session's"
        );
    }

    #[actix_web::test]
    async fn a_form_too_large_to_come_back_is_refused_at_once() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        age(&app, 660);
        assert_eq!(send(&mut browser, ONE, &[("id", &"x".repeat(50_000))]).await.status, 413);
        let asked = send(&mut browser, ONE, &[("id", &"x".repeat(40_000))]).await;
        assert_eq!(confirm(&mut browser, &sealed(&asked), PASSWORD).await.status, 404);
    }

    #[actix_web::test]
    async fn a_secret_that_is_rotated_meanwhile_spoils_nothing() {
        let app = TestApp::spawn();
        let (mut browser, sealed) = waiting(&app).await;
        let rotated =
            app.beside(&[("SECRETS", &format!("{},{SECRET}", "another secret that is the newest of them all"))]);
        browser.move_to(rotated.address);
        assert_eq!(confirm(&mut browser, &sealed, PASSWORD).await.status, 303);
    }

    /// The password for what waits, ready to be sent.
    async fn ready(browser: &Browser, sealed: &str) -> races::Ready {
        races::form(browser, "/account/confirm", &[("sealed", sealed), ("current_password", PASSWORD)]).await
    }

    #[actix_web::test]
    async fn a_log_out_that_overtakes_it_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let (browser, sealed) = waiting(&app).await;
        let (again, log_out) = (ready(&browser, &sealed).await, races::form(&browser, "/logout", &[]).await);
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let again = actix_web::rt::spawn(again);
        hold.until_waiting(1).await;
        assert_eq!(log_out.await.status, 303);
        hold.release();
        let again = again.await.expect("answered");
        assert_eq!((again.status, again.set_cookie("session")), (303, None), "{again:?}");
        assert!(again.header("location").starts_with("/login?next="), "{again:?}");
        assert_eq!(app.live_logins(), (0, 0));
    }

    #[actix_web::test]
    async fn a_log_out_that_it_overtakes_does_not_say_that_somebody_is_logged_out() {
        let app = TestApp::spawn();
        let (browser, sealed) = waiting(&app).await;
        let (again, log_out) = (ready(&browser, &sealed).await, races::form(&browser, "/logout", &[]).await);
        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let again = actix_web::rt::spawn(again);
        hold.until_waiting(1).await;
        let log_out = actix_web::rt::spawn(log_out);
        hold.until_waiting(2).await;
        hold.release();
        let (again, log_out) = (again.await.expect("answered"), log_out.await.expect("answered"));
        assert_eq!((again.status, log_out.status), (303, 409));
        let mut tab = browser.clone();
        tab.keep(&again);
        tab.keep(&log_out);
        assert!(tab.is_logged_in().await && !browser.clone().is_logged_in().await);
        assert_eq!(app.live_logins(), (1, 0));
    }

    #[actix_web::test]
    async fn a_change_of_password_that_overtakes_it_leaves_nothing_alive() {
        let app = TestApp::spawn();
        let other = app.logged_in_browser(ADA).await;
        let (browser, sealed) = waiting(&app).await;
        let (change, again) = (races::change_by_form(&other, NEW_PASSWORD).await, ready(&browser, &sealed).await);
        let (change, again) = races::one_after_the_other(&app, change, again).await;
        assert_eq!((change.status, again.status, again.set_cookie("session")), (303, 409, None), "{again:?}");
        assert!(!browser.clone().is_logged_in().await);
        assert_eq!(app.live_logins(), (1, 0), "the change's own answer");
    }

    #[actix_web::test]
    async fn pressed_twice_it_is_done_once_and_the_browser_stays_logged_in() {
        let app = TestApp::spawn();
        // Of what raises the user's version the second would be told that the account changed, if the first has got that far.
        let (browser, sealed) = waiting_for(&app, "/account/email", &[("email", "new@example.org")]).await;
        let (one, other) = (ready(&browser, &sealed).await, ready(&browser, &sealed).await);
        let mut hold = app.hold("SELECT FROM users FOR UPDATE");
        let (one, other) = (actix_web::rt::spawn(one), actix_web::rt::spawn(other));
        hold.until_waiting(2).await;
        hold.release();
        let answers = [one.await.expect("answered"), other.await.expect("answered")];
        let statuses: BTreeMap<u16, &Answer> = answers.iter().map(|answer| (answer.status, answer)).collect();
        assert_eq!(statuses.keys().copied().collect::<Vec<_>>(), [303, 403], "{answers:?}");
        let mut tab = browser.clone();
        for answer in [statuses[&303], statuses[&403]] {
            tab.keep(answer);
        }
        assert!(tab.is_logged_in().await);
        assert_eq!((app.live_logins().0, app.count("auth_events WHERE kind = 'password checked again'")), (1, 1));
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

    fn is_asked_for(answer: &Answer) {
        assert_eq!((answer.status, answer.code().as_str()), (401, "step-up-required"));
        let challenge = "Bearer realm=\"two-doors\", error=\"insufficient_user_authentication\", \
            error_description=\"The password was last checked more than 10 minutes ago.\", max_age=\"600\"";
        assert_eq!((answer.header("www-authenticate"), answer.set_cookies().len()), (challenge, 0));
    }

    #[actix_web::test]
    async fn sensitive_routes_ask_for_it_after_ten_minutes_and_let_in_with_the_new_token() {
        let app = TestApp::spawn();
        let (mut client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let others =
            format!("/api/auth/tokens/{}", forge::claims(&other.access_token)["sid"].as_str().expect("a name"));
        age(&app, 660);
        client.renew().await;
        for (method, path) in [("DELETE", others.as_str()), ("POST", "/api/auth/logout-everywhere")] {
            is_asked_for(&client.send(method, path, None).await);
        }
        assert!(!is_dead(&other).await, "nothing is done");
        assert_eq!(client.get("/api/account").await.status, 200, "and for all else the token is good");
        let copy = client.clone();
        let answer = reauthenticate(&client, PASSWORD).await;
        client.keep(&answer);
        is_asked_for(&copy.send("DELETE", &others, None).await);
        assert_eq!(client.send("DELETE", &others, None).await.status, 204, "a copy gains nothing, the new token does");
        assert!(is_dead(&other).await);
    }

    #[actix_web::test]
    async fn a_new_address_asks_for_it_and_a_new_name_does_not() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        age(&app, 660);
        client.renew().await;
        let new = json!({ "email": "countess@example.net", "display_name": "Countess" });
        is_asked_for(&client.send("PATCH", "/api/account", Some(&new)).await);
        assert_eq!(app.value("SELECT display_name FROM users"), "Ada", "nothing is done");
        assert_eq!(
            client.send("PATCH", "/api/account", Some(&json!({ "display_name": "Countess" }))).await.status,
            200
        );
        client.keep(&reauthenticate(&client, PASSWORD).await);
        assert_eq!(client.send("PATCH", "/api/account", Some(&new)).await.status, 200);
    }

    #[actix_web::test]
    async fn within_ten_minutes_nothing_is_asked_for() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        age(&app, 570);
        client.renew().await;
        assert_eq!(client.post("/api/auth/logout-everywhere", &json!({})).await.status, 200);
    }

    #[actix_web::test]
    async fn a_token_that_claims_to_be_fresher_than_its_login_is_not_believed() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        age(&app, 660);
        is_asked_for(&client.post("/api/auth/logout-everywhere", &json!({})).await);
    }
}
