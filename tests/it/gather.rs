//! Gathered look-ups: many requests share a statement, and none shares one that was sent before it came.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Mutex, mpsc},
    time::Duration,
};

use actix_web::rt::spawn;
use diesel::{
    PgConnection, RunQueryDsl as _,
    connection::SimpleConnection as _,
    dsl::sql,
    sql_types::{Integer, Text},
};
use two_doors::{
    accounts::ending::EndReason,
    db::{Asking, Lookup, Pool},
    session::{
        key::HashedKey,
        record::{self, Loaded},
    },
};

use crate::support::{TestApp, postgres::TestDatabase};

const ADA: &str = "ada@example.org";
const PATIENCE: Duration = Duration::from_secs(30);

/// How often PostgreSQL is asked to sweep, if need be.
const MANY: usize = 500;

/// Lets every task of this thread do what it can.
async fn everybody_has_had_a_turn() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn a_lookup_begins_after_it_was_asked_for_also_with_the_very_same_key() {
    let database = TestDatabase::create();
    database.connect().batch_execute("CREATE TABLE ended (key integer)").expect("a table");
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let (read, mut was_read) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    // Reads, and holds the answer back until it is told to go on.
    let lookup: Lookup<i32, bool> = pool.gatherer().lookup(move |conn: &mut Asking<'_>, keys: &[i32]| {
        let ended: Vec<i32> = diesel::select(sql::<Integer>("key FROM ended")).load(&mut **conn)?;
        read.send(keys.to_vec()).expect("the test waits");
        held.lock().expect("unpoisoned").recv().expect("the test goes on");
        Ok(keys.iter().map(|key| ended.contains(key)).collect())
    });
    let ask = |key| {
        let lookup = lookup.clone();
        spawn(async move { lookup.ask(key).await.expect("answered") })
    };

    let before = ask(1);
    assert_eq!(was_read.recv().await, Some(vec![1]), "who comes alone is asked for at once");
    // The answer is on its way when the end is committed; whoever asks now must learn of it.
    database.connect().batch_execute("INSERT INTO ended VALUES (1)").expect("ended");
    let (after, another, again) = (ask(1), ask(2), ask(1));
    everybody_has_had_a_turn().await;
    go_on.send(()).expect("it is held");
    assert!(!before.await.expect("answered"), "it came before the end");
    assert_eq!(was_read.recv().await, Some(vec![1, 2, 1]), "whatever waited goes in one statement");
    go_on.send(()).expect("it is held");
    assert!(after.await.expect("answered") && again.await.expect("answered"), "they came after the end");
    assert!(!another.await.expect("answered"), "each has its own answer");
    assert!(was_read.try_recv().is_err(), "two statements did for all four");
}

#[actix_web::test]
async fn a_statement_that_fails_fails_for_all_that_share_it_and_for_nobody_else() {
    let database = TestDatabase::create();
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup: Lookup<i32, i32> = pool.gatherer().lookup(|conn: &mut Asking<'_>, keys: &[i32]| {
        let tenths = |key: &i32| Ok(diesel::select(sql::<Integer>(&format!("10 / {key}"))).get_result(&mut **conn)?);
        keys.iter().map(tenths).collect()
    });
    let (five, nothing) = tokio::join!(lookup.ask(2), lookup.ask(0));
    assert!(five.is_err() && nothing.is_err());
    assert!(nothing.expect_err("refused").to_string().contains("division by zero"));
    assert_eq!(lookup.ask(2).await.expect("answered"), 5, "it was no outage");
}

#[actix_web::test]
async fn among_many_that_share_statements_nobody_gets_in_after_the_answer_of_a_log_out() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let (shared, is_over) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(false)));
    let copies: Vec<_> = (0..16)
        .map(|_| {
            let (mut copy, shared, is_over) = (ada.clone(), Rc::clone(&shared), Rc::clone(&is_over));
            spawn(async move {
                loop {
                    let came_after = is_over.get();
                    let answer = copy.get("/account/me").await;
                    assert_eq!(answer.statements(), 1, "a shared statement counts as one in each: {answer:?}");
                    if answer.header("server-timing").contains("desc=\"1 statement, 1 shared\"") {
                        shared.borrow_mut().get_or_insert(answer.status);
                    }
                    match answer.status {
                        200 => assert!(!came_after, "let in after the log-out was answered"),
                        status => return assert_eq!(status, 303),
                    }
                }
            })
        })
        .collect();
    while shared.borrow().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(ada.log_out().await.status, 303);
    is_over.set(true);
    for copy in copies {
        copy.await.expect("refused in the end");
    }
    assert_eq!(*shared.borrow(), Some(200), "the shared statements let in whoever is alive");
}

