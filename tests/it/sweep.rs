//! The sweeper deletes what is of no more use, a day after it ended, and nothing else.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use two_doors::everywhere::{Keep, SWEEPS};

use crate::support::{Client, PASSWORD, TestApp, binary::Binary};

const ADA: &str = "ada@example.org";

/// The defaults.
pub const KEEP: Keep = Keep { grace_seconds: 10.0, events_seconds: 90 * 86_400 };

/// One round of the sweeper, with the default grace; returns the number of rows.
fn sweep(app: &TestApp) -> usize {
    swept(app, KEEP)
}

/// The same, with what is to be kept.
pub fn swept(app: &TestApp, keep: Keep) -> usize {
    let mut conn = app.connect();
    SWEEPS.iter().map(|sweep| sweep(&mut conn, keep).expect("swept")).sum()
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn a_live_login_is_left_alone() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET created_at = created_at - interval '20 days', seen_at = seen_at - interval '29 minutes'");
        assert_eq!(sweep(&app), 0);
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn an_ended_login_is_kept_for_a_day_so_that_its_owner_can_be_told() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let mut tab = browser.clone();
        browser.log_out().await;
        app.execute("UPDATE sessions SET ended_at = ended_at - interval '23 hours'");
        assert_eq!(sweep(&app), 0);
        tab.get("/account").await;
        assert!(tab.get("/login").await.body.contains("You logged out."));
        app.execute("UPDATE sessions SET ended_at = ended_at - interval '61 minutes'");
        assert_eq!((sweep(&app), app.count("sessions")), (1, 0));
        assert!(!tab.is_logged_in().await, "and its key opens nothing either");
    }

    #[actix_web::test]
    async fn what_expired_is_marked_with_its_reason_and_deleted_a_day_after_that() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        for (reason, age) in [
            ("idle", "seen_at = seen_at - interval '31 minutes'"),
            ("absolute", "absolute_expires_at = clock_timestamp() - interval '1 minute'"),
        ] {
            let mut browser = app.logged_in_browser(ADA).await;
            app.execute(&format!("UPDATE sessions SET {age}"));
            assert_eq!((sweep(&app), app.value("SELECT end_reason FROM sessions").as_str()), (1, reason));
            assert!(!browser.is_logged_in().await);
            assert_eq!(sweep(&app), 0, "it is kept for a day");
            app.execute("UPDATE sessions SET ended_at = ended_at - interval '1 day'");
            assert_eq!((sweep(&app), app.count("sessions")), (1, 0));
        }
    }

    #[actix_web::test]
    async fn what_expired_long_ago_goes_in_one_round() {
        let app = TestApp::spawn();
        app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET absolute_expires_at = clock_timestamp() - interval '25 hours'");
        sweep(&app);
        assert_eq!(app.count("sessions"), 0);
    }

    #[actix_web::test]
    async fn a_row_that_somebody_is_working_on_is_left_for_the_next_round() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '31 minutes'");
        let hold = app.hold("UPDATE sessions SET seen_at = clock_timestamp()");
        assert_eq!(sweep(&app), 0);
        hold.commit();
        assert_eq!(sweep(&app), 0);
        assert!(browser.is_logged_in().await);
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn a_live_login_is_left_alone() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        client.renew().await;
        app.execute("UPDATE token_families SET created_at = created_at - interval '80 days', seen_at = seen_at - interval '13 days'");
        assert_eq!(sweep(&app), 0);
        assert_eq!((client.get("/api/account").await.status, client.renew().await.status), (200, 200));
    }

    #[actix_web::test]
    async fn an_ended_login_is_kept_for_a_day_so_that_its_owner_can_be_told() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        client.log_out().await;
        app.execute("UPDATE token_families SET ended_at = ended_at - interval '23 hours'");
        assert_eq!(sweep(&app), 0);
        assert_eq!(client.redeem().await.json()["detail"], "You logged out.");
        app.execute("UPDATE token_families SET ended_at = ended_at - interval '61 minutes'");
        assert_eq!((sweep(&app), app.count("token_families"), app.count("refresh_tokens")), (1, 0, 0));
        assert!(crate::races::is_dead(&client).await, "and its tokens open nothing either");
    }

    #[actix_web::test]
    async fn what_expired_is_marked_with_its_reason_and_deleted_a_day_after_that() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        for (reason, age) in [
            ("idle", "UPDATE refresh_tokens SET expires_at = clock_timestamp()"),
            ("absolute", "UPDATE token_families SET absolute_expires_at = clock_timestamp()"),
        ] {
            let client = app.logged_in_client(ADA).await;
            app.execute(age);
            assert_eq!((sweep(&app), app.value("SELECT end_reason FROM token_families").as_str()), (1, reason));
            assert!(crate::races::is_dead(&client).await);
            assert_eq!(sweep(&app), 0, "it is kept for a day");
            app.execute("UPDATE token_families SET ended_at = ended_at - interval '1 day'");
            assert_eq!((sweep(&app), app.count("token_families")), (1, 0));
        }
    }

    #[actix_web::test]
    async fn a_used_token_does_not_keep_a_login_whose_successor_expired() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        client.renew().await;
        app.execute("UPDATE refresh_tokens SET expires_at = clock_timestamp() WHERE used_at IS NULL");
        assert_eq!((sweep(&app), app.value("SELECT end_reason FROM token_families").as_str()), (1, "idle"));
    }

    #[actix_web::test]
    async fn what_the_successor_is_derived_from_is_forgotten_after_the_grace_and_reuse_is_still_noticed() {
        let app = TestApp::spawn();
        let old = app.logged_in_client(ADA).await;
        let mut client: Client = old.clone();
        client.renew().await;
        let within = swept(&app, Keep { grace_seconds: 3600.0, ..KEEP });
        assert_eq!((within, app.count("refresh_tokens WHERE nonce IS NOT NULL")), (0, 1), "within an hour's grace");
        app.execute("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE used_at IS NOT NULL");
        assert_eq!((sweep(&app), app.count("refresh_tokens WHERE nonce IS NOT NULL")), (1, 0));
        assert_eq!(client.get("/api/account").await.status, 200);
        assert_eq!(old.redeem().await.code(), "reused-refresh-token");
    }

    #[actix_web::test]
    async fn a_row_that_somebody_is_working_on_is_left_for_the_next_round() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp()");
        let hold = app.hold("UPDATE token_families SET absolute_expires_at = clock_timestamp() + interval '1 hour'");
        assert_eq!(sweep(&app), 0);
        hold.commit();
        assert_eq!(sweep(&app), 0);
        assert_eq!(client.get("/api/account").await.status, 200);
    }
}

