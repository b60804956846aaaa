//! An access token in a cookie: where it counts, where it does not, and what makes a call with it our own page's.
//!
//! Every refused call below would have succeeded but for the one thing that is wrong with it.

use serde_json::{Value, json};

use crate::support::{Answer, NEW_PASSWORD, PASSWORD, TestApp, forge};

const ADA: &str = "ada@example.org";
const GRACE: &str = "grace@example.org";

/// What a browser holds for a page that logged in with cookie delivery: the jar, and what the page's script knows.
#[derive(Debug, Clone, Default)]
struct Page {
    access: String,
    refresh: String,
    csrf: String,
}

impl Page {
    async fn log_in(app: &TestApp, email: &str) -> Self {
        let body = json!({ "email": email, "password": PASSWORD, "deliver": "cookie" });
        let mut answer = app.client().post("/api/auth/login", &body).await;
        if answer.status == 401 {
            app.sign_up(email).await;
            answer = app.client().post("/api/auth/login", &body).await;
        }
        Self::default().keeping(&answer)
    }

    fn keeping(mut self, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        self.access = answer.cookie_value("access").to_owned();
        self.refresh = answer.cookie_value("refresh").to_owned();
        self.csrf = answer.json()["csrf_token"].as_str().expect("a token").to_owned();
        self
    }

    /// A request with the access cookie and these headers besides.
    async fn ask(&self, app: &TestApp, request: (&str, &str), headers: &[(&str, &str)], body: &str) -> Answer {
        let cookie = format!("access={}", self.access);
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        if !body.is_empty() {
            all.push(("content-type", "application/json"));
        }
        app.request(request.0, request.1, &all, body).await
    }

    async fn get(&self, app: &TestApp, path: &str) -> Answer {
        self.ask(app, ("GET", path), &[], "").await
    }

    async fn rename(&self, app: &TestApp, headers: &[(&str, &str)]) -> Answer {
        let body = json!({ "display_name": "Mallory" }).to_string();
        self.ask(app, ("PATCH", "/api/browser/account"), headers, &body).await
    }

    async fn log_out(&self, app: &TestApp) -> Answer {
        self.ask(app, ("POST", "/api/browser/logout"), &[("x-csrf-token", &self.csrf)], "").await
    }

    async fn refresh(&self, app: &TestApp) -> Answer {
        let cookies = format!("refresh={}; access={}", self.refresh, self.access);
        let headers = [("cookie", cookies.as_str()), ("content-type", "application/json")];
        app.request("POST", "/api/auth/refresh", &headers, &json!({ "deliver": "cookie" }).to_string()).await
    }
}

async fn name(app: &TestApp) -> Value {
    app.logged_in_client(ADA).await.get("/api/account").await.json()["display_name"].clone()
}

#[actix_web::test]
async fn no_body_holds_a_token_and_no_script_can_read_the_cookies_that_do() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let body = json!({ "email": ADA, "password": PASSWORD, "deliver": "cookie", "expires_in": 60 });
    let issued = app.client().post("/api/auth/login", &body).await;
    let page = Page::default().keeping(&issued);
    let refreshed = page.refresh(&app).await;
    for answer in [issued, refreshed] {
        let body = answer.json();
        let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["csrf_token", "expires_in", "user"]);
        let life = format!("Max-Age={}", body["expires_in"]);
        assert_eq!(answer.cookie_attributes("access"), ["HttpOnly", &life, "Path=/", "SameSite=Strict"]);
        for name in ["access", "refresh"] {
            assert!(!answer.body.contains(answer.cookie_value(name)), "{answer:?}");
        }
    }
}

#[actix_web::test]
async fn over_https_the_cookie_can_not_be_planted_by_a_sibling() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
    let headers = [("host", "doors.example.com"), ("content-type", "application/json")];
    let account = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string();
    assert_eq!(app.request("POST", "/api/users", &headers, &account).await.status, 201);
    let body = json!({ "email": ADA, "password": PASSWORD, "deliver": "cookie" }).to_string();
    let issued = app.request("POST", "/api/auth/login", &headers, &body).await;
    let attributes = issued.cookie_attributes("__Host-access");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=900", "Path=/", "SameSite=Strict", "Secure"]);
    let value = issued.cookie_value("__Host-access");
    for (name, status) in [("__Host-access", 200), ("access", 401), ("__Secure-access", 401)] {
        let cookie = format!("{name}={value}");
        let headers = [("host", "doors.example.com"), ("cookie", cookie.as_str())];
        assert_eq!(app.request("GET", "/api/browser/me", &headers, "").await.status, status, "{name}");
    }
}

