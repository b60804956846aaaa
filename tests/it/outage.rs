//! The database is away: nobody is logged out by that, whoever needs no database is served, and nothing has to be restarted.
//!
//! The wire between server and database is cut (everything is refused at once) or frozen (nothing is ever answered).

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use two_doors::db::private_postgres::PrivatePostgres;

use crate::support::{
    Answer, Browser, Client, PASSWORD, TestApp,
    binary::Binary,
    feed, html,
    postgres::{TestDatabase, TestFolder, throwaway},
    proxy::Proxy,
    routes,
};

const ADA: &str = "ada@example.org";

/// A server whose database can be cut off.
struct Wired {
    // First, so that nothing of the server waits for ever when it is stopped.
    wire: Proxy,
    app: TestApp,
}

impl Wired {
    fn spawn(variables: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create();
        let wire = Proxy::to(&database);
        let url = wire.url();
        let ours = [("DATABASE_URL", url.as_str()), ("DATABASE_TIMEOUT", "2s")];
        let variables: Vec<_> = variables.iter().copied().chain(ours).collect();
        Self { app: TestApp::on(database, &variables), wire }
    }
}

/// Asks until the server has noticed that the database is there again.
async fn comes_back(app: &TestApp) {
    for _ in 0..600 {
        if app.client().get("/readyz").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not come back by itself");
}

/// 503 with a time to wait, and the cookie jar untouched.
fn is_unavailable(what: &str, answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{what}: {answer:?}");
    assert!(answer.set_cookies().is_empty(), "{what}: {answer:?}");
    assert!(answer.header("cache-control").contains("no-store"), "{what}: {answer:?}");
    let leak = ["libpq", "connection", "deadline", "postgres"];
    assert!(leak.iter().all(|word| !answer.body.contains(word)), "{what} tells too much: {answer:?}");
}

fn is_unavailable_page(what: &str, answer: &Answer) {
    is_unavailable(what, answer);
    assert_eq!(html::text_of(&answer.body, "h1"), "The database can't be reached", "{what}: {answer:?}");
    assert!(answer.body.contains("can’t tell just now"), "{what} claims to know who is logged in: {answer:?}");
    assert!(!answer.body.contains("href=\"/login\""), "{what} looks like a log-out: {answer:?}");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}: {answer:?}");
    assert_ne!(answer.header("server-timing"), "", "{what} was measured like any other: {answer:?}");
}

fn is_unavailable_problem(what: &str, answer: &Answer) {
    is_unavailable(what, answer);
    assert_eq!(answer.code(), "unavailable", "{what}");
    assert_eq!(answer.header("www-authenticate"), "", "{what} is no refusal of the credential");
}

