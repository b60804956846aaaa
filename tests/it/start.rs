//! How the program starts and stops: what it refuses to start with, what it prepares, and that it finishes what it began.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::Text,
};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{
    NEW_PASSWORD, PASSWORD, TestApp,
    app::SECRET,
    binary::{self, Binary, Refusal},
    hold::Hold,
    html,
    postgres::TestDatabase,
    raw::{self, Halved},
    routes::sources,
};

const ADA: &str = "ada@example.org";

/// One line, and no success.
fn refusal(variables: &[(&str, &str)]) -> String {
    let Refusal { success, stdout, stderr } = binary::run(&[], variables);
    assert!(!success && stdout.is_empty(), "{variables:?}: {stdout}{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{variables:?}: {stderr}");
    let line = stderr.trim_end().strip_prefix("two-doors: ").unwrap_or_else(|| panic!("{stderr}"));
    line.to_owned()
}

#[test]
fn a_wrong_value_stops_the_start_with_a_line_that_names_it_and_what_is_accepted() {
    for (name, value) in [
        ("BIND_ADDRESS", "8080"),
        ("BIND_ADDRESS", "example.com:80"),
        ("PUBLIC_URL", "doors.example.com"),
        ("PUBLIC_URL", "http://doors.example.com"),
        ("PUBLIC_URL", "https://doors.example.com/doors"),
        ("PUBLIC_URL", "ftp://localhost"),
        ("API_ALLOWED_ORIGINS", "*"),
        ("API_ALLOWED_ORIGINS", "null"),
        ("API_ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("API_ALLOWED_ORIGINS", "http://app.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/40"),
        ("MIGRATE", "yes"),
        ("POOL_SIZE", "0"),
        ("POOL_SIZE", "many"),
        ("DEMO_MODE", "true"),
        ("SESSION_IDLE_TTL", "-5m"),
        ("SESSION_ABSOLUTE_TTL", "12 hours"),
        ("REMEMBERED_IDLE_TTL", "0"),
        ("REMEMBERED_ABSOLUTE_TTL", "99999d"),
        ("ACCESS_TTL", "4s"),
        ("REFRESH_TTL", "1.5h"),
        ("FAMILY_TTL", "w"),
        ("REFRESH_GRACE", "a while"),
        ("REFRESH_GRACE", "61m"),
        ("MAX_SESSIONS", "0"),
        ("MAX_FAMILIES", "1001"),
        ("EVENTS_TTL", "23h"),
        ("TOKEN_ALGORITHM", "none"),
        ("TOKEN_ALGORITHM", "es256"),
        ("TOKEN_ISSUER", "us"),
        ("TOKEN_AUDIENCE", "them"),
        ("PASSWORD_MIN_LENGTH", "7"),
        ("THROTTLE_ACCOUNT_ADDRESS", "-1"),
        ("THROTTLE_ACCOUNT", "1e3"),
        ("THROTTLE_ADDRESS", "x"),
        ("THROTTLE_SIGN_UP", "9999999"),
        ("THROTTLE_REFRESH", "-60"),
        ("LOG", "two_doors=loud"),
        ("LOG", "warning"),
        ("LOG", "two_doors=debug,inof"),
        ("LOG", "two_doors=debug, warn"),
        ("LOG_FORMAT", "xml"),
        ("SERVER_TIMING", "on"),
    ] {
        let line = refusal(&[("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x"), ("SECRETS", SECRET), (name, value)]);
        assert!(line.starts_with(&format!("{name}={value:?} ")), "{line}");
        assert!(line.contains("accepted is "), "{line}");
        assert!(!line.contains(SECRET), "{line}");
    }
}

#[test]
fn secrets_and_passwords_are_never_printed_by_a_start_that_fails() {
    let short = "short-but-secret";
    let database = ("DATABASE_URL", "postgres://app:hunter2hunter2@127.0.0.1:1/doors");
    for (variables, begins) in [
        (vec![database], "SECRETS is not set"),
        (vec![database, ("SECRETS", short)], "SECRETS can't be used"),
        (vec![database, ("SECRETS", "short-but-secret,short-but-secret")], "SECRETS can't be used"),
        (
            vec![("DATABASE_URL", "mysql://app:hunter2hunter2@db/doors"), ("SECRETS", SECRET)],
            "DATABASE_URL can't be used",
        ),
        (vec![database, ("SECRETS", SECRET), ("LOG", "error")], ""),
        (vec![database, ("SECRETS", SECRET), ("LOG", "error"), ("MIGRATE", "off")], ""),
    ] {
        let line = refusal(&variables);
        assert!(line.starts_with(begins), "{line}");
        for secret in [short, "hunter2hunter2", SECRET] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[test]
fn a_broken_env_file_is_named_without_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".env"), "SECRETS=\"hunter2hunter2\nnonsense here\n").expect("written");
    let output = binary::command(&[], &[]).current_dir(folder.path()).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(stderr.starts_with("two-doors: .env: ") && stderr.lines().count() == 1, "{stderr}");
    assert!(!stderr.contains("hunter2") && !stderr.contains("nonsense"), "{stderr}");
}

