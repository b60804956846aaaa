//! The list of a user's logins at both doors, and the end of one of them or of all others: by public names, and only one's own.

use two_doors::secrets::{hex, sha256};

use crate::{
    races::{self, ADA, is_dead},
    support::{Answer, Browser, Client, PASSWORD, TestApp, html},
};

const GRACE: &str = "grace@example.org";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// The public name of the newest login of a kind.
fn newest(app: &TestApp, table: &str) -> String {
    app.value(&format!("SELECT id FROM {table} ORDER BY created_at DESC LIMIT 1"))
}

async fn end(browser: &mut Browser, id: &str) -> Answer {
    browser.post_from("/account/devices", "/account/devices/end", &[("id", id)]).await
}

async fn delete(client: &Client, id: &str) -> Answer {
    client.send("DELETE", &format!("/api/auth/tokens/{id}"), None).await
}

/// What is written between a list item and the next, without tags.
fn items(page: &str) -> Vec<String> {
    page.split("<li class=\"login").skip(1).map(|item| html::text(item.split("</li>").next().unwrap())).collect()
}

/// Lets the passwords of every login have been checked an hour ago.
fn age(app: &TestApp) {
    for table in ["sessions", "token_families"] {
        app.execute(&format!("UPDATE {table} SET authenticated_at = authenticated_at - interval '1 hour'"));
    }
}

mod session {
    use super::*;

    #[actix_web::test]
    async fn to_end_other_logins_takes_a_password_that_was_checked_lately() {
        let app = TestApp::spawn();
        let (mut browser, mut other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let id = newest(&app, "sessions");
        age(&app);
        for (path, fields) in
            [("/account/devices/end", vec![("id", id.as_str())]), ("/account/devices/end-others", vec![])]
        {
            let asked = browser.post_from("/account/devices", path, &fields).await;
            assert_eq!(html::text_of(&asked.body, "h1"), "Your password, once more", "{path}: {asked:?}");
        }
        assert!(other.is_logged_in().await);
        let asked = end(&mut browser, &id).await.body;
        let field = |name: &str| html::value(&asked, name).expect("a field");
        let (sealed, token) = (field("sealed"), field("form_token"));
        let fields = [("sealed", sealed.as_str()), ("form_token", &token), ("current_password", PASSWORD)];
        let answer = browser.post_raw("/account/confirm", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account/devices"), "{answer:?}");
        assert!(browser.is_logged_in().await && !other.is_logged_in().await);
    }

    #[actix_web::test]
    async fn both_kinds_of_login_stand_side_by_side_and_nobody_elses() {
        let app = TestApp::spawn();
        let mut browser = app.browser();
        browser.headers.push(("user-agent".to_owned(), FIREFOX.to_owned()));
        app.sign_up(ADA).await;
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        assert_eq!(browser.post_from("/login", "/login", &fields).await.status, 303);
        let mut other = app.browser();
        other.headers.push(("user-agent".to_owned(), "<b>odd</b>/1".to_owned()));
        other.log_in(ADA, PASSWORD).await;
        let body = serde_json::json!({ "email": ADA, "password": PASSWORD }).to_string();
        let headers = [("content-type", "application/json"), ("user-agent", "curl/8.5.0")];
        assert_eq!(app.request("POST", "/api/auth/login", &headers, &body).await.status, 200);
        app.logged_in_browser(GRACE).await;
        app.logged_in_client(GRACE).await;

        let page = browser.get("/account/devices").await;
        assert_eq!(page.status, 200);
        let items = items(&page.body);
        assert_eq!(items.len(), 3, "{items:?}");
        assert!(items[0].contains("Firefox 145 on Linux") && items[0].contains("this browser"), "{items:?}");
        assert!(items[0].contains("remembered") && items[0].contains("127.0.0.1"), "{items:?}");
        assert!(items[0].contains("Logged in") && items[0].contains("Last seen") && items[0].contains("in 30 days"));
        assert!(!items[1].contains("this browser") && !items[1].contains("remembered"), "{items:?}");
        assert!(page.body.contains("&#60;b&#62;odd&#60;"), "names are text: {items:?}");
        assert!(items[2].contains("curl 8") && items[2].contains("in 90 days"), "{items:?}");
    }

    #[actix_web::test]
    async fn neither_a_key_nor_a_token_nor_a_hash_of_one_stands_in_the_page() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let client = app.logged_in_client(ADA).await;
        app.logged_in_browser(ADA).await;
        let page = browser.get("/account/devices").await.body;
        let key = browser.jar["session"].rsplit("%3D").next().expect("a key").to_owned();
        let hashes = [&key, &client.refresh_token].map(|secret| hex(&sha256(secret.as_bytes())));
        for secret in [&key, &client.refresh_token, &client.access_token, &hashes[0], &hashes[1]] {
            assert!(!page.contains(secret.as_str()) && secret.len() > 40, "{secret}");
        }
        assert!(page.contains(&newest(&app, "token_families")), "{page}");
    }

    #[actix_web::test]
    async fn one_other_session_ends_and_who_holds_it_is_told() {
        let app = TestApp::spawn();
        let (mut browser, mut third) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let client = app.logged_in_client(ADA).await;
        let mut other = app.logged_in_browser(ADA).await;
        let mut thief = other.clone();
        let id = newest(&app, "sessions");
        let answer = end(&mut browser, &id).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account/devices"));
        assert!(browser.get("/account/devices").await.body.contains("its cookie opens nothing any more"));
        assert!(!thief.is_logged_in().await);
        other.get("/account").await;
        let told = other.get("/login").await.body;
        assert!(told.contains("This login was ended from another one of yours."), "{told}");
        assert!(browser.is_logged_in().await && third.is_logged_in().await && !is_dead(&client).await);
        assert_eq!(app.count(&format!("auth_events WHERE kind = 'login ended' AND login_id = '{id}'")), 1);
    }

    #[actix_web::test]
    async fn a_token_login_ends_from_the_site() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let id = newest(&app, "token_families");
        assert_eq!(end(&mut browser, &id).await.status, 303);
        assert!(is_dead(&other).await && !is_dead(&client).await && browser.is_logged_in().await);
        assert_eq!(other.get("/api/me").await.status, 200, "the scheme's limit, which the page names");
        assert!(browser.get("/account/devices").await.body.contains("works at claims-only routes until it expires"));
    }

