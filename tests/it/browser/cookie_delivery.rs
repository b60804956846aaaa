//! Tokens in cookies, in a real browser: the page's script uses them and never holds them.

use serde_json::Value;

use super::*;

/// Lets a page's script ask the API; says status and body.
fn ask(tab: &Tab, method: &str, path: &str, headers: &Value, body: &Value) -> (u64, Value) {
    let body = if body.is_null() { "undefined".to_owned() } else { format!("JSON.stringify({body})") };
    let script = format!(
        "fetch({path:?}, {{ method: {method:?}, headers: {headers}, body: {body} }})
            .then(async answer => ({{ status: answer.status, body: await answer.json() }}))"
    );
    let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
    let answer = tab.call("Runtime.evaluate", asked)["result"]["value"].clone();
    (answer["status"].as_u64().unwrap_or_default(), answer["body"].clone())
}

#[actix_web::test]
async fn a_script_works_with_cookies_that_it_can_not_read_and_a_token_of_its_login() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    app.sign_up(EMAIL).await;
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/problems"));
    let sends_json = json!({ "Content-Type": "application/json" });
    let body = json!({ "email": EMAIL, "password": PASSWORD, "deliver": "cookie" });
    let (status, told) = ask(&tab, "POST", "/api/auth/login", &sends_json, &body);
    assert_eq!(status, 200, "{told}");
    assert!(!told.to_string().contains("eyJ"), "no JWT in what the script was told: {told}");
    assert_eq!(tab.evaluate("document.cookie"), "", "nor in what it can read");

    // The page is loaded anew and knows nothing.
    tab.reload();
    let none = json!({});
    for path in ["/api/browser/me", "/api/browser/account"] {
        assert_eq!(ask(&tab, "GET", path, &none, &Value::Null).0, 200, "{path}");
    }
    assert_eq!(ask(&tab, "GET", "/api/account", &none, &Value::Null).0, 401, "the cookie is no bearer token");
    let renaming = json!({ "display_name": "Countess" });
    let (status, refused) = ask(&tab, "PATCH", "/api/browser/account", &sends_json, &renaming);
    assert_eq!((status, &refused["code"]), (403, &json!("forged-call")));
    let csrf = ask(&tab, "GET", "/api/browser/csrf", &none, &Value::Null).1["csrf_token"].clone();
    let with_token = json!({ "Content-Type": "application/json", "X-CSRF-Token": csrf });
    assert_eq!(ask(&tab, "PATCH", "/api/browser/account", &with_token, &renaming).1["display_name"], "Countess");

    let (status, told) = ask(&tab, "POST", "/api/auth/refresh", &sends_json, &json!({ "deliver": "cookie" }));
    assert_eq!(status, 200, "{told}");
    let csrf = json!({ "X-CSRF-Token": told["csrf_token"] });
    assert_eq!(ask(&tab, "POST", "/api/browser/logout", &csrf, &Value::Null).0, 200);
    assert_eq!(ask(&tab, "GET", "/api/browser/me", &none, &Value::Null).0, 401, "the browser has no cookie any more");
    assert_eq!(ask(&tab, "GET", "/api/auth/state", &none, &Value::Null).1, json!({ "logged_in": false }));
    assert_eq!(app.live_logins(), (0, 0));
}