#[test]
fn an_env_file_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".env"), "POOL_SIZE=none\nLOG_FORMAT=xml\n").expect("written");
    let line = |variables: &[(&str, &str)]| {
        let output = binary::command(&[], variables).current_dir(folder.path()).output().expect("the program runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let database = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x"), ("SECRETS", SECRET)];
    assert!(line(&database).contains("POOL_SIZE=\"none\""));
    let more: Vec<_> = database.into_iter().chain([("POOL_SIZE", "3")]).collect();
    assert!(line(&more).contains("LOG_FORMAT=\"xml\""));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let database = TestDatabase::create();
    let line =
        refusal(&[("BIND_ADDRESS", &address), ("DATABASE_URL", database.url()), ("SECRETS", SECRET), ("LOG", "error")]);
    assert!(line.starts_with(&format!("BIND_ADDRESS={address} can't be listened on")), "{line}");
}

#[test]
fn every_variable_that_is_read_stands_in_the_example() {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).expect("it is there");
    let read: BTreeSet<String> = sources()
        .into_iter()
        .filter(|(file, _)| file.starts_with("config"))
        .flat_map(|(_, text)| names(&text))
        // They belong to the system, and the example speaks of them where they matter.
        .filter(|name| !["PATH", "HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"].contains(&name.as_str()))
        .collect();
    assert!(read.len() > 25, "the source is read wrongly: {read:?}");
    let listed: BTreeSet<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .filter(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
        .map(|(name, _)| name.to_owned())
        .collect();
    // Those that only compose.yaml reads.
    let ours: BTreeSet<String> = listed.iter().filter(|name| !name.ends_with("POSTGRES_PASSWORD")).cloned().collect();
    assert_eq!(read, ours);
}

/// What stands in quotes and looks like a variable, as `read` gets it.
fn names(text: &str) -> Vec<String> {
    let is_name = |text: &&str| {
        text.len() > 2
            && text.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
            && !text.starts_with('_')
    };
    let quoted = text.split('"').skip(1).step_by(2).filter(is_name).map(str::to_owned);
    quoted.filter(|name| text.contains(&format!("(\"{name}\"")) || text.contains(&format!("\"{name}\",\n"))).collect()
}

#[test]
fn the_example_s_defaults_are_the_defaults() {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).expect("it is there");
    let set: Vec<(&str, &str)> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| !name.contains(' '))
        .collect();
    // What has no default of its own there is an example, and said to be one.
    let examples = [
        "PUBLIC_URL",
        "METRICS_ADDRESS",
        "SITE_HOST",
        "API_HOST",
        "API_ALLOWED_ORIGINS",
        "TRUSTED_PROXIES",
        "DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "SECRETS",
        "TWO_DOORS_DATA",
        "SERVICES",
        "TOKEN_KEY_FILES",
        "TOKEN_ISSUER",
        "TOKEN_AUDIENCE",
        "AUDIENCES",
        "DEMO_MODE",
        "SERVER_TIMING",
        "EXPERIMENTS",
        "SPECIMEN_ADDRESS",
        "SPECIMEN_HOSTS",
        "CHROME",
    ];
    let with = |defaults: bool| {
        let lookup = |name: &str| match name {
            "HOME" => Some("/home/somebody".into()),
            name if defaults && !examples.contains(&name) => {
                set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into())
            }
            _ => None,
        };
        format!("{:?}", two_doors::config::Config::from_lookup(&lookup).expect("valid"))
    };
    assert_eq!(with(true), with(false));
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

fn texts(conn: &mut PgConnection, expression: &str) -> Vec<String> {
    let rows: Vec<Row> = sql_query(expression).load(conn).expect("rows");
    rows.into_iter().map(|row| row.text).collect()
}

