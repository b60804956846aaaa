//! What only sessions in Redis have to promise: Redis restarts, freezes and goes away, and shares no transaction with Postgres.

use std::time::{Duration, Instant};

use actix_web::rt::spawn;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::{
    races::{ADA, change_by_call, change_by_form, form},
    support::{
        Answer, Browser, NEW_PASSWORD, PASSWORD, TestApp, binary::Binary, html, postgres::TestDatabase, proxy::Proxy,
        redis::TestRedis, store::Store,
    },
};

mod remembered;

const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

async fn lets_in(copy: &Browser) -> bool {
    copy.clone().is_logged_in().await
}

fn in_redis(options: &[&str]) -> TestApp {
    TestApp::beside_redis(TestRedis::with(options), TestDatabase::create(), &[])
}

fn redis(app: &mut TestApp) -> &mut TestRedis {
    app.redis.as_mut().expect("a Redis")
}

fn is_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{answer:?}");
    assert!(answer.set_cookies().is_empty(), "{answer:?}");
    assert!(!answer.body.contains("edis"), "it tells too much: {answer:?}");
}

/// Asks until the answer is what is waited for.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

mod without_postgres {
    use super::*;

    #[actix_web::test]
    async fn a_session_needs_no_statement() {
        let app = Store::Redis.spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        browser.get("/account/me").await;
        let answer = browser.get("/account/me").await;
        assert_eq!((answer.status, answer.statements()), (200, 0));
        let beside = Store::Postgres.spawn().logged_in_browser(ADA).await.get("/account/me").await.statements();
        assert_eq!(beside, 1, "as against a table's");
    }

    #[actix_web::test]
    async fn a_session_works_while_the_database_is_away() {
        let app = Store::Redis.spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        assert!(lets_in(&browser).await);
        let outage = app.outage();
        assert_eq!(browser.get("/account/me").await.status, 200);
        is_unavailable(&browser.log_out().await);
        outage.end().await;
        assert!(lets_in(&browser).await);
    }

    #[actix_web::test]
    async fn whatever_redis_keeps_goes_by_itself() {
        let app = Store::Redis.spawn();
        let browser = app.logged_in_browser(ADA).await;
        assert!(lets_in(&browser).await);
        app.logged_in_browser(ADA).await.log_out().await;
        let (redis, day) = (app.redis.as_ref().expect("a Redis"), 86_400);
        let keys = redis.keys("");
        assert_eq!(keys.len(), 4, "two sessions, their user and the index: {keys:?}");
        for key in keys {
            let lives: i64 = redis.run(&["TTL", &key]);
            let is_ended = redis.run::<u8>(&["HEXISTS", &key, "ended"]) == 1;
            let most = match key.split(':').next().expect("a kind") {
                "session" if is_ended => day,
                // The day after it ended by itself, so that its owner can be told why.
                "session" => day + 30 * 60,
                "user" => day,
                _ => 12 * 3600,
            };
            assert!((most - 60..=most).contains(&lives), "{key} lives {lives} s");
        }
    }
}

mod restarts {
    use super::*;

    #[actix_web::test]
    async fn a_session_ended_after_the_last_snapshot_does_not_come_back() {
        let mut app = in_redis(&[]);
        let mut browser = app.logged_in_browser(ADA).await;
        let copy = browser.clone();
        let other = app.logged_in_browser(ADA).await;
        assert!(lets_in(&copy).await && lets_in(&other).await, "the server knows both");
        redis(&mut app).run::<()>(&["SAVE"]);
        browser.log_out().await;
        redis(&mut app).kill();
        redis(&mut app).start_again();
        assert_eq!(app.unended_sessions(), 2, "the snapshot knows nothing of the log-out");
        app.until_ready().await;
        assert!(!lets_in(&copy).await);
        assert!(!lets_in(&other).await, "nor does anybody know of the others whether they were ended");
        assert!(lets_in(&app.logged_in_browser(ADA).await).await, "logging in again helps");
    }

    #[actix_web::test]
    async fn the_copy_of_a_user_in_an_old_snapshot_does_not_count() {
        let mut app = in_redis(&[]);
        let mut browser = app.logged_in_browser(ADA).await;
        browser.get("/account").await;
        redis(&mut app).run::<()>(&["SAVE"]);
        browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await;
        redis(&mut app).kill();
        redis(&mut app).start_again();
        app.until_ready().await;
        // The same device: a new one would be noted in the user's row, and any change of that is copied anew.
        assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
        assert_eq!(app.count("session_outbox"), 0);
        let copy: String = app.redis.as_ref().expect("a Redis").run(&[
            "HGET",
            &format!("user:{}", app.value("SELECT id FROM users")),
            "data",
        ]);
        assert!(copy.contains("\"Ada\""), "{copy}");
        assert!(browser.get("/account").await.body.contains("value=\"Countess\""));
    }

