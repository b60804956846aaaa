//! A device that has logged in before is known again: strangers can't lock it out, and one that is new is told of.

use serde_json::json;

use crate::{
    races::ADA,
    support::{Answer, Browser, NEW_PASSWORD, PASSWORD, TestApp, html},
};

const GRACE: &str = "grace@example.org";
const WRONG: &str = "not the password of anybody";
/// Of one device, or of several.
const NOTICE: &str = " that had never done so. If ";

/// A server that believes what its visitors say of where they are.
fn app(budgets: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[budgets, &[("TRUSTED_PROXIES", "127.0.0.1")]].concat())
}

/// A browser elsewhere.
fn from(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.headers.push(("x-forwarded-for".to_owned(), address.to_owned()));
    browser
}

/// A log-in at the token door with this device token and none of the site's cookies.
async fn by_call(app: &TestApp, password: &str, device: Option<&str>, address: &str) -> Answer {
    let mut body = json!({ "email": ADA, "password": password, "refresh_token_in": "body" });
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    app.request("POST", "/api/auth/login", &headers, &body.to_string()).await
}

/// Strangers in many places use up what the whole world may guess at the account.
async fn exhaust_the_account(app: &TestApp) {
    for last in 1..=5 {
        assert_eq!(by_call(app, WRONG, None, &format!("203.0.113.{last}")).await.status, 401);
    }
    assert_eq!(by_call(app, WRONG, None, "203.0.113.6").await.status, 429);
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn strangers_who_use_up_an_accounts_budget_do_not_lock_its_owner_out() {
        let app = app(&[("THROTTLE_ACCOUNT", "5")]);
        let mut owner = from(&app, "192.0.2.1");
        assert_eq!(owner.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        owner.log_out().await;
        exhaust_the_account(&app).await;
        assert_eq!(from(&app, "192.0.2.1").log_in(ADA, PASSWORD).await.status, 429, "from a new device");
        let mut foreign = from(&app, "192.0.2.2");
        foreign.sign_up(GRACE, "Grace", PASSWORD).await;
        foreign.log_out().await;
        assert_eq!(foreign.log_in(ADA, PASSWORD).await.status, 429, "somebody else's device");
        let mut forged = from(&app, "192.0.2.3");
        forged.jar.insert("device".to_owned(), "A".repeat(64));
        assert_eq!(forged.log_in(ADA, PASSWORD).await.status, 429, "a cookie that nobody signed");
        assert_eq!(owner.log_in(ADA, PASSWORD).await.status, 303, "the owner's device");
    }

    #[actix_web::test]
    async fn a_devices_own_budget_is_used_up_by_ten_wrong_guesses_and_the_address_still_counts() {
        let app = app(&[("THROTTLE_ACCOUNT_ADDRESS", "10"), ("THROTTLE_ADDRESS", "10")]);
        let mut owner = from(&app, "192.0.2.1");
        owner.sign_up(ADA, "Ada", PASSWORD).await;
        owner.log_out().await;
        for _ in 0..10 {
            assert_eq!(owner.clone().log_in(ADA, WRONG).await.status, 422);
        }
        assert_eq!(owner.clone().log_in(ADA, PASSWORD).await.status, 429);
        let moved = |address: &str| {
            let mut browser = from(&app, address);
            browser.jar = owner.jar.clone();
            browser
        };
        assert_eq!(moved("192.0.2.9").log_in(ADA, PASSWORD).await.status, 429, "wherever it is taken");
        assert_eq!(from(&app, "192.0.2.9").log_in(ADA, PASSWORD).await.status, 303, "the account has its own");
        assert_eq!(
            from(&app, "192.0.2.1").log_in(ADA, PASSWORD).await.status,
            429,
            "and so has the address, used up too"
        );
    }

    #[actix_web::test]
    async fn one_cookie_knows_the_five_accounts_that_were_used_last() {
        let app = TestApp::spawn();
        let mut browser = app.browser();
        for number in 0..7 {
            browser.sign_up(&format!("ada{number}@example.org"), "Ada", PASSWORD).await;
        }
        let entries = |browser: &Browser| browser.jar["device"].split('.').map(str::to_owned).collect::<Vec<_>>();
        let before = entries(&browser);
        assert_eq!(before.len(), 5);
        browser.log_in("ada4@example.org", PASSWORD).await;
        let after = entries(&browser);
        assert_eq!((after.len(), &after[0]), (5, &before[2]), "the same entry, put first");
    }

    #[actix_web::test]
    async fn only_the_hash_of_a_devices_number_is_stored() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let entry = URL_SAFE_NO_PAD.decode(&browser.jar["device"]).expect("base64url");
        let hash = two_doors::secrets::hex(&two_doors::secrets::sha256(&entry[..16]));
        assert_eq!(app.value("SELECT encode(hash, 'hex') FROM devices"), hash);
    }

    #[actix_web::test]
    async fn a_log_in_from_a_new_device_is_told_on_the_other_devices_until_each_says_that_it_is_known() {
        let app = TestApp::spawn();
        let (mut first, mut second) = (app.browser(), app.browser());
        first.sign_up(ADA, "Ada", PASSWORD).await;
        assert!(!first.get("/account").await.body.contains(NOTICE), "the first login ever is no news");
        second.log_in(ADA, PASSWORD).await;
        assert_eq!(app.count("auth_events e JOIN sessions s ON s.id = e.login_id WHERE kind = 'new device'"), 1);
        assert!(!second.get("/account").await.body.contains(NOTICE), "it knows itself");
        for path in ["/", "/account", "/problems"] {
            assert!(first.get(path).await.body.contains(NOTICE), "{path}");
        }
        let mut intruder = app.browser();
        intruder.log_in(ADA, PASSWORD).await;
        let acknowledge = async |browser: &mut Browser| {
            let page = browser.get("/account").await.body;
            let event = html::value(&page, "event").unwrap_or_default();
            browser.post_from("/account", "/account/devices/acknowledge", &[("event", &event)]).await
        };
        let highest = i64::MAX.to_string();
        for event in ["", "x", highest.as_str()] {
            intruder.post_from("/account", "/account/devices/acknowledge", &[("event", event)]).await;
        }
        assert!(
            second.get("/account").await.body.contains(NOTICE) && first.get("/account").await.body.contains(NOTICE)
        );
        assert_eq!(acknowledge(&mut first).await.status, 303);
        assert!(!first.get("/account").await.body.contains(NOTICE));
        assert!(second.get("/account").await.body.contains(NOTICE), "one device does not speak for another");
        first.log_in(ADA, PASSWORD).await;
        assert!(!first.get("/account").await.body.contains(NOTICE), "nor is it asked again");
        app.browser().log_in(ADA, PASSWORD).await;
        assert!(first.get("/account").await.body.contains(NOTICE), "the next one is news again");
    }

    #[actix_web::test]
    async fn a_second_new_device_does_not_hide_the_first_one() {
        let app = TestApp::spawn();
        let mut first = app.logged_in_browser(ADA).await;
        app.logged_in_browser(ADA).await;
        // The owner's own new telephone, right after the stranger.
        let mut second = app.logged_in_browser(ADA).await;
        assert!(second.get("/account").await.body.contains(NOTICE), "the one before it is news there");
        let page = first.get("/account").await.body;
        assert!(page.contains("2 log-ins to your account came from devices that had never done so."), "{page}");
        let event = html::value(&page, "event").expect("the newest");
        first.post_from("/account", "/account/devices/acknowledge", &[("event", &event)]).await;
        let page = first.get("/account").await.body;
        assert!(!page.contains(NOTICE), "{page}");
    }

    #[actix_web::test]
    async fn ten_of_them_are_told_and_the_oldest_of_more_goes() {
        let app = TestApp::spawn();
        let mut first = app.logged_in_browser(ADA).await;
        for _ in 0..12 {
            app.logged_in_browser(ADA).await;
        }
        assert!(first.get("/account").await.body.contains(">10 log-ins to your account"));
        assert_eq!(app.value("SELECT jsonb_array_length(new_devices) FROM users"), "10");
        let newest = "SELECT (new_devices #>> '{0,event}')::bigint = max(e.id) FROM users, auth_events e \
            WHERE kind = 'new device' GROUP BY new_devices";
        assert_eq!(app.value(newest), "true");
    }

    #[actix_web::test]
    async fn users_who_share_a_browser_acknowledge_each_for_themselves() {
        let app = TestApp::spawn();
        let mut shared = app.browser();
        for user in [ADA, GRACE] {
            assert_eq!(shared.sign_up(user, "Somebody", PASSWORD).await.status, 303);
            app.browser().log_in(user, PASSWORD).await;
        }
        for user in [ADA, GRACE] {
            shared.log_in(user, PASSWORD).await;
            let page = shared.get("/account").await.body;
            assert!(page.contains(NOTICE), "{user}");
            let event = html::value(&page, "event").expect("an event");
            shared.post_from("/account", "/account/devices/acknowledge", &[("event", &event)]).await;
        }
        for user in [ADA, GRACE] {
            shared.log_in(user, PASSWORD).await;
            assert!(!shared.get("/account").await.body.contains(NOTICE), "{user} is asked again");
        }
    }

    #[actix_web::test]
    async fn an_acknowledgement_counts_for_its_own_user_and_event_only() {
        let app = TestApp::spawn();
        let (mut first, mut second) = (app.browser(), app.browser());
        first.sign_up(ADA, "Ada", PASSWORD).await;
        second.log_in(ADA, PASSWORD).await;
        let many = ".".repeat(3_000);
        for forged in ["9223372036854775807.AAAA", "9223372036854775807", ".", "x.y", &many] {
            first.jar.insert("acknowledged".to_owned(), forged.to_owned());
            assert!(first.get("/account").await.body.contains(NOTICE), "{forged}");
        }
        // Good ones: of somebody else for what is later, and of Ada's own for another number.
        let mut grace = app.browser();
        grace.sign_up(GRACE, "Grace", PASSWORD).await;
        app.browser().log_in(GRACE, PASSWORD).await;
        let acknowledge = async |browser: &mut Browser| {
            let event = html::value(&browser.get("/account").await.body, "event").expect("an event");
            browser.post_from("/account", "/account/devices/acknowledge", &[("event", &event)]).await;
            assert!(!browser.get("/account").await.body.contains(NOTICE));
            (event, browser.jar["acknowledged"].clone())
        };
        let (_, of_grace) = acknowledge(&mut grace).await;
        first.jar.insert("acknowledged".to_owned(), of_grace);
        assert!(first.get("/account").await.body.contains(NOTICE), "somebody else's");
        first.jar.remove("acknowledged");
        let (event, own) = acknowledge(&mut first).await;
        app.browser().log_in(ADA, PASSWORD).await;
        assert!(own.contains(&event), "{own}");
        first.jar.insert("acknowledged".to_owned(), own.replace(&event, "9223372036854775807"));
        assert!(first.get("/account").await.body.contains(NOTICE), "another number");
    }

    #[actix_web::test]
    async fn the_notice_costs_no_statement() {
        let app = TestApp::spawn();
        let mut first = app.logged_in_browser(ADA).await;
        let before = first.get("/problems").await.statements();
        app.logged_in_browser(ADA).await;
        let page = first.get("/problems").await;
        assert!(page.body.contains(NOTICE));
        assert_eq!(page.statements(), before);
    }

    #[actix_web::test]
    async fn the_list_says_which_login_came_from_a_new_device() {
        let app = TestApp::spawn();
        let mut first = app.logged_in_browser(ADA).await;
        assert!(!first.get("/account/devices").await.body.contains("new device</b>"));
        app.logged_in_client(ADA).await;
        let page = first.get("/account/devices").await.body;
        assert_eq!(page.matches("new device</b>").count(), 1, "{page}");
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn strangers_who_use_up_an_accounts_budget_do_not_lock_its_owner_out() {
        let app = app(&[("THROTTLE_ACCOUNT", "5")]);
        app.sign_up(ADA).await;
        let device = by_call(&app, PASSWORD, None, "192.0.2.1").await.json()["device_token"].clone();
        let device = device.as_str().expect("a token");
        exhaust_the_account(&app).await;
        assert_eq!(by_call(&app, PASSWORD, None, "192.0.2.1").await.status, 429, "from a new device");
        let forged = "A".repeat(64);
        assert_eq!(by_call(&app, PASSWORD, Some(&forged), "192.0.2.1").await.status, 429);
        let answer = by_call(&app, PASSWORD, Some(device), "192.0.2.1").await;
        assert_eq!((answer.status, answer.json()["device_token"].as_str()), (200, Some(device)));
    }

    #[actix_web::test]
    async fn nor_do_they_keep_a_client_without_cookies_from_giving_its_password() {
        let app = app(&[("THROTTLE_ACCOUNT", "5")]);
        app.sign_up(ADA).await;
        let login = by_call(&app, PASSWORD, None, "192.0.2.1").await.json();
        let bearer = |login: &serde_json::Value| format!("Bearer {}", login["access_token"].as_str().expect("a token"));
        exhaust_the_account(&app).await;
        let mut authorization = bearer(&login);
        for (method, path, further) in [
            ("POST", "/api/auth/reauthenticate", json!({})),
            ("POST", "/api/account/password", json!({ "new_password": NEW_PASSWORD })),
            ("DELETE", "/api/account", json!({})),
        ] {
            let password = if method == "DELETE" { NEW_PASSWORD } else { PASSWORD };
            let mut body = further;
            body["current_password"] = json!(password);
            let headers = [
                ("content-type", "application/json"),
                ("x-forwarded-for", "192.0.2.1"),
                ("authorization", authorization.as_str()),
            ];
            assert_eq!(app.request(method, path, &headers, &body.to_string()).await.status, 429, "{path}");
            body["device_token"] = login["device_token"].clone();
            let answer = app.request(method, path, &headers, &body.to_string()).await;
            assert!(answer.status < 300, "{path}: {answer:?}");
            if method == "POST" {
                authorization = bearer(&answer.json());
            }
        }
    }

    #[actix_web::test]
    async fn a_devices_own_budget_is_used_up_by_ten_wrong_guesses() {
        let app = app(&[("THROTTLE_ACCOUNT_ADDRESS", "10")]);
        app.sign_up(ADA).await;
        let device = by_call(&app, PASSWORD, None, "192.0.2.1").await.json()["device_token"].clone();
        let device = device.as_str();
        for last in 1..=10 {
            assert_eq!(by_call(&app, WRONG, device, &format!("203.0.113.{last}")).await.status, 401);
        }
        assert_eq!(by_call(&app, PASSWORD, device, "192.0.2.1").await.status, 429);
        assert_eq!(by_call(&app, PASSWORD, None, "192.0.2.1").await.status, 200, "the account has its own");
    }

    #[actix_web::test]
    async fn a_client_with_a_cookie_jar_is_known_by_its_cookie_at_both_doors() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let headers = [("content-type", "application/json"), ("cookie", &*browser.cookies())];
        let body = json!({ "email": ADA, "password": PASSWORD }).to_string();
        let answer = app.request("POST", "/api/auth/login", &headers, &body).await;
        assert_eq!(answer.cookie_value("device"), browser.jar["device"]);
        assert_eq!(answer.json().get("device_token"), None);
        assert_eq!(app.count("auth_events WHERE kind = 'new device'"), 0);
        assert!(!browser.get("/account").await.body.contains(NOTICE));
    }

    #[actix_web::test]
    async fn a_log_in_from_a_new_device_is_recorded_and_listed() {
        let app = TestApp::spawn();
        let mut first = app.logged_in_browser(ADA).await;
        let client = app.logged_in_client(ADA).await;
        assert_eq!(client.get("/api/auth/tokens").await.json()[0]["new_device"], true);
        assert!(first.get("/account").await.body.contains(NOTICE), "on the devices at the other door too");
        let events =
            "auth_events e JOIN token_families f ON f.id = e.login_id WHERE e.kind = 'new device' AND door = 'token'";
        assert_eq!(app.count(events), 1);
    }
}
