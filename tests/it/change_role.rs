//! A change of role: the session sees it at its next request, a claim says what it said until it is renewed.

use two_doors::accounts::{
    Role,
    standing::{Change, Refusal},
};

use crate::{
    races::{self, ADA, is_dead},
    support::{PASSWORD, TestApp},
};

const ROOT: &str = "root@example.org";

#[actix_web::test]
async fn the_last_admin_stays_one() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    assert!(matches!(app.try_change_role(ADA, Role::User), Err(Refusal::LastAdmin)));
    app.admin(ROOT).await;
    assert_eq!(app.change_role(ADA, Role::User), Change::Demotion);
    assert!(matches!(app.try_change_role(ROOT, Role::User), Err(Refusal::LastAdmin)));
}

#[actix_web::test]
async fn of_two_admins_who_are_demoted_at_once_one_is_left() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    app.admin(ROOT).await;
    let demotions = (app.ready_to_change_role(ADA, Role::User), app.ready_to_change_role(ROOT, Role::User));
    let (first, second) = races::one_after_the_other(&app, demotions.0, demotions.1).await;
    assert_eq!((first.status, second.status), (200, 409));
    assert_eq!(app.value("SELECT string_agg(email, ' ') FROM users WHERE role = 'admin'"), ROOT);
}

#[actix_web::test]
async fn a_role_that_one_has_already_is_no_change() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    assert_eq!(app.change_role(ADA, Role::User), Change::None);
    assert_eq!(app.count("auth_events WHERE kind = 'role changed'"), 0);
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn the_next_request_sees_it_either_way_and_the_session_goes_on() {
        let app = TestApp::spawn();
        app.admin(ROOT).await;
        let mut browser = app.logged_in_browser(ADA).await;
        for role in [Role::Admin, Role::User] {
            app.change_role(ADA, role);
            let me = browser.get("/account/me").await.json();
            assert_eq!(me["role"], role.as_str());
        }
        assert_eq!(
            app.value(
                "SELECT string_agg(detail, '; ' ORDER BY id) FROM auth_events WHERE kind = 'role changed' \
            AND user_id = (SELECT id FROM users WHERE email = 'ada@example.org')"
            ),
            "to admin; to user"
        );
    }

    #[actix_web::test]
    async fn after_a_demotion_the_password_still_logs_in() {
        let app = TestApp::spawn();
        app.admin(ROOT).await;
        app.admin(ADA).await;
        app.change_role(ADA, Role::User);
        assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303);
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn after_a_promotion_the_claims_say_the_old_role_until_they_are_renewed() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        app.change_role(ADA, Role::Admin);
        assert_eq!(client.get("/api/me").await.json()["role"], "user");
        assert_eq!(client.get("/api/account").await.json()["role"], "admin", "the live check reads the row");
        assert_eq!(client.renew().await.status, 200);
        assert_eq!(client.get("/api/me").await.json()["role"], "admin");
    }

    #[actix_web::test]
    async fn after_a_demotion_the_families_are_dead_and_the_claims_say_the_old_role_until_they_expire() {
        let app = TestApp::spawn();
        app.admin(ROOT).await;
        app.admin(ADA).await;
        let client = app.logged_in_client(ADA).await;
        app.change_role(ADA, Role::User);
        for answer in [client.get("/api/account").await, client.redeem().await] {
            assert_eq!(answer.status, 401);
            assert!(answer.body.contains("Your role was changed"), "{answer:?}");
        }
        assert_eq!(client.get("/api/me").await.json()["role"], "admin", "the scheme's limit");
        assert_eq!(app.count("token_families WHERE end_reason = 'role changed'"), 1);
        let again = app.logged_in_client(ADA).await;
        assert_eq!(again.get("/api/me").await.json()["role"], "user");
    }

    #[actix_web::test]
    async fn a_renewal_that_was_under_way_when_a_demotion_came_dies_too() {
        let app = TestApp::spawn();
        app.admin(ROOT).await;
        app.admin(ADA).await;
        let client = app.logged_in_client(ADA).await;
        let demotion = app.ready_to_change_role(ADA, Role::User);
        assert_eq!(races::renewal_before(&app, &client, demotion).await.status, 200);
        assert!(is_dead(&client).await);
        assert_eq!(app.live_logins(), (0, 0));
    }

    #[actix_web::test]
    async fn a_log_in_with_the_old_role_that_comes_second_is_refused() {
        let app = TestApp::spawn();
        app.admin(ROOT).await;
        app.admin(ADA).await;
        assert_eq!(races::log_ins_after(&app, app.ready_to_change_role(ADA, Role::User)).await.status, 200);
        assert_eq!(app.live_logins(), (0, 0));
    }
}
