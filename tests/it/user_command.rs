//! `two-doors user`: the first admin, and the way back from a forgotten password; with any database, a server running or not.

use std::{
    io::Write as _,
    process::{Output, Stdio},
};

use crate::{
    races::{ADA, is_dead},
    support::{
        NEW_PASSWORD, PASSWORD, TestApp,
        app::SECRET,
        binary,
        postgres::{TestDatabase, TestFolder},
    },
};

/// Runs a command with a line for its standard input.
pub fn run(arguments: &[&str], variables: &[(&str, &str)], line: &str) -> Output {
    let mut child = binary::command(&[&["user"], arguments].concat(), variables)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // It may have refused before it read.
    let _ = child.stdin.take().expect("a pipe").write_all(line.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn on(url: &str, arguments: &[&str], line: &str) -> Output {
    run(arguments, &[("DATABASE_URL", url), ("SECRETS", SECRET)], line)
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one line that says why not.
fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

#[actix_web::test]
async fn it_makes_the_first_admin() {
    let app = TestApp::spawn();
    let url = app.database.url();
    let said = out(&on(url, &["add", ADA, "--role", "admin", "--name", "Ada"], &format!("{PASSWORD}\n")));
    assert_eq!(said, format!("{ADA} has an account; its role is admin.\n"));
    let mut client = app.client();
    assert_eq!(client.log_in(ADA, PASSWORD).await.json()["user"]["role"], "admin");
    let trail = "SELECT string_agg(kind, ', ' ORDER BY id) FROM auth_events WHERE door = 'none' AND address IS NULL AND user_id IS NOT NULL";
    assert_eq!(app.value(trail), "signed up, role changed");
    let listed = out(&on(url, &["list"], ""));
    assert!(listed.lines().any(|line| line.contains(ADA) && line.contains("admin")), "{listed}");
    assert!(!out(&on(url, &["list", "nobody"], "")).contains(ADA));
    assert!(out(&on(url, &["list", "ADA@"], "")).contains(ADA));
}

#[actix_web::test]
async fn a_new_password_ends_every_login_and_lets_its_owner_in_again() {
    let app = TestApp::spawn();
    let (mut browser, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let said = out(&on(app.database.url(), &["password", ADA], &format!("{NEW_PASSWORD}\r\n")));
    assert!(said.contains("sessions ended: 1, token logins ended: 1"), "{said}");
    assert!(!browser.is_logged_in().await && is_dead(&client).await);
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 422);
    assert_eq!(app.browser().log_in(ADA, NEW_PASSWORD).await.status, 303);
    assert_eq!(app.count("auth_events WHERE kind = 'password changed' AND door = 'none'"), 1);
}

#[actix_web::test]
async fn it_bans_un_bans_and_changes_roles() {
    let app = TestApp::spawn();
    let (url, client) = (app.database.url().to_owned(), app.logged_in_client(ADA).await);
    let said = out(&on(&url, &["ban", ADA, "--reason", "spam", "--until", "2100-01-31T12:00:00Z"], ""));
    assert!(said.contains("banned until 31 January 2100, 12:00 UTC"), "{said}");
    assert_eq!(client.get("/api/account").await.code(), "banned");
    assert!(out(&on(&url, &["list"], "")).contains("banned until 31 January 2100, 12:00 UTC: spam"));
    assert_eq!(out(&on(&url, &["unban", ADA], "")), format!("{ADA} is not banned any more.\n"));
    assert_eq!(out(&on(&url, &["unban", ADA], "")), format!("{ADA} was not banned.\n"));
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
    assert_eq!(out(&on(&url, &["role", ADA, "admin"], "")), format!("{ADA} is now admin.\n"));
    assert_eq!(out(&on(&url, &["role", ADA, "admin"], "")), format!("{ADA} was already admin.\n"));
    assert!(refusal(&on(&url, &["role", ADA, "user"], "")).contains("this is the last admin"));
    assert!(refusal(&on(&url, &["ban", ADA, "--reason", "spam"], "")).contains("this is the last admin"));
}

#[actix_web::test]
async fn what_it_refuses_it_refuses_in_one_line_and_changes_nothing() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    app.sign_up(ADA).await;
    let url = app.database.url();
    let before = app.value("SELECT string_agg(u::text, ' ' ORDER BY id) FROM users u");
    for (arguments, line, says) in [
        (&["add", ADA][..], PASSWORD, "somebody has the e-mail address"),
        (&["add", "bob@example.org"], "too short", "Use at least 15 characters"),
        (&["add", "bob@example.org"], "", "Use at least 15 characters"),
        (&["add", "bob"], PASSWORD, "Enter an e-mail address with an @"),
        (&["add", "bob@example.org", "--name", "\u{202e}"], PASSWORD, "without control characters"),
        (&["password", "bob@example.org"], PASSWORD, "nobody has the e-mail address"),
        (&["password", "grace@example.com"], NEW_PASSWORD, "a demo account stays as it is"),
        (&["ban", "grace@example.com", "--reason", "spam"], "", "a demo account stays as it is"),
        (&["ban", ADA, "--reason", " "], "", "Say why"),
        (&["ban", ADA, "--reason", "spam", "--until", "2000-01-01T00:00:00Z"], "", "over already"),
    ] {
        let refused = refusal(&on(url, arguments, line));
        assert!(refused.contains(says), "{arguments:?}: {refused}");
    }
    assert_eq!(app.value("SELECT string_agg(u::text, ' ' ORDER BY id) FROM users u"), before);
}

#[actix_web::test]
async fn a_password_is_never_an_argument_nor_in_the_log() {
    let database = TestDatabase::empty();
    let url = database.url();
    assert!(!on(url, &["add", ADA, "--password", PASSWORD], "").status.success());
    let variables = [("DATABASE_URL", url), ("SECRETS", SECRET), ("LOG", "trace")];
    let output = run(&["add", ADA], &variables, PASSWORD);
    out(&output);
    assert!(!on(url, &["password", ADA, NEW_PASSWORD], "").status.success());
    assert!(!on(url, &["password", ADA, "--password", NEW_PASSWORD], "").status.success());
    let all = [output.stdout, output.stderr].concat();
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains(PASSWORD) && !all.contains("argon2id") && !all.contains(SECRET), "{all}");
}

#[actix_web::test]
async fn it_works_on_the_private_database_with_and_without_a_server() {
    let folder = TestFolder::new();
    let data = folder.data().to_string_lossy().into_owned();
    let variables = [("TWO_DOORS_DATA", data.as_str()), ("BIND_ADDRESS", "127.0.0.1:0"), ("LOG", "off")];
    let line = format!("{PASSWORD}\n");
    out(&run(&["add", ADA, "--role", "admin"], &variables, &line));
    assert!(!folder.data().join("postgres/cluster/postmaster.pid").exists(), "what it started it stopped");

    let mut server = binary::command(&[], &variables).spawn().expect("the program runs");
    let mut said = String::new();
    let stdout = server.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said).expect("a line");
    let address = said.split("http://").nth(1).and_then(|rest| rest.split(['/', ' ']).next()).expect("an address");
    let mut client = crate::support::Client::new(address.parse().expect("an address"));
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200, "{said}");
    out(&run(&["password", ADA], &variables, &format!("{NEW_PASSWORD}\n")));
    assert!(is_dead(&client).await, "beside a running server");
    assert_eq!(client.log_in(ADA, NEW_PASSWORD).await.status, 200);
    server.kill().expect("killed");
    server.wait().expect("ended");
}
