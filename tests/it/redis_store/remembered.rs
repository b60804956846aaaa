//! What a server remembers of sessions in Redis counts only for as long as Redis has said of nothing that it changed.

use actix_web::rt::spawn;

use super::{in_redis, lets_in, until};
use crate::{
    races::ADA,
    support::{
        Browser, NAMES, NEW_PASSWORD, PASSWORD, binary::Binary, html, postgres::TestDatabase, proxy::Proxy,
        redis::TestRedis, store::Store,
    },
};

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

/// More is changed than can be told apart: Redis says of everything at once that it may have changed.
const FORGETFUL: &[&str] = &["--tracking-table-max-keys", "1"];

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
    for (options, known) in [(&[][..], 1), (&[], 2), (&[], 3), (SILENT, 3), (FORGETFUL, 3)] {
        let app = in_redis(options);
        let redis = app.redis.as_ref().expect("a Redis");
        // One device: a new one would be noted in its user's row, which is copied within a second, over what is written here.
        let mut device = app.logged_in_browser(ADA).await;
        for change in [
            "DEL SESSION",
            "UNLINK SESSION",
            "PEXPIRE SESSION 0",
            "RENAME SESSION elsewhere",
            "HSET SESSION ended 1 reason banned",
            "HSET SESSION seen 1",
            "HSET SESSION absolute 1",
            "HSET SESSION idle 0",
            "HSET SESSION run another",
            "HSET USER since 1000",
            "HSET USER deleted 1",
            "EVICT",
            "FLUSHDB",
            "FLUSHALL",
            "SCRIPT",
        ] {
            redis.run::<()>(&["FLUSHALL"]);
            assert_eq!(device.log_in(ADA, PASSWORD).await.status, 303);
            let browser = device.clone();
            for _ in 0..known {
                assert!(lets_in(&browser).await, "before {change}");
            }
            let names = [("SESSION", redis.keys("session:")), ("USER", redis.keys("user:"))];
            let change = match change {
                "EVICT" => {
                    redis.run::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
                    redis.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
                    until("Redis has room for nothing", async || redis.run::<u8>(&["DBSIZE"]) == 0).await;
                    vec!["CONFIG", "SET", "maxmemory", "0"]
                }
                "SCRIPT" => vec!["EVAL", "redis.call('DEL', KEYS[1])", "1", "SESSION"],
                words => words.split(' ').collect(),
            };
            let named = |word: &str| names.iter().find(|(name, _)| *name == word).map(|(_, keys)| keys[0].clone());
            let change: Vec<_> = change.iter().map(|word| named(word).unwrap_or((*word).to_owned())).collect();
            redis.run::<()>(&change.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(!lets_in(&browser).await, "{change:?}");
        }
    }
}

#[actix_web::test]
async fn a_change_that_is_heard_of_only_with_the_answer_counts() {
    let Held { _server, _database, redis, wire, browser } = Held::begin(3).await;
    wire.freeze();
    end_the_session(&redis);
    until("Redis says so, on a wire where nothing moves", async || wire.holds_from_server("invalidate")).await;
    let answer = spawn(async move { lets_in(&browser).await });
    until("it is asked, and has not heard of the change", async || wire.holds_from_client("TIME")).await;
    wire.thaw();
    assert!(!answer.await.expect("an answer"));
}

#[actix_web::test]
async fn a_change_after_the_answer_counts_for_the_next_request_though_both_are_heard_of_at_once() {
    // What the script told is read once more now, so that Redis says what changes of it.
    let Held { _server, _database, redis, wire, browser } = Held::begin(1).await;
    let run: String = redis.run(&["HGET", &redis.keys("session:")[0], "run"]);
    wire.freeze_answers();
    let copy = browser.clone();
    let answer = spawn(async move { lets_in(&copy).await });
    until("Redis has answered, on a wire where nothing arrives", async || wire.holds_from_server(&run)).await;
    end_the_session(&redis);
    until("and has said of the change", async || wire.holds_from_server("invalidate")).await;
    wire.thaw();
    assert!(answer.await.expect("an answer"), "it was asked before the change");
    assert!(!lets_in(&browser).await);
}

/// A server whose wire to Redis can be frozen, and a browser that was let in some times.
struct Held {
    _server: Binary,
    _database: TestDatabase,
    redis: TestRedis,
    wire: Proxy,
    browser: Browser,
}

