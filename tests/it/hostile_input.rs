//! Whatever is sent: it is refused with a reason or stored and shown as what it is, and never breaks anything.

use serde_json::json;

use crate::support::{
    Answer, Browser, NEW_PASSWORD, PASSWORD, TestApp, html,
    raw::{self, Raw},
    routes,
};

const ADA: &str = "ada@example.org";
const FORM: &str = "application/x-www-form-urlencoded";

#[actix_web::test]
async fn names_are_shown_on_every_page_as_what_they_are() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser(ADA).await;
    let client = app.logged_in_client(ADA).await;
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; DROP TABLE users; --",
        "</title></main></html>",
        "{{ 7*7 }} ${7*7} <%= 7 %>",
        "&lt;b&gt; &amp;amp; %3Cscript%3E",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{627}\u{644}\u{633}\u{644}\u{627}\u{645}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} Z\u{351}\u{36b}alg\u{34e}\u{36f}o",
        &"w".repeat(80),
        &"\u{1f9d1}".repeat(80),
        "javascript:alert(1)",
        "\\u003cscript\\u003e \\0 %00",
    ];
    for name in names {
        let answer = browser.post_from("/account", "/account/name", &[("display_name", name)]).await;
        assert_eq!(answer.status, 303, "{name}: {answer:?}");
        assert_eq!(client.get("/api/account").await.json()["display_name"], name, "stored as it was typed");
        for path in ["/", "/account", "/account/session", "/login", "/problems", "/nowhere"] {
            let page = browser.get(path).await;
            let shown = html::text_of(&page.body, "bdi");
            assert_eq!(shown, name, "{path}");
            let ours = |script: &html::Tag| script.get("src").is_some_and(|src| src.starts_with("/static/"));
            assert!(html::all(&page.body, "script").iter().all(ours), "{path}");
            assert!(html::all(&page.body, "img").is_empty(), "{path}");
            assert_eq!(html::all(&page.body, "title").len(), 1, "{path}");
        }
        let form = browser.get("/account").await;
        assert_eq!(html::value(&form.body, "display_name").as_deref(), Some(name));
    }
}

#[actix_web::test]
async fn a_name_changed_at_the_api_is_as_harmless_on_the_site() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let name = "<svg onload=alert(1)>\u{1f47b} \u{202b}";
    let renamed = client.send("PATCH", "/api/account", Some(&json!({ "display_name": name }))).await;
    assert_eq!(renamed.status, 422, "an embedding turns the text after it around: {renamed:?}");
    let name = "<svg onload=alert(1)>\u{1f47b}";
    let renamed = client.send("PATCH", "/api/account", Some(&json!({ "display_name": name }))).await;
    assert_eq!((renamed.status, renamed.header("content-type")), (200, "application/json"));
    let page = app.logged_in_browser(ADA).await.get("/account").await;
    assert_eq!(html::text_of(&page.body, "bdi"), name);
    assert!(!page.body.contains("<svg onload"), "{page:?}");
}

#[actix_web::test]
async fn what_was_typed_into_a_refused_form_comes_back_as_text() {
    let app = TestApp::spawn();
    let typed = "\"><script>alert(1)</script>\u{202e}";
    for (path, field) in [("/signup", "email"), ("/signup", "display_name"), ("/login", "email")] {
        let answer = app.browser().post_from(path, path, &[(field, typed)]).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(html::value(&answer.body, field).as_deref(), Some(typed));
        assert!(html::all(&answer.body, "script").is_empty(), "{answer:?}");
    }
}

#[actix_web::test]
async fn a_form_of_a_megabyte_gets_a_page_and_one_that_just_fits_is_read() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let token = browser.form_token("/login").await;
    for (length, status) in [(65_536, 422), (65_537, 413), (1 << 20, 413)] {
        let mut body = format!("form_token={token}&email=");
        body.extend(std::iter::repeat_n('a', length - body.len()));
        let request = format!(
            "POST /login HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: {}\r\ncontent-type: {FORM}\r\ncontent-length: {length}\r\n\r\n{body}",
            app.address,
            browser.cookies(),
        );
        let answer = raw::exchange(app.address, request.as_bytes());
        assert_eq!(answer.status, status, "{length}: {}", answer.head);
        if status == 413 {
            let page = String::from_utf8(answer.body).expect("text");
            assert_eq!(html::text_of(&page, "h1"), "This is too large");
            assert!(html::text(&page).contains("64 KiB"));
        }
    }
}

