//! A ban ends every credential of both kinds at once, those under way included, and keeps the person out at both doors.

use two_doors::accounts::{Role, standing::Refusal};

use crate::{
    races::{self, ADA},
    support::{Browser, Client, PASSWORD, TestApp},
};

const REASON: &str = "The reason given is: spam";

/// Nothing is alive, and nobody gets in.
async fn assert_nothing_alive(app: &TestApp) {
    assert_eq!(app.live_logins(), (0, 0));
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 403);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.code(), "banned");
    assert_eq!(app.live_logins(), (0, 0));
}

async fn logged_in(app: &TestApp) -> (Browser, Client) {
    (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await)
}

#[actix_web::test]
async fn it_is_in_the_audit_trail_with_its_reason_and_so_is_its_end() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    app.ban(ADA, "spam", None);
    app.unban(ADA);
    let events = app.value("SELECT string_agg(kind || ' ' || coalesce(detail, ''), '; ' ORDER BY id) FROM auth_events WHERE user_id IS NOT NULL");
    assert_eq!(events, "signed up ; banned without an end: spam; un-banned ");
    assert_eq!(app.value("SELECT credential_version FROM users"), "2");
}

#[actix_web::test]
async fn nobody_is_banned_into_the_past() {
    let app = TestApp::spawn();
    let (mut browser, _) = logged_in(&app).await;
    assert!(matches!(app.try_ban(ADA, "spam", Some(-60)), Err(Refusal::Past)));
    assert!(browser.is_logged_in().await);
    assert_eq!(app.count("auth_events WHERE kind = 'banned'"), 0);
}

#[actix_web::test]
async fn the_last_admin_can_be_neither_banned_nor_deleted() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    assert!(matches!(app.try_ban(ADA, "spam", None), Err(Refusal::LastAdmin)));
    let (mut browser, client) = logged_in(&app).await;
    let answer = browser.post_from("/account", "/account/delete", &[("current_password", PASSWORD)]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("You are the last admin"), "{answer:?}");
    let body = serde_json::json!({ "current_password": PASSWORD });
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.code(), "last-admin");
    assert!(browser.is_logged_in().await);
    app.admin("root@example.org").await;
    assert_eq!(client.send("DELETE", "/api/account", Some(&body)).await.status, 204, "another one is left");
}

#[actix_web::test]
async fn a_banned_admin_does_not_count_as_one_who_is_left() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    app.admin("root@example.org").await;
    app.ban("root@example.org", "spam", None);
    assert!(matches!(app.try_change_role(ADA, Role::User), Err(Refusal::LastAdmin)));
    app.unban("root@example.org");
    assert!(app.try_change_role(ADA, Role::User).is_ok());
}

#[actix_web::test]
async fn of_two_admins_who_delete_themselves_at_once_one_is_left() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    app.admin("root@example.org").await;
    let mut clients = Vec::new();
    for email in [ADA, "root@example.org"] {
        clients.push(app.logged_in_client(email).await);
    }
    let body = serde_json::json!({ "current_password": PASSWORD });
    let [first, second] = [0, 1].map(|one| races::call(&clients[one], "DELETE", "/api/account", body.clone()));
    let (first, second) = races::one_after_the_other(&app, first, second).await;
    assert_eq!((first.status, second.status), (204, 409));
    assert_eq!(app.count("users WHERE role = 'admin'"), 1);
}

