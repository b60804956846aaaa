//! What admins do at the token door: who is let in, what ends, what stays, and what a demo admin may not see.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    races::{self, ADA, is_dead},
    support::{Answer, Browser, Client, PASSWORD, TestApp, app, routes},
};

const ROOT: &str = "root@example.org";
const GRACE: &str = "grace@example.org";
const DEMO_ADMIN: &str = "ada@example.com";
const DEMO_USER: &str = "grace@example.com";
const INSTANT: &str = "2099-01-31T12:00:00Z";

/// Every route that changes something, below an account, with a body that it takes.
fn changes() -> [(&'static str, &'static str, Option<Value>); 4] {
    [
        ("PATCH", "", Some(json!({ "role": "admin" }))),
        ("POST", "/ban", Some(json!({ "reason": "spam" }))),
        ("POST", "/unban", None),
        ("POST", "/logout-everywhere", None),
    ]
}

fn path_of(app: &TestApp, email: &str) -> String {
    format!("/api/admin/users/{}", app.id_of(email))
}

/// An admin who just logged in.
async fn admin(app: &TestApp) -> Client {
    app.admin(ROOT).await;
    app.logged_in_client(ROOT).await
}

/// Everything that Ada holds: a cookie, an access token and a refresh token.
async fn credentials(app: &TestApp) -> (Browser, Client) {
    (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await)
}

fn is_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
}

/// The accounts of a page, by what a field says.
fn names<'a>(page: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    page[list].as_array().expect("a list").iter().map(|entry| entry[field].as_str().unwrap_or_default()).collect()
}

/// Says that the passwords of all live logins were given so long ago.
fn age(app: &TestApp, seconds: u32) {
    app.execute(&format!("UPDATE token_families SET authenticated_at = authenticated_at - interval '{seconds} s'"));
}

#[actix_web::test]
async fn every_route_lets_an_admin_in_and_nobody_else() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let grace = app.logged_in_client(GRACE).await;
    app.sign_up(ADA).await;
    let ada = app.id_of(ADA).to_string();
    let mut asked = BTreeSet::new();
    for (method, path) in routes::all(&app).await.into_iter().filter(|(_, path)| path.starts_with("/api/admin/")) {
        let url = path.replace("{id}", &ada);
        let known = changes().into_iter().find(|(_, below, _)| path == format!("/api/admin/users/{{id}}{below}"));
        let body = known.and_then(|(_, _, body)| body).filter(|_| method != "GET");
        let refused = grace.send(&method, &url, body.as_ref()).await;
        is_refused(&refused, 403, "forbidden");
        let challenge = "Bearer realm=\"two-doors\", error=\"insufficient_scope\", \
            error_description=\"Only an admin may do this\"";
        assert_eq!(refused.header("www-authenticate"), challenge, "{method} {path}");
        assert_eq!((refused.header("token-check"), refused.statements()), ("live", 1), "{method} {path}");
        let answer = root.send(&method, &url, body.as_ref()).await;
        assert_eq!((answer.status, answer.header("token-check")), (200, "live"), "{method} {path}: {answer:?}");
        asked.insert((method, path));
    }
    assert_eq!(asked.len(), 7, "{asked:?}");
}

#[actix_web::test]
async fn what_counts_is_the_role_of_now_not_the_one_that_the_token_names() {
    let app = TestApp::spawn();
    app.admin(ROOT).await;
    let client = app.logged_in_client(ADA).await;
    is_refused(&client.get("/api/admin/users").await, 403, "forbidden");
    app.change_role(ADA, two_doors::accounts::Role::Admin);
    assert_eq!(client.get("/api/admin/users").await.status, 200, "the claim still says user");
    let client = app.logged_in_client(ADA).await;
    app.execute("UPDATE users SET role = 'user' WHERE email = 'ada@example.org'");
    is_refused(&client.get("/api/admin/users").await, 401, "invalid-token");
}