#[actix_web::test]
async fn a_body_without_an_announced_length_is_limited_as_well() {
    let app = TestApp::spawn();
    for (path, media_type, most) in [("/login", FORM, 64 * 1024), ("/api/users", "application/json", 16 * 1024)] {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n",
            app.address
        );
        for _ in 0..=most / 1024 {
            request.extend(["400\r\n", &"a".repeat(1024), "\r\n"]);
        }
        request += "0\r\n\r\n";
        assert_eq!(raw::exchange(app.address, request.as_bytes()).status, 413, "{path}");
    }
}

#[actix_web::test]
async fn json_of_more_than_16_kib_is_refused_as_a_problem() {
    let app = TestApp::spawn();
    let client = app.client();
    let body = |length: usize| {
        let empty = json!({ "email": ADA, "display_name": "Ada", "password": "" }).to_string().len();
        json!({ "email": ADA, "display_name": "Ada", "password": "x".repeat(length - empty) })
    };
    let fits = client.post("/api/users", &body(16 * 1024)).await;
    assert_eq!((fits.status, fits.code().as_str()), (422, "refused-fields"));
    for length in [16 * 1024 + 1, 17 * 1024, 1 << 20] {
        let answer = client.post("/api/users", &body(length)).await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "too-large"), "{length}");
    }
}

/// Sends a form's body as bytes, with a valid token before it.
async fn form(app: &TestApp, browser: &mut Browser, path: &str, media_type: &str, rest: &[u8]) -> Raw {
    let token = browser.form_token("/login").await;
    let mut body = format!("form_token={token}").into_bytes();
    body.extend_from_slice(rest);
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: {}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
        app.address,
        browser.cookies(),
        body.len()
    )
    .into_bytes();
    request.extend(body);
    raw::exchange(app.address, &request)
}

#[actix_web::test]
async fn forms_that_are_no_text_are_refused_with_a_page() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    for body in [
        &b"&display_name=%00"[..],
        b"&display_name=a%00b",
        b"&display_name=a\0b",
        b"&display_name=%FF",
        b"&display_name=%C3%28",
        b"&display_name=%ED%A0%80",
        b"&display_name=\xff\xfe",
        b"&%FF=x",
        b"&display_name=Eve&display_name=Mallory",
        b"&form_token=again",
    ] {
        let what = String::from_utf8_lossy(body).into_owned();
        let answer = form(&app, &mut ada, "/account/name", FORM, body).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.head);
        let page = String::from_utf8(answer.body).expect("text");
        assert_eq!(html::text_of(&page, "h1"), "This can't be read", "{what}");
    }
    for odd in [&b"&display_name=%"[..], b"&display_name=%zz", b"&display_name=100%&", b"&&&display_name=a=b&="] {
        let answer = form(&app, &mut ada, "/account/name", FORM, odd).await;
        assert_eq!(answer.status, 303, "a lone percent sign is one: {}", answer.head);
    }
    assert_eq!(html::value(&ada.get("/account").await.body, "display_name").as_deref(), Some("a=b"));
}

#[actix_web::test]
async fn other_content_types_than_a_routes_own_are_refused() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    for media_type in ["text/plain", "multipart/form-data; boundary=x", "application/json", "x", ""] {
        let answer = form(&app, &mut browser, "/login", media_type, b"&email=a").await;
        assert_eq!(answer.status, 415, "{media_type}: {}", answer.head);
        let page = String::from_utf8(answer.body).expect("text");
        assert_eq!(html::text_of(&page, "h1"), "This is not a form");
    }
    let fine =
        form(&app, &mut browser, "/login", "Application/X-WWW-Form-Urlencoded ; charset=UTF-8", b"&email=a").await;
    assert_eq!(fine.status, 422);
    let body = json!({ "email": ADA, "display_name": "Ada", "password": "short" }).to_string();
    for media_type in ["text/plain", FORM, "application/jsonx", "text/json", "application/merge-patch+json"] {
        for (method, path) in [
            ("POST", "/api/users"),
            ("POST", "/api/auth/login"),
            ("POST", "/api/auth/refresh"),
            ("POST", "/api/auth/logout"),
        ] {
            let answer = app.request(method, path, &[("content-type", media_type)], &body).await;
            assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported-media-type"), "{path} {media_type}");
        }
    }
    let untyped = app.request("POST", "/api/users", &[], &body).await;
    assert_eq!(untyped.status, 415);
    let fine = app.request("POST", "/api/users", &[("content-type", "Application/JSON; charset=utf-8")], &body).await;
    assert_eq!(fine.status, 422);
}

