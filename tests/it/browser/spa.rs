//! The client of the token door in a real browser: what it keeps, what tabs tell one another, and what throws nobody out.

use super::*;

/// Where an answer waits until the test lets it go on.
const FAMILIES: &str = "SELECT FROM token_families FOR UPDATE";

fn page(app: &TestApp, tab: &Tab) {
    tab.open(&app.url("/spa"));
    until(tab, "['in', 'out', 'unsure'].includes(document.querySelector('#spa').dataset.is)");
}

/// Waits in the page for what its script is to bring about.
pub(super) fn until(tab: &Tab, condition: &str) {
    let script = format!(
        "new Promise(done => {{
            const end = performance.now() + 30000;
            const look = () => ({condition}) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 10);
            look();
        }})"
    );
    let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
    let answer = tab.call("Runtime.evaluate", asked);
    assert_eq!(answer["result"]["value"], true, "{condition}: {answer}\n{}", tab.text());
}

fn is(tab: &Tab, state: &str) {
    until(tab, &format!("document.querySelector('#spa').dataset.is === {state:?}"));
}

async fn log_in(app: &TestApp, tab: &Tab, seconds: u32) {
    app.sign_up(EMAIL).await;
    page(app, tab);
    enter(tab, seconds);
    is(tab, "in");
    until(tab, &heard("/api/account", 200));
}

fn enter(tab: &Tab, seconds: u32) {
    tab.fill("#email", EMAIL);
    tab.fill("#password", PASSWORD);
    tab.fill("#expires_in", &seconds.to_string());
    tab.click("[data-part='log-in'] button");
}

/// A condition: the page has noted an exchange with this path and status.
fn heard(path: &str, status: u16) -> String {
    format!("{} > 0", times(path, status))
}

fn times(path: &str, status: u16) -> String {
    format!(
        "[...document.querySelectorAll('[data-part=log] li')]
            .filter(entry => entry.textContent.includes(' {path}{status}')).length"
    )
}

/// The laptop sleeps for an hour: clocks have jumped, and every access token has expired, when the tabs wake.
fn sleep(tabs: &[Tab]) {
    for tab in tabs {
        tab.evaluate("(now => { Date.now = () => now() + 3600000 })(Date.now.bind(Date))");
    }
}

fn wake(tab: &Tab) {
    tab.evaluate("void dispatchEvent(new Event('online'))");
}

/// Tabs of one visitor, all logged in, in which this script ran before the page's own.
async fn tabs(app: &TestApp, visitor: &Visitor<'_>, count: usize, before: &str) -> Vec<Tab> {
    let tabs: Vec<Tab> = (0..count).map(|_| visitor.tab()).collect();
    for (index, tab) in tabs.iter().enumerate() {
        tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": before }));
        if index == 0 {
            log_in(app, tab, 900).await;
        } else {
            page(app, tab);
            is(tab, "in");
            until(tab, &heard("/api/account", 200));
        }
        tab.evaluate("document.querySelector('[data-part=log]').replaceChildren()");
    }
    tabs
}

/// Every tab is in, at live routes too, and nobody took it for a theft.
fn nobody_was_thrown_out(app: &TestApp, tabs: &[Tab]) {
    for tab in tabs {
        until(tab, "Number.parseInt(document.querySelector('[data-part=left]').textContent) > 0");
        is(tab, "in");
        tab.evaluate("document.querySelector('[data-part=log]').replaceChildren()");
        tab.click("[data-part=ask]");
        until(tab, &heard("/api/account", 200));
    }
    assert_eq!(app.count("auth_events WHERE kind = 'refresh token reused'"), 0);
    assert_eq!(app.live_logins().1, 1);
}

const WITHOUT_LOCKS: &str = "Object.defineProperty(navigator, 'locks', { value: undefined })";
/// Nor can the tabs hear one another.
const WITHOUT_ANYTHING: &str = "Object.defineProperty(navigator, 'locks', { value: undefined });
    window.BroadcastChannel = class extends EventTarget { postMessage() {} }";

#[actix_web::test]
async fn who_never_logged_in_is_asked_to_and_no_refresh_is_tried() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    page(&app, &tab);
    is(&tab, "out");
    assert!(tab.text().contains("GET /api/auth/state"), "{}", tab.text());
    assert!(!tab.text().contains("/api/auth/refresh"), "{}", tab.text());
    assert!(tab.complaints().is_empty(), "an error for every first visit would be a fault");
}

#[actix_web::test]
async fn a_reload_keeps_the_login_and_no_storage_ever_holds_a_token() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 900).await;
    for _ in 0..2 {
        assert!(tab.text().contains("You are in as Ada"), "{}", tab.text());
        let kept = "document.cookie + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })";
        assert_eq!(tab.evaluate(kept), "{}{}");
        assert!(!tab.everything().contains(PASSWORD), "the password is not left in its field");
        tab.reload();
        is(&tab, "in");
        until(&tab, &heard("/api/auth/refresh", 200));
        until(&tab, &heard("/api/account", 200));
    }
    assert_eq!(app.count("token_families"), 1, "a reload is no log-in");
}