#[actix_web::test]
async fn delivery_in_cookies_is_for_both_tokens_or_for_none() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let body = json!({ "email": ADA, "password": PASSWORD, "deliver": "cookie", "refresh_token_in": "body" });
    let both = client.post("/api/auth/login", &body).await;
    assert_eq!((both.status, both.code().as_str()), (400, "invalid-request"));
    let body = json!({ "refresh_token": client.refresh_token, "deliver": "cookie" });
    let shown = app.client().post("/api/auth/refresh", &body).await;
    assert_eq!((shown.status, shown.code().as_str()), (400, "invalid-request"));
    assert_eq!(client.redeem().await.status, 200, "nothing was exchanged by that");
    let body = json!({ "email": ADA, "password": PASSWORD, "deliver": "carrier pigeon" });
    assert_eq!(client.post("/api/auth/login", &body).await.code(), "malformed-json");
}

#[actix_web::test]
async fn no_cookie_carries_a_token_that_counts_elsewhere_only() {
    let app = TestApp::with(&[("AUDIENCES", "orders"), ("TOKEN_AUDIENCE", "https://doors.example/api")]);
    let page = Page::log_in(&app, ADA).await;
    let logins = app.live_logins();
    let of =
        |audience: &Value| json!({ "email": ADA, "password": PASSWORD, "deliver": "cookie", "audience": audience });
    let refused = app.client().post("/api/auth/login", &of(&json!(["orders"]))).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid-target"), "{refused:?}");
    assert_eq!(app.live_logins(), logins);
    let refresh = async |audience: Value| {
        let cookies = format!("refresh={}", page.refresh);
        let headers = [("cookie", cookies.as_str()), ("content-type", "application/json")];
        let body = json!({ "deliver": "cookie", "audience": audience }).to_string();
        app.request("POST", "/api/auth/refresh", &headers, &body).await
    };
    let refused = refresh(json!(["orders"])).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid-target"), "{refused:?}");
    assert_eq!(app.count("refresh_tokens WHERE used_at IS NOT NULL"), 0, "nothing was used up");
    let both = json!(["orders", "https://doors.example/api"]);
    let logged_in = Page::default().keeping(&app.client().post("/api/auth/login", &of(&both)).await);
    let refreshed = Page::default().keeping(&refresh(both).await);
    for page in [logged_in, refreshed] {
        assert_eq!(page.get(&app, "/api/browser/account").await.status, 200);
    }
}

#[actix_web::test]
async fn the_cookie_counts_on_its_own_routes_and_a_bearer_token_on_the_others() {
    let app = TestApp::spawn();
    let page = Page::load(&app).await;
    for path in ["/api/browser/me", "/api/browser/account", "/api/browser/csrf"] {
        assert_eq!(page.get(&app, path).await.status, 200, "{path}");
        let bearer = format!("Bearer {}", page.access);
        let answer = app.request("GET", path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
        // The refresh cookie is no access cookie, nor is the session's.
        for cookie in [format!("refresh={}", page.access), format!("session={}", page.access)] {
            assert_eq!(app.request("GET", path, &[("cookie", &cookie)], "").await.status, 401, "{path}: {cookie}");
        }
    }
    for path in ["/api/me", "/api/account", "/api/auth/tokens"] {
        let answer = page.ask(&app, ("GET", path), &[("x-csrf-token", &page.csrf)], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "not-authenticated"), "{path}");
    }
    let body = json!({ "display_name": "Mallory" }).to_string();
    let answer = page.ask(&app, ("PATCH", "/api/account"), &[("x-csrf-token", &page.csrf)], &body).await;
    assert_eq!(answer.status, 401);
    let answer = page.ask(&app, ("POST", "/api/auth/logout"), &[("x-csrf-token", &page.csrf)], "").await;
    assert_eq!(answer.status, 401, "nor does it name a login there");
    // With both, each route hears the one that is its own.
    let grace = app.logged_in_client(GRACE).await;
    let bearer = format!("Bearer {}", grace.access_token);
    let answer = page.ask(&app, ("GET", "/api/browser/account"), &[("authorization", &bearer)], "").await;
    assert_eq!(answer.json()["email"], ADA);
    let answer = page.ask(&app, ("GET", "/api/account"), &[("authorization", &bearer)], "").await;
    assert_eq!(answer.json()["email"], GRACE);
}

impl Page {
    /// Ada's.
    async fn load(app: &TestApp) -> Self {
        Self::log_in(app, ADA).await
    }
}