#[actix_web::test]
async fn json_that_is_not_what_was_expected_is_refused_with_its_place_and_without_its_values() {
    let app = TestApp::spawn();
    let long = "9".repeat(400);
    let deep = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
    let deep_value = format!("{{\"email\":{deep}}}");
    let wrong: &[(&str, &str)] = &[
        ("", "line 1"),
        ("null", "line 1"),
        ("[]", "line 1"),
        ("{", "line 1"),
        ("{}", "missing field `email`"),
        ("{} {}", "line 1"),
        ("{\"email\":\"a\",\"password\":\"b\",\"admin\":true}", "unknown field `admin`"),
        ("{\"email\":\"a\",\"password\":\"b\",\"role\":\"s3cretvalue\"}", "unknown field `role`"),
        ("{\"email\":\"a\",\"email\":\"s3cretvalue\"}", "duplicate field `email`"),
        ("{\"email\":1,\"password\":\"s3cretvalue\"}", "wrong type"),
        ("{\"email\":\"a\",\n\"password\":[\"s3cretvalue\"]}", "line 2"),
        ("{\"email\":\"a\",\"password\":true}", "wrong type"),
        ("{\"email\":\"a\",\"password\":\"b\",\"expires_in\":\"s3cretvalue\"}", "wrong type"),
        ("{\"email\":\"a\",\"password\":\"b\",\"expires_in\":1.5}", "wrong type"),
        ("{\"email\":\"a\",\"password\":\"b\",\"expires_in\":4}", "expires_in"),
        ("{\"email\":\"a\",\"password\":\"b\",\"expires_in\":-1}", "expires_in"),
        ("{\"email\":\"a\",\"password\":\"b\",\"refresh_token_in\":\"s3cretvalue\"}", "wrong type"),
        ("{\"email\":\"\\ud800\",\"password\":\"b\"}", "line 1"),
        ("{\"email\":\"a\\u0000b\",\"password\":\"b\"}", "NUL"),
        ("{\"email\":\"a\",\"password\":\"b\0\"}", "line 1"),
        ("\u{feff}{}", "line 1"),
        (&long, "line 1"),
        (&deep, "line 1"),
        (&deep_value, "line 1"),
    ];
    for (body, place) in wrong {
        let shown: String = body.chars().take(80).collect();
        let headers = [("content-type", "application/json")];
        let answer = app.request("POST", "/api/auth/login", &headers, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{shown}: {answer:?}");
        let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains(place), "{shown}: {detail}");
        assert!(!answer.body.contains("s3cretvalue"), "a value may be a password: {detail}");
    }
    let body = b"{\"email\":\"\xff\xfe\",\"password\":\"b\"}";
    let mut request = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        app.address,
        body.len()
    )
    .into_bytes();
    request.extend(body);
    assert_eq!(raw::exchange(app.address, &request).status, 400, "JSON is UTF-8");
}

#[actix_web::test]
async fn every_route_with_a_json_body_refuses_unknown_fields_by_name() {
    let app = TestApp::spawn();
    // Others are told at some routes that they are no admin, before or after what is wrong with the body.
    app.admin(ADA).await;
    let client = app.logged_in_client(ADA).await;
    let mut asked = 0;
    for (method, path) in routes::all(&app).await {
        if routes::is_api(&path) && method != "GET" && !routes::TAKE_A_FORM.contains(&path.as_str()) {
            // No bearer token gets so far there.
            if path.starts_with("/api/browser/") {
                continue;
            }
            let answer = client.send(&method, &path, Some(&json!({ "is_admin": true }))).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{method} {path}");
            assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("`is_admin`")), "{answer:?}");
            asked += 1;
        }
    }
    assert!(asked >= 7, "{asked}");
}