#[actix_web::test]
async fn a_demoted_admins_token_opens_nothing_from_that_moment_on() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    app.admin(ADA).await;
    app.sign_up(GRACE).await;
    let (mut browser, client) = credentials(&app).await;
    assert_eq!(client.get("/api/admin/events").await.status, 200);
    let answer = root.send("PATCH", &path_of(&app, ADA), Some(&json!({ "role": "user" }))).await;
    assert_eq!((answer.status, &answer.json()["role"]), (200, &json!("user")), "{answer:?}");
    assert_eq!(answer.json()["logins"], json!({ "sessions": 1, "tokens": 0 }));
    for path in ["/api/admin/users", "/api/admin/events", "/api/account"] {
        is_refused(&client.get(path).await, 401, "invalid-token");
    }
    for (method, below, body) in changes() {
        let answer = client.send(method, &format!("{}{below}", path_of(&app, GRACE)), body.as_ref()).await;
        is_refused(&answer, 401, "invalid-token");
    }
    assert_eq!(client.redeem().await.code(), "invalid-refresh-token");
    assert_eq!(client.get("/api/me").await.json()["role"], "admin", "the scheme's limit");
    assert_eq!(browser.get("/account/me").await.json()["role"], "user", "the session reads the row");
    let again = app.logged_in_client(ADA).await;
    is_refused(&again.get("/api/admin/users").await, 403, "forbidden");
    assert_eq!(app.value("SELECT role FROM users WHERE email = 'grace@example.org'"), "user");
}

#[actix_web::test]
async fn a_promotion_is_seen_at_once_and_the_same_role_again_is_no_change() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let client = app.logged_in_client(ADA).await;
    for _ in 0..2 {
        let answer = root.send("PATCH", &path_of(&app, ADA), Some(&json!({ "role": "admin" }))).await;
        assert_eq!((answer.status, &answer.json()["role"]), (200, &json!("admin")));
    }
    assert_eq!(client.get("/api/admin/users").await.status, 200);
    assert_eq!(app.count("auth_events WHERE kind = 'role changed' AND door = 'token' AND actor_id IS NOT NULL"), 1);
}

#[actix_web::test]
async fn a_ban_ends_every_credential_and_says_why_and_until_when() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let (browser, client) = credentials(&app).await;
    let path = path_of(&app, ADA);
    assert_eq!(root.get(&path).await.json()["logins"], json!({ "sessions": 1, "tokens": 1 }));
    let body = json!({ "reason": "too much\nspam", "until": "2099-01-31T13:00:00+01:00" });
    let answer = root.post(&format!("{path}/ban"), &body).await.json();
    assert_eq!(answer["banned"], json!({ "reason": "too much spam", "until": INSTANT }), "{answer}");
    assert_eq!(answer["logins"], json!({ "sessions": 0, "tokens": 0 }));
    assert_eq!(root.get("/api/admin/users?q=ada@").await.json()["users"][0]["banned"], answer["banned"]);
    let page = browser.clone().get("/account").await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("until 31 January 2099, 12:00 UTC") && page.body.contains("too much spam"), "{page:?}");
    for answer in [client.get("/api/account").await, client.redeem().await] {
        is_refused(&answer, 403, "banned");
    }
    assert_eq!(client.get("/api/me").await.status, 200, "the scheme's limit");
    is_refused(&app.client().log_in(ADA, PASSWORD).await, 403, "banned");
    let event = root.get("/api/admin/events?kind=banned").await.json()["events"][0].clone();
    assert_eq!(
        (event["user"].as_str(), event["actor"].as_str()),
        (Some(&*app.id_of(ADA).to_string()), Some(&*app.id_of(ROOT).to_string()))
    );
    assert_eq!((&event["door"], &event["address"]), (&json!("token"), &json!("127.0.0.1")));
}

#[actix_web::test]
async fn a_ban_replaces_the_one_before_and_after_its_end_only_the_log_in_comes_back() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let (mut browser, client) = credentials(&app).await;
    let path = path_of(&app, ADA);
    for (reason, until) in [("spam", json!(INSTANT)), ("more spam", json!(null))] {
        let answer = root.post(&format!("{path}/ban"), &json!({ "reason": reason, "until": until })).await;
        assert_eq!(answer.json()["banned"], json!({ "reason": reason, "until": until }), "{answer:?}");
    }
    for _ in 0..2 {
        let answer = root.send("POST", &format!("{path}/unban"), None).await;
        assert_eq!((answer.status, &answer.json()["banned"]), (200, &json!(null)));
    }
    assert_eq!(app.count("auth_events WHERE kind = 'un-banned'"), 1, "there was one to take back");
    assert!(!browser.is_logged_in().await && is_dead(&client).await);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn to_log_somebody_out_everywhere_ends_every_credential_of_theirs_and_of_nobody_else() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let (mut browser, client) = credentials(&app).await;
    let second = app.logged_in_client(ADA).await;
    let grace = app.logged_in_client(GRACE).await;
    let answer = root.send("POST", &format!("{}/logout-everywhere", path_of(&app, ADA)), None).await;
    assert_eq!(answer.json(), json!({ "sessions": 1, "tokens": 2 }));
    assert!(!browser.is_logged_in().await && is_dead(&client).await && is_dead(&second).await);
    assert_eq!(client.get("/api/me").await.status, 200, "the scheme's limit");
    assert!(!is_dead(&grace).await && !is_dead(&root).await);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200, "who may come in again");
    assert_eq!(
        app.count("auth_events WHERE kind = 'logged out everywhere' AND detail = '1 session and 2 token logins'"),
        1
    );
}