#[test]
fn ten_instances_that_start_at_once_on_an_empty_database_all_come_up_and_agree() {
    let database = TestDatabase::empty();
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let url = database.url().to_owned();
            thread::spawn(move || Binary::try_serve(&url, &[("POOL_SIZE", "2")]))
        })
        .collect();
    let instances: Vec<Binary> = starts
        .into_iter()
        .map(|start| start.join().expect("a start").unwrap_or_else(|refusal| panic!("{refusal:?}")))
        .collect();
    let keys = texts(&mut database.connect(), "SELECT kid AS text FROM signing_keys");
    assert_eq!(keys.len(), 1, "one of them made the first key");
    let mut migrating = 0;
    for instance in instances {
        let (is_good, log) = instance.stop();
        assert!(is_good, "{log}");
        migrating += usize::from(log.contains("the schema was brought up to date"));
    }
    assert_eq!(migrating, 1, "and one of them ran the migrations");
}

#[actix_web::test]
async fn instances_on_one_database_know_one_another_s_credentials() {
    let database = TestDatabase::create();
    let (first, second) = (Binary::serve(database.url(), &[]), Binary::serve(database.url(), &[]));
    let mut ada = first.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let mut elsewhere = second.browser();
    elsewhere.jar = ada.jar.clone();
    assert!(elsewhere.is_logged_in().await);
    let mut client = first.client();
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);
    // Issuer and audience are the public address, which instances of one site share; here they differ, so refresh.
    let mut at_second = second.client();
    at_second.refresh_token = client.refresh_token;
    assert_eq!(at_second.renew().await.status, 200);
    assert_eq!(at_second.get("/api/account").await.status, 200);
}

#[test]
fn with_migrate_off_a_pending_migration_stops_the_start_until_it_is_run() {
    let database = TestDatabase::empty();
    let variables = [
        ("DATABASE_URL", database.url()),
        ("SECRETS", SECRET),
        ("MIGRATE", "off"),
        ("BIND_ADDRESS", "127.0.0.1:0"),
        ("LOG", "error"),
    ];
    let line = refusal(&variables);
    let count = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).expect("migrations").count();
    assert!(
        line.starts_with(&format!("{count} migrations are pending")) && line.contains("`two-doors migrate`"),
        "{line}"
    );
    assert_eq!(
        texts(&mut database.connect(), "SELECT tablename AS text FROM pg_tables WHERE schemaname = 'public'").len(),
        0
    );

    for _ in 0..2 {
        let migrated = binary::run(&["migrate"], &variables);
        assert!(migrated.success && migrated.stderr.is_empty(), "{migrated:?}");
    }
    let server = Binary::serve(database.url(), &[("MIGRATE", "off")]);
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
}

#[test]
fn every_migration_can_be_taken_back_and_made_again() {
    // Diesel's own table is not ours.
    const SCHEMA: &str = "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS text \
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' \
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%' \
        UNION ALL SELECT concat(conrelid::regclass, ' ', pg_get_constraintdef(oid)) FROM pg_constraint \
            WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '\\_\\_%' ORDER BY 1";
    let database = TestDatabase::empty();
    let mut conn = database.connect();
    let migrations = || FileBasedMigrations::find_migrations_directory().expect("migrations");
    conn.run_pending_migrations(migrations()).expect("up");
    let up = texts(&mut conn, SCHEMA);
    assert!(up.len() > 40, "{up:?}");
    let reverted = conn.revert_all_migrations(migrations()).expect("down").len();
    assert!(reverted >= 4);
    assert_eq!(texts(&mut conn, SCHEMA), Vec::<String>::new(), "nothing is left behind");
    let left = texts(
        &mut conn,
        "SELECT proname::text AS text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'diesel%' \
         UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%diesel%'",
    );
    assert_eq!(left, Vec::<String>::new(), "no function and no type either");
    conn.run_pending_migrations(migrations()).expect("up again");
    assert_eq!(texts(&mut conn, SCHEMA), up);
    // One at a time, each on the schema that it was written for.
    for _ in 0..reverted {
        conn.revert_last_migration(migrations()).expect("one down");
    }
}

/// The demo accounts as the log-in page shows them.
async fn shown(browser: &mut crate::support::Browser) -> Vec<(String, String)> {
    let page = browser.get("/login").await;
    let hidden = |name: &str| -> Vec<String> {
        let inputs = html::all(&page.body, "input").into_iter();
        let inputs = inputs.filter(|input| input.get("name") == Some(name) && input.get("type") == Some("hidden"));
        inputs.map(|input| input.get("value").unwrap_or_default().to_owned()).collect()
    };
    hidden("email").into_iter().zip(hidden("password")).collect()
}

