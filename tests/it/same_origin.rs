//! No other site can make a visitor's browser do anything here: two layers, each of which would do alone.
//!
//! Every refused request below would have succeeded but for the one thing that is wrong with it.

use crate::support::{Answer, Browser, NEW_PASSWORD, PASSWORD, TestApp, html, routes};

const ADA: &str = "ada@example.org";
const GRACE: &str = "grace@example.org";

/// Every form of the site that changes something.
async fn unsafe_routes(app: &TestApp) -> Vec<String> {
    let routes = routes::all(app).await;
    let ours = routes.into_iter().filter(|(method, path)| method != "GET" && !path.starts_with("/api"));
    let paths: Vec<String> = ours.map(|(_, path)| routes::filled_in(&path)).collect();
    assert!(paths.len() >= 6, "{paths:?}");
    paths
}

/// What makes each of them succeed.
fn fields(path: &str) -> Vec<(&'static str, &'static str)> {
    match path {
        "/login" => vec![("email", ADA), ("password", PASSWORD)],
        "/signup" => vec![("email", "mallory@example.org"), ("display_name", "Mallory"), ("password", PASSWORD)],
        "/account/name" => vec![("display_name", "Mallory")],
        "/account/password" => vec![("current_password", PASSWORD), ("new_password", NEW_PASSWORD)],
        "/account/delete" => vec![("current_password", PASSWORD)],
        _ => vec![],
    }
}

async fn post(browser: &mut Browser, path: &str, token: Option<&str>) -> Answer {
    let mut fields = fields(path);
    fields.extend(token.map(|token| ("form_token", token)));
    browser.post_raw(path, &fields).await
}

/// Where experiments may be run, and Ada is an admin: each form is refused for what it lacks, and not for who she is.
async fn open() -> (TestApp, Browser) {
    let app = TestApp::with(&[("EXPERIMENTS", "on")]);
    app.admin(ADA).await;
    let ada = app.logged_in_browser(ADA).await;
    app.logged_in_browser(GRACE).await;
    (app, ada)
}

/// Refused, as a form that is none of ours or has outlived what it was made for.
fn is_refused_as_none_of_ours(answer: &Answer, what: &str) {
    is_refused(answer, what);
    let title = html::text_of(&answer.body, "h1");
    let titles = ["This did not come from one of our pages", "Not saved yet", "This was not waiting for a password"];
    assert!(titles.contains(&title.as_str()), "{what}: {title}");
}

/// Refused with a page that says why, and the cookies of the visitor stay as they were.
fn is_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}: {answer:?}");
    assert!(!html::text_of(&answer.body, "h1").is_empty(), "{what}: {answer:?}");
    assert!(answer.set_cookie("session").is_none(), "{what}: {answer:?}");
    assert!(!answer.body.contains(PASSWORD) && !answer.body.contains(NEW_PASSWORD), "{what}: {answer:?}");
}

/// Ada has the account, name and password that she had, is logged in as she was, and nobody else has come.
async fn nothing_happened(app: &TestApp, ada: &mut Browser) {
    let page = ada.get("/account").await;
    assert_eq!(page.status, 200, "still logged in");
    assert_eq!(html::value(&page.body, "display_name").as_deref(), Some("Ada"));
    assert_eq!(app.client().log_in("mallory@example.org", PASSWORD).await.status, 401);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
}

/// Tokens that were never made for this visitor, with what is wrong with them.
async fn foreign_tokens(app: &TestApp, browser: &mut Browser, page: &str) -> Vec<(&'static str, Option<String>)> {
    let own = browser.form_token(page).await;
    let half = own.len() / 2;
    let of_another_visitor = app.browser().form_token("/login").await;
    let of_another_session = app.logged_in_browser(GRACE).await.form_token("/account").await;
    let mut earlier = app.logged_in_browser(ADA).await;
    let of_an_old_session = earlier.form_token("/account").await;
    earlier.log_out().await;
    vec![
        ("no token", None),
        ("an empty token", Some(String::new())),
        ("garbage", Some("let me in".to_owned())),
        ("well-formed garbage", Some("A".repeat(own.len()))),
        ("the nonce alone", Some(own[..22].to_owned())),
        ("another nonce", Some(format!("{}{}", &of_another_visitor[..half], &own[half..]))),
        ("one letter less", Some(own[..own.len() - 1].to_owned())),
        ("a token of another visitor", Some(of_another_visitor)),
        ("a token of another person's session", Some(of_another_session)),
        ("a token of an earlier session of the same person", Some(of_an_old_session)),
    ]
}