/// A user with a session whose key is their name.
const A_LOGIN: &str = "WITH new AS (INSERT INTO users (email, email_folded, display_name, password_hash)
        VALUES ('NAME', 'NAME', 'NAME', '') RETURNING id)
    INSERT INTO sessions (key_hash, user_id, remembered, idle_ttl_seconds, absolute_expires_at, user_agent, address)
        SELECT sha256('NAME'), id, false, 3600, clock_timestamp() + interval '1 hour', '', '127.0.0.1' FROM new";

#[actix_web::test]
async fn rows_that_one_transaction_changed_are_all_seen_changed() {
    let database = TestDatabase::create();
    let mut conn = database.connect();
    for name in ["anna", "bert"] {
        conn.batch_execute(&A_LOGIN.replace("NAME", name)).expect("a login");
    }
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    let end = |name: &'static str| {
        let lookup = lookup.clone();
        async move { lookup.ask(HashedKey::of(name)).await.expect("answered").expect("there is a row").end() }
    };
    assert_eq!(tokio::join!(end("anna"), end("bert")), (None, None), "both are alive, and remembered");
    conn.batch_execute("UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'replaced'").expect("ended");
    // Now the version that `bert` has, too, is one that is known: of `anna`.
    assert_eq!(end("anna").await, Some(EndReason::Replaced));
    assert_eq!(tokio::join!(end("anna"), end("bert")), (Some(EndReason::Replaced), Some(EndReason::Replaced)));
    conn.batch_execute("UPDATE sessions SET ended_at = NULL, end_reason = NULL").expect("taken back");
    conn.batch_execute("UPDATE users SET banned_at = clock_timestamp(), ban_reason = '' WHERE email = 'anna'")
        .expect("banned");
    assert_eq!(
        tokio::join!(end("bert"), end("anna")),
        (None, Some(EndReason::Banned)),
        "the user's row counts as well"
    );
    conn.batch_execute("DELETE FROM users").expect("deleted");
    assert!(lookup.ask(HashedKey::of("anna")).await.expect("answered").is_none(), "what is remembered is no row");
}

/// Where the rows of a user and of their session lie.
fn places(conn: &mut PgConnection, name: &str) -> String {
    diesel::select(sql::<Text>(&format!(
        "sessions.ctid || ' ' || users.ctid FROM sessions JOIN users ON users.id = user_id WHERE email = '{name}'"
    )))
    .get_result(conn)
    .expect("a login")
}

/// Which of these are let in, all of them asked for at once.
async fn let_in(lookup: &Lookup<HashedKey, Option<Loaded>>, names: &[&'static str]) -> String {
    let ask = |name: &&'static str| {
        let (lookup, name) = (lookup.clone(), *name);
        spawn(async move { (name, lookup.ask(HashedKey::of(name)).await.expect("answered")) })
    };
    let mut found = Vec::new();
    for asked in names.iter().map(ask).collect::<Vec<_>>() {
        let (name, session) = asked.await.expect("asked");
        if let Some(session) = session.filter(|session| session.end().is_none()) {
            assert_eq!(session.user.email, name);
            found.push(name);
        }
    }
    found.join(" ")
}

#[actix_web::test]
async fn of_many_that_are_known_each_that_changed_is_seen_changed() {
    let database = TestDatabase::create();
    let mut conn = database.connect();
    let everybody = ["anna", "bert", "cara", "dora", "emil"];
    for name in everybody {
        conn.batch_execute(&A_LOGIN.replace("NAME", name)).expect("a login");
    }
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    for (change, rest) in [
        ("SELECT 1", "anna bert cara dora emil"),
        ("SELECT 1", "anna bert cara dora emil"),
        ("UPDATE sessions SET seen_at = clock_timestamp()", "anna bert cara dora emil"),
        (
            "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'replaced' WHERE key_hash = sha256('emil')",
            "anna bert cara dora",
        ),
        ("UPDATE users SET banned_at = clock_timestamp(), ban_reason = '' WHERE email = 'dora'", "anna bert cara"),
        ("DELETE FROM users WHERE email = 'bert'", "anna cara"),
        ("UPDATE sessions SET idle_ttl_seconds = 1, seen_at = seen_at - interval '2 s'", ""),
    ] {
        conn.batch_execute(change).expect("changed");
        assert_eq!(let_in(&lookup, &everybody).await, rest, "{change}");
    }
}