#[actix_web::test]
async fn demo_mode_shows_three_accounts_that_let_everybody_in_at_both_doors() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    let accounts = shown(&mut app.browser()).await;
    let emails: Vec<&str> = accounts.iter().map(|(email, _)| email.as_str()).collect();
    assert_eq!(emails, ["ada@example.com", "grace@example.com", "linus@example.com"]);
    for (email, password) in &accounts {
        let mut client = app.client();
        assert_eq!(client.log_in(email, password).await.status, 200, "{email}");
        let role = client.get("/api/account").await.json()["role"].clone();
        assert_eq!(role, if email == "ada@example.com" { "admin" } else { "user" });
        assert_eq!(app.browser().log_in(email, password).await.status, 303, "{email}");
    }
    let page = app.browser().get("/").await;
    assert!(page.body.contains("Demo mode."), "every page warns where it was switched on");
    let passwords: BTreeSet<&str> = accounts.iter().map(|(_, password)| password.as_str()).collect();
    assert_eq!(passwords.len(), 3);
}

#[actix_web::test]
async fn behind_a_proxy_on_the_same_machine_nobody_is_told_how_long_it_took() {
    let (here, behind) = (TestApp::spawn(), TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]));
    for (app, host, is_timed) in [(&here, "", true), (&behind, "doors.example.com", false)] {
        let headers = [("host", host)];
        let headers = if host.is_empty() { &[][..] } else { &headers };
        let answer = app.request("GET", "/login", headers, "").await;
        assert_eq!((answer.status, !answer.header("server-timing").is_empty()), (200, is_timed), "{answer:?}");
    }
}

#[actix_web::test]
async fn demo_mode_is_off_with_a_database_of_ones_own() {
    let app = TestApp::spawn();
    let page = app.browser().get("/login").await;
    assert!(shown(&mut app.browser()).await.is_empty() && !page.body.contains("demo"), "{page:?}");
    assert!(!page.body.contains("Demo mode."));
    assert_eq!(texts(&mut app.connect(), "SELECT email AS text FROM users").len(), 0, "and nobody is there");
}

#[actix_web::test]
async fn demo_accounts_refuse_what_would_take_them_from_everybody_else_and_say_why() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    let (email, password) = shown(&mut app.browser()).await.remove(1);
    let mut browser = app.browser();
    browser.log_in(&email, &password).await;
    let page = browser.get("/account").await;
    assert!(html::text(&page.body).contains("This is a demo account that everybody shares"), "{page:?}");
    assert!(!page.body.contains("action=\"/account/password\"") && !page.body.contains("action=\"/account/delete\""));
    for path in ["/account/password", "/account/delete"] {
        let fields = [("current_password", password.as_str()), ("new_password", NEW_PASSWORD)];
        let refused = browser.post_from("/account", path, &fields).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(html::text(&refused.body).contains("This is a demo account that everybody shares"), "{refused:?}");
    }
    let mut client = app.client();
    client.log_in(&email, &password).await;
    let change = client.change_password(&password, NEW_PASSWORD).await;
    let delete =
        client.send("DELETE", "/api/account", Some(&serde_json::json!({ "current_password": password }))).await;
    for refused in [change, delete] {
        assert_eq!((refused.status, refused.code().as_str()), (403, "demo-account"));
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.starts_with("This is a demo account")));
    }
    assert!(browser.is_logged_in().await);
    assert_eq!(client.get("/api/account").await.status, 200);
}

#[actix_web::test]
async fn once_demo_mode_is_off_the_demo_accounts_that_are_left_let_nobody_in() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    let (mut ada, password) = app.demo_admin().await;
    let mut client = app.client();
    assert_eq!(client.log_in("ada@example.com", &password).await.status, 200);
    let closed = app.beside(&[("DEMO_MODE", "off")]);
    ada.move_to(closed.address);
    client.move_to(closed.address);
    assert!(!ada.is_logged_in().await);
    assert_eq!(client.redeem().await.status, 401);
    assert_eq!(client.get("/api/account").await.status, 401);
    let known = closed.browser().log_in("ada@example.com", &password).await;
    let unknown = closed.browser().log_in("nobody@example.com", &password).await;
    assert_eq!((known.status, html::text(&known.body)), (unknown.status, html::text(&unknown.body)));
    assert_eq!(closed.client().log_in("ada@example.com", &password).await.code(), "wrong-credentials");

    let open = app.beside(&[("DEMO_MODE", "on")]);
    assert_eq!(open.browser().log_in("ada@example.com", &password).await.status, 303, "it comes back with the mode");
}

