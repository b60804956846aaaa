//! A host name for each door: what stands at one is not at the other, no cookie crosses, and a browser's pages may use both.
//!
//! Debian's resolver knows no names below `localhost`: our own clients connect to the address and name the host, as Chromium
//! does by itself.

use serde_json::json;

use crate::support::{
    Answer, Browser, PASSWORD, TestApp,
    chromium::{Chromium, Tab},
    raw, routes,
};

const ADA: &str = "ada@example.org";
const SITE: &str = "app.two-doors.localhost";
const API: &str = "api.two-doors.localhost";

fn two_hosts() -> TestApp {
    TestApp::with(&[("SITE_HOST", SITE), ("API_HOST", API)])
}

fn at(app: &TestApp, host: &str) -> String {
    format!("{host}:{}", app.address.port())
}

fn origin(app: &TestApp, host: &str) -> String {
    format!("http://{}", at(app, host))
}

/// A request to one of the hosts, with these headers and a JSON body, if there is one.
async fn ask(app: &TestApp, host: &str, request: (&str, &str), headers: &[(&str, &str)], body: &str) -> Answer {
    let host = at(app, host);
    let mut all = vec![("host", host.as_str())];
    all.extend(headers);
    if !body.is_empty() {
        all.push(("content-type", "application/json"));
    }
    app.request(request.0, request.1, &all, body).await
}

async fn sign_up(app: &TestApp) {
    let body = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string();
    assert_eq!(ask(app, API, ("POST", "/api/users"), &[], &body).await.status, 201);
}

fn log_in_body() -> String {
    json!({ "email": ADA, "password": PASSWORD }).to_string()
}

fn visitor(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    browser.headers = vec![("host".to_owned(), at(app, SITE))];
    browser
}

#[actix_web::test]
async fn every_route_stands_at_its_own_host_and_is_not_found_at_the_other() {
    let one = TestApp::spawn();
    let paths = routes::all(&one).await;
    let app = two_hosts();
    for (_, path) in paths {
        let url = routes::filled_in(&path);
        let is_api = routes::is_api(&path) || path.starts_with("/.well-known");
        let (own, other) = if is_api { (API, SITE) } else { (SITE, API) };
        let here = ask(&app, own, ("OPTIONS", &url), &[], "").await;
        assert_eq!(here.status, 204, "{path} at {own}: {here:?}");
        let there = ask(&app, other, ("OPTIONS", &url), &[], "").await;
        if ["/healthz", "/readyz"].contains(&path.as_str()) {
            assert_eq!(there.status, 204, "{path} is the machine's: {there:?}");
            continue;
        }
        for method in ["GET", "POST"] {
            let there = ask(&app, other, (method, &url), &[], "").await;
            assert_eq!(there.status, 404, "{method} {path} at {other}: {there:?}");
            let dress = if is_api { "text/html; charset=utf-8" } else { "application/problem+json" };
            assert_eq!(there.header("content-type"), dress, "each world says no in its own way");
            assert!(there.set_cookies().is_empty() || is_api, "{there:?}");
        }
    }
}

#[actix_web::test]
async fn a_path_in_another_spelling_opens_no_door_at_the_wrong_host() {
    let app = two_hosts();
    for path in ["/%61pi", "/%61pi/me", "//api", "/./api", "/API", "/api/../login", "/login/../api", "/api%2Fme"] {
        for (host, foreign) in [(SITE, "The token door of Two Doors"), (API, "<form")] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", at(&app, host));
            let answer = raw::exchange(app.address, request.as_bytes());
            let body = String::from_utf8_lossy(&answer.body);
            assert!(host == API || answer.status == 404, "{path} at {host}: {}", answer.head);
            assert!(!body.contains(foreign), "{path} at {host}: {body}");
        }
    }
    for host in ["two-doors.localhost", "127.0.0.1", "localhost", "other.two-doors.localhost"] {
        let answer = ask(&app, host, ("GET", "/"), &[], "").await;
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
    }
}