#[actix_web::test]
async fn demo_accounts_can_be_neither_banned_nor_given_another_role() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    for email in ["ada@example.com", "grace@example.com"] {
        assert!(matches!(app.try_ban(email, "spam", None), Err(Refusal::Demo)));
        assert!(matches!(app.try_change_role(email, Role::User), Err(Refusal::Demo)));
    }
    assert_eq!(app.value("SELECT sum(credential_version) FROM users"), "3");
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn the_next_request_is_refused_with_a_page_that_says_why_and_until_when() {
        let app = TestApp::spawn();
        let (browser, _) = logged_in(&app).await;
        app.ban(ADA, "spam", Some(86_400));
        for _ in 0..2 {
            let answer = browser.clone().get("/account").await;
            assert_eq!(
                (answer.status, answer.header("cache-control")),
                (403, "private, no-store"),
                "nobody finds it by \"Back\""
            );
            assert!(answer.body.contains("Your account is banned until"), "{answer:?}");
            assert!(answer.body.contains(REASON), "{answer:?}");
        }
        assert_eq!(app.count("sessions WHERE end_reason = 'banned'"), 1);
        assert_nothing_alive(&app).await;
    }

    #[actix_web::test]
    async fn so_is_a_form_that_lay_open_and_it_changes_nothing() {
        let app = TestApp::spawn();
        let (browser, _) = logged_in(&app).await;
        let form = browser.filled_in("/account", "/account/name", &[("display_name", "Eve")]).await;
        app.ban(ADA, "spam", None);
        let (answer, mut browser) = form.send().await.expect("answered");
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains(REASON), "{answer:?}");
        let answer = browser.post_raw("/account/password", &[("current_password", PASSWORD)]).await;
        assert!(answer.body.contains(REASON), "also without a form's token: {answer:?}");
        assert_eq!(app.value("SELECT display_name FROM users"), "Ada");
    }

    #[actix_web::test]
    async fn a_session_that_had_ended_for_another_reason_is_told_that_one() {
        let app = TestApp::spawn();
        let (mut browser, _) = logged_in(&app).await;
        let mut copy = browser.clone();
        browser.log_out().await;
        app.ban(ADA, "spam", None);
        assert_eq!(copy.get("/account").await.status, 303);
        assert!(copy.get("/login").await.body.contains("You logged out."));
    }

    #[actix_web::test]
    async fn only_who_knows_the_password_is_told_at_the_log_in() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        app.ban(ADA, "<b>spam</b>", Some(3600));
        let answer = app.browser().log_in(ADA, PASSWORD).await;
        assert_eq!((answer.status, answer.set_cookie("session")), (403, None));
        assert!(answer.body.contains("Your account is banned until"), "{answer:?}");
        assert!(!answer.body.contains("<b>spam"), "{answer:?}");
        let wrong = app.browser().log_in(ADA, "not the password of anybody").await;
        assert_eq!(wrong.status, 422);
        assert!(!wrong.body.contains("banned"), "{wrong:?}");
        assert_eq!(app.count("auth_events WHERE kind = 'log-in failed' AND detail = 'banned'"), 1);
        assert_eq!(app.count("auth_events WHERE kind = 'log-in failed'"), 2);
    }

    #[actix_web::test]
    async fn a_ban_whose_end_has_passed_needs_no_lifting() {
        let app = TestApp::spawn();
        let (mut browser, _) = logged_in(&app).await;
        app.ban(ADA, "spam", Some(3600));
        app.execute(
            "UPDATE users SET banned_at = banned_at - interval '2 h', banned_until = banned_until - interval '2 h'",
        );
        assert_eq!(browser.get("/account").await.status, 303, "what ended stays ended");
        assert!(browser.get("/login").await.body.contains("Your account was banned, which ends every login."));
        assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303);
    }

    #[actix_web::test]
    async fn a_session_that_nothing_ended_is_refused_all_the_same() {
        let app = TestApp::spawn();
        let (mut browser, _) = logged_in(&app).await;
        app.execute("UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'by hand'");
        assert_eq!(browser.get("/account").await.status, 403);
    }

    #[actix_web::test]
    async fn log_ins_and_a_renewal_that_were_under_way_die_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let form = races::log_in_form_of_a_known_device(&app).await;
        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let log_in = form.send();
        hold.until_waiting(1).await;
        let call = actix_web::rt::spawn({
            let mut client = app.client();
            async move { client.log_in(ADA, PASSWORD).await }
        });
        hold.until_waiting(2).await;
        let ban = actix_web::rt::spawn(app.ready_to_ban(ADA));
        hold.until_waiting(3).await;
        hold.release();
        let (answer, mut browser) = log_in.await.expect("answered");
        assert_eq!((answer.status, call.await.expect("answered").status), (303, 200), "both were in time");
        assert_eq!(ban.await.expect("answered").status, 200);
        assert!(!browser.is_logged_in().await, "and ended with the rest");
        assert_eq!(client.redeem().await.code(), "banned");
        assert_nothing_alive(&app).await;
    }

    #[actix_web::test]
    async fn log_ins_that_come_second_are_refused() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        assert_eq!(races::log_ins_after(&app, app.ready_to_ban(ADA)).await.status, 200);
        assert_nothing_alive(&app).await;
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn live_routes_and_the_refresh_say_so_at_once_and_the_claims_go_on() {
        let app = TestApp::spawn();
        let (_, client) = logged_in(&app).await;
        app.ban(ADA, "spam", None);
        for answer in [client.get("/api/account").await, client.redeem().await, client.redeem().await] {
            assert_eq!((answer.status, answer.code().as_str()), (403, "banned"));
            let detail = answer.json()["detail"].to_string();
            assert!(detail.contains("without an end") && detail.contains(REASON), "{detail}");
        }
        assert_eq!(client.get("/api/me").await.status, 200);
        assert_eq!(app.count("token_families WHERE end_reason = 'banned'"), 1);
        assert_nothing_alive(&app).await;
    }

    #[actix_web::test]
    async fn the_live_check_still_costs_one_statement() {
        let app = TestApp::spawn();
        let (_, client) = logged_in(&app).await;
        assert_eq!(client.get("/api/account").await.statements(), 1);
        app.ban(ADA, "spam", None);
        assert_eq!(client.get("/api/account").await.statements(), 1);
    }

    #[actix_web::test]
    async fn only_who_knows_the_password_is_told_at_the_log_in() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        app.ban(ADA, "spam", Some(3600));
        let answer = app.client().log_in(ADA, PASSWORD).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "banned"));
        assert!(answer.body.contains(REASON), "{answer:?}");
        let wrong = app.client().log_in(ADA, "not the password of anybody").await;
        assert_eq!(wrong.code(), "wrong-credentials");
        assert!(!wrong.body.contains("banned"), "{wrong:?}");
    }

    #[actix_web::test]
    async fn after_an_un_ban_nothing_comes_back_but_the_log_in() {
        let app = TestApp::spawn();
        let (_, client) = logged_in(&app).await;
        app.ban(ADA, "spam", None);
        app.unban(ADA);
        assert_eq!(client.get("/api/account").await.code(), "invalid-token");
        assert_eq!(client.redeem().await.code(), "invalid-refresh-token");
        assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
    }

    #[actix_web::test]
    async fn a_family_that_nothing_ended_is_refused_all_the_same() {
        let app = TestApp::spawn();
        let (_, client) = logged_in(&app).await;
        app.execute("UPDATE users SET banned_at = clock_timestamp(), ban_reason = 'by hand'");
        assert_eq!(client.get("/api/account").await.code(), "banned");
        assert_eq!(client.redeem().await.code(), "banned");
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_dies_with_the_rest() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let hash = two_doors::secrets::hex(&two_doors::secrets::sha256(client.refresh_token.as_bytes()));
        let mut hold = app.hold(&format!("SELECT FROM refresh_tokens WHERE hash = '\\x{hash}' FOR UPDATE"));
        let mut renewed = client.clone();
        let renewal = actix_web::rt::spawn(async move { (renewed.renew().await, renewed) });
        hold.until_waiting(1).await;
        let ban = actix_web::rt::spawn(app.ready_to_ban(ADA));
        hold.until_waiting(2).await;
        hold.release();
        let (answer, renewed) = renewal.await.expect("answered");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(ban.await.expect("answered").status, 200);
        assert_eq!(renewed.redeem().await.code(), "banned");
        assert_eq!(renewed.get("/api/account").await.code(), "banned");
        assert_nothing_alive(&app).await;
    }

    #[actix_web::test]
    async fn a_renewal_that_overtakes_the_end_dies_with_its_family() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let ban = actix_web::rt::spawn(app.ready_to_ban(ADA));
        hold.until_waiting(1).await;
        let renewal = actix_web::rt::spawn({
            let client = client.clone();
            async move { client.redeem().await }
        });
        // The ban has counted the version up and is yet to end the family, which the renewal holds.
        hold.until_waiting(2).await;
        hold.release();
        assert_eq!(ban.await.expect("answered").status, 200);
        client.keep(&renewal.await.expect("answered"));
        assert_eq!(client.redeem().await.code(), "banned");
        assert_eq!(client.get("/api/account").await.code(), "banned");
        assert_nothing_alive(&app).await;
    }
}