#[actix_web::test]
async fn the_last_admin_stays_one() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    let own = path_of(&app, ROOT);
    let demotion = json!({ "role": "user" });
    is_refused(&root.send("PATCH", &own, Some(&demotion)).await, 409, "last-admin");
    is_refused(&root.post(&format!("{own}/ban"), &json!({ "reason": "spam" })).await, 409, "last-admin");
    assert!(!is_dead(&root).await);
    app.admin(ADA).await;
    assert_eq!(root.send("PATCH", &own, Some(&demotion)).await.status, 200, "another one is left");
    assert!(is_dead(&root).await, "an admin's own tokens die like anybody's");
}

#[actix_web::test]
async fn of_two_admins_who_demote_one_another_at_once_one_is_left() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    app.admin(ADA).await;
    let ada = app.logged_in_client(ADA).await;
    let demotion = |by: &Client, of: &str| {
        let (client, path) = (by.clone(), path_of(&app, of));
        let answer = async move { client.send("PATCH", &path, Some(&json!({ "role": "user" }))).await };
        Box::pin(answer) as races::Ready
    };
    let (first, second) = races::one_after_the_other(&app, demotion(&root, ADA), demotion(&ada, ROOT)).await;
    assert_eq!(first.status, 200, "{first:?}");
    is_refused(&second, 403, "forbidden");
    assert!(second.header("www-authenticate").contains("insufficient_scope"));
    assert_eq!(app.value("SELECT string_agg(email, ' ') FROM users WHERE role = 'admin'"), ROOT);
}

#[actix_web::test]
async fn changes_ask_for_the_password_after_ten_minutes_and_reads_do_not() {
    let app = TestApp::spawn();
    let mut root = admin(&app).await;
    app.sign_up(ADA).await;
    let path = path_of(&app, ADA);
    age(&app, 660);
    for (method, below, body) in changes() {
        let answer = root.send(method, &format!("{path}{below}"), body.as_ref()).await;
        is_refused(&answer, 401, "step-up-required");
        assert!(answer.header("www-authenticate").contains("max_age=\"600\""), "{answer:?}");
    }
    assert_eq!(app.value("SELECT role || credential_version FROM users WHERE email = 'ada@example.org'"), "user1");
    assert_eq!(root.get(&path).await.status, 200);
    let answer = root.post("/api/auth/reauthenticate", &json!({ "current_password": PASSWORD })).await;
    root.keep(&answer);
    for (method, below, body) in changes() {
        assert_eq!(root.send(method, &format!("{path}{below}"), body.as_ref()).await.status, 200, "{method} {below}");
    }
    let grace = app.logged_in_client(GRACE).await;
    age(&app, 660);
    is_refused(&grace.post(&format!("{path}/ban"), &json!({ "reason": "spam" })).await, 403, "forbidden");
}

#[actix_web::test]
async fn accounts_come_page_by_page_each_once_and_are_found_by_name_and_address() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    app.execute(
        "INSERT INTO users (email, email_folded, display_name, password_hash) \
         SELECT n || '@many.example', n || '@many.example', 'One of many 50%', '' FROM generate_series(1, 7) n",
    );
    let (mut after, mut found) = (String::new(), Vec::new());
    loop {
        let page = root.get(&format!("/api/admin/users?limit=3{after}")).await.json();
        found.extend(names(&page, "users", "email").into_iter().map(str::to_owned));
        match page["next_after"].as_str() {
            Some(place) => after = format!("&after={place}"),
            None => break,
        }
    }
    assert_eq!((found.len(), found.iter().collect::<BTreeSet<_>>().len()), (8, 8), "{found:?}");
    assert_eq!(found.last().map(String::as_str), Some(ROOT), "newest first");
    for (search, expected) in [("MANY.example", 7), ("50%25", 7), ("0%25x", 0), ("root", 1), ("%20", 8), ("%00", 8)] {
        let page = root.get(&format!("/api/admin/users?q={search}")).await.json();
        assert_eq!(names(&page, "users", "id").len(), expected, "{search}: {page}");
    }
    let user = root.get(&path_of(&app, ROOT)).await.json();
    let fields: Vec<_> = user.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["banned", "created_at", "demo", "display_name", "email", "id", "logins", "role"]);
}

