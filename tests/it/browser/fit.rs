//! Every page on a phone and on a desk, by day and by night: nothing sticks out, axe-core finds no violation, whoever comes
//! with the keyboard sees where they are, nothing moves for who wants no motion, and the browser finds no fault.

use super::*;
use crate::support::chromium::axe::Axe;

const PHONE: u32 = 360;
const DESK: u32 = 1280;

/// As long as they may be, and nowhere to break.
fn long_account() -> (String, String) {
    (format!("{}@{}.example.org", "m".repeat(64), "w".repeat(60)), "W".repeat(80))
}

fn look(tab: &Tab, width: u32, scheme: &str) {
    let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    tab.call("Emulation.setDeviceMetricsOverride", size);
    let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
    let features = features.map(|(name, value)| json!({ "name": name, "value": value }));
    tab.call("Emulation.setEmulatedMedia", json!({ "features": features }));
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

/// Whatever can have the focus shows that it has it, where it came by the keyboard.
fn assert_shows_its_focus(tab: &Tab, page: &str) {
    let unseen = tab.evaluate(
        "[...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
            .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.disabled && element.type !== 'hidden')
            .filter(element => {
                element.focus({ preventScroll: true });
                const drawn = [getComputedStyle(element), getComputedStyle(element, '::after')];
                return !drawn.some(style => style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2);
            })
            .map(element => element.outerHTML.slice(0, 120))",
    );
    assert_eq!(unseen, json!([]), "{page}: the focus is not seen");
}

/// Nothing moves for who wants no motion.
fn assert_holds_still(tab: &Tab, page: &str) {
    let moving = tab.evaluate(
        "[...document.querySelectorAll('*')]
            .map(element => [element, getComputedStyle(element)])
            .filter(([, style]) => style.transitionProperty !== 'none' || style.animationName !== 'none')
            .map(([element]) => element.outerHTML.slice(0, 120))",
    );
    assert_eq!(moving, json!([]), "{page}: these would move");
}

/// Opens a page with scripts switched off. What judges it needs them, so they are switched on when it is loaded, which is too
/// late for those of the page.
fn open_without_scripts(tab: &Tab, url: &str) {
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    tab.open(url);
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
}

/// Looks at the open page with scripts and, where there are any, without.
pub(super) fn examine(app: &TestApp, tab: &Tab, axe: Option<&Axe>, path: &str, status: u64) {
    assert_eq!(tab.status(), status, "{path}");
    assert_stays_in_place(tab, path);
    assert_fine(tab, axe, path);
    if has_scripts(tab) {
        open_without_scripts(tab, &app.url(path));
        assert_fine(tab, axe, &format!("{path} without scripts"));
    }
}

/// Opens the pages and looks at each; some answer with an error on purpose.
fn examine_all(app: &TestApp, tab: &Tab, axe: Option<&Axe>, pages: &[(&str, u64)]) {
    for (path, status) in pages {
        tab.open(&app.url(path));
        examine(app, tab, axe, path, *status);
    }
}

fn has_scripts(tab: &Tab) -> bool {
    tab.evaluate("document.querySelector('script, noscript') !== null") == true
}

/// Nothing of the page moves by itself once it is to be seen. One with scripts is opened anew at either width, until they
/// have had their say.
pub(super) fn assert_stays_in_place(tab: &Tab, page: &str) {
    let hold = |case: &str| {
        let (moved, what) = tab.moved();
        assert!(moved < 0.05, "{page}{case}: {moved} of it moved by itself: {what:#}");
    };
    if !has_scripts(tab) {
        return hold("");
    }
    // A refresh that is cut off, and repeated only after the grace, would be taken for a theft.
    tab.settle();
    for width in [PHONE, DESK] {
        look(tab, width, "light");
        tab.reload();
        tab.settle();
        hold(&format!(" at {width} px"));
    }
}

/// Where every element stands, and whether it is shown.
fn layout(tab: &Tab) -> serde_json::Value {
    tab.evaluate(
        "[...document.querySelectorAll('*')].map(element => {
            const box = element.getBoundingClientRect();
            return [box.x, box.y, box.width, box.height, element.checkVisibility({ visibilityProperty: true })];
        }).join()",
    )
}

