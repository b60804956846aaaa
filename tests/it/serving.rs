//! What every answer has, whatever it says: headers that protect, caches that don't remember, methods that are answered alike.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use crate::{
    support::{
        Answer, Browser, PASSWORD, TestApp, html,
        raw::{self, Raw},
        routes,
    },
    weight::assert_is_light,
};

const ADA: &str = "ada@example.org";

type Request<'a> = (&'static str, &'static str, &'a str, &'a [(&'static str, &'static str)], &'a str);

/// One answer of every kind that there is, by what it is called.
async fn every_kind(app: &TestApp, host: &str) -> Vec<(&'static str, Answer)> {
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const JSON: (&str, &str) = ("content-type", "application/json");
    let style = two_doors::pages::assets::url("style.css");
    let large = "x".repeat(70_000);
    let kinds: [Request<'_>; 28] = [
        ("a page", "GET", "/", &[], ""),
        ("a page with a form", "GET", "/login", &[], ""),
        ("a redirect", "GET", "/account", &[], ""),
        ("a file", "GET", style, &[], ""),
        ("no such file", "GET", "/static/missing", &[], ""),
        ("no such page", "GET", "/missing", &[], ""),
        ("a page that is not asked that way", "PUT", "/login", &[], ""),
        ("a file that is not asked that way", "PUT", style, &[], ""),
        ("what a page may be asked", "OPTIONS", "/login", &[], ""),
        ("a forged form", "POST", "/login", &[FORM], ""),
        ("a form from elsewhere", "POST", "/login", &[FORM, ("origin", "null")], ""),
        ("no form", "POST", "/login", &[], "x"),
        ("an unreadable form", "POST", "/login", &[FORM], "%FF"),
        ("a large form", "POST", "/login", &[FORM], &large),
        ("an unreadable query", "GET", "/login?next=a&next=b", &[], ""),
        ("an answer of the API", "GET", "/api", &[], ""),
        ("no such route", "GET", "/api/missing", &[], ""),
        ("a route that is not asked that way", "PUT", "/api/me", &[], ""),
        ("what a route may be asked", "OPTIONS", "/api/me", &[], ""),
        ("no token", "GET", "/api/me", &[], ""),
        ("no JSON wanted", "GET", "/api", &[("accept", "text/html")], ""),
        ("no JSON", "POST", "/api/users", &[JSON], "x"),
        ("large JSON", "POST", "/api/users", &[JSON], &large),
        ("the keys", "GET", "/.well-known/jwks.json", &[], ""),
        ("keys that are not asked that way", "PUT", "/.well-known/jwks.json", &[], ""),
        ("health", "GET", "/healthz", &[], ""),
        ("health that is not asked that way", "PUT", "/healthz", &[], ""),
        ("readiness", "GET", "/readyz", &[], ""),
    ];
    let mut answers = Vec::new();
    for (what, method, path, headers, body) in kinds {
        let headers: Vec<_> = headers.iter().copied().chain([("host", host)]).collect();
        answers.push((what, app.request(method, path, &headers, body).await));
    }
    answers.push(("another host", app.request("GET", "/", &[("host", "evil.example")], "").await));
    answers
}

#[actix_web::test]
async fn every_answer_of_every_kind_carries_the_headers_that_protect_it() {
    let app = TestApp::spawn();
    let host = app.address.to_string();
    for (what, answer) in every_kind(&app, &host).await {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{what}: {answer:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{what}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            // Public keys are for everybody; nothing else is.
            ("cross-origin-resource-policy", if what == "the keys" { "cross-origin" } else { "same-origin" }),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(name), value, "{what}: {name}");
        }
        // JSON loads nothing, links to nothing and opens nothing.
        if answer.header("content-type").contains("json") {
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'", "{what}");
        } else {
            assert!(policy.contains("base-uri 'none'") && policy.contains("form-action 'self'"), "{what}: {policy}");
            for (name, value) in [
                ("referrer-policy", "same-origin"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{what}: {name}");
            }
            assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
        }
        assert_eq!(answer.header("server"), "", "{what}: nobody needs to know");
        assert_eq!(answer.header("x-powered-by"), "", "{what}");
    }
}