#[actix_web::test]
async fn abandoned_throwaway_accounts_go_with_their_logins_and_events_and_nobody_else_goes() {
    let app = TestApp::spawn();
    // Nobody but an experiment may sign up at that address.
    for email in ["x@example.net", "y@example.net", "z@throwaway.invalid.example.org", ADA] {
        let mut browser = app.browser();
        assert_eq!(browser.sign_up(email, "Ada", PASSWORD).await.status, 303);
        app.logged_in_client(email).await;
    }
    // Nor does an account become one: the database sees to that.
    app.execute_all("ALTER TABLE users DISABLE TRIGGER users_throwaway");
    app.execute(
        "UPDATE users SET email = replace(email, 'example.net', 'throwaway.invalid'), \
         email_folded = replace(email_folded, 'example.net', 'throwaway.invalid')",
    );
    assert_eq!(sweep(&app), 0, "an experiment may still be running");
    app.execute(
        "UPDATE users SET created_at = created_at - interval '16 minutes' WHERE email <> 'y@throwaway.invalid'",
    );
    assert_eq!(sweep(&app), 1);
    let left = "SELECT string_agg(left(email, 1), '' ORDER BY email) FROM users";
    assert_eq!(app.value(left), "ayz");
    assert_eq!((app.live_logins(), app.count("refresh_tokens")), ((3, 3), 3));
    assert_eq!(
        app.count("auth_events e WHERE door <> 'none' AND NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id)"),
        0
    );
    assert_eq!(app.count("auth_events WHERE door <> 'none'"), 12, "a sign-up, two log-ins and a new device each");
}

#[actix_web::test]
async fn the_audit_trail_is_kept_as_long_as_configured_also_of_accounts_that_are_gone() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    app.execute("DELETE FROM users");
    // Else nobody can change what was recorded.
    app.execute_all("ALTER TABLE auth_events DISABLE TRIGGER USER");
    app.execute("DELETE FROM auth_events WHERE door = 'none'");
    app.execute("UPDATE auth_events SET at = at - interval '89 days'");
    app.execute_all("ALTER TABLE auth_events ENABLE TRIGGER auth_events_kept");
    assert_eq!((sweep(&app), app.count("auth_events")), (0, 1));
    app.execute("UPDATE auth_events SET at = at - interval '25 hours'");
    assert_eq!(swept(&app, Keep { events_seconds: 91 * 86_400, ..KEEP }), 0);
    assert_eq!((sweep(&app), app.count("auth_events")), (1, 0));
}

/// A login that ended more than a day ago, with so many further refresh tokens.
async fn login_to_delete(app: &TestApp, tokens: u32) {
    app.logged_in_client(ADA).await.log_out().await;
    app.execute("UPDATE token_families SET ended_at = ended_at - interval '25 hours'");
    app.execute(&format!(
        "INSERT INTO refresh_tokens (hash, family_id, expires_at) SELECT sha256(i::text::bytea), id, now() \
         FROM token_families, generate_series(1, {tokens}) i"
    ));
}

#[actix_web::test]
async fn a_login_with_more_tokens_than_go_at_once_goes_in_several_rounds() {
    let app = TestApp::spawn();
    login_to_delete(&app, 25_000).await;
    assert_eq!((sweep(&app), app.count("token_families"), app.count("refresh_tokens")), (1000, 1, 5001));
    assert_eq!((sweep(&app), app.count("token_families"), app.count("refresh_tokens")), (1, 0, 0));
}

#[actix_web::test]
async fn a_server_goes_on_sweeping_while_there_is_more() {
    let app = TestApp::spawn();
    login_to_delete(&app, 45_000).await;
    let began = Instant::now();
    let _sweeping = Binary::serve(app.database.url(), &[]);
    while app.count("token_families") > 0 {
        assert!(began.elapsed() < Duration::from_secs(40), "it waits for its next minute");
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn what_can_not_be_swept_keeps_nothing_else_from_it() {
    let app = TestApp::spawn();
    app.logged_in_client(ADA).await.log_out().await;
    app.execute_all(
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stuck'; END $$; \
         CREATE TRIGGER stuck BEFORE DELETE ON token_families EXECUTE FUNCTION stuck(); \
         UPDATE token_families SET ended_at = ended_at - interval '25 hours'; \
         ALTER TABLE auth_events DISABLE TRIGGER auth_events_stay; UPDATE auth_events SET at = at - interval '91 days'",
    );
    let sweeping = Binary::serve(app.database.url(), &[("LOG", "warn")]);
    let began = Instant::now();
    while app.count("auth_events") > 0 {
        assert!(began.elapsed() < Duration::from_secs(40), "it is kept from it");
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.count("token_families"), 1);
    sweeping.signal(Signal::SIGTERM);
    let log = sweeping.wait().1;
    assert!(log.contains("stuck"), "{log}");
}