#[actix_web::test]
async fn a_row_that_lies_where_another_one_lay_is_not_taken_for_it() {
    let database = TestDatabase::create();
    let mut conn = database.connect();
    for name in ["anna", "cara", "dora", "emil"] {
        conn.batch_execute(&A_LOGIN.replace("NAME", name)).expect("a login");
    }
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    assert_eq!(let_in(&lookup, &["anna", "cara", "dora", "emil"]).await, "anna cara dora emil");
    let place = places(&mut conn, "anna");
    // Not swept is what somebody else may still see: PostgreSQL's own workers, too.
    let is_taken = (0..MANY).any(|_| {
        let statements = [
            "DELETE FROM users WHERE email IN ('anna', 'bert')",
            "VACUUM users",
            "VACUUM sessions",
            &A_LOGIN.replace("NAME", "bert"),
        ];
        for statement in statements {
            conn.batch_execute(statement).expect("carried out");
        }
        places(&mut conn, "bert") == place
    });
    assert!(is_taken, "there is room again");
    assert_eq!(
        let_in(&lookup, &["anna", "cara", "dora", "emil"]).await,
        "cara dora emil",
        "who lies there is known by id"
    );
    assert_eq!(let_in(&lookup, &["bert", "cara", "dora", "emil"]).await, "bert cara dora emil");
    let all = ["anna", "bert", "cara", "dora", "emil"];
    assert_eq!(let_in(&lookup, &all).await, "bert cara dora emil", "one place, at which two are known");
}

#[actix_web::test]
async fn a_row_that_was_changed_and_lies_again_where_it_lay_is_seen_changed() {
    let database = TestDatabase::create();
    let mut conn = database.connect();
    let everybody = ["anna", "cara", "dora", "emil"];
    for name in everybody {
        conn.batch_execute(&A_LOGIN.replace("NAME", name)).expect("a login");
    }
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    assert_eq!(let_in(&lookup, &everybody).await, "anna cara dora emil");
    let place = places(&mut conn, "anna");
    let is_back = (0..MANY).any(|_| {
        let end =
            "UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'replaced' WHERE key_hash = sha256('anna')";
        for statement in [end, "VACUUM sessions"] {
            conn.batch_execute(statement).expect("carried out");
        }
        places(&mut conn, "anna") == place
    });
    assert!(is_back, "only the transaction tells");
    assert_eq!(let_in(&lookup, &everybody).await, "cara dora emil");
}

#[actix_web::test]
async fn a_row_that_is_moved_to_where_another_one_of_the_same_transaction_lay_is_not_taken_for_it() {
    let database = TestDatabase::create();
    let mut conn = database.connect();
    let logins = ["cara", "dora", "emil", "anna", "bert"].map(|name| A_LOGIN.replace("NAME", name)).join(";");
    conn.batch_execute(&format!("BEGIN; {logins}; COMMIT")).expect("five logins");
    let pool = Pool::new(database.url(), 1, PATIENCE).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    let before_bert = ["anna", "cara", "dora", "emil"];
    assert_eq!(let_in(&lookup, &before_bert).await, "anna cara dora emil");
    let place = places(&mut conn, "anna");
    conn.batch_execute("DELETE FROM users WHERE email = 'anna'").expect("deleted");
    let is_taken = (0..MANY).any(|_| {
        for statement in ["VACUUM FULL users", "VACUUM FULL sessions"] {
            conn.batch_execute(statement).expect("carried out");
        }
        places(&mut conn, "bert") == place
    });
    assert!(is_taken, "as the same transaction made both, only their ids tell them apart");
    assert_eq!(let_in(&lookup, &before_bert).await, "cara dora emil");
    assert_eq!(let_in(&lookup, &["anna", "bert", "cara", "dora", "emil"]).await, "bert cara dora emil");
}

#[actix_web::test]
async fn two_logins_in_one_statement_are_never_taken_for_one_another() {
    let app = TestApp::spawn();
    let users: Vec<String> = (0..8).map(|number| format!("user{number}@example.org")).collect();
    let mut asking = Vec::new();
    for email in &users {
        let (mut browser, client) = (app.logged_in_browser(email).await, app.logged_in_client(email).await);
        let id = client.get("/api/account").await.json()["id"].clone();
        asking.push(spawn(async move {
            for _ in 0..40 {
                assert_eq!(browser.get("/account/me").await.json()["id"], id);
                assert_eq!(client.get("/api/account").await.json()["id"], id);
            }
        }));
    }
    for asking in asking {
        asking.await.expect("each found themselves");
    }
}