/// What everybody gets while the database is away, whatever the way in which it is.
async fn holds_while_it_is_away(app: &TestApp, ada: &mut Browser, client: &Client) {
    let jar = ada.jar.clone();
    for path in ["/", "/account", "/account/me", "/account/session", "/login", "/signup", "/problems", "/missing"] {
        is_unavailable_page(path, &ada.get(path).await);
    }
    for path in ["/login", "/signup", "/logout", "/account/name", "/account/password", "/account/delete"] {
        is_unavailable_page(path, &ada.post_raw(path, &[("current_password", PASSWORD)]).await);
    }
    assert_eq!(ada.jar, jar, "the browser keeps what it has");

    let mut visitor = app.browser();
    for path in ["/", "/login", "/signup", "/problems"] {
        assert_eq!(visitor.get(path).await.status, 200, "{path} needs no database for a visitor");
    }
    let refused = visitor.log_in(ADA, PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{refused:?}");
    let refused = visitor.sign_up("eve@example.org", "Eve", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{refused:?}");
    assert_eq!(visitor.get("/account").await.status, 303, "a visitor without a session is no riddle");

    for (method, path) in routes::all(app).await {
        let body = match (method.as_str(), path.as_str()) {
            ("POST", "/api/users") => json!({ "email": "e@x.org", "display_name": "Eve", "password": PASSWORD }),
            ("POST", "/api/auth/login") => json!({ "email": ADA, "password": PASSWORD }),
            ("POST", "/api/auth/refresh" | "/api/auth/logout") => json!({ "refresh_token": client.refresh_token }),
            ("PATCH", "/api/account") => json!({ "display_name": "Eve" }),
            ("DELETE", "/api/account") => json!({ "current_password": PASSWORD }),
            ("POST", "/api/account/password") => json!({ "current_password": PASSWORD, "new_password": PASSWORD }),
            _ => json!(null),
        };
        let body = Some(&body).filter(|body| !body.is_null());
        let what = format!("{method} {path}");
        match path.as_str() {
            "/api"
            | "/api/docs"
            | "/api/openapi.json"
            | "/api/me"
            | "/.well-known/jwks.json"
            | "/static/{name}"
            | "/healthz" => {
                let answer = client.send(&method, &routes::filled_in(&path), body).await;
                assert_eq!(answer.status, 200, "{what} needs no database: {answer:?}");
            }
            path if routes::TAKE_A_FORM.contains(&path) => {
                let service = feed::of_orders();
                let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &service)];
                let form = format!("token={}", client.refresh_token);
                is_unavailable_problem(&what, &app.request(&method, path, &headers, &form).await);
            }
            "/api/endings" => {
                let service = feed::of_orders();
                is_unavailable_problem(&what, &app.request(&method, &path, &[("authorization", &service)], "").await);
            }
            "/api/auth/state" => {
                let cookie = format!("refresh={}", client.refresh_token);
                is_unavailable_problem(&what, &app.request(&method, path.as_str(), &[("cookie", &cookie)], "").await);
            }
            "/api/browser/me" | "/api/browser/csrf" | "/api/browser/account" if method == "GET" => {
                let cookie = format!("access={}", client.access_token);
                let answer = app.request(&method, path.as_str(), &[("cookie", &cookie)], "").await;
                match path.ends_with("/account") {
                    true => is_unavailable_problem(&what, &answer),
                    false => assert_eq!(answer.status, 200, "{what} needs no database: {answer:?}"),
                }
            }
            // Who brings no cookie is refused before the database is asked.
            path if path.starts_with("/api/browser/") => {}
            "/readyz" => assert_eq!(client.get(&path).await.status, 503),
            path if path.starts_with("/api/") => {
                is_unavailable_problem(&what, &client.send(&method, path, body).await);
            }
            _ => {}
        }
    }
    let mut forged = client.clone();
    forged.access_token.push('x');
    assert_eq!(forged.get("/api/account").await.code(), "invalid-token", "a bad signature needs no database either");
}

/// Everything is as it was before.
async fn holds_when_it_is_back(app: &TestApp, ada: &mut Browser, client: &mut Client) {
    assert!(ada.is_logged_in().await, "no login has ended by this");
    for path in ["/", "/account", "/account/session", "/login", "/missing"] {
        assert!(ada.get(path).await.body.contains("<bdi>Ada</bdi>"), "{path}");
    }
    assert_eq!(client.get("/api/account").await.status, 200);
    assert_eq!(client.renew().await.status, 200, "the refresh token was not used up");
    assert_eq!(app.logged_in_browser("grace@example.org").await.get("/account").await.status, 200);
    assert_eq!(ada.log_out().await.status, 303);
    assert!(!ada.is_logged_in().await);
}