#[actix_web::test]
async fn each_start_puts_the_demo_accounts_back_as_they_were_and_ends_what_was_made_with_another_password() {
    let database = TestDatabase::create();
    let url = database.url().to_owned();
    let mut conn = database.connect();
    let serve = || Binary::serve(&url, &[("DEMO_MODE", "on")]);
    let first = serve();
    let accounts = shown(&mut first.browser()).await;
    let mut untouched = first.browser();
    untouched.log_in(&accounts[1].0, &accounts[1].1).await;
    let mut intruder = first.browser();
    intruder.log_in(&accounts[2].0, &accounts[2].1).await;
    first.stop();
    conn.batch_execute(
        "UPDATE users SET display_name = 'Mallory', role = 'admin', email = 'GRACE@example.com' WHERE email_folded = 'grace@example.com'; \
         UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE email_folded = 'ada@example.com') \
             WHERE email_folded = 'linus@example.com'; \
         DELETE FROM users WHERE email_folded = 'ada@example.com'",
    )
    .expect("changed");

    let second = serve();
    assert_eq!(shown(&mut second.browser()).await, accounts, "the passwords are those of the secret");
    for (email, password) in &accounts {
        assert_eq!(second.browser().log_in(email, password).await.status, 303, "{email}");
    }
    let rows =
        texts(&mut conn, "SELECT concat_ws(' ', email, display_name, role, demo) AS text FROM users ORDER BY email");
    assert_eq!(
        rows,
        ["ada@example.com Ada admin t", "grace@example.com Grace user t", "linus@example.com Linus user t"]
    );
    let mut again = second.browser();
    again.jar = untouched.jar;
    assert!(again.is_logged_in().await, "who did no harm stays logged in");
    again.jar = intruder.jar;
    assert!(!again.is_logged_in().await, "a login made with a password that was none is over");
    second.stop();

    let third = Binary::serve(
        &url,
        &[
            ("DEMO_MODE", "on"),
            (
                "SECRETS",
                "another secret that the operator has chosen for the time to come,a secret for tests that every reader of them knows",
            ),
        ],
    );
    let new = shown(&mut third.browser()).await;
    assert!(
        new.iter().zip(&accounts).all(|(new, old)| new.0 == old.0 && new.1 != old.1),
        "another secret, other passwords"
    );
    assert_eq!(third.browser().log_in(&accounts[0].0, &accounts[0].1).await.status, 422);
    assert_eq!(third.browser().log_in(&new[0].0, &new[0].1).await.status, 303);
}

/// Holds the row of a user, so that whoever wants to write it waits.
fn hold_users(conn: &mut PgConnection) {
    conn.batch_execute("BEGIN; SELECT FROM users FOR UPDATE").expect("locked");
}

/// Waits until somebody waits for a row that this connection holds.
async fn somebody_waits(conn: &mut PgConnection) {
    let waiting = "SELECT pid::text AS text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..6000 {
        if !texts(conn, waiting).is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("nobody waits");
}

#[actix_web::test]
async fn a_stop_lets_the_requests_in_flight_finish() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let token = ada.form_token("/account").await;
    let (mut conn, mut observer) = (database.connect(), database.connect());
    hold_users(&mut conn);
    let request = {
        let mut ada = ada.clone();
        actix_web::rt::spawn(async move {
            ada.post_raw("/account/name", &[("display_name", "Countess"), ("form_token", &token)]).await
        })
    };
    somebody_waits(&mut observer).await;
    server.signal(Signal::SIGTERM);
    // From here on nobody new is served, while the request above still is.
    while std::net::TcpStream::connect(server.address).is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    conn.batch_execute("COMMIT").expect("let go");
    let answer = request.await.expect("an answer");
    assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{answer:?}");
    let (is_good, log) = server.wait();
    assert!(is_good, "{log}");
    assert_eq!(texts(&mut observer, "SELECT display_name AS text FROM users"), ["Countess"]);
}