#[actix_web::test]
async fn every_form_refuses_a_visitor_without_a_token_made_for_them() {
    let (app, mut ada) = open().await;
    for path in unsafe_routes(&app).await {
        let mut visitor = app.browser();
        for (what, token) in foreign_tokens(&app, &mut visitor, "/login").await {
            is_refused(&post(&mut visitor, &path, token.as_deref()).await, &format!("{path} with {what}"));
        }
        let token = visitor.form_token("/login").await;
        visitor.jar.clear();
        is_refused(&post(&mut visitor, &path, Some(&token)).await, &format!("{path} without the visitor's cookie"));
        visitor.jar.insert("visitor".to_owned(), String::new());
        is_refused(&post(&mut visitor, &path, Some(&token)).await, &format!("{path} with an empty cookie"));
    }
    nothing_happened(&app, &mut ada).await;
}

#[actix_web::test]
async fn every_form_refuses_who_is_logged_in_without_a_token_of_that_session() {
    let (app, mut ada) = open().await;
    let mut visitor = app.browser();
    let from_before = visitor.form_token("/login").await;
    let before = visitor.jar.clone();
    for path in unsafe_routes(&app).await {
        let tokens = foreign_tokens(&app, &mut ada, "/account").await;
        for vouched in [false, true] {
            if vouched {
                ada.headers = vec![("origin".to_owned(), app.url(""))];
            }
            for (what, token) in &tokens {
                let refused = post(&mut ada, &path, token.as_deref()).await;
                is_refused_as_none_of_ours(&refused, &format!("{path} with {what}"));
            }
        }
        ada.headers.clear();
        // The cookie that the token was made for is there again, as if somebody had planted it.
        let mut planted = ada.clone();
        planted.jar.extend(before.clone());
        let refused = post(&mut planted, &path, Some(&from_before)).await;
        is_refused_as_none_of_ours(&refused, &format!("{path} with a visitor's token"));
    }
    nothing_happened(&app, &mut ada).await;
}

#[actix_web::test]
async fn every_form_refuses_what_comes_from_another_origin_even_with_a_valid_token() {
    let (app, mut ada) = open().await;
    let port = app.address.port();
    let ours = format!("http://127.0.0.1:{port}");
    let elsewhere: Vec<Vec<(&str, String)>> = vec![
        vec![("origin", "null".into())],
        vec![("origin", String::new())],
        vec![("origin", "https://evil.example".into())],
        vec![("origin", format!("http://127.0.0.1:{}", port ^ 1))],
        vec![("origin", "http://127.0.0.1".into())],
        vec![("origin", format!("https://127.0.0.1:{port}"))],
        vec![("origin", format!("http://sibling.localhost:{port}"))],
        vec![("origin", format!("{ours}.evil.example"))],
        vec![("origin", format!("{ours}/"))],
        vec![("sec-fetch-site", "cross-site".into())],
        vec![("sec-fetch-site", "same-site".into())],
        vec![("sec-fetch-site", "SAME-ORIGIN".into())],
        vec![("sec-fetch-site", String::new())],
        vec![("origin", ours.clone()), ("sec-fetch-site", "same-site".into())],
        vec![("origin", "null".into()), ("sec-fetch-site", "same-origin".into())],
    ];
    for path in unsafe_routes(&app).await {
        for headers in &elsewhere {
            for mut browser in [app.browser(), ada.clone()] {
                let token = browser.form_token("/login").await;
                browser.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let refused = post(&mut browser, &path, Some(&token)).await;
                is_refused_as_none_of_ours(&refused, &format!("{path} with {headers:?}"));
            }
        }
    }
    nothing_happened(&app, &mut ada).await;
}

#[actix_web::test]
async fn every_form_accepts_its_own_token_from_our_pages_and_from_who_sends_no_such_header() {
    let app = TestApp::spawn();
    let port = app.address.port();
    let fine: [Vec<(&str, String)>; 5] = [
        vec![],
        vec![("origin", format!("http://127.0.0.1:{port}"))],
        vec![("origin", format!("http://localhost:{port}"))],
        vec![("sec-fetch-site", "none".into())],
        vec![("origin", format!("http://127.0.0.1:{port}")), ("sec-fetch-site", "same-origin".into())],
    ];
    // What a measurement does with its own token takes seconds, and `measure.rs` tests it.
    for path in unsafe_routes(&app).await.into_iter().filter(|path| path != "/measure") {
        for (number, headers) in fine.iter().enumerate() {
            let email = format!("ada{number}.{}@example.org", path.trim_start_matches('/').replace('/', "."));
            let mut ada = app.logged_in_browser(&email).await;
            ada.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let token = ada.form_token("/account").await;
            let mut fields = fields(&path);
            fields.retain(|(name, _)| *name != "email");
            fields.extend([("email", email.as_str()), ("form_token", &token)]);
            let answer = ada.post_raw(&path, &fields).await;
            let expected = match path.as_str() {
                "/signup" => 409,
                // There is nothing of that name.
                "/account/devices/end" => 404,
                path if path.starts_with("/experiments/") || path.starts_with("/compare/") => 404,
                // Ada is no admin.
                path if path.starts_with("/admin/") => 403,
                // Nothing waits for a password here.
                "/account/confirm" => 403,
                _ => 303,
            };
            assert_eq!(answer.status, expected, "{path} with {headers:?}: {answer:?}");
        }
    }
}