#[actix_web::test]
async fn nobody_is_sent_to_another_site_after_log_in() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let long = format!("/{}", "a".repeat(2048));
    for next in [
        "//evil.example",
        "///evil.example",
        "/..//evil.example",
        "/é",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "evil.example",
        " /account",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\r\nset-cookie: planted=1",
        "javascript:alert(1)",
        "data:text/html,x",
        "/a b",
        "",
        &long,
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        for path in ["/login", "/signup"] {
            let page = app.browser().get(&format!("{path}?{query}")).await;
            assert_eq!(page.status, 200, "{next:?}");
            assert_eq!(html::value(&page.body, "next"), None, "{path} offers {next:?}");
        }
        let answer = app
            .browser()
            .post_from("/login", "/login", &[("email", ADA), ("password", PASSWORD), ("next", next)])
            .await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{next:?}");
        assert!(answer.set_cookie("planted").is_none());
    }
    for next in ["/", "/account/session?a=b&c=%20#d", "/%2F%2Fevil.example", "/:@evil.example"] {
        let answer = app
            .browser()
            .post_from("/login", "/login", &[("email", ADA), ("password", PASSWORD), ("next", next)])
            .await;
        assert_eq!((answer.status, answer.header("location")), (303, next));
    }
}

#[actix_web::test]
async fn no_request_can_be_hidden_in_another() {
    let app = TestApp::spawn();
    let hidden = format!("0\r\n\r\nGET /api/me HTTP/1.1\r\nhost: {}\r\n\r\n", app.address);
    for headers in [
        &*format!("content-length: {}\r\ntransfer-encoding: chunked", hidden.len()),
        "transfer-encoding: chunked\r\ncontent-length: 3",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: xchunked",
        "transfer-encoding : chunked",
        "transfer-encoding: \u{b}chunked",
        "content-length: 0\r\ncontent-length: 60",
        "content-length: +5",
        "content-length: 5, 5",
        "content-length: -5",
        "content-length: 0x5",
        "x: y\r\n transfer-encoding: chunked",
    ] {
        let request = format!("POST /login HTTP/1.1\r\nhost: {}\r\n{headers}\r\n\r\n{hidden}", app.address);
        let answer = raw::exchange(app.address, request.as_bytes());
        assert_eq!(answer.status, 400, "{headers}");
        // The connection is over: what follows in it is answered by nobody.
        assert!(!String::from_utf8_lossy(&answer.body).contains("HTTP/1.1"), "{headers}: {answer:?}");
    }
}

#[actix_web::test]
async fn addresses_that_look_like_others_are_refused() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let body = |email: &str| json!({ "email": email, "display_name": "Ada", "password": PASSWORD });
    for letter in
        ['\u{200b}', '\u{200d}', '\u{ad}', '\u{2060}', '\u{feff}', '\u{202e}', '\u{3164}', '\u{e0041}', '\u{fe0f}']
    {
        for email in [format!("a{letter}da@example.org"), format!("ada@exam{letter}ple.org"), format!("{letter}{ADA}x")]
        {
            let answer = app.client().post("/api/users", &body(&email)).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "refused-fields"), "{email:?}");
        }
    }
    // Around the address they are cut off or refused, and never make a second one of it.
    for email in ["\u{feff}ada@example.org", " ADA@Example.org\u{a0}", "ada@example.org\u{200b}"] {
        let answer = app.client().post("/api/users", &body(email)).await;
        assert!([409, 422].contains(&answer.status), "{email:?}: {answer:?}");
    }
    assert_eq!(app.count("users"), 1);
}

#[actix_web::test]
async fn no_origin_that_only_resembles_ours_is_ours() {
    let app = TestApp::with(&[("API_ALLOWED_ORIGINS", "https://app.example.com")]);
    let client = app.logged_in_client(ADA).await;
    let (ours, port) = (app.address.to_string(), app.address.port());
    let cookie = format!("refresh={}", client.refresh_token);
    let ask = async |method: &str, origin: &str| {
        let headers = [("origin", origin), ("cookie", &*cookie), ("access-control-request-method", "POST")];
        app.request(method, "/api/auth/refresh", &headers, "").await
    };
    for origin in [
        "null",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://evil.app.example.com",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://app.example.com/",
        "https://APP.example.com@evil.example",
        "https://app.example.com, https://evil.example",
        "https://appxexample.com",
        "file://",
        "",
        &format!("http://{ours}.evil.example"),
        &format!("http://evil.{ours}"),
        &format!("https://{ours}"),
        "http://127.0.0.1",
        &format!("http://127.0.0.2:{port}"),
    ] {
        let answer = ask("POST", origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""), "{origin:?}");
        assert_eq!(ask("OPTIONS", origin).await.header("access-control-allow-origin"), "", "{origin:?}");
    }
    let answer = ask("POST", "https://app.example.com").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "https://app.example.com"));
    assert!(answer.header("vary").to_lowercase().contains("origin"), "a cache must tell them apart: {answer:?}");
}

