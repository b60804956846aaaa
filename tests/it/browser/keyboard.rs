//! Without a mouse.

use super::*;

/// What has the focus; a page gives it to the first wrong field when it is first drawn, a moment after it has loaded.
fn focused(tab: &Tab) -> String {
    let ask = || {
        let element = tab.evaluate("document.activeElement.id || document.activeElement.className");
        element.as_str().expect("text").to_owned()
    };
    (0..5000).map(|_| ask()).find(|element| !element.is_empty()).unwrap_or_default()
}

#[test]
fn the_first_tab_reaches_the_link_that_skips_to_the_content() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    for path in ["/", "/signup", "/problems"] {
        tab.open(&app.url(path));
        tab.press("Tab");
        assert_eq!(focused(&tab), "skip", "{path}");
        let seen = tab.evaluate("document.activeElement.getBoundingClientRect().top >= 0");
        assert_eq!(seen, true, "{path}: who gets there sees it");
        tab.press("Enter");
        assert_eq!(focused(&tab), "main", "{path}");
    }
}

#[test]
fn after_a_refusal_the_first_wrong_field_has_the_focus() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = chromium.visitor().tab();
    tab.open(&app.url("/login"));
    fill_in_log_in(&tab, EMAIL, PASSWORD);
    assert_eq!((tab.status(), focused(&tab).as_str()), (422, "password"), "the address is kept, the password is not");
    assert_eq!(tab.evaluate("document.querySelector('#email').value"), EMAIL);

    tab.open(&app.url("/signup"));
    for (email, name, password, wrong) in [
        ("ada@example", "   ", "short", "email"),
        (EMAIL, "   ", "short", "display_name"),
        (EMAIL, NAME, "short", "password"),
    ] {
        tab.fill("#email", email);
        tab.fill("#display_name", name);
        tab.fill("#password", password);
        tab.follow(SUBMIT);
        assert_eq!((tab.status(), focused(&tab).as_str()), (422, wrong));
        let explained = tab.evaluate("document.getElementById(document.activeElement.id + '-error') !== null");
        assert_eq!(explained, true, "{wrong}");
    }
}

#[test]
fn the_log_in_form_is_sent_with_the_keyboard_alone() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = signed_up(&app, &chromium.visitor());
    tab.follow(LOG_OUT);
    tab.evaluate("document.querySelector('#email').focus()");
    tab.call("Input.insertText", json!({ "text": EMAIL }));
    tab.press("Tab");
    tab.call("Input.insertText", json!({ "text": PASSWORD }));
    tab.press("Enter");
    tab.arrive();
    assert_eq!(tab.path(), "/account");
}
