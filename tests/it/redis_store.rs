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

mod remembered {
    use super::*;

    /// How often Redis was asked for these commands.
    fn asked(redis: &TestRedis, commands: &[&str]) -> Vec<String> {
        let stats: String = redis.run(&["INFO", "commandstats"]);
        let is_one = |line: &&str| commands.iter().any(|command| line.starts_with(&format!("cmdstat_{command}:")));
        stats.lines().filter(is_one).filter_map(|line| line.split(',').next().map(str::to_owned)).collect()
    }

    const SCRIPTS: [&str; 2] = ["eval", "evalsha"];
    const READINGS: [&str; 3] = ["hmget", "hget", "hgetall"];

    /// Nothing is told of what changes.
    const SILENT: &[&str] = &["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking"];

    /// So often that a server knows all that it can know of a session.
    async fn lets_in_again_and_again(copy: &Browser) -> bool {
        lets_in(copy).await && lets_in(copy).await && lets_in(copy).await
    }

    #[actix_web::test]
    async fn a_session_that_has_not_changed_is_judged_by_no_script_again() {
        for options in [&[], SILENT] {
            let app = in_redis(options);
            let mut browser = app.logged_in_browser(ADA).await;
            let redis = app.redis.as_ref().expect("a Redis");
            assert!(lets_in(&browser).await);
            let before = asked(redis, &SCRIPTS);
            assert!(lets_in_again_and_again(&browser).await);
            assert_eq!(asked(redis, &SCRIPTS), before);
            browser.post_from("/account", "/account/name", &[("display_name", "Countess")]).await;
            assert_ne!(asked(redis, &SCRIPTS), before);
            assert!(browser.get("/account").await.body.contains("value=\"Countess\""));
        }
    }

    #[actix_web::test]
    async fn a_session_is_not_read_again_until_redis_says_that_it_changed() {
        let app = Store::Redis.spawn();
        let browser = app.logged_in_browser(ADA).await;
        let redis = app.redis.as_ref().expect("a Redis");
        assert!(lets_in_again_and_again(&browser).await);
        let (read, clock) = (asked(redis, &READINGS), asked(redis, &["time"]));
        assert!(lets_in_again_and_again(&browser).await);
        assert_eq!(asked(redis, &READINGS), read);
        assert_ne!(asked(redis, &["time"]), clock, "but Redis is asked each time");
        let key = &redis.keys("session:")[0];
        redis.run::<()>(&["HSET", key, "agent", "another"]);
        assert!(lets_in(&browser).await);
        assert_ne!(asked(redis, &READINGS), read);
    }

    #[actix_web::test]
    async fn where_redis_tells_nothing_a_session_is_read_each_time() {
        let app = in_redis(SILENT);
        let browser = app.logged_in_browser(ADA).await;
        let redis = app.redis.as_ref().expect("a Redis");
        assert!(lets_in_again_and_again(&browser).await);
        let read = asked(redis, &READINGS);
        assert!(lets_in(&browser).await);
        assert_ne!(asked(redis, &READINGS), read);
    }

    #[actix_web::test]
    async fn whatever_changes_a_session_counts_for_the_next_request() {
        for (options, known) in [(&[][..], 2), (&[], 3), (SILENT, 3)] {
            let app = in_redis(options);
            let redis = app.redis.as_ref().expect("a Redis");
            for change in [
                "DEL SESSION",
                "UNLINK SESSION",
                "PEXPIRE SESSION 0",
                "RENAME SESSION elsewhere",
                "HSET SESSION ended 1 reason banned",
                "HSET SESSION seen 1",
                "HSET USER since 1000 revision 1000",
                "HSET USER deleted 1 revision 1000",
                "FLUSHDB",
                "FLUSHALL",
                "SCRIPT",
            ] {
                let browser = app.logged_in_browser(ADA).await;
                for _ in 0..known {
                    assert!(lets_in(&browser).await, "before {change}");
                }
                let names = [("SESSION", redis.keys("session:")), ("USER", redis.keys("user:"))];
                let change = match change {
                    "SCRIPT" => vec!["EVAL", "redis.call('DEL', KEYS[1])", "1", "SESSION"],
                    words => words.split(' ').collect(),
                };
                let named = |word: &str| names.iter().find(|(name, _)| *name == word).map(|(_, keys)| keys[0].clone());
                let change: Vec<_> = change.iter().map(|word| named(word).unwrap_or((*word).to_owned())).collect();
                redis.run::<()>(&change.iter().map(String::as_str).collect::<Vec<_>>());
                assert!(!lets_in(&browser).await, "{change:?}");
                redis.run::<()>(&["FLUSHALL"]);
            }
        }
    }

    #[actix_web::test]
    async fn a_change_that_is_heard_of_only_with_the_answer_counts() {
        let (database, redis) = (TestDatabase::create(), TestRedis::start());
        let wire = Proxy::to_redis(&redis);
        let url = wire.redis_url();
        let server = Binary::serve(database.url(), &[("SESSION_STORE", url.as_str())]);
        let mut browser = server.browser();
        assert_eq!(browser.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        assert!(lets_in_again_and_again(&browser).await);
        let session = &redis.keys("session:")[0];
        wire.freeze();
        redis.run::<()>(&["HSET", session, "ended", "1", "reason", "banned"]);
        until("Redis says so, on a wire where nothing moves", async || wire.held() >= 1).await;
        let answer = actix_web::rt::spawn(async move { lets_in(&browser).await });
        until("it is asked, and has not heard of the change", async || wire.held() >= 2).await;
        wire.thaw();
        assert!(!answer.await.expect("an answer"));
    }

    #[actix_web::test]
    async fn what_changes_while_the_connection_is_lost_counts_when_there_is_another() {
        let app = Store::Redis.spawn();
        let (browser, other) = (app.logged_in_browser(ADA).await, app.logged_in_browser("bob@example.org").await);
        assert!(lets_in_again_and_again(&browser).await);
        let redis = app.redis.as_ref().expect("a Redis");
        let ada = app.value(&format!("SELECT id FROM users WHERE email = '{ADA}'"));
        let mut sessions = redis.keys("session:").into_iter();
        let session = sessions.find(|key| redis.run::<String>(&["HGET", key, "user"]) == ada).expect("Ada's session");
        // In one step: nobody can have connected again in between.
        let mut step = redis::pipe();
        step.atomic().cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).cmd("DEL").arg(session);
        step.exec(&mut redis.connect()).expect("Redis answers");
        app.until_ready().await;
        assert!(!lets_in(&browser).await && lets_in(&other).await);
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
        let browser = app.logged_in_browser(ADA).await;
        let log_out = form(&browser, "/logout", &[]).await;
        // The audit trail is written after the session's end: stopped there, all is undone but what Redis did.
        let mut hold = app.hold("LOCK TABLE auth_events IN SHARE MODE");
        let log_out = spawn(log_out);
        hold.until_waiting(1).await;
        app.redis.as_ref().expect("a Redis").freeze();
        hold.kill_waiting();
        let answer = log_out.await.expect("answered");
        assert_eq!((answer.status, answer.set_cookie("session")), (503, None), "{answer:?}");
        app.redis.as_ref().expect("a Redis").thaw();
        app.until_ready().await;
        assert!(!lets_in(&browser).await, "ended is ended");
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
        doomed.signal(Signal::SIGKILL);
        doomed.wait();
        change.abort();
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
        two_doors::everywhere::sweep(&mut app.connect(), keep).expect("swept");
        assert_eq!(app.count(WAITING), 0);
    }
}