    #[actix_web::test]
    async fn where_every_write_reaches_the_disk_a_restart_logs_nobody_out_and_nobody_in() {
        let mut app = in_redis(DURABLE);
        let (mut browser, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let copy = browser.clone();
        browser.log_out().await;
        redis(&mut app).kill();
        redis(&mut app).start_again();
        app.until_ready().await;
        assert!(lets_in(&other).await && !lets_in(&copy).await);
    }

    #[actix_web::test]
    async fn a_replica_that_takes_over_lets_nobody_in_as_it_may_not_know_of_the_last_log_out() {
        let app = in_redis(DURABLE);
        let replica = TestRedis::with(DURABLE);
        let redis = app.redis.as_ref().expect("a Redis");
        let browser = app.logged_in_browser(ADA).await;
        assert!(lets_in(&browser).await);
        // It has taken over from a master of its own, and has all that this one has, word for word.
        let keys: Vec<String> = redis.run(&["KEYS", "*"]);
        for key in keys {
            let fields: Vec<String> = redis.run(&["HGETALL", &key]);
            let words = ["HSET", &key].into_iter().chain(fields.iter().map(String::as_str));
            replica.run::<()>(&words.collect::<Vec<_>>());
        }
        let over = app.database.shared();
        let variables = [("SESSION_STORE", replica.url())];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let other = TestApp::on(over, &variables);
        let mut copy = browser.clone();
        copy.move_to(other.address);
        assert!(lets_in(&copy).await, "one that was always alone has lost nothing");
        replica.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
        replica.run::<()>(&["REPLICAOF", "NO", "ONE"]);
        drop(other);
        let other = TestApp::on(app.database.shared(), &variables);
        copy.move_to(other.address);
        assert!(!lets_in(&copy).await, "one that took over may have");
    }

    #[actix_web::test]
    async fn a_copy_that_is_missing_is_read_anew_and_never_taken_as_harmless() {
        let app = Store::Redis.spawn();
        let (browser, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser("bob@example.org").await);
        assert!(lets_in(&browser).await && lets_in(&other).await);
        let mut client = app.logged_in_client(ADA).await;
        client.change_password(PASSWORD, NEW_PASSWORD).await;
        let redis = app.redis.as_ref().expect("a Redis");
        for key in redis.keys("user:") {
            redis.run::<()>(&["DEL", &key]);
        }
        assert!(!lets_in(&browser).await);
        assert!(lets_in(&other).await);
    }
}

mod away {
    use super::*;

    /// Something that happens to the wire.
    type Change = fn(&Proxy);

    /// What everybody gets while Redis is away: nobody is logged out, nothing is half done, and the API goes on.
    async fn holds(app: &TestApp, browser: &mut Browser, forms: Vec<crate::races::Ready>) {
        let jar = browser.jar.clone();
        let client = app.logged_in_client("api@example.org").await;
        for path in ["/", "/account", "/account/me", "/login"] {
            let answer = browser.get(path).await;
            is_unavailable(&answer);
            assert!(answer.body.contains("can’t tell just now"), "{path} claims to know: {answer:?}");
            assert_eq!(html::text_of(&answer.body, "h1"), "The session store can't be reached", "{path}");
        }
        for form in forms {
            is_unavailable(&form.await);
        }
        assert_eq!(browser.jar, jar);
        assert_eq!(client.get("/api/me").await.status, 200);
        assert_eq!((client.get("/api/account").await.status, client.redeem().await.status), (200, 200));
        let change = change_by_call(&client, NEW_PASSWORD).await;
        assert_eq!(
            (change.status, change.code().as_str()),
            (503, "unavailable"),
            "it would have to reach sessions too"
        );
        let detail = change.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.starts_with("The session store can't be reached"), "{detail}");
        assert_eq!(client.get("/api/account").await.status, 200, "and nothing was changed");
        let ready = app.request("GET", "/readyz", &[], "").await;
        assert_eq!((ready.status, ready.body.as_str()), (503, "the session store does not answer\n"));
        assert_eq!(app.request("GET", "/healthz", &[], "").await.status, 200);
        assert_eq!(app.value("SELECT max(credential_version) FROM users"), "1");
    }

    async fn forms(browser: &Browser) -> Vec<crate::races::Ready> {
        vec![
            change_by_form(browser, NEW_PASSWORD).await,
            form(browser, "/account/name", &[("display_name", "Late")]).await,
            form(browser, "/logout", &[]).await,
        ]
    }