#[actix_web::test]
async fn a_page_asked_for_without_a_login_is_come_back_to_whatever_its_address() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    for wanted in
        ["/account?a=%0d%0aset-cookie:x&b=<script>", "/account?next=//evil.example", "/account/session?ä=\u{1f600}"]
    {
        let mut browser = app.browser();
        let sent_away = browser.get(wanted).await;
        assert_eq!(sent_away.status, 303);
        assert!(sent_away.set_cookies().is_empty(), "{sent_away:?}");
        let log_in = sent_away.header("location").to_owned();
        assert!(log_in.starts_with("/login?next=%2Faccount"), "{log_in}");
        let page = browser.get(&log_in).await;
        let (next, token) = (html::value(&page.body, "next"), html::value(&page.body, "form_token"));
        let (next, token) = (next.expect("a next"), token.expect("a form"));
        let fields = [("email", ADA), ("password", PASSWORD), ("next", &next), ("form_token", &token)];
        let back = browser.post_raw("/login", &fields).await;
        assert_eq!(back.status, 303);
        assert_eq!(browser.get(back.header("location")).await.status, 200, "{next}");
    }
}

#[actix_web::test]
async fn cookies_that_are_huge_many_or_malformed_are_as_good_as_none() {
    let app = TestApp::spawn();
    let ada = app.logged_in_browser(ADA).await;
    let session = ada.jar["session"].clone();
    let huge = format!("session={}", "a".repeat(60_000));
    let many = vec!["c=x"; 3000].join("; ");
    let cookies = [
        huge.as_str(),
        &many,
        "session",
        "session=",
        "=; ;;;=;",
        "session=\"",
        "session=%00",
        "session=%FF%FE",
        "session=a=b=c",
        "session=%",
        "visitor=%00; flash=..; refresh=%0d%0a",
        "flash=AAAA.AAAA",
        "flash=.",
        "$Version=1; session=x; $Path=/",
        "session=\u{e4}\u{f6}",
    ];
    for cookie in cookies {
        let shown: String = cookie.chars().take(40).collect();
        for (path, anonymous) in
            [("/", 200), ("/login", 200), ("/account", 303), ("/account/me", 303), ("/api/me", 401)]
        {
            let answer = raw::get(app.address, path, &format!("cookie: {cookie}\r\n"));
            assert_eq!(answer.status, anonymous, "{shown} {path}: {}", answer.head);
        }
        let refresh =
            app.request("POST", "/api/auth/refresh", &[("cookie", &cookie.replace("session", "refresh"))], "").await;
        assert!([400, 401].contains(&refresh.status), "{shown}: {refresh:?}");
    }
    let split = raw::get(app.address, "/account/me", &format!("cookie: {many}\r\ncookie: session={session}\r\n"));
    assert_eq!(split.status, 200, "and a good one among them still counts");
    let altered: String = session.chars().rev().collect();
    let answer = raw::get(app.address, "/account/me", &format!("cookie: session={altered}\r\n"));
    assert_eq!(answer.status, 303);
}

#[actix_web::test]
async fn static_files_and_problems_lead_nowhere_else() {
    let app = TestApp::spawn();
    for path in [
        "/static/../Cargo.toml",
        "/static/..%2f..%2fCargo.toml",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/....//etc/passwd",
        "/static//etc/passwd",
        "/static/style.css",
        "/static/style.0000000000000000.css",
        "/static/%00",
        "/static/%FF",
        "/static/",
        "/static",
        "/static/missing",
        "/static/a%0d%0aset-cookie:%20x=y",
        "/problems/..%2f..%2fetc%2fpasswd",
        "/problems/%00",
        "/problems/%FF",
        "/problems/<script>",
        "/problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/problems/throttled/",
        "/problems/THROTTLED",
        "/api/..%2faccount",
        "//account",
        "/account/../account/me",
        "/api//me",
    ] {
        let answer = raw::get(app.address, path, "");
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.head);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!body.contains("root:") && !body.contains("[package]"), "{path}");
        assert!(html::all(&body, "script").is_empty(), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
}

