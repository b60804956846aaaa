//! What admins may see and do at the session door: and that it is the row, at each request, that makes an admin.

use serde_json::json;
use two_doors::accounts::Role;

use crate::support::{Answer, Browser, TestApp, html};

const ROOT: &str = "root@example.org";
const ADA: &str = "ada@example.org";

/// An admin, and somebody else.
async fn both(app: &TestApp) -> (Browser, String) {
    app.admin(ROOT).await;
    app.sign_up(ADA).await;
    (app.logged_in_browser(ROOT).await, format!("/admin/users/{}", app.id_of(ADA)))
}

async fn act(admin: &mut Browser, page: &str, what: &str, fields: &[(&str, &str)]) -> Answer {
    admin.post_from("/account", &format!("{page}/{what}"), fields).await
}

#[actix_web::test]
async fn a_ban_from_the_site_ends_all_four_credentials_as_promised_and_is_told_to_the_person() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    let (mut ada, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let answer = act(&mut admin, &page, "ban", &[("reason", "spam"), ("until", "2999-12-31T23:59")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, page.as_str()), "{answer:?}");
    let told = ada.get("/account").await;
    assert!(told.status == 403 && told.body.contains("until 31 December 2999, 23:59 UTC"), "{told:?}");
    assert!(told.body.contains("spam"));
    assert_eq!(client.get("/api/me").await.status, 200, "nobody is asked");
    assert_eq!(client.get("/api/account").await.code(), "banned");
    assert_eq!(client.redeem().await.code(), "banned");
    let shown = admin.get(&page).await;
    assert!(shown.body.contains("Take the ban back") && shown.body.contains("by an admin"), "{shown:?}");

    assert_eq!(act(&mut admin, &page, "unban", &[]).await.status, 303);
    assert_eq!(ada.get("/account").await.status, 303, "what ended stays ended");
    let events = app.logged_in_client(ADA).await.get("/api/account/events").await.json();
    let ban = events["events"].as_array().expect("events").iter().find(|event| event["kind"] == "banned");
    let ban = ban.expect("she is told");
    assert_eq!((&ban["by"], &ban["address"], &ban["user_agent"]), (&json!("admin"), &json!(null), &json!("")));
    assert!(app.logged_in_browser(ADA).await.is_logged_in().await);
}

#[actix_web::test]
async fn a_role_given_and_taken_counts_at_the_next_request() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    let (mut ada, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    assert_eq!(ada.get("/admin").await.status, 403);
    assert_eq!(act(&mut admin, &page, "role", &[("role", "admin")]).await.status, 303);
    assert_eq!(ada.get("/admin").await.status, 200);
    assert_eq!(client.get("/api/account").await.json()["role"], "admin");
    assert_eq!(act(&mut admin, &page, "role", &[("role", "user")]).await.status, 303);
    let told = ada.get("/admin").await;
    assert!(told.status == 403 && told.body.contains("This is for admins"), "{told:?}");
    assert_eq!(client.redeem().await.status, 401, "a demotion ends the families");
    assert_eq!(act(&mut admin, &page, "role", &[("role", "king")]).await.status, 422);
}

#[actix_web::test]
async fn every_login_of_somebody_ends_at_both_doors_and_they_may_come_back() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    let (mut ada, client) = (app.logged_in_browser(ADA).await, app.logged_in_client(ADA).await);
    let shown = admin.get(&page).await.body;
    assert!(shown.contains("session door") && shown.contains(ADA), "{shown}");
    assert_eq!(act(&mut admin, &page, "end-logins", &[]).await.status, 303);
    assert!(!ada.is_logged_in().await);
    assert_eq!((client.get("/api/account").await.status, client.redeem().await.status), (401, 401));
    assert!(app.logged_in_browser(ADA).await.is_logged_in().await);
}

#[actix_web::test]
async fn the_last_admin_stays_one() {
    let app = TestApp::spawn();
    let (mut admin, _) = both(&app).await;
    let own = format!("/admin/users/{}", app.id_of(ROOT));
    for (what, fields) in [("role", vec![("role", "user")]), ("ban", vec![("reason", "tired of it")])] {
        let answer = act(&mut admin, &own, what, &fields).await;
        assert!(answer.status == 409 && answer.body.contains("last admin"), "{what}: {answer:?}");
    }
    assert_eq!(app.value(&format!("SELECT role FROM users WHERE email = '{ROOT}'")), "admin");
}

#[actix_web::test]
async fn a_change_wants_a_fresh_password_and_is_finished_with_what_was_typed() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    app.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'");
    let asked = act(&mut admin, &page, "ban", &[("reason", "spam")]).await;
    assert_eq!(asked.status, 403, "{asked:?}");
    assert_eq!(app.count("users WHERE banned_at IS NOT NULL"), 0);
    let sealed = html::all(&asked.body, "input").into_iter().find(|input| input.get("name") == Some("sealed"));
    let sealed = sealed.expect("the form is kept").get("value").expect("sealed").to_owned();
    let fields = [("sealed", sealed.as_str()), ("current_password", crate::support::PASSWORD)];
    assert_eq!(admin.post_from("/account", "/account/confirm", &fields).await.status, 303);
    assert_eq!(app.value(&format!("SELECT ban_reason FROM users WHERE email = '{ADA}'")), "spam");
}

#[actix_web::test]
async fn who_is_no_admin_is_not_asked_for_a_password_first() {
    let app = TestApp::spawn();
    let (_, page) = both(&app).await;
    let mut ada = app.logged_in_browser(ADA).await;
    app.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'");
    let answer = act(&mut ada, &page, "role", &[("role", "admin")]).await;
    assert!(answer.status == 403 && answer.body.contains("This is for admins"), "{answer:?}");
    assert_eq!(app.value(&format!("SELECT role FROM users WHERE email = '{ADA}'")), "user");
}