    #[actix_web::test]
    async fn a_killed_redis_logs_nobody_out() {
        let mut app = in_redis(DURABLE);
        let mut browser = app.logged_in_browser(ADA).await;
        app.logged_in_client("api@example.org").await;
        let forms = forms(&browser).await;
        redis(&mut app).kill();
        holds(&app, &mut browser, forms).await;
        redis(&mut app).start_again();
        app.until_ready().await;
        assert!(lets_in(&browser).await, "without a restart of ours");
        browser.log_out().await;
        assert!(!lets_in(&browser).await);
    }

    #[actix_web::test]
    async fn a_frozen_redis_holds_nobody_up_for_long_and_logs_nobody_out() {
        let app = Store::Redis.spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.logged_in_client("api@example.org").await;
        let forms = forms(&browser).await;
        app.redis.as_ref().expect("a Redis").freeze();
        let began = Instant::now();
        is_unavailable(&browser.get("/account").await);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        holds(&app, &mut browser, forms).await;
        app.redis.as_ref().expect("a Redis").thaw();
        app.until_ready().await;
        assert!(lets_in(&browser).await);
    }

    #[actix_web::test]
    async fn a_redis_that_is_cut_off_slow_or_frozen_is_away_until_it_is_back_and_told_of_once() {
        let (database, redis) = (TestDatabase::create(), TestRedis::start());
        let wire = Proxy::to_redis(&redis);
        let url = wire.redis_url();
        let server = Binary::serve(database.url(), &[("SESSION_STORE", url.as_str()), ("LOG", "warn")]);
        let mut ada = server.browser();
        assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        let mut client = server.client();
        client.log_in(ADA, PASSWORD).await;
        let ways: [(&str, [Change; 2]); 3] = [
            ("cut off", [Proxy::cut, Proxy::mend]),
            ("slow", [|wire| wire.slow_down(Duration::from_secs(3)), |wire| wire.slow_down(Duration::ZERO)]),
            ("frozen", [Proxy::freeze, Proxy::thaw]),
        ];
        for (what, [goes, returns]) in ways {
            goes(&wire);
            for _ in 0..30 {
                is_unavailable(&ada.get("/account").await);
                assert_eq!((client.get("/api/me").await.status, client.get("/api/account").await.status), (200, 200));
            }
            returns(&wire);
            until(what, async || ada.get("/account/me").await.status == 200).await;
        }
        let (_, log) = server.stop();
        let told = log.lines().filter(|line| line.contains("Redis")).count();
        // That it is gone, and that it can't be reached, for each of the three.
        assert!((3..=6).contains(&told) && log.lines().count() < 10, "{log}");
    }

    #[actix_web::test]
    async fn a_redis_that_freezes_during_a_log_out_makes_it_an_error() {
        let app = Store::Redis.spawn();
        let redis = app.redis.as_ref().expect("a Redis");
        let browser = app.logged_in_browser(ADA).await;
        let log_out = form(&browser, "/logout", &[]).await;
        assert!(lets_in(&browser).await, "and is well known from now on: to be looked up it needs nothing that writes");
        // It goes on to answer what only reads.
        redis.run::<String>(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        let answer = log_out.await;
        assert_eq!((answer.status, answer.set_cookie("session")), (503, None), "{answer:?}");
        redis.run::<String>(&["CLIENT", "UNPAUSE"]);
        app.until_ready().await;
        assert_eq!(form(&browser, "/logout", &[]).await.await.status, 303, "the next one ends it, or finds it ended");
        assert!(!lets_in(&browser).await);
    }

    #[actix_web::test]
    async fn a_server_starts_without_redis_and_finds_it_later() {
        let mut redis = TestRedis::start();
        redis.kill();
        let url = redis.url();
        let app = TestApp::with(&[("SESSION_STORE", url.as_str())]);
        app.sign_up(ADA).await;
        is_unavailable(&app.browser().log_in(ADA, PASSWORD).await);
        redis.start_again();
        app.until_ready().await;
        assert!(lets_in(&app.logged_in_browser(ADA).await).await);
    }
}

/// Postgres commits, and Redis must follow.
mod outbox {
    use super::*;

    const WAITING: &str = "session_outbox";