#[actix_web::test]
async fn no_cookie_is_for_both_hosts() {
    let app = two_hosts();
    sign_up(&app).await;
    let mut ada = visitor(&app);
    let in_at_the_site = ada.log_in(ADA, PASSWORD).await;
    assert_eq!(in_at_the_site.status, 303, "{in_at_the_site:?}");
    let in_at_the_api = ask(&app, API, ("POST", "/api/auth/login"), &[], &log_in_body()).await;
    assert_eq!(in_at_the_api.status, 200, "{in_at_the_api:?}");
    assert!(in_at_the_site.set_cookie("session").is_some() && in_at_the_site.set_cookie("refresh").is_none());
    assert!(in_at_the_api.set_cookie("refresh").is_some() && in_at_the_api.set_cookie("session").is_none());
    for line in in_at_the_site.set_cookies().into_iter().chain(in_at_the_api.set_cookies()) {
        assert!(!line.to_ascii_lowercase().contains("domain"), "without one a cookie is for its host alone: {line}");
    }
    // And where somebody carries them over by hand, they count for nothing.
    let session = ada.cookies();
    let answer = ask(&app, API, ("GET", "/api/account"), &[("cookie", &session)], "").await;
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn the_tokens_name_the_host_that_publishes_their_keys_and_problems_lead_to_the_site() {
    let app = two_hosts();
    sign_up(&app).await;
    let issued = ask(&app, API, ("POST", "/api/auth/login"), &[], &log_in_body()).await.json();
    let token = issued["access_token"].as_str().expect("a token");
    let payload = token.split('.').nth(1).expect("a payload");
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], origin(&app, API));
    assert_eq!(claims["aud"], format!("{}/api", origin(&app, API)));
    let problem = ask(&app, API, ("GET", "/api/me"), &[], "").await.json();
    assert_eq!(problem["type"], format!("{}/problems/not-authenticated", origin(&app, SITE)));
    let home = ask(&app, SITE, ("GET", "/"), &[], "").await;
    assert!(home.body.contains(&format!("href=\"{}/api\"", origin(&app, API))), "{}", home.body);
    assert!(!home.body.contains("href=\"/api\""), "{}", home.body);
}

#[actix_web::test]
async fn the_site_s_forms_accept_the_site_s_origin_only() {
    let app = two_hosts();
    sign_up(&app).await;
    for (host, status) in [(SITE, 303), (API, 403)] {
        let mut browser = visitor(&app);
        let token = browser.form_token("/login").await;
        browser.headers.push(("origin".to_owned(), origin(&app, host)));
        let fields = [("email", ADA), ("password", PASSWORD), ("form_token", token.as_str())];
        let answer = browser.post_raw("/login", &fields).await;
        assert_eq!(answer.status, status, "from {host}: {answer:?}");
    }
}

#[actix_web::test]
async fn the_refresh_cookie_counts_from_both_hosts_pages_and_from_those_that_are_allowed() {
    let app = TestApp::with(&[
        ("SITE_HOST", SITE),
        ("API_HOST", API),
        ("API_ALLOWED_ORIGINS", "https://app.example.org,http://127.0.0.1:9"),
    ]);
    sign_up(&app).await;
    let cases = [
        (origin(&app, SITE), true, true),
        (origin(&app, API), true, false),
        ("https://app.example.org".to_owned(), true, true),
        ("http://127.0.0.1:9".to_owned(), true, true),
        ("null".to_owned(), false, false),
        (format!("http://{SITE}"), false, false),
        (format!("https://{}", at(&app, SITE)), false, false),
        (format!("http://evil.{}", at(&app, SITE)), false, false),
        (format!("http://{}.evil.example", at(&app, SITE)), false, false),
        ("https://app.example.org.evil.example".to_owned(), false, false),
        (origin(&app, "other.two-doors.localhost"), false, false),
    ];
    for (origin, counts, may_read) in cases {
        let issued = ask(&app, API, ("POST", "/api/auth/login"), &[], &log_in_body()).await;
        let cookie = format!("refresh={}", issued.cookie_value("refresh"));
        let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str()), ("sec-fetch-site", "same-site")];
        let answer = ask(&app, API, ("POST", "/api/auth/refresh"), &headers, "").await;
        assert_eq!(answer.status, if counts { 200 } else { 403 }, "{origin}: {answer:?}");
        let leave = (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"));
        assert_eq!(leave, if may_read { (origin.as_str(), "true") } else { ("", leave.1) }, "{origin}");
        if may_read {
            assert!(answer.header("vary").to_ascii_lowercase().contains("origin"), "{answer:?}");
        }
    }
}