    #[actix_web::test]
    async fn to_end_ones_own_login_is_to_log_out() {
        let app = TestApp::spawn();
        let mut other = app.logged_in_browser(ADA).await;
        let mut browser = app.logged_in_browser(ADA).await;
        let mut thief = browser.clone();
        let answer = end(&mut browser, &newest(&app, "sessions")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"));
        assert!(answer.cookie_attributes("session").contains(&"Max-Age=0"), "{answer:?}");
        assert!(!thief.is_logged_in().await && other.is_logged_in().await);
        assert_eq!(app.value("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL"), "logged out");
    }

    #[actix_web::test]
    async fn another_users_login_and_one_that_is_none_are_not_found() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let mut grace = app.logged_in_browser(GRACE).await;
        let graces = app.logged_in_client(GRACE).await;
        let ids = [newest(&app, "sessions"), newest(&app, "token_families"), uuid::Uuid::nil().to_string()];
        for id in ids.iter().map(String::as_str).chain(["", "garbage", "' OR 1=1"]) {
            let answer = end(&mut browser, id).await;
            assert_eq!(answer.status, 404, "{id}");
            assert!(html::text(&answer.body).contains("It may have ended meanwhile."), "{answer:?}");
        }
        assert!(grace.is_logged_in().await && !is_dead(&graces).await && browser.is_logged_in().await);
        assert_eq!(app.count("auth_events WHERE kind = 'login ended'"), 0);
    }

    #[actix_web::test]
    async fn all_others_end_at_both_doors_and_this_one_goes_on() {
        let app = TestApp::spawn();
        let (mut browser, mut other) = (app.logged_in_browser(ADA).await, app.logged_in_browser(ADA).await);
        let client = app.logged_in_client(ADA).await;
        let mut grace = app.logged_in_browser(GRACE).await;
        let answer = browser.post_from("/account/devices", "/account/devices/end-others", &[]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account/devices"));
        assert!(browser.is_logged_in().await && !other.is_logged_in().await && is_dead(&client).await);
        assert!(grace.is_logged_in().await);
        assert!(browser.get("/account/devices").await.body.contains("Ended: 1 session and 1 token login."));
        assert_eq!(
            app.value("SELECT detail FROM auth_events WHERE kind = 'logged out everywhere'"),
            "all but this one: 1 session and 1 token login"
        );
    }

    #[actix_web::test]
    async fn log_ins_that_are_under_way_end_with_the_others() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let ending = races::form(&browser, "/account/devices/end-others", &[]).await;
        assert_eq!(races::log_ins_before(&app, ending).await.status, 303);
        let ending = races::form(&browser, "/account/devices/end-others", &[]).await;
        assert_eq!(races::log_ins_after(&app, ending).await.status, 303);
        assert!(browser.is_logged_in().await);
    }

    #[actix_web::test]
    async fn a_renewal_that_is_under_way_ends_with_its_login() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let client = app.logged_in_client(ADA).await;
        let id = newest(&app, "token_families");
        let ending = races::form(&browser, "/account/devices/end", &[("id", &id)]).await;
        assert_eq!(races::renewal_before(&app, &client, ending).await.status, 303);
    }
}