#[actix_web::test]
async fn an_outage_is_never_a_log_out_and_ends_without_a_restart() {
    let Wired { app, wire } = &Wired::spawn(&[]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;

    wire.cut();
    // The very first request meets a connection that has just broken.
    is_unavailable_page("the first request", &ada.get("/account").await);
    holds_while_it_is_away(app, &mut ada, &client).await;
    wire.mend();
    comes_back(app).await;
    holds_when_it_is_back(app, &mut ada, &mut client).await;
}

#[actix_web::test]
async fn a_database_that_hangs_costs_one_deadline_and_then_nobody_waits() {
    let Wired { app, wire } = &Wired::spawn(&[]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;

    wire.freeze();
    is_unavailable_page("the request that finds out", &ada.get("/account").await);
    let (connections, began) = (wire.connections(), Instant::now());
    holds_while_it_is_away(app, &mut ada, &client).await;
    // Whoever waited for the database itself would have made a connection to wait on. The breaker's own thread knocks, five
    // times a second at most; beside it two tasks follow keys and endings.
    let made = wire.connections() - connections;
    let knocks = usize::try_from(5 * (began.elapsed().as_secs() + 1)).expect("few");
    assert!(made <= knocks + 2, "{made} connections for {knocks} knocks: requests queue at a dead door");
    wire.thaw();
    comes_back(app).await;
    holds_when_it_is_back(app, &mut ada, &mut client).await;
}

#[actix_web::test]
async fn connections_that_hang_for_ever_are_given_up_and_replaced() {
    // As when the machine behind an address is replaced: the old connections never learn of it.
    let Wired { app, wire } = &Wired::spawn(&[("POOL_SIZE", "2")]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;
    // The connection that look-ups share is there, too.
    assert!(ada.is_logged_in().await);
    assert_eq!(client.get("/api/account").await.status, 200);

    wire.freeze();
    let stuck: Vec<_> = (0..6)
        .map(|_| {
            let mut ada = ada.clone();
            actix_web::rt::spawn(async move { ada.get("/account").await })
        })
        .collect();
    for stuck in stuck {
        is_unavailable_page("a request that was stuck", &stuck.await.expect("an answer"));
    }
    wire.thaw_for_new_connections();
    comes_back(app).await;
    holds_when_it_is_back(app, &mut ada, &mut client).await;
}

#[actix_web::test]
async fn a_sign_up_that_an_outage_prevents_is_not_counted() {
    let Wired { app, wire } = &Wired::spawn(&[("THROTTLE_SIGN_UP", "1")]);
    let ada = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD });
    wire.cut();
    for what in ["the one that finds out", "one of whom it is known"] {
        is_unavailable_problem(what, &app.client().post("/api/users", &ada).await);
    }
    wire.mend();
    comes_back(app).await;
    assert_eq!(app.client().post("/api/users", &ada).await.status, 201);
    assert_eq!(
        app.client()
            .post("/api/users", &json!({ "email": "b@example.org", "display_name": "B", "password": PASSWORD }))
            .await
            .status,
        429
    );
}

#[actix_web::test]
async fn connections_that_hang_outage_after_outage_are_replaced_in_bounded_number() {
    let database = TestDatabase::create();
    let wire = Proxy::to(&database);
    let url = wire.url();
    let few = [("DATABASE_URL", url.as_str()), ("DATABASE_TIMEOUT", "500ms"), ("POOL_SIZE", "1")];
    let app = TestApp::on(database, &few);
    let ready = async || app.request("GET", "/readyz", &[], "").await.status;
    for _ in 0..5 {
        comes_back(&app).await;
        wire.freeze();
        assert_eq!(ready().await, 503, "its connection hangs for ever");
        wire.thaw_for_new_connections();
    }
    // Four sets are left to who waits on them, and the fifth hangs, too: now nobody gets a new one.
    let there = "pg_stat_activity WHERE application_name = 'two-doors' AND datname = current_database()";
    let before = app.count(there);
    for _ in 0..5 {
        assert_eq!(ready().await, 503);
    }
    // The breaker's knock may be there at this moment.
    let after = app.count(there);
    assert!(after <= before + 1, "{before} connections became {after}");
    wire.thaw();
    comes_back(&app).await;
}

#[actix_web::test]
async fn a_database_that_has_become_slow_is_away_until_it_is_quick_again() {
    let Wired { app, wire } = &Wired::spawn(&[]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;
    wire.slow_down(Duration::from_secs(3));
    is_unavailable_page("the request that finds out", &ada.get("/account").await);
    holds_while_it_is_away(app, &mut ada, &client).await;
    wire.slow_down(Duration::ZERO);
    comes_back(app).await;
    holds_when_it_is_back(app, &mut ada, &mut client).await;
}

/// A cluster that is stopped as it is; dropped, it goes on.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn of(data: &Path) -> Self {
        let frozen = Self(processes(data));
        frozen.0.iter().for_each(|pid| kill(*pid, Signal::SIGSTOP).expect("it runs"));
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// Every process of a cluster: its server and whatever that has started.
fn processes(data: &Path) -> Vec<Pid> {
    let file = fs::read_to_string(data.join("postgres/cluster/postmaster.pid")).expect("a cluster that runs");
    let server = file.lines().next().expect("a pid").to_owned();
    let pids = fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_child = |pid: &String| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1).map(|parent| parent == server)) == Some(true)
    };
    let children: Vec<String> = pids.filter(is_child).collect();
    [vec![server], children].concat().iter().map(|pid| Pid::from_raw(pid.parse().expect("a pid"))).collect()
}

#[actix_web::test]
async fn a_database_stopped_in_its_tracks_is_a_503_within_a_second_or_so_and_goes_on_when_it_does() {
    let folder = TestFolder::new();
    let postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("a cluster");
    let url = postgres.url();
    // With the deadline that everybody has who sets none.
    let app = TestApp::with(&[("DATABASE_URL", &url), ("MIGRATION_DATABASE_URL", &url), ("DATABASE_TIMEOUT", "")]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;

    let frozen = Frozen::of(&folder.data());
    let began = Instant::now();
    is_unavailable_page("the request that finds out", &ada.get("/account").await);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}, on a machine however busy", began.elapsed());
    holds_while_it_is_away(&app, &mut ada, &client).await;
    drop(frozen);
    comes_back(&app).await;
    holds_when_it_is_back(&app, &mut ada, &mut client).await;
    drop(app);
    drop(postgres);
}