#[actix_web::test]
async fn browsers_are_told_to_stay_with_https_where_that_is_how_they_came() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
    for (what, answer) in every_kind(&app, "doors.example.com").await {
        // What came by another name says nothing about that name.
        let expected = if what == "another host" { "" } else { "max-age=31536000; includeSubDomains" };
        assert_eq!(answer.header("strict-transport-security"), expected, "{what}");
    }
}

#[actix_web::test]
async fn over_https_every_cookie_is_secure_and_kept_from_scripts() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
    app.request(
        "POST",
        "/api/users",
        &[("host", "doors.example.com"), ("content-type", "application/json")],
        &account(),
    )
    .await;
    let mut browser = app.browser();
    browser.headers = vec![("host".to_owned(), "doors.example.com".to_owned())];
    let mut lines: Vec<String> = Vec::new();
    let page = browser.get("/login").await;
    lines.extend(page.set_cookies().into_iter().map(str::to_owned));
    for answer in [browser.log_in(ADA, PASSWORD).await, browser.log_out().await] {
        lines.extend(answer.set_cookies().into_iter().map(str::to_owned));
    }
    let body = serde_json::json!({ "email": ADA, "password": PASSWORD }).to_string();
    let headers = [("host", "doors.example.com"), ("content-type", "application/json")];
    let issued = app.request("POST", "/api/auth/login", &headers, &body).await;
    let refresh = issued.set_cookie("__Secure-refresh").expect("a cookie");
    assert!(refresh.contains("; SameSite=Strict; ") && refresh.contains("; Path=/api/auth"), "{refresh}");
    let names: BTreeSet<_> = lines.iter().map(|line| line.split('=').next().expect("a name")).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["__Host-device", "__Host-flash", "__Host-session", "__Host-visitor"]
    );
    for line in lines.iter().map(String::as_str).chain([refresh]) {
        assert!(line.contains("; Secure") && line.contains("; HttpOnly") && !line.contains("Domain"), "{line}");
    }
}

fn account() -> String {
    serde_json::json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD }).to_string()
}

#[actix_web::test]
async fn caches_keep_nothing_that_shows_who_is_logged_in() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    for path in ["/", "/problems", "/problems/throttled", "/missing", "/login?next=a&next=b"] {
        assert_eq!(app.browser().get(path).await.header("cache-control"), "private, no-cache", "{path}");
    }
    // A page kept in memory is kept as it was left, with the password typed into it.
    for path in ["/login", "/signup"] {
        assert_eq!(app.browser().get(path).await.header("cache-control"), "private, no-store", "{path}");
    }
    for path in
        ["/", "/login", "/account", "/account/me", "/account/session", "/problems", "/missing", "/login?next=a&next=b"]
    {
        let cached = ada.get(path).await;
        assert_eq!(cached.header("cache-control"), "private, no-store", "{path}");
        assert!(path == "/account/me" || cached.body.contains("<bdi>Ada</bdi>"), "{path} knows who is logged in");
    }
    for answer in [app.browser().get("/account").await, ada.post_raw("/account/name", &[]).await] {
        assert_eq!(answer.header("cache-control"), "private, no-store", "{answer:?}");
    }
    let client = app.logged_in_client(ADA).await;
    for path in ["/api", "/api/me", "/api/account", "/api/auth/tokens", "/api/missing"] {
        assert_eq!(client.get(path).await.header("cache-control"), "no-store", "{path}");
        assert_eq!(app.client().get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(app.client().get("/.well-known/jwks.json").await.header("cache-control"), "public, max-age=300");
}

#[actix_web::test]
async fn an_error_page_offers_who_is_logged_in_a_log_out_that_works() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let missing = ada.get("/missing").await;
    assert_eq!(missing.status, 404);
    let token = html::value(&missing.body, "form_token").expect("a log-out");
    let answer = ada.post_raw("/logout", &[("form_token", &token)]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(!ada.is_logged_in().await);
}

#[actix_web::test]
async fn every_page_has_a_log_out_for_who_is_logged_in() {
    let app = TestApp::spawn();
    app.admin(ADA).await;
    let mut ada = app.logged_in_browser(ADA).await;
    let mut pages = 0;
    for (method, path) in routes::all(&app).await {
        if method != "GET" || routes::is_api(&path) {
            continue;
        }
        let answer = ada.get(&routes::filled_in(&path)).await;
        if answer.header("content-type").starts_with("text/html") && !matches!(path.as_str(), "/api/docs") {
            assert!(answer.body.contains("action=\"/logout\""), "{path}: {answer:?}");
            pages += 1;
        }
    }
    assert!(pages > 20, "only {pages}");
}

#[actix_web::test]
async fn static_files_are_kept_for_ever_under_a_name_that_their_content_makes() {
    let app = TestApp::spawn();
    let page = app.browser().get("/").await;
    let files: Vec<String> =
        html::all(&page.body, "link").iter().map(|link| link.get("href").unwrap().to_owned()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let answer = app.request("GET", &file, &[], "").await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, "public, max-age=31536000, immutable"),
            "{file}"
        );
        assert_ne!(answer.header("content-type"), "", "{file}");
        assert!(answer.set_cookies().is_empty());
        let hash = two_doors::secrets::hex(&two_doors::secrets::sha256(answer.body.as_bytes())[..8]);
        assert_eq!(file.split('.').nth(1), Some(hash.as_str()), "another content would have another name");
        let renamed = app.request("GET", &file.replace(&hash, "0000000000000000"), &[], "").await;
        assert_eq!(renamed.status, 404, "and another name is no file");
        assert!(!renamed.header("cache-control").contains("immutable"), "{renamed:?}");
    }
}