#[actix_web::test]
async fn an_unsafe_call_without_a_token_of_this_very_login_changes_nothing() {
    let app = TestApp::spawn();
    let (ada, other_login) = (Page::load(&app).await, Page::load(&app).await);
    let grace = Page::log_in(&app, GRACE).await;
    let mut altered = ada.csrf.clone().into_bytes();
    altered[3] = if altered[3] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("text");
    let form = app.logged_in_browser(ADA).await.form_token("/account").await;
    for (what, token) in [
        ("none", None),
        ("an empty one", Some("")),
        ("one of another user", Some(grace.csrf.as_str())),
        ("one of another login", Some(other_login.csrf.as_str())),
        ("an altered one", Some(&altered)),
        ("a part of one", Some(&ada.csrf[..40])),
        ("the cookie itself", Some(&ada.access)),
        ("the token of a form of the site", Some(&form)),
    ] {
        let headers: Vec<(&str, &str)> = token.map(|token| ("x-csrf-token", token)).into_iter().collect();
        let answer = ada.rename(&app, &headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "forged-call"), "{what}");
        let answer = ada.ask(&app, ("POST", "/api/browser/logout"), &headers, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "forged-call"), "{what}");
        assert!(answer.set_cookies().is_empty(), "{what}: the cookies stay: {answer:?}");
    }
    let twice = [("x-csrf-token", ada.csrf.as_str()), ("x-csrf-token", ada.csrf.as_str())];
    assert_eq!(ada.rename(&app, &twice).await.status, 403);
    assert_eq!(name(&app).await, "Ada");
    assert_eq!(ada.get(&app, "/api/browser/account").await.status, 200, "still logged in");

    let answer = ada.rename(&app, &[("x-csrf-token", &ada.csrf)]).await;
    assert_eq!((answer.status, &answer.json()["display_name"]), (200, &json!("Mallory")), "its own does");
}

#[actix_web::test]
async fn a_cookie_that_is_merely_equal_to_the_header_proves_nothing() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    for planted in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let cookies = format!("access={}; csrf={planted}; csrf_token={planted}; x-csrf-token={planted}", ada.access);
        let headers = [("cookie", cookies.as_str()), ("x-csrf-token", planted), ("content-type", "application/json")];
        let body = json!({ "display_name": "Mallory" }).to_string();
        let answer = app.request("PATCH", "/api/browser/account", &headers, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "forged-call"), "{planted}");
    }
    assert_eq!(name(&app).await, "Ada");
}

#[actix_web::test]
async fn a_page_of_another_origin_is_refused_with_a_valid_token_too_and_to_read_as_well() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    let (port, ours) = (app.address.port(), format!("http://{}", app.address));
    let sibling = format!("http://127.0.0.1:{}", port.wrapping_add(1).max(1024));
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", sibling.as_str()), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        let mut all = headers.to_vec();
        all.push(("x-csrf-token", ada.csrf.as_str()));
        let answer = ada.rename(&app, &all).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "another-origin"), "{headers:?}");
        let answer = ada.ask(&app, ("POST", "/api/browser/logout"), &all, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "another-origin"), "{headers:?}");
        for path in ["/api/browser/me", "/api/browser/account", "/api/browser/csrf"] {
            let answer = ada.ask(&app, ("GET", path), headers, "").await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
    assert_eq!(name(&app).await, "Ada");
    let headers = [("origin", ours.as_str()), ("sec-fetch-site", "same-origin"), ("x-csrf-token", &ada.csrf)];
    assert_eq!(ada.rename(&app, &headers).await.status, 200);
}

#[actix_web::test]
async fn two_different_access_cookies_are_refused() {
    let app = TestApp::spawn();
    let (ada, grace) = (Page::load(&app).await, Page::log_in(&app, GRACE).await);
    for cookies in [
        format!("access={}; access={}", grace.access, ada.access),
        format!("access={}; access={}", ada.access, grace.access),
    ] {
        let answer = app.request("GET", "/api/browser/me", &[("cookie", &cookies)], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-request"));
    }
}

#[actix_web::test]
async fn every_token_for_calls_differs_and_each_of_them_is_good_until_the_login_ends() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    let mut tokens = vec![ada.csrf.clone()];
    for _ in 0..2 {
        let answer = ada.get(&app, "/api/browser/csrf").await.json();
        tokens.push(answer["csrf_token"].as_str().expect("a token").to_owned());
    }
    let renewed = ada.clone().keeping(&ada.refresh(&app).await);
    tokens.push(renewed.csrf.clone());
    for (index, token) in tokens.iter().enumerate() {
        assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1, "{tokens:?}");
        let answer = renewed.rename(&app, &[("x-csrf-token", token)]).await;
        assert_eq!(answer.status, 200, "{index}: a refresh is the same login: {answer:?}");
    }
}