#[actix_web::test]
async fn heads_of_requests_have_their_limits_and_the_server_goes_on() {
    let app = TestApp::spawn();
    let headers = |count: usize| "x-header: y\r\n".repeat(count);
    assert_eq!(raw::get(app.address, "/", &headers(80)).status, 200);
    for (what, head) in [
        ("100 headers", headers(100)),
        ("1000 headers", headers(1000)),
        ("a long header", format!("x: {}\r\n", "y".repeat(200_000))),
    ] {
        let answer = raw::get(app.address, "/", &head);
        assert!((400..500).contains(&answer.status), "{what}: {}", answer.head);
    }
    for request in [
        "GET / HTTP/9.9\r\n\r\n",
        "G\u{e9}T / HTTP/1.1\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n continued: y\r\n\r\n",
        "POST /login HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST /login HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /login HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /login HTTP/1.1\r\ntransfer-encoding: nonsense\r\n\r\n",
        "\r\n\r\n\r\n \0\0\0\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let answer = raw::exchange(app.address, request.as_bytes());
        assert!((400..500).contains(&answer.status), "{request:?}: {}", answer.head);
    }
    assert_eq!(raw::get(app.address, "/healthz", "").status, 200);
}

#[actix_web::test]
async fn no_header_can_be_smuggled_into_an_answer() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let injected = "x%0d%0aset-cookie:%20planted=1%0d%0a%0d%0a%3Cscript%3E";
    for (path, status) in [
        (format!("/account?{injected}"), 303),
        (format!("/login?next=/{injected}"), 200),
        (format!("/static/{injected}"), 404),
        (format!("/problems/{injected}"), 404),
        (format!("/{injected}"), 404),
        (format!("/api/{injected}"), 404),
    ] {
        let answer = raw::get(app.address, &path, "");
        assert_eq!(answer.status, status, "it gets as far as a handler: {path}: {}", answer.head);
        let is_planted = |line: &str| line.to_ascii_lowercase().starts_with("set-cookie: planted");
        assert!(!answer.head.lines().any(is_planted), "{path}: {}", answer.head);
    }
    // What comes back in a header of our own making: the words of the challenge.
    let answer = raw::get(app.address, "/api/me", "authorization: Bearer a\"b\\, error=\"x\r\n");
    assert_eq!(answer.status, 400, "{}", answer.head);
    assert!(!answer.header("www-authenticate").contains("a\"b"), "{}", answer.head);
}

/// Values that have broken something somewhere.
fn odd_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "-1",
        "null",
        "[]",
        "'\"\\`$(id)",
        "%00%s%n%",
        "../../etc/passwd",
        "<!--]]>",
        "\u{feff}\u{202e}\u{1f4a9}\u{fffd}",
        "18446744073709551616",
        "a@b.c",
        "=&;+",
        "\r\n",
        "\u{0}",
        "Robert'); DROP TABLE users;--",
    ]
    .map(str::to_owned)
    .into();
    values.push("\u{fdfa}".repeat(500));
    values.push("A".repeat(10_000));
    values
}

/// A body that a route accepts, but for what a test puts in the place of one of its fields.
fn whole_body(method: &str, path: &str) -> serde_json::Value {
    match (method, path) {
        ("POST", "/api/users") => json!({ "email": "eve@example.org", "display_name": "Eve", "password": PASSWORD }),
        ("POST", "/api/auth/login") => {
            json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body", "expires_in": 5, "device_token": "x" })
        }
        ("POST", "/api/auth/refresh") => json!({ "refresh_token": "x", "refresh_token_in": "body", "expires_in": 5 }),
        ("POST", "/api/auth/reauthenticate") => {
            json!({ "current_password": "wrong", "expires_in": 5, "device_token": "x" })
        }
        ("POST", "/api/auth/logout") => json!({ "refresh_token": "x" }),
        ("POST", path) if routes::TAKE_A_FORM.contains(&path) => json!({ "token": "x", "token_type_hint": "x" }),
        ("POST", "/api/auth/logout-everywhere") => json!({ "sessions": true }),
        // An address that is hers already: what is odd is in the other field.
        ("PATCH", "/api/account") => json!({ "display_name": "Eve", "email": ADA }),
        ("DELETE", "/api/account") => json!({ "current_password": "wrong", "device_token": "x" }),
        ("PATCH", "/api/admin/users/{id}") => json!({ "role": "admin" }),
        ("POST", "/api/admin/users/{id}/ban") => json!({ "reason": "spam", "until": "2030-01-31T12:00:00Z" }),
        ("POST", "/api/account/password") => {
            json!({ "current_password": "wrong", "new_password": NEW_PASSWORD, "expires_in": 5, "device_token": "x" })
        }
        _ => json!({}),
    }
}