fn unzipped(body: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
    gzip.stdin.take().expect("a pipe").write_all(body).expect("it reads");
    let mut plain = Vec::new();
    gzip.stdout.take().expect("a pipe").read_to_end(&mut plain).expect("it writes");
    assert!(gzip.wait().expect("a child of ours").success());
    plain
}

#[actix_web::test]
async fn what_is_worth_it_is_compressed_for_who_asks() {
    let app = TestApp::spawn();
    for path in ["/problems", two_doors::pages::assets::url("style.css"), "/api", "/api/openapi.json"] {
        let get = |accept: &str| raw::get(app.address, path, accept);
        let plain = get("");
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{path}");
        let gzip = get("accept-encoding: gzip\r\n");
        assert_eq!((gzip.status, gzip.header("content-encoding")), (200, "gzip"), "{path}");
        assert!(gzip.body.len() < plain.body.len() / 2, "{path}");
        assert_eq!(unzipped(&gzip.body), plain.body, "{path}");
        let brotli = get("accept-encoding: gzip, deflate, br\r\n");
        assert_eq!((brotli.status, brotli.header("content-encoding")), (200, "br"), "{path}");
        assert!(brotli.body.len() < plain.body.len() / 2, "{path}");
        for compressed in [&gzip, &brotli] {
            assert!(compressed.header("vary").to_ascii_lowercase().contains("accept-encoding"), "{}", compressed.head);
            assert_eq!(compressed.header("content-type"), plain.header("content-type"));
        }
        for anyway in ["gzip;q=0", "identity;q=0", "zstd, *;q=0"] {
            let answer = get(&format!("accept-encoding: {anyway}\r\n"));
            assert_eq!((answer.status, answer.header("content-encoding")), (200, ""), "{path}, {anyway}");
        }
    }
}

#[actix_web::test]
async fn an_answer_with_a_token_in_it_is_never_compressed() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let body = serde_json::json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body" }).to_string();
    let headers = [("content-type", "application/json"), ("accept-encoding", "gzip, br")];
    let issued = app.request("POST", "/api/auth/login", &headers, &body).await;
    assert_eq!((issued.status, issued.header("content-encoding")), (200, ""));
    assert!(issued.body.contains("\"access_token\""), "{}", issued.body);
}

fn ask(app: &TestApp, method: &str, path: &str) -> Raw {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", app.address);
    raw::exchange(app.address, request.as_bytes())
}