#[actix_web::test]
async fn users_are_found_and_leafed_through_without_loss_or_repetition() {
    let app = TestApp::spawn();
    let (mut admin, _) = both(&app).await;
    app.execute(
        "INSERT INTO users (email, email_folded, display_name, password_hash) \
         SELECT 'p' || n || '@example.net', 'p' || n || '@example.net', 'Person ' || n, '-' FROM generate_series(1, 60) n",
    );
    let (mut path, mut seen) = ("/admin".to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).await;
        let links = html::all(&page.body, "a");
        let people = links.iter().filter_map(|link| link.get("href")).filter(|to| to.starts_with("/admin/users/"));
        seen.extend(people.map(str::to_owned));
        match links.iter().find(|link| link.get("rel") == Some("next")).and_then(|link| link.get("href")) {
            Some(next) => path = next.replace("&#38;", "&").replace("&amp;", "&"),
            None => break,
        }
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (62, 62));
    let found = admin.get("/admin?q=P33%40EXAMPLE").await;
    assert!(found.body.contains("Person 33") && !found.body.contains("Person 34"), "{found:?}");
    let none = admin.get("/admin?q=%25%00%27%3Cb%3E").await;
    assert!(none.status == 200 && none.body.contains("Nobody") && !none.body.contains("<b>"), "{none:?}");
    assert_eq!(admin.get("/admin?after=nonsense").await.status, 200);
}

#[actix_web::test]
async fn the_trail_of_everybody_can_be_read_by_kind_and_page() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    act(&mut admin, &page, "ban", &[("reason", "spam")]).await;
    let all = admin.get("/admin/events").await;
    assert!(all.body.contains("<b>banned</b>") && all.body.contains("<b>signed up</b>"), "{all:?}");
    let bans = admin.get("/admin/events?kind=banned").await;
    assert!(bans.body.contains("<b>banned</b>") && !bans.body.contains("<b>signed up</b>"), "{bans:?}");
    assert_eq!(admin.get("/admin/events?kind=nonsense").await.status, 404);
    assert!(admin.get("/admin/events?before=1").await.body.contains("Nothing of this kind"));
}

#[actix_web::test]
async fn a_ban_that_can_not_be_keeps_what_was_typed() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    for (fields, says) in [
        ([("reason", ""), ("until", "2999-01-01T00:00")], "Say why"),
        ([("reason", "spam"), ("until", "yesterday")], "Enter a day and a time"),
        ([("reason", "spam"), ("until", "2001-01-01T00:00")], "in the future"),
    ] {
        let answer = act(&mut admin, &page, "ban", &fields).await;
        assert!(answer.status == 422 && answer.body.contains(says), "{says}: {answer:?}");
        for (_, value) in fields {
            assert!(value.is_empty() || answer.body.contains(&format!("value=\"{value}\"")), "{value}");
        }
    }
    for (path, status) in [("/admin/users/none", 404), ("/admin/users/00000000-0000-0000-0000-000000000000", 404)] {
        assert_eq!(admin.get(path).await.status, status, "{path}");
        assert_eq!(act(&mut admin, path, "ban", &[("reason", "spam")]).await.status, status, "{path}");
    }
    assert_eq!(app.count("users WHERE banned_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn a_demo_admin_looks_but_sees_no_strangers_address_and_changes_nothing() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    app.sign_up("eve@example.org").await;
    let (mut demo, _) = app.demo_admin().await;
    for path in
        ["/admin".to_owned(), "/admin/events".to_owned(), format!("/admin/users/{}", app.id_of("eve@example.org"))]
    {
        let shown = demo.get(&path).await;
        assert!(shown.status == 200 && !shown.body.contains("eve@example.org"), "{path}");
    }
    assert!(demo.get("/admin?q=eve").await.body.contains("Nobody"), "nor by searching");
    let eve = format!("/admin/users/{}", app.id_of("eve@example.org"));
    for (what, fields) in
        [("role", vec![("role", "admin")]), ("ban", vec![("reason", "x")]), ("unban", vec![]), ("end-logins", vec![])]
    {
        assert_eq!(act(&mut demo, &eve, what, &fields).await.status, 403, "{what}");
    }
    app.admin(ROOT).await;
    let mut root = app.logged_in_browser(ROOT).await;
    let ada = format!("/admin/users/{}", app.id_of("ada@example.com"));
    assert_eq!(act(&mut root, &ada, "ban", &[("reason", "x")]).await.status, 403, "a demo account stays as it is");
    let reason = [("reason", "wrote to bob@example.net")];
    assert_eq!(act(&mut root, &eve, "ban", &reason).await.status, 303);
    assert!(root.get("/admin").await.body.contains("bob@example.net"));
    for path in ["/admin", "/admin/events", &eve] {
        let shown = demo.get(path).await;
        assert!(shown.status == 200 && !shown.body.contains("bob@example.net"), "{path}: why is no business of hers");
    }
    assert!(demo.get(&eve).await.body.contains("banned"));
    assert_eq!(app.change_role(ROOT, Role::Admin), two_doors::accounts::standing::Change::None);
}

#[actix_web::test]
async fn an_admins_form_that_outlived_the_login_asks_for_a_log_in() {
    let app = TestApp::spawn();
    let (mut admin, page) = both(&app).await;
    admin.headers = vec![("origin".to_owned(), app.url(""))];
    let form = admin.form_token("/account").await;
    app.execute("UPDATE sessions SET ended_at = clock_timestamp(), end_reason = 'logged out'");
    let answer = admin.post_raw(&format!("{page}/ban"), &[("form_token", &form), ("reason", "spam")]).await;
    assert!(answer.status == 403 && answer.body.contains("Log in in another tab"), "{answer:?}");
}