#[actix_web::test]
async fn the_page_of_a_refused_request_says_what_to_do() {
    let app = TestApp::spawn();
    let answer = app.browser().post_raw("/login", &fields("/login")).await;
    assert_eq!(html::text_of(&answer.body, "h1"), "This did not come from one of our pages");
    assert!(html::text(&answer.body).contains("nothing was done"), "{answer:?}");
    assert!(html::text(&answer.body).contains("load it again"), "{answer:?}");
}

/// A browser that says of itself where its requests come from, whose account page lay open while the login ended.
async fn with_an_old_page(app: &TestApp) -> (Browser, String) {
    let mut ada = app.logged_in_browser(ADA).await;
    ada.headers = vec![("origin".to_owned(), app.url(""))];
    let token = ada.form_token("/account").await;
    ada.clone().log_out().await;
    (ada, token)
}

/// Fills the page's own form in once more, as pressing its button would.
async fn send_again(browser: &mut Browser, page: &Answer, password: Option<&str>) -> Answer {
    let main = page.body.split("<main").nth(1).expect("a page");
    let form = html::all(main, "form").into_iter().next().expect("a form");
    let mut fields: Vec<(String, String)> = html::all(main, "input")
        .into_iter()
        .map(|input| {
            let value = if input.get("type") == Some("password") { password.expect("nothing to type") } else { "" };
            let value = input.get("value").unwrap_or(value).to_owned();
            (input.get("name").expect("a name").to_owned(), value)
        })
        .collect();
    let fields: Vec<_> = fields.iter_mut().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post_raw(form.get("action").expect("an action"), &fields).await
}

#[actix_web::test]
async fn a_form_that_outlived_its_login_keeps_what_was_typed_and_is_sent_again_after_the_next() {
    let app = TestApp::spawn();
    let (mut ada, token) = with_an_old_page(&app).await;
    let name = "Countess <b>\"Ada\"</b> & Co";
    let refused = ada.post_raw("/account/name", &[("display_name", name), ("form_token", &token)]).await;
    is_refused(&refused, "the old form");
    assert_eq!(html::text_of(&refused.body, "h1"), "Not saved yet");
    assert_eq!(html::value(&refused.body, "display_name").as_deref(), Some(name), "it is there to be sent again");
    assert_eq!(html::text_of(&refused.body, "bdi"), name, "and to be seen, as text");

    assert_eq!(ada.log_in(ADA, PASSWORD).await.status, 303);
    let made_before_log_in = send_again(&mut ada, &refused, None).await;
    is_refused(&made_before_log_in, "a form that was made before the log-in");
    assert_eq!(html::value(&made_before_log_in.body, "display_name").as_deref(), Some(name));
    let accepted = send_again(&mut ada, &made_before_log_in, None).await;
    assert_eq!((accepted.status, accepted.header("location")), (303, "/account"));
    let page = ada.get("/account").await;
    assert_eq!(html::value(&page.body, "display_name").as_deref(), Some(name));
}

#[actix_web::test]
async fn passwords_are_asked_for_only_where_they_can_be_used() {
    let app = TestApp::spawn();
    let (mut ada, token) = with_an_old_page(&app).await;
    let fields = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD), ("form_token", token.as_str())];
    let passwords = |page: &Answer| {
        html::all(&page.body, "input").iter().filter(|input| input.get("type") == Some("password")).count()
    };
    let refused = ada.post_raw("/account/password", &fields).await;
    is_refused(&refused, "the old form");
    assert_eq!(passwords(&refused), 0, "nobody is logged in: {}", refused.body);
    ada.log_in(ADA, PASSWORD).await;
    let refused = send_again(&mut ada, &refused, None).await;
    is_refused(&refused, "a form that was made before the log-in");
    assert_eq!(passwords(&refused), 2);
    assert_eq!(
        send_again(&mut ada, &refused, Some(NEW_PASSWORD)).await.status,
        422,
        "the form is judged, not where it comes from"
    );
}