/// An admin, who reaches every handler, and a user for what admins do to others.
struct Odd {
    app: TestApp,
    account: String,
    password_hash: String,
    other: String,
}

impl Odd {
    async fn begin() -> Self {
        let app = TestApp::spawn();
        app.admin(ADA).await;
        app.sign_up("grace@example.org").await;
        let of = |column: &str, email: &str| app.value(&format!("SELECT {column} FROM users WHERE email = '{email}'"));
        let (account, password_hash) = (of("id", ADA), of("password_hash", ADA));
        let other = of("id", "grace@example.org");
        Self { app, account, password_hash, other }
    }

    fn address(&self, path: &str) -> String {
        routes::filled_in(&path.replace("/users/{id}", &format!("/users/{}", self.other)))
    }

    /// Nothing odd has changed what one logs in with, but for an address that is none too odd.
    fn restore(&self, path: &str) {
        let Self { app, account, password_hash, .. } = self;
        assert_eq!(
            &app.value(&format!("SELECT password_hash FROM users WHERE id = '{account}'")),
            password_hash,
            "{path}"
        );
        app.execute(&format!(
            "UPDATE users SET email = '{ADA}', email_folded = '{ADA}', role = 'admin' WHERE id = '{account}'"
        ));
    }
}

#[actix_web::test]
async fn no_value_in_any_field_breaks_the_api() {
    let odd = Odd::begin().await;
    let app = &odd.app;
    for (method, path) in routes::all(app).await.into_iter().filter(|(_, path)| routes::is_api(path)) {
        // Anew for each route: some of them end the login.
        let mut client = app.client();
        assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200, "before {method} {path}");
        let (whole, address) = (whole_body(&method, &path), odd.address(&path));
        let by_cookie = path.starts_with("/api/browser/");
        assert!(
            method == "GET" || by_cookie || path.contains("{id}") || whole != json!({}),
            "{method} {path} has no body here"
        );
        for value in odd_values() {
            for field in whole.as_object().expect("an object").keys() {
                let mut body = whole.clone();
                body[field] = json!(value);
                is_calm(&method, &path, &client.send(&method, &address, Some(&body)).await);
                if routes::TAKE_A_FORM.contains(&path.as_str()) {
                    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair(field, &value).finish();
                    is_calm(&method, &path, &app.request(&method, &path, &[("content-type", FORM)], &form).await);
                }
            }
            is_calm(&method, &path, &client.send(&method, &address, Some(&json!(value))).await);
            let headers = [("content-type", "application/json")];
            is_calm(&method, &path, &app.request(&method, &address, &headers, &value).await);
        }
        odd.restore(&path);
    }
}

#[actix_web::test]
async fn no_value_in_any_field_breaks_the_site() {
    let odd = Odd::begin().await;
    let app = &odd.app;
    let forms = [
        ("/signup", &["email", "display_name", "password", "next"][..]),
        ("/login", &["email", "password", "remember", "next"]),
        // A token besides the right one: neither is done.
        ("/logout", &["form_token"]),
        ("/measure", &["form_token"]),
        ("/tour/forget", &["form_token"]),
        ("/compare/{event}", &["form_token"]),
        ("/experiments/{id}", &["form_token"]),
        ("/account/devices/acknowledge", &["event"]),
        ("/account/devices/end", &["id"]),
        ("/admin/users/{id}/role", &["role"]),
        ("/admin/users/{id}/ban", &["reason", "until"]),
        ("/admin/users/{id}/unban", &["form_token"]),
        ("/admin/users/{id}/end-logins", &["form_token"]),
        ("/account/devices/end-others", &["form_token"]),
        ("/account/devices/end-all", &["form_token"]),
        ("/account/name", &["display_name"]),
        ("/account/email", &["email"]),
        ("/account/password", &["current_password", "new_password"]),
        ("/account/delete", &["current_password"]),
        ("/account/confirm", &["sealed", "current_password"]),
    ];
    for (method, path) in routes::all(app).await.into_iter().filter(|(_, path)| !routes::is_api(path)) {
        let (mut ada, address) = (app.browser(), odd.address(&path));
        assert_eq!(ada.log_in(ADA, PASSWORD).await.status, 303, "before {method} {path}");
        for value in odd_values() {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &value).finish();
            is_calm(&method, &path, &ada.clone().get(&format!("{address}?{query}")).await);
            if method == "POST" {
                let (_, fields) = forms.iter().find(|(form, _)| *form == path).unwrap_or(&("", &[]));
                assert!(!fields.is_empty(), "{path} has no fields here");
                let token = ada.form_token("/login").await;
                let mut all: Vec<(&str, &str)> = fields.iter().map(|field| (*field, value.as_str())).collect();
                all.push(("form_token", &token));
                // A copy: log-in and log-out would change the jar.
                is_calm(&method, &path, &ada.clone().post_raw(&address, &all).await);
            }
        }
        odd.restore(&path);
    }
}