#[actix_web::test]
async fn a_wrong_password_is_told_and_what_was_typed_stays() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    page(&app, &tab);
    enter(&tab, 900);
    until(&tab, "!document.querySelector('[data-part=problem]').hidden");
    assert!(tab.text().contains("Wrong e-mail address or password"), "{}", tab.text());
    assert_eq!(tab.evaluate("document.querySelector('#email').value"), EMAIL);
    assert_eq!(tab.evaluate("document.activeElement.id"), "password");
}

#[actix_web::test]
async fn a_log_out_in_one_tab_is_seen_by_the_others() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let tabs = tabs(&app, &visitor, 3, "").await;
    tabs[1].click("[data-part=log-out]");
    for tab in &tabs {
        is(tab, "out");
        assert!(tab.text().contains("You logged out."), "{}", tab.text());
        assert!(!tab.text().contains("Ada") && !tab.text().contains(EMAIL), "{}", tab.text());
    }
    assert_eq!(app.live_logins(), (0, 0));
    enter(&tabs[0], 900);
    for tab in &tabs {
        is(tab, "in");
    }
}

#[actix_web::test]
async fn an_access_token_is_renewed_before_it_expires_without_a_click() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 5).await;
    until(&tab, &format!("{} > 1", times("/api/auth/refresh", 200)));
    assert!(!tab.text().contains("401"), "it was never shown to be expired: {}", tab.text());
    nobody_was_thrown_out(&app, &[tab]);
}

#[actix_web::test]
async fn two_tabs_that_refresh_at_the_same_time_stay_in() {
    let Some(chromium) = Chromium::start() else { return };
    for before in ["", WITHOUT_LOCKS] {
        let app = TestApp::spawn();
        let visitor = chromium.visitor();
        let tabs = tabs(&app, &visitor, 2, before).await;
        for tab in &tabs {
            tab.evaluate("document.querySelector('[data-part=renew]').click()");
        }
        for tab in &tabs {
            until(tab, "!document.querySelector('[data-part=renew]').disabled");
        }
        nobody_was_thrown_out(&app, &tabs);
    }
}

#[actix_web::test]
async fn eight_tabs_that_wake_from_a_laptop_s_sleep_stay_in_one_after_another() {
    let Some(chromium) = Chromium::start() else { return };
    for before in ["", WITHOUT_LOCKS] {
        let app = TestApp::spawn();
        let visitor = chromium.visitor();
        let tabs = tabs(&app, &visitor, 8, before).await;
        sleep(&tabs);
        tabs.iter().for_each(wake);
        nobody_was_thrown_out(&app, &tabs);
    }
}

#[actix_web::test]
async fn eight_tabs_that_know_nothing_of_one_another_are_kept_in_by_the_server_s_grace() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let tabs = tabs(&app, &visitor, 8, WITHOUT_ANYTHING).await;
    let tokens = app.count("refresh_tokens");
    sleep(&tabs);
    let mut hold = app.hold(FAMILIES);
    tabs.iter().for_each(wake);
    // A browser has six connections to a host; the other two requests queue in it, with the same old cookie.
    hold.until_waiting(6).await;
    hold.release();
    for tab in &tabs {
        until(tab, &heard("/api/auth/refresh", 200));
    }
    nobody_was_thrown_out(&app, &tabs);
    assert_eq!(app.count("refresh_tokens"), tokens + 1, "eight answers, one successor");
}

#[actix_web::test]
async fn an_outage_is_no_log_out_and_ends_by_itself() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 900).await;
    let outage = app.outage();
    tab.click("[data-part=renew]");
    is(&tab, "unsure");
    assert!(tab.text().contains("That is no log-out"), "{}", tab.text());
    assert!(tab.text().contains("You are in as Ada"), "what there is stays: {}", tab.text());
    tab.click("[data-part=ask]");
    until(&tab, &heard("/api/account", 503));
    assert!(tab.text().contains("role user"), "claims need no database: {}", tab.text());
    outage.end().await;
    is(&tab, "in");
    nobody_was_thrown_out(&app, &[tab]);
}

#[actix_web::test]
async fn a_page_that_is_loaded_during_an_outage_waits_for_its_end() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let tab = visitor.tab();
    log_in(&app, &tab, 900).await;
    // The page itself needs the database only to say who is in at the other door.
    let other = visitor.tab();
    page(&app, &other);
    other.evaluate("dispatchEvent(new Event('blur'))");
    let outage = app.outage();
    other.open(&app.url("/spa"));
    is(&other, "unsure");
    outage.end().await;
    is(&other, "in");
}