/// Holds the open page against all of it, at each width by day and by night. By night everything stands where it stood by day, so
/// that only colours are judged anew.
pub(super) fn assert_fine(tab: &Tab, axe: Option<&Axe>, page: &str) {
    for width in [DESK, PHONE] {
        look(tab, width, "light");
        assert_eq!(tab.evaluate("innerWidth"), width, "{page}");
        assert_fits(tab, &format!("{page}, {width} px"));
        let by_day = axe.map(|axe| axe.violations(tab)).unwrap_or_default();
        assert!(by_day.is_empty(), "{page}, {width} px, by day: {by_day:#?}");
        let stood = layout(tab);
        look(tab, width, "dark");
        assert!(layout(tab) == stood, "{page}, {width} px: the night moves something");
        let by_night = axe.map(|axe| axe.violations_of_colour(tab)).unwrap_or_default();
        assert!(by_night.is_empty(), "{page}, {width} px, by night: {by_night:#?}");
    }
    // Last, as what has the focus looks otherwise. It comes by the keyboard once, and is moved from there.
    tab.press("Tab");
    for width in [DESK, PHONE] {
        look(tab, width, "dark");
        assert_holds_still(tab, page);
        assert_shows_its_focus(tab, page);
    }
    let mut complaints = tab.complaints();
    // Chromium logs the status of a page that is an error, which is no fault of the page.
    complaints.retain(|complaint| tab.status() < 400 || complaint["entry"]["source"] != "network");
    assert!(complaints.is_empty(), "{page}: {complaints:#?}");
}

#[actix_web::test]
async fn for_an_admin_every_page_is_fine() {
    let Some(chromium) = Chromium::start() else { return };
    let (app, axe) = (TestApp::spawn(), Axe::read());
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
    examine_all(
        &app,
        &tab,
        axe.as_ref(),
        &["/account/devices", "/admin", "/admin?q=www", "/admin/events", &user].map(|path| (path, 200)),
    );
    assert!(tab.text().contains("2 log-ins to your account"), "{}", tab.text());
}

#[actix_web::test]
async fn for_somebody_with_the_longest_of_names_every_page_is_fine() {
    let Some(chromium) = Chromium::start() else { return };
    let (app, axe) = (TestApp::spawn(), Axe::read());
    let tab = chromium.visitor().tab();
    let (email, name) = long_account();
    sign_up(&tab, &app, &email, &name);
    assert_fine(&tab, axe.as_ref(), "the first page after the sign-up");
    assert_eq!(app.client().log_in(&email, PASSWORD).await.status, 200);
    examine_all(
        &app,
        &tab,
        axe.as_ref(),
        &[
            ("/", 200),
            ("/account/session", 200),
            ("/inspect", 200),
            ("/spa", 200),
            ("/account/devices", 200),
            ("/account/activity", 200),
            ("/admin", 403),
            ("/no-such-page", 404),
            ("/account", 200),
        ],
    );
    tab.fill("#display_name", " ");
    tab.follow("form[action='/account/name'] button");
    assert_eq!(tab.status(), 422);
    assert_fine(&tab, axe.as_ref(), "a refused name");
    tab.open(&app.url("/account"));
    change_password(&tab, "not the password", NEW_PASSWORD);
    assert_fine(&tab, axe.as_ref(), "a refused password");

    // A password that was given long ago.
    app.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'");
    tab.open(&app.url("/account/devices"));
    tab.follow("form[action='/account/devices/end-all'] button");
    assert_eq!(tab.status(), 403);
    assert_fine(&tab, axe.as_ref(), "a password that is asked for once more");

    tab.open(&app.url("/account"));
    let outage = app.outage();
    examine_all(&app, &tab, axe.as_ref(), &[("/account", 503)]);
    outage.end().await;
}

#[test]
fn a_page_that_is_not_fine_would_be_noticed_and_the_night_is_dark() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/"));
    assert!(tab.complaints().is_empty());
    tab.evaluate("document.body.setAttribute('style', 'margin: 0')");
    assert!(!tab.complaints().is_empty(), "an inline style is against the policy");
    let ground = || tab.evaluate("getComputedStyle(document.body).backgroundColor");
    look(&tab, DESK, "light");
    let day = ground();
    look(&tab, DESK, "dark");
    assert_ne!(day, ground());

    let Some(axe) = Axe::read() else { return };
    assert_eq!(axe.violations(&tab), [] as [serde_json::Value; 0]);
    tab.evaluate("document.querySelector('h1').style.color = '#222'");
    tab.evaluate("void document.querySelector('main').append(document.createElement('img'))");
    let found = axe.violations(&tab).iter().map(|found| found[0].to_string()).collect::<Vec<_>>();
    assert_eq!(found, ["\"color-contrast\"", "\"image-alt\""]);
}