    fn new_password() -> serde_json::Value {
        json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD })
    }

    #[actix_web::test]
    async fn a_change_is_in_redis_before_it_is_answered() {
        let app = Store::Redis.spawn();
        let (browser, mut client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
        client.change_password(PASSWORD, NEW_PASSWORD).await;
        assert_eq!(app.count(WAITING), 0);
        assert!(!lets_in(&browser).await);
    }

    #[actix_web::test]
    async fn a_server_killed_between_the_commit_and_redis_leaves_nothing_alive() {
        // Looks on, with sessions of its own: nobody else is there to repair anything.
        let app = TestApp::spawn();
        let redis = TestRedis::start();
        let wire = Proxy::to_redis(&redis);
        let url = wire.redis_url();
        let doomed = Binary::serve(app.database.url(), &[("SESSION_STORE", url.as_str())]);
        app.sign_up(ADA).await;
        let (mut browser, mut client) = (doomed.browser(), doomed.client());
        assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
        assert!(lets_in(&browser).await);
        client.log_in(ADA, PASSWORD).await;

        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let change = spawn(async move { client.send("POST", "/api/account/password", Some(&new_password())).await });
        hold.until_waiting(1).await;
        wire.freeze();
        hold.release();
        until("the change commits", async || app.value("SELECT credential_version FROM users") == "2").await;
        assert_eq!(
            change.await.expect("answered").status,
            503,
            "nobody is told that it is done while Redis lets them in"
        );
        doomed.signal(Signal::SIGKILL);
        doomed.wait();
        drop(wire);
        assert_eq!(app.count(WAITING), 1, "it was killed before Redis knew");
        let since: String = redis.run(&["HGET", &redis.keys("user:")[0], "since"]);
        assert_eq!(since, "1", "as far as Redis knows, the session lets somebody in");

        let url = redis.url();
        let next = app.beside(&[("SESSION_STORE", url.as_str())]);
        browser.move_to(next.address);
        assert!(!lets_in(&browser).await, "the next server knows better from its first request on");
        assert_eq!(app.count(WAITING), 0);
    }

    #[actix_web::test]
    async fn a_change_from_elsewhere_is_noticed_within_a_second_or_so() {
        let app = Store::Redis.spawn();
        let browser = app.logged_in_browser(ADA).await;
        assert!(lets_in(&browser).await);
        app.execute(
            "UPDATE users SET credential_version = credential_version + 1, \
             sessions_since = credential_version + 1, sessions_end_reason = 'banned'",
        );
        until("the session ends", async || !lets_in(&browser).await).await;
        let mut tab = browser.clone();
        tab.get("/account").await;
        assert!(tab.get("/login").await.body.contains("Your account was banned"));
    }

    #[actix_web::test]
    async fn a_version_counted_up_carries_sessions_over_unless_they_are_to_end() {
        let app = Store::Redis.spawn();
        let browser = app.logged_in_browser(ADA).await;
        assert!(lets_in(&browser).await);
        app.execute("UPDATE users SET credential_version = credential_version + 1, role = 'admin'");
        until("the role is copied", async || browser.clone().get("/account/me").await.json()["role"] == "admin").await;
    }

    #[actix_web::test]
    async fn an_older_copy_never_replaces_a_later_one() {
        let app = Store::Redis.spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        browser.get("/account").await;
        let redis = app.redis.as_ref().expect("a Redis");
        redis.run::<()>(&["HSET", &redis.keys("user:")[0], "revision", "1000"]);
        browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await;
        assert!(browser.get("/account").await.body.contains("value=\"Ada\""), "the copy is the later one");
        assert_eq!(app.count(WAITING), 0);
        let client = app.logged_in_client(ADA).await;
        let body = json!({ "current_password": PASSWORD });
        client.send("DELETE", "/api/account", Some(&body)).await;
        assert!(!lets_in(&browser).await, "but deleted is later than anything");
    }

    #[actix_web::test]
    async fn without_redis_the_outbox_holds_one_row_a_user_and_is_swept() {
        let app = Store::Postgres.spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let before: u32 = app.value("SELECT revision FROM users").parse().expect("a number");
        for name in ["Countess", "Lovelace"] {
            browser.post_from("/account", "/account/name", &[("display_name", name)]).await;
        }
        let revision = (before + 2).to_string();
        assert_eq!((app.count(WAITING), app.value("SELECT revision FROM session_outbox")), (1, revision.clone()));
        app.execute("UPDATE users SET password_hash = password_hash || ' '");
        assert_eq!(app.value("SELECT revision FROM users"), revision, "another hash of the same password is no change");
        app.execute("UPDATE session_outbox SET changed_at = changed_at - interval '49 hours'");
        let keep = two_doors::everywhere::Keep { grace_seconds: 10.0, events_seconds: 86_400 };
        crate::sweep::swept(&app, keep);
        assert_eq!(app.count(WAITING), 0);
    }
}