#[actix_web::test]
async fn the_audit_trail_comes_page_by_page_and_by_user_and_kind() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    app.logged_in_client(ADA).await.renew().await;
    let ada = app.id_of(ADA);
    let (mut before, mut kinds) = (String::new(), Vec::new());
    loop {
        let page = root.get(&format!("/api/admin/events?user={ada}&limit=2{before}")).await.json();
        kinds.extend(names(&page, "events", "kind").into_iter().map(str::to_owned));
        assert!(names(&page, "events", "email").iter().all(|email| *email == ADA), "{page}");
        match page["next_before"].as_i64() {
            Some(id) => before = format!("&before={id}"),
            None => break,
        }
    }
    assert_eq!(kinds, ["refreshed", "logged in", "signed up"]);
    let all = root.get("/api/admin/events?kind=logged%20in").await.json();
    assert_eq!(names(&all, "events", "email"), [ADA, ROOT]);
    let fields: Vec<_> = all["events"][0].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        ["actor", "address", "at", "client", "detail", "door", "email", "id", "kind", "login", "user", "user_agent"]
    );
    let nobody = root.get("/api/admin/events?user=00000000-0000-0000-0000-000000000000").await.json();
    assert_eq!(nobody, json!({ "events": [], "next_before": null }));
}

#[actix_web::test]
async fn what_can_not_be_is_refused_by_name() {
    let app = TestApp::spawn();
    let root = admin(&app).await;
    app.sign_up(ADA).await;
    let path = path_of(&app, ADA);
    for (query, field) in [
        ("users?limit=0", "limit"),
        ("users?limit=201", "limit"),
        ("users?limit=x", "limit"),
        ("users?after=", "after"),
        ("users?after=x", "after"),
        ("users?after=9223372036854775807-00000000-0000-0000-0000-000000000000", "after"),
        ("events?user=ada", "user"),
        ("events?kind=LOGGED", "kind"),
        ("events?before=9999999999999999999", "before"),
        ("events?limit=201", "limit"),
    ] {
        let answer = root.get(&format!("/api/admin/{query}")).await;
        is_refused(&answer, 422, "refused-fields");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
    for path in
        ["/api/admin/users?limit=1&limit=2", "/api/admin/events?kind=a&kind=b", "/api/account/events?limit=1&limit=2"]
    {
        let answer = root.get(path).await;
        is_refused(&answer, 422, "refused-fields");
        assert_eq!(answer.header("www-authenticate"), "", "nothing is wrong with the token");
    }
    for (below, body, fields) in [
        ("", json!({ "role": "root" }), "role"),
        ("", json!({ "role": "Admin" }), "role"),
        ("/ban", json!({ "reason": " \n" }), "reason"),
        ("/ban", json!({ "reason": "x".repeat(501) }), "reason"),
        ("/ban", json!({ "reason": "a\u{7}b" }), "reason"),
        ("/ban", json!({ "reason": "spam", "until": "2020-01-01T00:00:00Z" }), "until"),
        ("/ban", json!({ "reason": "spam", "until": "0000-01-01T00:00:00+23:59" }), "until"),
        ("/ban", json!({ "reason": "spam", "until": "9999-12-31T23:59:59-23:59" }), "until"),
        ("/ban", json!({ "reason": "", "until": "tomorrow" }), "reason until"),
    ] {
        let method = if below.is_empty() { "PATCH" } else { "POST" };
        let answer = root.send(method, &format!("{path}{below}"), Some(&body)).await;
        is_refused(&answer, 422, "refused-fields");
        assert_eq!(names(&answer.json(), "errors", "field").join(" "), fields, "{body}");
    }
    for (method, below, body) in changes() {
        let mut body = body.unwrap_or(json!({}));
        body["force"] = json!(true);
        is_refused(&root.send(method, &format!("{path}{below}"), Some(&body)).await, 400, "malformed-json");
    }
    for body in [json!({}), json!({ "until": INSTANT }), json!({ "reason": "a\u{0}b" }), json!({ "reason": 1 })] {
        is_refused(&root.post(&format!("{path}/ban"), &body).await, 400, "malformed-json");
    }
    for id in ["x", "00000000-0000-0000-0000-000000000000", "%00", "ada@example.org"] {
        is_refused(&root.get(&format!("/api/admin/users/{id}")).await, 404, "not-found");
        for (method, below, body) in changes() {
            let answer = root.send(method, &format!("/api/admin/users/{id}{below}"), body.as_ref()).await;
            is_refused(&answer, 404, "not-found");
        }
    }
    let last = json!({ "reason": "spam", "until": "9999-12-31T23:59:59Z" });
    assert_eq!(root.post(&format!("{path}/ban"), &last).await.json()["banned"], last, "the last instant is one");
}

mod demo {
    use super::*;

    /// The demo admin, in a house where others are too.
    async fn house() -> (TestApp, Client, Client) {
        let app = TestApp::with(&[("DEMO_MODE", "on")]);
        let root = admin(&app).await;
        app.sign_up(ADA).await;
        let secrets = two_doors::secrets::Secrets::parse(app::SECRET).expect("valid");
        let account = two_doors::accounts::demo::accounts(&secrets).swap_remove(0);
        assert_eq!(account.email, DEMO_ADMIN);
        let mut demo = app.client();
        assert_eq!(demo.log_in(DEMO_ADMIN, &account.password).await.status, 200);
        (app, root, demo)
    }

    #[actix_web::test]
    async fn their_admin_changes_nothing() {
        let (app, _root, demo) = house().await;
        let all = "SELECT string_agg(u::text, ' ' ORDER BY id) FROM users u";
        let (before, events) = (app.value(all), app.count("auth_events"));
        for email in [ADA, ROOT, DEMO_USER, DEMO_ADMIN] {
            for (method, below, body) in changes() {
                let answer = demo.send(method, &format!("{}{below}", path_of(&app, email)), body.as_ref()).await;
                is_refused(&answer, 403, "demo-account");
                assert!(answer.body.contains("may look, but change nothing"), "{answer:?}");
            }
        }
        assert_eq!((app.value(all), app.count("auth_events")), (before, events));
    }

    #[actix_web::test]
    async fn they_stay_as_they_are_whoever_asks() {
        let (app, root, demo) = house().await;
        for (method, below, body) in changes() {
            let answer = root.send(method, &format!("{}{below}", path_of(&app, DEMO_ADMIN)), body.as_ref()).await;
            match below {
                "/logout-everywhere" => assert_eq!(answer.json(), json!({ "sessions": 0, "tokens": 1 })),
                _ => is_refused(&answer, 403, "demo-account"),
            }
        }
        assert!(is_dead(&demo).await, "their logins end like anybody's");
    }

    #[actix_web::test]
    async fn their_admin_is_shown_nobodys_address_but_theirs() {
        let (app, root, demo) = house().await;
        app.ban(ADA, "writes to grace@example.org", None);
        // What a real admin does about a demo account comes from a real admin's address.
        let ended = root.send("POST", &format!("{}/logout-everywhere", path_of(&app, DEMO_USER)), None).await;
        assert_eq!(ended.status, 200);
        let real = [ADA, ROOT, GRACE];
        for path in [
            "/api/admin/users".to_owned(),
            "/api/admin/events?limit=200".to_owned(),
            path_of(&app, ADA),
            path_of(&app, ROOT),
            format!("/api/admin/events?user={}", app.id_of(ADA)),
        ] {
            let answer = demo.get(&path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(!real.iter().any(|email| answer.body.contains(email)), "{path}: {answer:?}");
        }
        let page = demo.get("/api/admin/users").await.json();
        let seen: BTreeSet<_> = names(&page, "users", "email").into_iter().collect();
        assert_eq!(seen, ["", DEMO_ADMIN, DEMO_USER, "linus@example.com"].into());
        assert_eq!(demo.get(&path_of(&app, ADA)).await.json()["banned"], json!({ "reason": null, "until": null }));
        let found = demo.get("/api/admin/users?q=example.org").await.json();
        assert_eq!(names(&found, "users", "id").len(), 0, "a search finds no address that is not shown: {found}");
        let own = demo.get(&format!("/api/admin/events?user={}", app.id_of(ROOT))).await.json();
        assert_eq!(names(&own, "events", "id").len(), 0, "{own}");
        let done = demo.get("/api/admin/events?kind=logged%20out%20everywhere").await.json()["events"][0].clone();
        assert_eq!((&done["address"], &done["user_agent"]), (&json!(null), &json!("")), "{done}");
        let done = root.get("/api/admin/events?kind=logged%20out%20everywhere").await.json()["events"][0].clone();
        assert_eq!(done["address"], json!("127.0.0.1"), "{done}");
        assert_eq!(names(&root.get("/api/admin/users?q=example.org").await.json(), "users", "id").len(), 2);
    }
}
