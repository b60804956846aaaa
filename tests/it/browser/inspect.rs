//! `/inspect` in a real browser: this browser's own token taken apart and checked, and any other that is pasted.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{fit::assert_stays_in_place, spa::until, *};

/// What the page says of a token that was pasted.
const PASTED: &str = "[data-part=pasted]";
const OWN: &str = "[data-part=own]";

fn says(tab: &Tab, place: &str, words: &str) {
    until(tab, &format!("document.querySelector('{place}').innerText.includes({words:?})"));
}

/// Logs in at the token door in this browser; the cookie is all that stays.
fn log_in(tab: &Tab, api: &str) {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    tab.evaluate(&format!(
        "void fetch('{api}/api/auth/login', {{ method: 'POST', credentials: 'include',
            headers: {{ 'content-type': 'application/json' }}, body: JSON.stringify({body}) }})
            .then(answer => {{ window.answered = answer.status }})"
    ));
    until(tab, "window.answered === 200");
}

fn paste(tab: &Tab, token: &str) {
    tab.fill("#jwt", token);
}

/// A token of anybody's making.
fn token(header: &serde_json::Value, payload: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(payload), URL_SAFE_NO_PAD.encode([7; 64]))
}

#[actix_web::test]
async fn a_stranger_is_told_what_to_do_and_is_not_made_to_refresh() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/inspect"));
    until(&tab, "!document.querySelector('[data-says=out]').hidden");
    assert!(tab.text().contains("Your browser holds no ticket") && tab.text().contains("Your browser holds no token"));
    let asked = tab.evaluate("performance.getEntriesByType('resource').map(entry => entry.name).join()").to_string();
    assert!(asked.contains("/api/auth/state") && !asked.contains("/api/auth/refresh"), "{asked}");
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    tab.reload();
    assert!(tab.text().contains("a terminal does as well"), "{}", tab.text());
    assert!(!tab.text().contains("Any other token"), "without script nobody could take it apart");
    assert!(tab.complaints().is_empty());
}

#[actix_web::test]
async fn the_own_token_is_taken_apart_and_checked_and_a_forged_one_does_not_pass() {
    let Some(chromium) = Chromium::start() else { return };
    for (algorithm, verdict) in [
        ("ES256", "The signature is right"),
        ("EdDSA", "The signature is right"),
        ("RS256", "The signature is right"),
        ("HS256", "Nobody but its issuer can check HMAC"),
    ] {
        let app = TestApp::with(&[("TOKEN_ALGORITHM", algorithm)]);
        app.sign_up(EMAIL).await;
        let tab = chromium.visitor().tab();
        tab.open(&app.url("/problems"));
        log_in(&tab, "");
        tab.open(&app.url("/inspect"));
        says(&tab, OWN, verdict);
        for shown in [algorithm, "at+jwt", "Who it is about", " min "] {
            says(&tab, OWN, shown);
        }
        tab.click("[data-part=forge]");
        let refused = if algorithm == "HS256" { verdict } else { "The signature does not fit" };
        says(&tab, PASTED, refused);
        assert!(tab.evaluate(&format!("document.querySelector('{PASTED}').innerText")).to_string().contains("admin"));
        assert!(tab.complaints().is_empty(), "{algorithm}");
        let kept = "document.cookie + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })";
        assert_eq!(tab.evaluate(kept), "{}{}");
    }
}

/// Who is in at no door, or at the session door alone, is seen to by `everywhere` and `fit`.
#[actix_web::test]
async fn nothing_moves_on_pages_that_find_out_late_that_this_browser_is_in_at_the_token_door() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    app.sign_up(EMAIL).await;
    for session in [false, true] {
        let tab = chromium.visitor().tab();
        tab.open(&app.url("/login"));
        if session {
            fill_in_log_in(&tab, EMAIL, PASSWORD);
        }
        log_in(&tab, "");
        for path in ["/inspect", "/spa"] {
            tab.open(&app.url(path));
            assert_stays_in_place(&tab, &format!("{path}, session {session}"));
        }
        assert_eq!(tab.complaints(), [] as [serde_json::Value; 0]);
    }
}

#[actix_web::test]
async fn a_pasted_token_is_taken_apart_in_the_tab_and_goes_nowhere() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let key = app.request("GET", "/.well-known/jwks.json", &[], "").await.json()["keys"][0]["kid"].clone();
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/inspect"));
    until(&tab, "!document.querySelector('[data-says=out]').hidden");
    let claims = json!({ "sub": "<b>somebody</b>", "exp": 1_000_000_000, "purpose": { "deep": [1, null] } });
    for (header, verdict) in [
        (json!({ "alg": "none" }), "Nobody signed it"),
        (json!({ "alg": "HS512" }), "Nobody but its issuer can check HMAC"),
        (json!({ "alg": "ES256", "kid": "another" }), "It names no key that this server publishes"),
        (json!({ "alg": "RS256", "kid": key }), "The key that it names is for another algorithm"),
        (json!({ "alg": "ES256", "kid": key }), "The signature does not fit"),
    ] {
        paste(&tab, &format!("Bearer {}", token(&header, &claims)));
        says(&tab, PASTED, verdict);
        for shown in ["<b>somebody</b>", "2001-09-09T01:46:40", "expired", "What its issuer means by it", "[1,null]"] {
            says(&tab, PASTED, shown);
        }
    }
    let encrypted = ["a"; 5].join(".");
    let [whole, nothing] = [token(&json!({ "alg": "none" }), &claims), token(&json!(null), &claims)];
    for wrong in ["x", "a.b.c", encrypted.as_str(), nothing.as_str(), &whole.replace('e', "%"), "🎫.🎫.🎫"] {
        paste(&tab, wrong);
        says(&tab, PASTED, "This is no signed JWT");
    }
    let asked = tab.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)");
    for path in asked.as_array().expect("a list") {
        let path = path.as_str().expect("text");
        assert!(
            path.starts_with("/static/") || ["/api/auth/state", "/.well-known/jwks.json"].contains(&path),
            "{path}"
        );
    }
    assert!(tab.complaints().is_empty());
}

#[actix_web::test]
async fn with_a_host_for_each_door_the_page_of_the_site_checks_the_token_of_the_api() {
    let Some(chromium) = Chromium::start() else { return };
    let hosts = [("SITE_HOST", "app.two-doors.localhost"), ("API_HOST", "api.two-doors.localhost")];
    let app = TestApp::with(&hosts);
    let [site, api] = hosts.map(|(_, host)| format!("http://{host}:{}", app.address.port()));
    let tab = chromium.visitor().tab();
    tab.open(&format!("{site}/problems"));
    let account = json!({ "email": EMAIL, "display_name": NAME, "password": PASSWORD }).to_string();
    let named = format!("api.two-doors.localhost:{}", app.address.port());
    let headers = [("host", named.as_str()), ("content-type", "application/json")];
    assert_eq!(app.request("POST", "/api/users", &headers, &account).await.status, 201);
    log_in(&tab, &api);
    tab.open(&format!("{site}/inspect"));
    says(&tab, OWN, "The signature is right");
    says(&tab, OWN, &format!("{api}/api"));
    assert!(tab.complaints().is_empty());
}