#[actix_web::test]
async fn head_is_answered_as_get_is_without_the_body() {
    let app = TestApp::spawn();
    for (method, path) in routes::all(&app).await {
        if method != "GET" {
            continue;
        }
        let url = routes::filled_in(&path);
        let (get, head) = (ask(&app, "GET", &url), ask(&app, "HEAD", &url));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "cache-control", "location", "www-authenticate"] {
            // Where a log-in page is led to, its form has a token of its own; its length is the same.
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[actix_web::test]
async fn every_path_tells_its_methods_and_refuses_all_others_in_its_own_dress() {
    let app = TestApp::spawn();
    for path in routes::paths() {
        let url = routes::filled_in(&path);
        let options = app.request("OPTIONS", &url, &[], "").await;
        assert_eq!((options.status, options.body.as_str()), (204, ""), "{path}");
        let allowed = options.header("allow").to_owned();
        assert!(allowed.contains("OPTIONS"), "{path}: {allowed}");
        assert_eq!(allowed.contains("GET"), allowed.contains("HEAD"), "{path}: {allowed}");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "NONSENSE"] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let refused = app.request(method, &url, &[], "").await;
            assert_eq!((refused.status, refused.header("allow")), (405, allowed.as_str()), "{method} {path}");
            if method == "HEAD" {
                continue;
            }
            match path.as_str() {
                "/healthz" | "/readyz" => {}
                path if routes::is_api(path) || path.starts_with("/.well-known") => {
                    assert_eq!(refused.code(), "method-not-allowed", "{method} {path}");
                }
                path => {
                    let title = html::text_of(&refused.body, "h1");
                    assert_eq!(title, "This page can't be asked that way", "{method} {path}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn what_is_not_there_is_said_in_the_dress_of_each_world() {
    let app = TestApp::spawn();
    for path in [
        "/missing",
        "/static/missing",
        "/static/a/b",
        "/problems/missing",
        "/accounts",
        "/.well-known/missing",
        "/apis",
    ] {
        let answer = app.browser().get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert_eq!(html::text_of(&answer.body, "h1"), "There is no such page", "{path}");
    }
    for path in ["/api/missing", "/api/", "/api/me/", "/api/auth"] {
        let answer = app.client().get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not-found"), "{path}");
    }
}

#[actix_web::test]
async fn who_accepts_no_json_is_told_so_by_the_api_and_in_json() {
    let app = TestApp::spawn();
    for (accept, status) in [
        ("text/html", 406),
        ("application/xml, text/*", 406),
        ("application/json;q=0", 406),
        ("*/*", 200),
        ("application/json", 200),
        ("text/html, application/*;q=0.1", 200),
        ("application/problem+json", 200),
    ] {
        let answer = app.request("GET", "/api", &[("accept", accept)], "").await;
        assert_eq!(answer.status, status, "{accept}");
        assert!(status == 200 || answer.code() == "not-acceptable", "{accept}");
        let page = app.request("GET", "/", &[("accept", accept)], "").await;
        assert_eq!(page.status, 200, "a page is a page: {accept}");
    }
}

#[actix_web::test]
async fn another_host_is_refused_everywhere_but_at_the_health_checks() {
    let app = TestApp::spawn();
    let port = app.address.port();
    for (_, path) in routes::all(&app).await {
        for host in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1", &format!("127.0.0.2:{port}"), ""] {
            let url = routes::filled_in(&path);
            let answer = raw::exchange(
                app.address,
                format!("GET {url} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes(),
            );
            let is_health = ["/healthz", "/readyz"].contains(&path.as_str());
            assert_eq!(answer.status, if is_health { 200 } else { 421 }, "{path} at {host:?}: {}", answer.head);
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
    }
    let get = |head: &str| raw::exchange(app.address, format!("{head}connection: close\r\n\r\n").as_bytes()).status;
    assert_eq!(get(&format!("GET / HTTP/1.1\r\nhost: LOCALHOST:{port}\r\n")), 200);
    assert_eq!(get(&format!("GET / HTTP/1.1\r\nhost: [::1]:{port}\r\n")), 200);
    assert!([400, 421].contains(&get(&format!("GET / HTTP/1.1\r\nhost: {0}\r\nhost: {0}\r\n", app.address))));
    assert!([400, 421].contains(&get("GET / HTTP/1.1\r\n")));
    let absolute = format!("GET http://evil.example/ HTTP/1.1\r\nhost: {}\r\n", app.address);
    assert!([400, 421].contains(&get(&absolute)), "the target decides, not the header");
}

#[actix_web::test]
async fn health_and_readiness_answer_in_a_word() {
    let app = TestApp::spawn();
    let (alive, ready) = (app.client().get("/healthz").await, app.client().get("/readyz").await);
    assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    for answer in [alive, ready] {
        assert_eq!(answer.header("cache-control"), "no-store", "no cache says so for us");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[actix_web::test]
async fn public_keys_are_published_and_nothing_private_with_them() {
    let app = TestApp::spawn();
    let answer = app.client().get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    let keys = answer.json()["keys"].as_array().expect("keys").clone();
    assert_eq!(keys.len(), 1);
    for key in keys {
        let names: BTreeSet<_> = key.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(names.contains("kid") && names.contains("kty") && names.contains("x"), "{names:?}");
        assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|private| !names.contains(private)), "{names:?}");
    }
}

#[actix_web::test]
async fn every_problem_has_a_page_that_its_type_leads_to() {
    let app = TestApp::spawn();
    let list = app.browser().get("/problems").await;
    for kind in two_doors::http::problem::ALL {
        let path = format!("/problems/{}", kind.code);
        assert!(html::all(&list.body, "a").iter().any(|link| link.get("href") == Some(&path)), "{path} is listed");
        let page = app.browser().get(&path).await;
        assert_eq!((page.status, html::text_of(&page.body, "h1").as_str()), (200, kind.title));
        assert!(
            html::text(&page.body).contains(kind.code) && html::text(&page.body).contains(&kind.status.to_string())
        );
    }
    let address = app.url("");
    for (what, answer) in every_kind(&app, &app.address.to_string()).await {
        if answer.header("content-type") == "application/problem+json" {
            let problem = answer.json();
            let (code, status) = (answer.code(), answer.status);
            assert_eq!(problem["type"].as_str(), Some(format!("{address}/problems/{code}").as_str()), "{what}");
            assert_eq!(problem["status"].as_u64(), Some(u64::from(status)), "{what}");
            assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}");
            assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
        }
    }
}

/// Follows every link and form of every page that can be reached from the start page.
async fn crawl(app: &TestApp, mut browser: Browser) -> Vec<(String, Answer)> {
    let (mut known, mut pages) = (BTreeSet::from(["/".to_owned()]), Vec::new());
    let mut waiting = vec!["/".to_owned()];
    while let Some(path) = waiting.pop() {
        let answer = browser.get(&path).await;
        let asks_to_log_in = answer.status == 303 && answer.header("location").starts_with("/login?next=");
        assert!(answer.status == 200 || asks_to_log_in, "{path}: {answer:?}");
        if answer.header("content-type").starts_with("text/html") {
            let links = html::tags(&answer.body);
            let links = links
                .iter()
                .filter(|tag| tag.get("rel") != Some("noreferrer"))
                .filter_map(|tag| tag.get("href").filter(|_| tag.name == "a" || tag.name == "link"));
            // Sources are elsewhere; who follows one does not tell where from.
            for link in links.filter(|link| !link.starts_with('#')) {
                let link = link.strip_prefix(&app.url("")).unwrap_or(link);
                assert!(link.starts_with('/') && !link.starts_with("//"), "{path} leads away to {link}");
                let link = link.split('#').next().expect("a path").to_owned();
                if known.insert(link.clone()) {
                    waiting.push(link);
                }
            }
            pages.push((path, answer));
        }
    }
    pages
}

#[actix_web::test]
async fn every_link_leads_somewhere_and_every_page_is_reached() {
    let app = TestApp::spawn();
    let visitor: BTreeSet<String> = crawl(&app, app.browser()).await.into_iter().map(|(path, _)| path).collect();
    // An admin sees everything that anybody sees.
    app.admin(ADA).await;
    let ada: BTreeSet<String> =
        crawl(&app, app.logged_in_browser(ADA).await).await.into_iter().map(|(path, _)| path).collect();
    for (method, path) in routes::all(&app).await {
        let is_page = method == "GET" && !path.contains('{') && !routes::is_api(&path);
        let is_for_programs = ["/healthz", "/readyz", "/.well-known/jwks.json", "/account/me"].contains(&path.as_str());
        if is_page && !is_for_programs {
            assert!(visitor.contains(&path) || ada.contains(&path), "no page leads to {path}");
        }
    }
    assert!(ada.contains("/account/session") && visitor.contains("/problems/throttled"));
}

/// What a browser and a screen reader need of a page.
fn is_well_made(path: &str, page: &str) {
    assert!(page.starts_with("<!doctype html>"), "{path}");
    assert_eq!(html::all(page, "html")[0].get("lang"), Some("en"), "{path}");
    assert_eq!(html::all(page, "h1").len(), 1, "{path} has one headline");
    assert_eq!(html::all(page, "main").len(), 1, "{path}");
    assert_eq!(html::all(page, "title").len(), 1, "{path}");
    assert!(html::text_of(page, "title").contains("Two Doors"), "{path}");
    let tags = html::tags(page);
    let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path} has an id twice: {ids:?}");
    for tag in &tags {
        assert!(tag.get("style").is_none(), "{path}: an inline style, which the policy forbids: {tag:?}");
        assert!(!tag.attributes.iter().any(|(name, _)| name.starts_with("on")), "{path}: an inline script: {tag:?}");
        assert!(tag.name != "style" && (tag.name != "script" || tag.get("src").is_some()), "{path}: {tag:?}");
        for name in ["aria-labelledby", "aria-describedby", "for"] {
            for id in tag.get(name).unwrap_or_default().split_whitespace() {
                assert!(ids.contains(&id), "{path}: {name}={id} names nothing");
            }
        }
        if tag.name == "input"
            && tag.get("type") != Some("hidden")
            && !tag.attributes.iter().any(|(name, _)| name == "hidden")
        {
            let id = tag.get("id").unwrap_or_else(|| panic!("{path}: {tag:?} has no id"));
            let labels = tags.iter().filter(|label| label.name == "label" && label.get("for") == Some(id));
            assert_eq!(labels.count(), 1, "{path}: {id} has no label");
        }
        if tag.name == "form" {
            assert!(tag.get("method").is_some(), "{path}: {tag:?}");
        }
    }
    // A form that is sent with `GET` changes nothing, and one that leads nowhere is read by a script.
    let is_sent = |form: &&html::Tag| form.get("method") == Some("post") && form.get("action").is_some();
    let forms = html::all(page, "form").iter().filter(is_sent).count();
    let tokens = html::all(page, "input").iter().filter(|input| input.get("name") == Some("form_token")).count();
    assert_eq!(forms, tokens, "{path}: every form carries a token");
    // Elements that are opened are closed; those that have no end are left out.
    let mut open: Vec<&str> = Vec::new();
    for tag in &tags {
        match tag.name.as_str() {
            _ if tag.closed => {}
            "meta" | "link" | "input" | "br" | "wbr" | "img" | "hr" => {}
            name => match name.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{path}"),
                None => open.push(name),
            },
        }
    }
    assert!(open.is_empty(), "{path}: {open:?}");
}

#[actix_web::test]
async fn every_page_is_well_made_also_those_that_say_no() {
    let app =
        TestApp::with(&[("DEMO_MODE", "on"), ("PUBLIC_URL", "http://localhost:1"), ("BIND_ADDRESS", "127.0.0.1:0")]);
    let host = ("host".to_owned(), "localhost:1".to_owned());
    let mut visitor = app.browser();
    visitor.headers = vec![host.clone()];
    let page = visitor.get("/login").await;
    let mut passwords =
        html::all(&page.body, "input").into_iter().filter(|input| input.get("name") == Some("password"));
    let password = passwords.find_map(|input| input.get("value").map(str::to_owned)).expect("a demo password");
    let mut ada = visitor.clone();
    assert_eq!(ada.log_in("ada@example.com", &password).await.status, 303);

    let mut pages = crawl(&app, visitor.clone()).await;
    pages.extend(crawl(&app, ada.clone()).await);
    pages.push(("a flash message".to_owned(), visitor.clone().get("/login").await));
    for (what, answer) in every_kind(&app, "localhost:1").await {
        if answer.header("content-type").starts_with("text/html") {
            pages.push((what.to_owned(), answer));
        }
    }
    pages.push(("a refused sign-up".to_owned(), visitor.sign_up("x", "", "short").await));
    pages.push(("a refused log-in".to_owned(), visitor.log_in("x", "short").await));
    pages
        .push(("a refused name".to_owned(), ada.post_from("/account", "/account/name", &[("display_name", "")]).await));
    pages.push(("a locked password".to_owned(), ada.change_password("x", "y").await));
    ada.headers.push(("origin".to_owned(), "http://localhost:1".to_owned()));
    pages.push((
        "a form to send again".to_owned(),
        ada.post_raw("/account/password", &[("current_password", "x"), ("a", "b")]).await,
    ));
    assert!(pages.len() > 40, "{}", pages.len());
    for (path, page) in pages {
        is_well_made(&path, &page.body);
        // One page that describes every route is as long as there are routes.
        if path != "/api/docs" {
            assert_is_light(&path, &page.body);
        }
    }
}