#[actix_web::test]
async fn a_row_that_somebody_holds_is_nobody_elses_outage() {
    let app = TestApp::with(&[("DATABASE_TIMEOUT", "1s")]);
    let (ada, mut grace) = (app.logged_in_browser(ADA).await, app.logged_in_browser("grace@example.org").await);
    let mut hold = app.hold(&format!("SELECT FROM users WHERE email = '{ADA}' FOR UPDATE"));
    let form = ada.filled_in("/account", "/account/name", &[("display_name", "Countess")]).await.send();
    hold.until_waiting(1).await;
    // Asked again and again until long after the one that waits was given up.
    while !form.is_finished() {
        assert_eq!(grace.get("/account").await.status, 200);
    }
    is_unavailable("the request that waited", &form.await.expect("an answer").0);
    for _ in 0..20 {
        assert_eq!(grace.get("/account").await.status, 200);
        assert_eq!(app.request("GET", "/readyz", &[], "").await.status, 200);
    }
    hold.release();
}

#[actix_web::test]
async fn who_queues_behind_work_that_does_not_get_on_is_refused_and_claims_need_no_queue() {
    let app = TestApp::with(&[("POOL_SIZE", "1"), ("DATABASE_TIMEOUT", "3s")]);
    let (ada, mut grace) = (app.logged_in_browser(ADA).await, app.logged_in_browser("grace@example.org").await);
    let client = app.logged_in_client(ADA).await;
    let mut hold = app.hold(&format!("SELECT FROM users WHERE email = '{ADA}' FOR UPDATE"));
    let form = ada.filled_in("/account", "/account/name", &[("display_name", "Countess")]).await.send();
    hold.until_waiting(1).await;
    // Who she is goes another way, what she did does not.
    let queued = actix_web::rt::spawn(async move { grace.get("/account/activity").await });
    while !queued.is_finished() {
        assert_eq!(client.get("/api/me").await.status, 200);
        assert_eq!(app.browser().get("/login").await.status, 200);
    }
    assert!(!form.is_finished(), "who queues is refused sooner than who is being served");
    is_unavailable("who queued", &queued.await.expect("an answer"));
    hold.release();
    assert_eq!(form.await.expect("an answer").0.status, 303, "and who was being served is served");
}

#[actix_web::test]
async fn an_outage_is_told_once_however_many_requests_meet_it() {
    let database = TestDatabase::create();
    let wire = Proxy::to(&database);
    let server = Binary::serve(&wire.url(), &[("LOG", "warn")]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let mut client = server.client();
    client.log_in(ADA, PASSWORD).await;
    wire.cut();
    for _ in 0..50 {
        is_unavailable_page("a page", &ada.get("/account").await);
        is_unavailable_problem("a live route", &client.get("/api/account").await);
    }
    let (_, log) = server.stop();
    // Once by the breaker, and once by each of those who follow something all the time.
    assert!(log.contains("the database is unavailable") && log.lines().count() < 8, "{log}");
}

#[actix_web::test]
async fn a_server_whose_database_hangs_can_be_stopped() {
    let database = TestDatabase::create();
    let wire = Proxy::to(&database);
    let server = Binary::serve(&wire.url(), &[]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    wire.freeze();
    is_unavailable_page("a request that is stuck", &ada.get("/account").await);
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
}

#[actix_web::test]
async fn connections_that_the_server_closed_are_replaced_without_a_log_out() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;
    for _ in 0..3 {
        let closed = diesel::sql_query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        diesel::RunQueryDsl::execute(closed, &mut app.connect()).expect("closed");
        let answer = ada.get("/account").await;
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        assert!(answer.set_cookies().is_empty(), "{answer:?}");
        comes_back(&app).await;
    }
    holds_when_it_is_back(&app, &mut ada, &mut client).await;
}

#[actix_web::test]
async fn a_server_that_is_killed_and_started_again_finds_everybody_logged_in() {
    let folder = TestFolder::new();
    let mut postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("a cluster");
    let url = postgres.url();
    let app = TestApp::with(&[("DATABASE_URL", &url), ("MIGRATION_DATABASE_URL", &url)]);
    let mut ada = app.logged_in_browser(ADA).await;
    let mut client = app.logged_in_client(ADA).await;

    postgres.stop();
    drop(postgres);
    holds_while_it_is_away(&app, &mut ada, &client).await;
    let postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("the same cluster");
    assert_eq!(postgres.url(), url);
    comes_back(&app).await;
    holds_when_it_is_back(&app, &mut ada, &mut client).await;
    drop(app);
}