#[actix_web::test]
async fn an_answer_that_is_cut_off_or_of_somebody_else_is_none() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    // The first answer to each path comes from some proxy on the way.
    let before = "const real = fetch, seen = new Set(); window.fetch = (url, how) => seen.has(url) ? real(url, how)
        : (seen.add(url), Promise.resolve(new Response('<html>', { status: url.endsWith('refresh') ? 401 : 200 })))";
    let tab = chromium.visitor().tab();
    tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": before }));
    page(&app, &tab);
    is(&tab, "out");
    app.sign_up(EMAIL).await;
    enter(&tab, 900);
    until(&tab, "!document.querySelector('[data-part=problem]').hidden");
    assert!(tab.text().contains("The server gave no answer"), "{}", tab.text());
    enter(&tab, 900);
    is(&tab, "in");
    tab.click("[data-part=renew]");
    until(&tab, &heard("/api/auth/refresh", 200));
    nobody_was_thrown_out(&app, &[tab]);
}

#[actix_web::test]
async fn who_has_lost_the_cookie_ends_the_login_by_the_access_token() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 900).await;
    tab.call("Network.clearBrowserCookies", json!({}));
    tab.click("[data-part=log-out]");
    is(&tab, "out");
    assert!(tab.text().contains("You logged out."), "{}", tab.text());
    assert_eq!(app.live_logins(), (0, 0));
}

#[actix_web::test]
async fn a_page_that_comes_back_from_memory_shows_who_is_in_by_now() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 900).await;
    app.browser().sign_up("grace@example.org", "Grace", PASSWORD).await;
    let body = json!({ "email": "grace@example.org", "password": PASSWORD });
    let log_in = format!(
        "fetch('/api/auth/login', {{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: {:?} }})
            .then(() => dispatchEvent(new PageTransitionEvent('pageshow', {{ persisted: true }})))",
        body.to_string()
    );
    tab.evaluate(&format!("void {log_in}"));
    until(&tab, "document.querySelector('[data-part=name]').textContent === 'Grace'");
    // And now without the page's having heard of it: whoever is shown is logged out, and the browser too.
    let log_in = log_in
        .replace("grace@example.org", EMAIL)
        .replace("PageTransitionEvent('pageshow', { persisted: true })", "Event('logged-in')");
    tab.evaluate(&format!("void (addEventListener('logged-in', () => {{ window.loggedIn = true }}), {log_in})"));
    until(&tab, "window.loggedIn === true");
    let grace = "SELECT count(*) FROM token_families f JOIN users u ON u.id = user_id WHERE f.ended_at IS NULL AND email LIKE 'grace%'";
    assert_eq!((app.value(grace).as_str(), app.live_logins().1), ("1", 3));
    tab.click("[data-part=log-out]");
    is(&tab, "out");
    assert_eq!((app.value(grace).as_str(), app.live_logins().1), ("0", 1), "Ada's first goes on: nobody here holds it");
}

#[actix_web::test]
async fn who_is_thrown_out_by_a_theft_is_told_so() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::with(&[("REFRESH_GRACE", "0")]);
    let visitor = chromium.visitor();
    let tabs = tabs(&app, &visitor, 2, "").await;
    // The thief has a copy of the cookie, and uses it first.
    let cookies = tabs[0].call("Network.getCookies", json!({ "urls": [app.url("/api/auth/refresh")] }));
    let mut cookies = cookies["cookies"].as_array().expect("cookies").iter();
    let stolen = cookies.find(|cookie| cookie["name"] == "refresh").and_then(|cookie| cookie["value"].as_str());
    let stolen = stolen.expect("the refresh cookie");
    let thief = app.client().with_refresh_token(stolen);
    assert_eq!(thief.redeem().await.status, 200);

    tabs[0].click("[data-part=renew]");
    for tab in &tabs {
        is(tab, "out");
        assert!(tab.text().contains("somebody may have a copy"), "{}", tab.text());
    }
    assert_eq!(app.live_logins().1, 0, "the thief is out as well");
}

#[actix_web::test]
async fn a_login_that_was_ended_elsewhere_says_why_at_the_next_click_and_after_a_reload() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    log_in(&app, &tab, 900).await;
    app.logged_in_client(EMAIL).await.change_password(PASSWORD, NEW_PASSWORD).await;
    tab.reload();
    is(&tab, "out");
    assert!(tab.text().contains("Your password was changed"), "{}", tab.text());
}

#[test]
fn without_scripts_the_page_says_how_it_is_done() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    tab.open(&app.url("/spa"));
    let seen = tab.text();
    assert!(seen.contains("yours is switched off") && seen.contains("/api/auth/refresh"), "{seen}");
    assert!(!seen.contains("Log in at the token door"), "a form that does nothing is not shown: {seen}");
}
