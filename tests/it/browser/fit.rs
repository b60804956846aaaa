//! Every page on a phone and on a desk, by day and by night: nothing sticks out, and the browser finds no fault.

use super::*;

/// As long as they may be, and nowhere to break.
fn long_account() -> (String, String) {
    (format!("{}@{}.example.org", "m".repeat(64), "w".repeat(60)), "W".repeat(80))
}

fn look(tab: &Tab, width: u32, scheme: &str) {
    let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    tab.call("Emulation.setDeviceMetricsOverride", size);
    let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
    tab.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
}

/// What sticks out to the right, if anything does.
fn assert_fits(tab: &Tab, case: &str) {
    let out = tab.evaluate(
        "document.documentElement.scrollWidth <= innerWidth ? null :
            [...document.querySelectorAll('main *, header *, footer *')]
                .filter(element => element.getBoundingClientRect().right > innerWidth)
                .map(element => element.outerHTML.slice(0, 120))",
    );
    assert!(out.is_null(), "{case}: {out:#}");
}

/// Opens the pages and looks at each in every width and scheme; some answer with an error on purpose.
fn examine(app: &TestApp, tab: &Tab, pages: &[(&str, u64)]) {
    for (path, status) in pages {
        tab.open(&app.url(path));
        assert_eq!(tab.status(), *status, "{path}");
        assert_fine(tab, path);
    }
}

fn assert_fine(tab: &Tab, page: &str) {
    for scheme in ["light", "dark"] {
        for width in [390, 1280] {
            look(tab, width, scheme);
            assert_eq!(tab.evaluate("innerWidth"), width, "{page}");
            assert_fits(tab, &format!("{page}, {scheme}, {width} px"));
        }
    }
    let mut complaints = tab.complaints();
    // Chromium logs the status of a page that is an error, which is no fault of the page.
    complaints.retain(|complaint| tab.status() < 400 || complaint["entry"]["source"] != "network");
    assert!(complaints.is_empty(), "{page}: {complaints:#?}");
}

#[test]
fn for_visitors_every_page_fits_and_the_browser_finds_no_fault() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    let pages = [
        "/",
        "/login",
        "/signup?next=/account",
        "/spa",
        "/inspect",
        "/measure",
        "/problems",
        "/problems/invalid-token",
    ];
    examine(&app, &tab, &pages.map(|path| (path, 200)));
    examine(&app, &tab, &["/what-still-works", "/choose", "/api/docs"].map(|path| (path, 200)));
    let reading = ["/concepts", "/concepts?from=rails", "/left-out", "/read", "/tour", "/tour/3", "/tour"];
    examine(&app, &tab, &reading.map(|path| (path, 200)));
    examine(&app, &tab, &[("/tour/questions?1=a", 422), ("/no-such-page", 404)]);
    tab.open(&app.url("/compare"));
    if tab.status() == 200 {
        assert_fine(&tab, "/compare");
    }
}

#[actix_web::test]
async fn for_an_admin_every_page_fits_and_the_browser_finds_no_fault() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    let (email, name) = long_account();
    sign_up(&tab, &app, &email, &name);
    app.execute("UPDATE users SET role = 'admin'");
    // Two logins from new devices, which every page tells of.
    for _ in 0..2 {
        assert_eq!(app.client().log_in(&email, PASSWORD).await.status, 200);
    }
    let id = app.value("SELECT id FROM users");
    let user = format!("/admin/users/{id}");
    examine(
        &app,
        &tab,
        &["/account/devices", "/admin", "/admin?q=www", "/admin/events", &user].map(|path| (path, 200)),
    );
    assert!(tab.text().contains("2 log-ins to your account"), "{}", tab.text());
}

#[test]
fn for_somebody_with_the_longest_of_names_every_page_fits_and_the_browser_finds_no_fault() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    let (email, name) = long_account();
    sign_up(&tab, &app, &email, &name);
    assert_fine(&tab, "the first page after the sign-up");
    examine(
        &app,
        &tab,
        &[
            ("/", 200),
            ("/account/session", 200),
            ("/inspect", 200),
            ("/account/devices", 200),
            ("/account/activity", 200),
            ("/no-such-page", 404),
            ("/account", 200),
        ],
    );
    tab.fill("#display_name", " ");
    tab.follow("form[action='/account/name'] button");
    assert_eq!(tab.status(), 422);
    assert_fine(&tab, "a refused name");
}

#[test]
fn a_page_against_its_own_policy_would_be_noticed_and_the_night_is_dark() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/"));
    assert!(tab.complaints().is_empty());
    tab.evaluate("document.body.setAttribute('style', 'margin: 0')");
    assert!(!tab.complaints().is_empty(), "an inline style is against the policy");
    let ground = || tab.evaluate("getComputedStyle(document.body).backgroundColor");
    look(&tab, 1280, "light");
    let day = ground();
    look(&tab, 1280, "dark");
    assert_ne!(day, ground());
}
