//! Who may do what: every route, asked by every kind of caller.
//!
//! A cell says what the caller gets: a status, `log in` for a redirect to the log-in page, or both with where a redirect leads.
//! Bodies are such that nothing is changed for the callers after: who is let in is told that a field can't be used, or that a
//! password is wrong. Every route that the source mounts must have a row.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Answer, Browser, Client, NEW_PASSWORD, PASSWORD, TestApp, html, routes};

const ADA: &str = "ada@example.org";
const GRACE: &str = "grace@example.org";

/// Who asks, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Session,
    AnothersSession,
    SessionThatEnded,
    Token,
    TokenThatExpired,
    TokenWhoseLoginEnded,
    TokenAsCookie,
}

const CALLERS: [Caller; 8] = [
    Caller::Anonymous,
    Caller::Session,
    Caller::AnothersSession,
    Caller::SessionThatEnded,
    Caller::Token,
    Caller::TokenThatExpired,
    Caller::TokenWhoseLoginEnded,
    Caller::TokenAsCookie,
];

type Row = (&'static str, &'static str, [&'static str; 8]);

/// A page for everybody.
const fn open(path: &'static str) -> Row {
    ("GET", path, ["200"; 8])
}

/// A page for who has a session; a token, wherever it is shown, is no session.
const fn page(path: &'static str) -> Row {
    ("GET", path, ["log in", "200", "200", "log in", "log in", "log in", "log in", "log in"])
}

/// A form for who has a session; it says 422 to them, as nothing useful was typed.
const fn form(path: &'static str) -> Row {
    ("POST", path, ["403", "422", "422", "403", "403", "403", "403", "403"])
}

/// A page or a form for admins, which none of these callers is.
const fn admins(method: &'static str, path: &'static str) -> Row {
    match method.len() {
        3 => (method, path, ["log in", "403", "403", "log in", "log in", "log in", "log in", "log in"]),
        _ => (method, path, ["403"; 8]),
    }
}

/// A route that asks whether the login is alive; cookies are nothing to it.
const fn live(method: &'static str, path: &'static str, status: &'static str) -> Row {
    (method, path, ["401", "401", "401", "401", status, "401", "401", "401"])
}

/// A route where the access cookie counts, and a bearer token does not.
const fn by_cookie(method: &'static str, path: &'static str, status: &'static str) -> Row {
    (method, path, ["401", "401", "401", "401", "401", "401", "401", status])
}

const TABLE: &[Row] = &[
    open("/healthz"),
    open("/readyz"),
    open("/.well-known/jwks.json"),
    open("/static/{name}"),
    open("/"),
    open("/signup"),
    ("POST", "/signup", ["422"; 8]),
    open("/login"),
    ("POST", "/login", ["303 /account"; 8]),
    ("POST", "/logout", ["303 /login"; 8]),
    page("/account"),
    page("/account/me"),
    page("/account/session"),
    form("/account/name"),
    form("/account/email"),
    form("/account/password"),
    form("/account/delete"),
    // Without a form that waits for the password.
    ("POST", "/account/confirm", ["403"; 8]),
    page("/account/activity"),
    page("/account/devices"),
    (
        "POST",
        "/account/devices/acknowledge",
        ["403", "303 /account/devices", "303 /account/devices", "403", "403", "403", "403", "403"],
    ),
    // Nobody has a login without a name.
    ("POST", "/account/devices/end", ["403", "404", "404", "403", "403", "403", "403", "403"]),
    (
        "POST",
        "/account/devices/end-others",
        ["403", "303 /account/devices", "303 /account/devices", "403", "403", "403", "403", "403"],
    ),
    ("POST", "/account/devices/end-all", ["403", "303 /login", "303 /login", "403", "403", "403", "403", "403"]),
    // Whose row does not say admin is told so, whoever they are. What admins may do is in `admin.rs`.
    admins("GET", "/admin"),
    admins("GET", "/admin/events"),
    admins("GET", "/admin/users/{id}"),
    admins("POST", "/admin/users/{id}/role"),
    admins("POST", "/admin/users/{id}/ban"),
    admins("POST", "/admin/users/{id}/unban"),
    admins("POST", "/admin/users/{id}/end-logins"),
    open("/choose"),
    open("/what-still-works"),
    open("/what-still-works/{ending}"),
    open("/compare"),
    open("/experiments"),
    ("GET", "/experiments/{id}", ["404"; 8]),
    ("POST", "/experiments/{id}", ["404"; 8]),
    ("GET", "/experiments/{id}/runs/{run}", ["404"; 8]),
    ("GET", "/experiments/{id}/runs/{run}/events", ["404"; 8]),
    open("/tour"),
    open("/tour/{stop}"),
    open("/tour/questions"),
    ("POST", "/tour/forget", ["303 /tour"; 8]),
    open("/concepts"),
    open("/left-out"),
    open("/read"),
    open("/spa"),
    open("/inspect"),
    open("/measure"),
    // Sent without its token here: with it everybody may run it, which takes seconds.
    ("POST", "/measure", ["403"; 8]),
    ("GET", "/compare/{event}", ["404"; 8]),
    ("POST", "/compare/{event}", ["404"; 8]),
    ("GET", "/compare/{event}/runs/{run}", ["404"; 8]),
    ("GET", "/compare/{event}/runs/{run}/events", ["404"; 8]),
    open("/problems"),
    open("/problems/{code}"),
    open("/api"),
    open("/api/docs"),
    open("/api/openapi.json"),
    ("POST", "/api/users", ["422"; 8]),
    ("POST", "/api/auth/login", ["200"; 8]),
    // Nobody sends a refresh token here: an access token renews nothing.
    ("POST", "/api/auth/refresh", ["401"; 8]),
    live("POST", "/api/auth/reauthenticate", "403"),
    ("POST", "/api/auth/logout", ["401", "401", "401", "401", "200", "401", "200", "401"]),
    open("/api/auth/state"),
    live("POST", "/api/auth/logout-everywhere", "200"),
    live("GET", "/api/auth/tokens", "200"),
    // For configured services only, which none of these is.
    ("POST", "/api/introspect", ["401"; 8]),
    ("GET", "/api/endings", ["401"; 8]),
    // Asks for no credential but the token in its form: none is sent here.
    ("POST", "/api/revoke", ["415"; 8]),
    live("DELETE", "/api/auth/tokens/{id}", "404"),
    // The scheme's limit: claims go on being believed after log-out. The only route where they are.
    ("GET", "/api/me", ["401", "401", "401", "401", "200", "401", "200", "401"]),
    by_cookie("GET", "/api/browser/me", "200"),
    by_cookie("GET", "/api/browser/csrf", "200"),
    by_cookie("GET", "/api/browser/account", "200"),
    // Without a token for it: a cookie alone changes nothing.
    by_cookie("PATCH", "/api/browser/account", "403"),
    by_cookie("POST", "/api/browser/logout", "403"),
    live("GET", "/api/account", "200"),
    live("GET", "/api/account/events", "200"),
    live("PATCH", "/api/account", "422"),
    live("DELETE", "/api/account", "403"),
    live("POST", "/api/account/password", "403"),
    // None of these is an admin; what an admin is told stands in `admin_api`.
    live("GET", "/api/admin/users", "403"),
    live("GET", "/api/admin/users/{id}", "403"),
    live("PATCH", "/api/admin/users/{id}", "403"),
    live("POST", "/api/admin/users/{id}/ban", "403"),
    live("POST", "/api/admin/users/{id}/unban", "403"),
    live("POST", "/api/admin/users/{id}/logout-everywhere", "403"),
    live("GET", "/api/admin/events", "403"),
];

/// Sent to the API: who is let in is told what is wrong with it.
fn json_body(method: &str, path: &str) -> Option<serde_json::Value> {
    Some(match (method, path) {
        ("POST", "/api/users") => json!({ "email": "nobody", "display_name": "", "password": "" }),
        ("POST", "/api/auth/login") => json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body" }),
        ("PATCH", "/api/account" | "/api/browser/account") => json!({ "display_name": "" }),
        ("POST", "/api/auth/reauthenticate") | ("DELETE", "/api/account") => json!({ "current_password": "wrong" }),
        ("POST", "/api/account/password") => json!({ "current_password": "wrong", "new_password": NEW_PASSWORD }),
        ("PATCH", "/api/admin/users/{id}") => json!({ "role": "admin" }),
        ("POST", "/api/admin/users/{id}/ban") => json!({ "reason": "spam" }),
        _ => return None,
    })
}

/// Sent to the site, with the token of a form that this very visitor got.
fn form_body(path: &str) -> Vec<(&'static str, &'static str)> {
    match path {
        "/login" => vec![("email", ADA), ("password", PASSWORD)],
        "/account/password" => vec![("current_password", "wrong"), ("new_password", NEW_PASSWORD)],
        "/account/delete" => vec![("current_password", "wrong")],
        _ => vec![],
    }
}

/// Sends a request as a program does (JSON and a bearer token) or as a browser does (a form and cookies).
async fn ask(app: &TestApp, caller: Caller, method: &str, path: &str) -> Answer {
    let (mut browser, client) = credentials(app, caller).await;
    let is_api = routes::is_api(path);
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut body = String::new();
    if is_api && let Some(json) = json_body(method, path) {
        headers.push(("content-type".into(), "application/json".into()));
        body = json.to_string();
    } else if !is_api && method == "POST" {
        // The form on the log-in page is everybody's, also of who is logged in.
        let page = browser.get("/login").await;
        let token = html::value(&page.body, "form_token").expect("a form");
        headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        let mut fields = form_body(path);
        if path != "/measure" {
            fields.push(("form_token", &token));
        }
        body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    }
    if !browser.jar.is_empty() {
        headers.push(("cookie".into(), browser.cookies()));
    }
    if !client.access_token.is_empty() {
        headers.push(("authorization".into(), format!("Bearer {}", client.access_token)));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.request(method, &routes::filled_in(path), &headers, &body).await
}

/// New for every cell: a log-out must not spoil the cells after it.
async fn credentials(app: &TestApp, caller: Caller) -> (Browser, Client) {
    let (mut browser, mut client) = (app.browser(), app.client());
    match caller {
        Caller::Anonymous => {}
        Caller::Session => browser = app.logged_in_browser(ADA).await,
        Caller::AnothersSession => browser = app.logged_in_browser(GRACE).await,
        Caller::SessionThatEnded => {
            browser = app.logged_in_browser(ADA).await;
            let copy = browser.jar.clone();
            browser.log_out().await;
            browser.jar = copy;
        }
        Caller::Token => client = app.logged_in_client(ADA).await,
        Caller::TokenThatExpired => client.access_token = app.expired_access_token(ADA),
        Caller::TokenWhoseLoginEnded => {
            client = app.logged_in_client(ADA).await;
            client.log_out().await;
        }
        Caller::TokenAsCookie => {
            let token = app.logged_in_client(ADA).await;
            for name in ["session", "token", "access_token", "jwt", "authorization", "access"] {
                browser.jar.insert(name.to_owned(), token.access_token.clone());
            }
            browser.jar.insert("refresh".to_owned(), token.access_token);
        }
    }
    (browser, client)
}

fn cell(answer: &Answer) -> String {
    match answer.header("location") {
        to if to.starts_with("/login?next=") => "log in".to_owned(),
        "" => answer.status.to_string(),
        to => format!("{} {to}", answer.status),
    }
}

async fn holds(rows: impl Iterator<Item = &Row>) {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    app.sign_up(GRACE).await;
    let mut wrong = Vec::new();
    for (method, path, cells) in rows {
        for (caller, expected) in CALLERS.into_iter().zip(cells) {
            let answer = ask(&app, caller, method, path).await;
            let got = cell(&answer);
            if got != *expected {
                wrong.push(format!("{method} {path} as {caller:?}: {got} instead of {expected}"));
            }
            let of_another = caller == Caller::AnothersSession && *path != "/login" && *path != "/api/auth/login";
            if of_another && answer.body.contains(ADA) {
                wrong.push(format!("{method} {path} shows Ada to Grace"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[actix_web::test]
async fn pages_let_in_whom_the_table_says_and_nobody_else() {
    holds(TABLE.iter().filter(|(method, path, _)| *method == "GET" && !routes::is_api(path))).await;
}

#[actix_web::test]
async fn forms_let_in_whom_the_table_says_and_nobody_else() {
    holds(TABLE.iter().filter(|(method, path, _)| *method != "GET" && !routes::is_api(path))).await;
}

#[actix_web::test]
async fn the_api_lets_in_whom_the_table_says_and_nobody_else() {
    holds(TABLE.iter().filter(|(_, path, _)| routes::is_api(path))).await;
}

#[actix_web::test]
async fn every_route_that_is_mounted_has_a_row() {
    let app = TestApp::spawn();
    let mounted: BTreeSet<_> = routes::all(&app).await.into_iter().collect();
    let rows: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(mounted, rows);
}

#[actix_web::test]
async fn the_api_lists_every_route_that_it_has() {
    let app = TestApp::spawn();
    let list = app.client().get("/api").await.json();
    let text = |entry: &serde_json::Value, name: &str| entry[name].as_str().expect("text").to_owned();
    let listed: BTreeSet<_> = list["routes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (text(entry, "method"), text(entry, "path")))
        .collect();
    let mounted: BTreeSet<_> = routes::all(&app).await.into_iter().filter(|(_, path)| routes::is_api(path)).collect();
    assert_eq!(mounted, listed);
}