#[actix_web::test]
async fn a_page_of_the_site_is_told_beforehand_what_it_may_send_and_strangers_are_told_nothing() {
    let app = two_hosts();
    let asked =
        [("access-control-request-method", "PATCH"), ("access-control-request-headers", "authorization,content-type")];
    for (host, allowed) in [(SITE, true), ("other.two-doors.localhost", false)] {
        let origin = origin(&app, host);
        let mut headers = vec![("origin", origin.as_str())];
        headers.extend(asked);
        let answer = ask(&app, API, ("OPTIONS", "/api/account"), &headers, "").await;
        let leave = answer.header("access-control-allow-origin");
        assert_eq!(leave, if allowed { origin.as_str() } else { "" }, "{answer:?}");
        assert_ne!(leave, "*", "with credentials nobody may be everybody");
        if !allowed {
            assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("another-origin")), "{answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("token-check"), "none");
        }
    }
    let headers = [("origin", &*origin(&app, SITE)), ("access-control-request-method", "PUT")];
    let answer = ask(&app, API, ("OPTIONS", "/api/account"), &headers, "").await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("invalid-request")), "{answer:?}");
    assert_eq!(answer.json()["detail"], "Requested method is not allowed.");
    let policy = ask(&app, SITE, ("GET", "/"), &[], "").await;
    let policy = policy.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("connect-src 'self' {}", origin(&app, API))), "{policy}");
}

/// What a page of the site gets when its script asks the API.
fn fetch(tab: &Tab, method: &str, url: &str, body: &serde_json::Value) -> serde_json::Value {
    let script = format!(
        "fetch({url:?}, {{ method: {method:?}, credentials: 'include', headers: {{ 'content-type': 'application/json' }},
            body: {method:?} === 'GET' ? undefined : JSON.stringify({body}) }})
            .then(async answer => ({{ status: answer.status, body: await answer.json() }}), error => ({{ error: String(error) }}))"
    );
    let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
    tab.call("Runtime.evaluate", asked)["result"]["value"].take()
}

/// Logs in at the API from a page of the site, and refreshes.
fn log_in_and_refresh(app: &TestApp, site: &str, api: &str) -> Option<(serde_json::Value, serde_json::Value)> {
    let chromium = Chromium::start()?;
    let tab = chromium.visitor().tab();
    tab.open(&format!("{}/problems", origin(app, site)));
    assert_eq!(tab.status(), 200, "{}", tab.text());
    let account = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD });
    let api = origin(app, api);
    assert_eq!(fetch(&tab, "POST", &format!("{api}/api/users"), &account)["status"], 201);
    let body = json!({ "email": ADA, "password": PASSWORD });
    let logged_in = fetch(&tab, "POST", &format!("{api}/api/auth/login"), &body);
    let refreshed = fetch(&tab, "POST", &format!("{api}/api/auth/refresh"), &json!({}));
    assert_eq!(tab.evaluate("document.cookie"), "", "no script sees any of it");
    assert_eq!(
        tab.complaints().iter().filter(|complaint| complaint["issue"]["code"] == "ContentSecurityPolicyIssue").count(),
        0
    );
    Some((logged_in, refreshed))
}

#[test]
fn in_a_browser_a_page_of_the_site_uses_the_refresh_cookie_of_the_api_where_both_are_one_site() {
    let app = two_hosts();
    let Some((logged_in, refreshed)) = log_in_and_refresh(&app, SITE, API) else { return };
    assert_eq!(logged_in["status"], 200, "{logged_in}");
    assert!(logged_in["body"]["refresh_token"].is_null(), "it is in the cookie: {logged_in}");
    assert_eq!(refreshed["status"], 200, "{refreshed}");
    assert!(refreshed["body"]["access_token"].is_string(), "{refreshed}");
}

#[test]
fn in_a_browser_the_refresh_cookie_is_withheld_where_the_hosts_are_two_sites() {
    let (site, api) = ("app.localhost", "api.localhost");
    let app = TestApp::with(&[("SITE_HOST", site), ("API_HOST", api)]);
    let Some((logged_in, refreshed)) = log_in_and_refresh(&app, site, api) else { return };
    assert_eq!(logged_in["status"], 200, "the log-in itself needs no cookie: {logged_in}");
    assert_eq!(refreshed["status"], 401, "{refreshed}");
    assert_eq!(refreshed["body"]["code"], "invalid-refresh-token");
    let detail = refreshed["body"]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("No refresh token was sent"), "SameSite=Strict: {detail}");
}