impl Held {
    async fn begin(known: usize) -> Self {
        let (database, redis) = (TestDatabase::create(), TestRedis::start());
        let wire = Proxy::to_redis(&redis);
        let url = wire.redis_url();
        let server = Binary::serve(database.url(), &[("SESSION_STORE", url.as_str())]);
        let mut browser = server.browser();
        assert_eq!(browser.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        for _ in 0..known {
            assert!(lets_in(&browser).await);
        }
        Self { _server: server, _database: database, redis, wire, browser }
    }
}

fn end_the_session(redis: &TestRedis) {
    redis.run::<()>(&["HSET", &redis.keys("session:")[0], "ended", "1", "reason", "banned"]);
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

#[actix_web::test]
async fn however_a_session_ends_two_servers_that_know_it_well_know_it_at_once() {
    let one = Store::Redis.with(NAMES);
    let other = one.beside(NAMES);
    for known in [1, 2, 3] {
        for ending in ["log out", "end one", "end others", "end all", "password", "password by a token", "delete"] {
            let email = format!("{}-{known}@example.org", ending.replace(' ', "-"));
            let (mut caller, browser) = (one.logged_in_browser(&email).await, one.logged_in_browser(&email).await);
            let mut client = one.logged_in_client(&email).await;
            let mut elsewhere = browser.clone();
            elsewhere.move_to(other.address);
            for _ in 0..known {
                assert!(lets_in(&browser).await && lets_in(&elsewhere).await, "before {ending}");
            }
            let devices = "/account/devices";
            let answer = match ending {
                "log out" => browser.clone().log_out().await,
                "end one" => {
                    let id = html::value(&caller.get(devices).await.body, "id").expect("the other device");
                    caller.post_from(devices, "/account/devices/end", &[("id", &id)]).await
                }
                "end others" => caller.post_from(devices, "/account/devices/end-others", &[]).await,
                "end all" => caller.post_from(devices, "/account/devices/end-all", &[]).await,
                "password" => caller.change_password(PASSWORD, NEW_PASSWORD).await,
                "password by a token" => client.change_password(PASSWORD, NEW_PASSWORD).await,
                _ => caller.post_from("/account", "/account/delete", &[("current_password", PASSWORD)]).await,
            };
            assert!(matches!(answer.status, 200 | 303), "{ending}: {answer:?}");
            assert!(!lets_in(&elsewhere).await && !lets_in(&browser).await, "{ending} after {known}");
        }
    }
}

#[actix_web::test]
async fn a_damaged_record_lets_nobody_in_and_troubles_nobody_else() {
    let app = Store::Redis.spawn();
    let redis = app.redis.as_ref().expect("a Redis");
    let other = app.logged_in_browser("bob@example.org").await;
    assert!(lets_in_again_and_again(&other).await);
    let kept = redis.keys("session:");
    let connections = || -> usize { redis.run::<String>(&["CLIENT", "LIST"]).lines().count() };
    for damage in ["HDEL state", "HDEL version", "HDEL user", "HDEL idle", "HSET seen never", "HSET state {", "SET"] {
        for known in [0, 1, 3] {
            let mut browser = app.logged_in_browser(ADA).await;
            for _ in 0..known {
                assert!(lets_in(&browser).await, "before {damage}");
            }
            let session = redis.keys("session:").into_iter().find(|key| !kept.contains(key)).expect("Ada's session");
            let before = connections();
            match damage.split(' ').collect::<Vec<_>>()[..] {
                [command, ref rest @ ..] if !rest.is_empty() => {
                    redis.run::<()>(&[&[command, session.as_str()], rest].concat());
                }
                _ => redis.run::<()>(&["SET", &session, "text"]),
            }
            let answer = browser.get("/account").await;
            assert!(matches!(answer.status, 303 | 503), "{damage} after {known}: {answer:?}");
            assert!(lets_in(&other).await, "{damage}");
            assert_eq!(connections(), before, "the connection is kept: {damage}");
            redis.run::<()>(&["DEL", &session]);
        }
    }
}

#[actix_web::test]
async fn a_redis_that_was_made_a_replica_is_as_good_as_away() {
    let app = Store::Redis.spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    assert!(lets_in_again_and_again(&browser).await);
    let redis = app.redis.as_ref().expect("a Redis");
    redis.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    until("the server sees that others write to another Redis", async || browser.get("/account").await.status == 503)
        .await;
    redis.run::<()>(&["REPLICAOF", "NO", "ONE"]);
    app.until_ready().await;
    assert!(lets_in(&browser).await);
}