#[actix_web::test]
async fn passwords_are_asked_for_again_and_never_put_into_a_page() {
    let app = TestApp::spawn();
    let (mut ada, token) = with_an_old_page(&app).await;
    ada.log_in(ADA, PASSWORD).await;
    let fields = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD), ("form_token", token.as_str())];
    let refused = ada.post_raw("/account/password", &fields).await;
    is_refused(&refused, "the old form");
    let inputs = html::all(&refused.body, "input");
    for name in ["current_password", "new_password"] {
        let input = inputs.iter().find(|input| input.get("name") == Some(name)).expect("an input to type it again");
        assert_eq!((input.get("type"), input.get("value")), (Some("password"), None));
    }
    // One password is typed into both: that the present one is wrong is what somebody with a valid form is told.
    let arrived = send_again(&mut ada, &refused, Some(NEW_PASSWORD)).await;
    assert_eq!(arrived.status, 422, "{arrived:?}");
    assert_eq!(
        html::advice(&arrived.body, "current_password").as_deref(),
        Some("Error: This is not your present password.")
    );
}

#[actix_web::test]
async fn what_another_site_made_a_browser_send_is_never_echoed() {
    let app = TestApp::spawn();
    let (mut ada, token) = with_an_old_page(&app).await;
    let fields = [("display_name", "planted by a stranger"), ("form_token", token.as_str())];
    for headers in [vec![], vec![("origin".to_owned(), "null".to_owned())]] {
        ada.headers = headers;
        let refused = ada.post_raw("/account/name", &fields).await;
        is_refused(&refused, "an old form without anybody to vouch for it");
        assert!(!refused.body.contains("planted by a stranger"), "{refused:?}");
        let form = html::all(&refused.body, "input").into_iter().any(|input| input.get("name") == Some("display_name"));
        assert!(!form, "{refused:?}");
    }
}

#[actix_web::test]
async fn every_rendering_of_a_form_has_a_token_of_its_own_and_each_is_good() {
    let app = TestApp::spawn();
    let mut visitor = app.browser();
    let (first, second) = (visitor.form_token("/login").await, visitor.form_token("/login").await);
    assert_ne!(first, second, "a compressed page must not hold the same secret twice");
    let common = first.bytes().zip(second.bytes()).take_while(|(first, second)| first == second).count();
    assert!(common < 8, "{first} {second}");
    app.sign_up(ADA).await;
    for token in [second, first] {
        let answer = post(&mut visitor.clone(), "/login", Some(&token)).await;
        assert_eq!(answer.status, 303, "an older page of the same visitor counts too");
    }
}

#[actix_web::test]
async fn the_visitors_cookie_goes_with_the_browser_belongs_to_this_host_and_names_no_row() {
    let app = TestApp::spawn();
    let mut visitor = app.browser();
    let answer = visitor.get("/login").await;
    let cookie = answer.set_cookie("visitor").expect("a cookie");
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert_eq!(attributes, ["HttpOnly", "SameSite=Lax", "Path=/"]);
    assert!(visitor.get("/login").await.set_cookie("visitor").is_none(), "once is enough");
    assert!(app.browser().get("/").await.set_cookies().is_empty(), "a page without a form needs none");
    assert_ne!(cookie, app.browser().get("/login").await.set_cookie("visitor").expect("a cookie"));
    assert_eq!(count(&app, "sessions"), 0, "who only looks makes no row");
}

#[actix_web::test]
async fn over_https_the_visitors_cookie_can_not_be_planted_by_a_sibling() {
    let app = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
    let mut visitor = app.browser();
    visitor.headers = vec![("host".to_owned(), "doors.example.com".to_owned())];
    let answer = visitor.get("/login").await;
    let cookie = answer.set_cookie("__Host-visitor").expect("a cookie");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{cookie}");
    let token = html::value(&answer.body, "form_token").expect("a form");
    let value = visitor.jar.remove("__Host-visitor").expect("a cookie");
    visitor.jar.insert("visitor".to_owned(), value);
    is_refused(&post(&mut visitor, "/login", Some(&token)).await, "a cookie that anybody could have planted");
}

#[actix_web::test]
async fn log_in_drops_the_visitors_cookie() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let mut visitor = app.browser();
    let answer = visitor.log_in(ADA, PASSWORD).await;
    let removal = answer.set_cookie("visitor").expect("a removal");
    assert!(
        removal.starts_with("visitor=; ") && removal.contains("Path=/") && removal.contains("Max-Age=0"),
        "{removal}"
    );
    assert_eq!(visitor.jar.keys().collect::<Vec<_>>(), ["device", "session"]);
}

fn count(app: &TestApp, table: &str) -> i64 {
    use diesel::{RunQueryDsl as _, dsl::sql, sql_types::BigInt};
    diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {table})")))
        .get_result(&mut app.connect())
        .expect("a number")
}