#[actix_web::test]
async fn a_body_that_is_still_being_sent_is_waited_for_as_well() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[]);
    let body = serde_json::json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string();
    let head = format!(
        "POST /api/users HTTP/1.1\r\nhost: {}\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        body.len()
    );
    let halved = Halved::begin(server.address, &head, body.as_bytes());
    server.signal(Signal::SIGTERM);
    while std::net::TcpStream::connect(server.address).is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(halved.finish().status, 201);
    assert!(server.wait().0);
}

#[test]
fn the_health_command_tells_by_its_exit_code() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[]);
    let ready = format!("http://{}/readyz", server.address);
    assert!(binary::run(&["health", &ready], &[]).success);
    assert!(!binary::run(&["health", &ready.replace("readyz", "missing")], &[]).success);
    server.stop();
    assert!(!binary::run(&["health", &ready], &[]).success);
}

#[actix_web::test]
async fn the_log_has_a_line_for_each_request_and_no_credential_in_any() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[("LOG", "trace"), ("LOG_FORMAT", "json")]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let session = ada.jar["session"].clone();
    let mut client = server.client();
    client.log_in(ADA, PASSWORD).await;
    let (access, refresh) = (client.access_token.clone(), client.refresh_token.clone());
    client.renew().await;
    ada.get("/account?next=/a-query-is-not-logged").await;
    ada.change_password(PASSWORD, NEW_PASSWORD).await;
    ada.log_out().await;
    client.log_in(ADA, "a wrong password, typed").await;
    let (is_good, log) = server.stop();
    assert!(is_good);
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), log.lines().count(), "every line is JSON");
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    // Forms are asked for before they are sent.
    assert_eq!(requests.len(), 10, "{requests:?}");
    let account = requests.iter().find(|line| line["route"] == "/account" && line["status"] == 200).expect("a line");
    assert!(account["id"].as_str().is_some_and(|id| id.len() == 16) && account["method"] == "GET", "{account}");
    assert!(account["who"].as_str().is_some_and(|who| who.len() == 36), "{account}");
    let key = session.split("%3D").last().unwrap_or(&session).to_owned();
    for secret in
        [PASSWORD, NEW_PASSWORD, "a wrong password, typed", SECRET, &session, &key, &access, &refresh, "$argon2"]
    {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    // Libraries may trace what they parse at their own levels; what this program logs itself is what the rule is about.
    assert!(requests.iter().all(|line| !line.to_string().contains("a-query-is-not-logged")));
}

#[actix_web::test]
async fn the_log_has_a_line_without_a_status_for_a_request_whose_client_went_away() {
    let database = TestDatabase::create();
    let variables = [PATIENT, ("LOG", "info"), ("LOG_FORMAT", "json")];
    let server = Binary::serve(database.url(), &variables);
    let hold = a_log_in_whose_client_goes_away(&server, &database).await;
    // Each worker has looked after its connections since.
    for _ in 0..20 {
        assert_eq!(server.client().get("/healthz").await.status, 200);
    }
    hold.release();
    let (is_good, log) = server.stop();
    assert!(is_good, "{log}");
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_log_in: Vec<_> = lines.iter().filter(|line| line["route"] == "/api/auth/login").collect();
    assert_eq!(of_log_in.len(), 1, "{log}");
    assert!(of_log_in[0]["message"] == "request" && of_log_in[0]["status"].is_null(), "{log}");
}

#[actix_web::test]
async fn a_stop_waits_for_what_was_begun_for_a_client_that_went_away() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[PATIENT]);
    let hold = a_log_in_whose_client_goes_away(&server, &database).await;
    server.signal(Signal::SIGTERM);
    let began = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on listening");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    hold.release();
    let (is_good, log) = server.wait();
    assert!(is_good, "{log}");
    assert_eq!(texts(&mut database.connect(), "SELECT count(*)::text AS text FROM token_families"), ["1"]);
}

/// What is held lets go before anybody gives it up, however slow the machine.
const PATIENT: (&str, &str) = ("DATABASE_TIMEOUT", "10s");

/// Holds the row of the user that a log-in waits for, whose client has reset the connection.
async fn a_log_in_whose_client_goes_away(server: &Binary, database: &TestDatabase) -> Hold {
    assert_eq!(server.browser().sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let mut hold = Hold::take(database.connect(), database.connect(), "SELECT FROM users FOR UPDATE");
    let body = json!({ "email": ADA, "password": PASSWORD }).to_string();
    let (host, length) = (server.address, body.len());
    let head = format!("POST /api/auth/login HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
    let socket = raw::send(server.address, format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes());
    hold.until_waiting(1).await;
    raw::reset(socket);
    hold
}