#[actix_web::test]
async fn visitors_of_a_demo_account_are_not_told_where_the_others_are() {
    let app = TestApp::with(&[("DEMO_MODE", "on")]);
    let (mut browser, password) = app.demo_admin().await;
    let mut client = app.client();
    assert_eq!(client.log_in("ada@example.com", &password).await.status, 200);
    assert_eq!(app.client().log_in("ada@example.com", &password).await.status, 200);
    for path in ["/account/devices", "/account/activity"] {
        let page = browser.get(path).await.body;
        assert_eq!(page.matches("127.0.0.1</").count(), 1, "{path} tells of this browser alone: {page}");
    }
    let this = &client.get("/api/me").await.json()["login"];
    for (path, list, login) in [("/api/auth/tokens", "", "id"), ("/api/account/events", "/events", "login")] {
        let told = client.get(path).await.json();
        let told = told.pointer(list).and_then(|list| list.as_array()).expect("a list");
        for one in told {
            assert_eq!(one["address"].is_null(), one[login] != *this, "{path}: {one}");
        }
        assert!(told.iter().any(|one| one[login] != *this), "{path}: {told:?}");
    }
}

mod token {
    use super::*;

    #[actix_web::test]
    async fn to_end_other_logins_takes_a_password_that_was_checked_lately() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        age(&app);
        let answer = delete(&client, &newest(&app, "token_families")).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").contains("insufficient_user_authentication"), "{answer:?}");
        assert_eq!(other.get("/api/account").await.status, 200);
    }

    #[actix_web::test]
    async fn the_list_names_each_login_of_its_kind_in_words() {
        let app = TestApp::spawn();
        app.logged_in_browser(ADA).await;
        app.logged_in_client(GRACE).await;
        let client = app.logged_in_client(ADA).await;
        let body = serde_json::json!({ "email": ADA, "password": PASSWORD }).to_string();
        let headers = [("content-type", "application/json"), ("user-agent", "curl/8.5.0")];
        app.request("POST", "/api/auth/login", &headers, &body).await;
        let list = client.get("/api/auth/tokens").await.json();
        let list = list.as_array().expect("a list");
        assert_eq!(list.len(), 2, "{list:?}");
        assert_eq!((list[0]["client"].as_str(), &list[0]["current"]), (Some("curl 8"), &false.into()));
        assert_eq!((list[1]["client"].as_str(), &list[1]["current"]), (Some("a client without a name"), &true.into()));
    }

    #[actix_web::test]
    async fn one_other_login_ends_and_who_holds_it_is_told() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let mut browser = app.logged_in_browser(ADA).await;
        let other = app.logged_in_client(ADA).await;
        let id = newest(&app, "token_families");
        let answer = delete(&client, &id).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (204, 0), "{answer:?}");
        let told = other.redeem().await;
        assert_eq!(told.json()["detail"], "This login was ended from another one of yours.");
        assert!(is_dead(&other).await && !is_dead(&client).await && browser.is_logged_in().await);
        assert_eq!(
            app.count(&format!("auth_events WHERE kind = 'login ended' AND login_id = '{id}' AND door = 'token'")),
            1
        );
        assert_eq!(delete(&client, &id).await.status, 404, "it is none of the live ones any more");
    }

    #[actix_web::test]
    async fn to_end_ones_own_login_is_to_log_out() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let answer = delete(&client, &newest(&app, "token_families")).await;
        assert_eq!(answer.status, 204);
        assert!(answer.cookie_attributes("refresh").contains(&"Max-Age=0"), "{answer:?}");
        assert!(is_dead(&client).await);
        assert_eq!(app.value("SELECT end_reason FROM token_families"), "logged out");
    }

    #[actix_web::test]
    async fn another_users_login_and_one_that_is_none_are_not_found() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let graces = app.logged_in_client(GRACE).await;
        let family = newest(&app, "token_families");
        let mut browser = app.logged_in_browser(ADA).await;
        let session = newest(&app, "sessions");
        for id in [family.as_str(), &session, &uuid::Uuid::nil().to_string(), "garbage", "%00", "a%2Fb"] {
            let answer = delete(&client, id).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "not-found"), "{id}");
        }
        assert!(!is_dead(&graces).await && browser.is_logged_in().await, "a session is none of this kind");
    }

    #[actix_web::test]
    async fn a_renewal_that_is_under_way_ends_with_its_login() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client(ADA).await);
        let path: &'static str = format!("/api/auth/tokens/{}", newest(&app, "token_families")).leak();
        let ending = races::call(&client, "DELETE", path, serde_json::json!({}));
        assert_eq!(races::renewal_before(&app, &other, ending).await.status, 204);
    }
}