#[actix_web::test]
async fn no_value_in_any_header_breaks_the_server() {
    const HEADERS: [&str; 14] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "content-type",
        "cookie",
        "expect",
        "if-none-match",
        "if-modified-since",
        "origin",
        "range",
        "sec-fetch-site",
        "user-agent",
        "x-forwarded-for",
    ];
    let app = TestApp::spawn();
    for (_, path) in routes::all(&app).await.into_iter().filter(|(method, _)| method == "GET") {
        for name in HEADERS {
            for value in odd_values() {
                let value: String = value.chars().filter(|letter| !letter.is_control()).collect();
                let answer = raw::get(app.address, &routes::filled_in(&path), &format!("{name}: {value}\r\n"));
                assert!(answer.status < 500, "{path} with {name}: {value}: {}", answer.head);
            }
        }
    }
}

/// There is an answer, and it does not say that something broke on our side. (A handler that panics gives none.)
fn is_calm(method: &str, path: &str, answer: &Answer) {
    assert!((100..500).contains(&answer.status), "{method} {path}: {answer:?}");
}

#[actix_web::test]
async fn no_method_and_no_path_breaks_the_server() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let ada = app.logged_in_browser(ADA).await;
    for path in routes::paths() {
        let url = routes::filled_in(&path);
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"] {
            if (method, path.as_str()) == ("DELETE", "/api/account") {
                continue;
            }
            let bearer = format!("Bearer {}", client.access_token);
            let cookies = ada.cookies();
            let headers = [("authorization", bearer.as_str()), ("cookie", &cookies)];
            is_calm(method, &path, &app.request(method, &url, &headers, NEW_PASSWORD).await);
        }
        for odd in [
            format!("{url}/"),
            format!("{url}%00"),
            format!("{url}?%FF=%FF&=&a=a&a=a"),
            format!("{url}//x"),
            format!("{url};a=b"),
            url.to_uppercase(),
        ] {
            is_calm("GET", &odd, &app.request("GET", &odd, &[], "").await);
        }
    }
}

#[actix_web::test]
async fn a_list_of_values_is_no_object_and_a_whole_number_may_have_a_fraction_of_nothing() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let headers = [("content-type", "application/json")];
    let log_in = format!("[\"{ADA}\", \"{PASSWORD}\"]");
    for (path, list) in [
        ("/api/auth/login", log_in.as_str()),
        ("/api/auth/logout", " []"),
        ("/api/users", "[\"a@x.org\", \"A\", \"b\"]"),
    ] {
        let answer = app.request("POST", path, &headers, list).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed-json"), "{path}: {answer:?}");
    }
    assert_eq!(client.get("/api/account").await.status, 200, "nobody was logged out");
    for (expires_in, status) in
        [("60.0", 200), ("6e1", 200), ("60.5", 400), ("\"60\"", 400), ("1e300", 400), ("null", 200)]
    {
        let body = format!("{{\"email\":\"{ADA}\",\"password\":\"{PASSWORD}\",\"expires_in\":{expires_in}}}");
        let answer = app.request("POST", "/api/auth/login", &headers, &body).await;
        assert_eq!(answer.status, status, "{expires_in}: {answer:?}");
    }
}