#[actix_web::test]
async fn log_out_takes_both_cookies_and_a_copy_lives_on_where_only_claims_are_read() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    let copy = ada.clone();
    let answer = ada.log_out(&app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.cookie_attributes("access"), removal_of(&answer, "access", "/"));
    assert_eq!(answer.cookie_attributes("refresh"), removal_of(&answer, "refresh", "/api/auth"));
    assert!(answer.json()["access_token_works_until"].is_string());

    assert_eq!(copy.get(&app, "/api/browser/me").await.status, 200, "the scheme's limit: a cookie does not change it");
    let live = copy.get(&app, "/api/browser/account").await;
    assert_eq!((live.status, live.code().as_str()), (401, "invalid-token"));
    let rename = copy.rename(&app, &[("x-csrf-token", &copy.csrf)]).await;
    assert_eq!((rename.status, rename.code().as_str()), (401, "invalid-token"));
    assert_eq!(copy.refresh(&app).await.status, 401);
    assert_eq!(copy.log_out(&app).await.status, 200, "ending an ended login succeeds");
    assert_eq!(app.count("auth_events WHERE kind = 'logged out'"), 1, "and is no second log-out");
}

#[actix_web::test]
async fn whoever_ends_a_login_with_a_bearer_token_leaves_no_access_cookie_in_that_browser() {
    let app = TestApp::spawn();
    for what in ["POST /api/auth/logout-everywhere", "DELETE /api/auth/tokens/", "DELETE /api/account"] {
        let client = app.logged_in_client(ADA).await;
        let bearer = format!("Bearer {}", client.access_token);
        let headers = [("authorization", bearer.as_str()), ("cookie", "access=of.another.login")];
        let (method, path) = what.split_once(' ').expect("both");
        let (path, body) = match path {
            "/api/auth/tokens/" => {
                (format!("{path}{}", forge::claims(&client.access_token)["sid"].as_str().expect("an id")), json!({}))
            }
            "/api/account" => (path.to_owned(), json!({ "current_password": PASSWORD })),
            _ => (path.to_owned(), json!({})),
        };
        let headers = [headers[0], headers[1], ("content-type", "application/json")];
        let answer = app.request(method, &path, &headers, &body.to_string()).await;
        assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
        removal_of(&answer, "access", "/");
        removal_of(&answer, "refresh", "/api/auth");
    }
}

/// The attributes that make a removal, sorted, with the instant that the answer names.
fn removal_of<'a>(answer: &'a Answer, name: &str, path: &str) -> Vec<&'a str> {
    let attributes = answer.cookie_attributes(name);
    let own_path = format!("Path={path}");
    for expected in ["HttpOnly", "Max-Age=0", "SameSite=Strict", own_path.as_str()] {
        assert!(attributes.contains(&expected), "{name}: {attributes:?}");
    }
    attributes
}

#[actix_web::test]
async fn a_log_out_by_the_refresh_cookie_takes_the_access_cookie_too() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    let cookies = format!("refresh={}; access={}", ada.refresh, ada.access);
    let answer = app.request("POST", "/api/auth/logout", &[("cookie", &cookies)], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    removal_of(&answer, "access", "/");
    removal_of(&answer, "refresh", "/api/auth");
    assert_eq!(ada.get(&app, "/api/browser/account").await.status, 401);
}

#[actix_web::test]
async fn a_log_in_without_cookie_delivery_leaves_no_cookie_of_the_login_before() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    app.sign_up(GRACE).await;
    let body = json!({ "email": GRACE, "password": PASSWORD }).to_string();
    let answer = ada.ask(&app, ("POST", "/api/auth/login"), &[], &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    removal_of(&answer, "access", "/");
}

#[actix_web::test]
async fn a_change_of_password_ends_what_a_cookie_delivers_as_well() {
    let app = TestApp::spawn();
    let ada = Page::load(&app).await;
    app.logged_in_client(ADA).await.change_password(PASSWORD, NEW_PASSWORD).await;
    assert_eq!(ada.get(&app, "/api/browser/account").await.status, 401);
    assert_eq!(ada.rename(&app, &[("x-csrf-token", &ada.csrf)]).await.status, 401);
    assert_eq!(ada.refresh(&app).await.status, 401);
    assert_eq!(ada.get(&app, "/api/browser/me").await.status, 200, "until it expires");
}

#[actix_web::test]
async fn an_expired_cookie_opens_nothing() {
    let app = TestApp::spawn();
    let mut ada = Page::load(&app).await;
    ada.access = app.expired_access_token(ADA);
    for path in ["/api/browser/me", "/api/browser/account", "/api/browser/csrf"] {
        let answer = ada.get(&app, path).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-token"), "{path}");
    }
    assert_eq!(ada.log_out(&app).await.status, 401);
}

#[actix_web::test]
async fn with_every_check_live_a_cookie_dies_with_its_login_everywhere() {
    let app = TestApp::with(&[("TOKEN_CHECK", "live")]);
    let ada = Page::load(&app).await;
    assert_eq!(ada.get(&app, "/api/browser/me").await.status, 200);
    assert_eq!(ada.log_out(&app).await.status, 200);
    assert_eq!(ada.get(&app, "/api/browser/me").await.status, 401);
}
