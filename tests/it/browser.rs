//! What only a real browser can tell: what "Back" shows, what scripts see, what another site's form can do, what fits a phone.
//!
//! Everything is done as a person does it, by clicking and typing. Without a usable Chromium each test says that it was left
//! out; `CHROME` names one.

use serde_json::json;

use crate::support::{
    NEW_PASSWORD, PASSWORD, TestApp,
    chromium::{Chromium, Tab, Visitor},
};

mod cookie_delivery;
mod everywhere;
mod experiments;
mod fit;
mod inspect;
mod keyboard;
mod outlived;
mod scripts;
mod spa;
mod strangers;
mod tour;

const EMAIL: &str = "ada.lovelace@example.org";
const NAME: &str = "Countess of Lovelace";

const LOG_OUT: &str = "form[action='/logout'] button";
const SUBMIT: &str = "form.sheet button";

fn sign_up(tab: &Tab, app: &TestApp, email: &str, name: &str) {
    tab.open(&app.url("/"));
    tab.follow("header a[href='/signup']");
    tab.fill("#email", email);
    tab.fill("#display_name", name);
    tab.fill("#password", PASSWORD);
    tab.follow(SUBMIT);
    assert_eq!((tab.path().as_str(), tab.status()), ("/account", 200), "{}", tab.text());
}

/// Fills in the log-in form where it lies open.
fn fill_in_log_in(tab: &Tab, email: &str, password: &str) {
    tab.fill("#email", email);
    tab.fill("#password", password);
    tab.follow(SUBMIT);
}

fn change_password(tab: &Tab, present: &str, new: &str) {
    tab.fill("#current_password", present);
    tab.fill("#new_password", new);
    tab.follow("form[action='/account/password'] button");
}

/// A tab where somebody has just signed up.
fn signed_up(app: &TestApp, visitor: &Visitor<'_>) -> Tab {
    let tab = visitor.tab();
    sign_up(&tab, app, EMAIL, NAME);
    tab
}

fn assert_nothing_private(tab: &Tab, when: &str) {
    let page = tab.everything();
    for private in [PASSWORD, EMAIL, NAME] {
        assert!(!page.contains(private), "{when}, {} still shows {private}:\n{}", tab.path(), tab.text());
    }
}

#[test]
fn a_password_changed_in_one_browser_logs_the_other_out_at_its_next_click_and_says_why() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let here = signed_up(&app, &chromium.visitor());
    here.follow(LOG_OUT);
    assert_eq!(here.path(), "/login");
    assert!(here.text().contains("You are logged out."), "{}", here.text());
    fill_in_log_in(&here, EMAIL, PASSWORD);
    assert_eq!(here.path(), "/account");

    let there = chromium.visitor().tab();
    there.open(&app.url("/"));
    there.follow("header a[href='/login']");
    fill_in_log_in(&there, EMAIL, PASSWORD);
    assert!(there.text().contains(NAME), "{}", there.text());

    change_password(&here, PASSWORD, NEW_PASSWORD);
    assert!(here.text().contains("Your password is changed."), "{}", here.text());
    here.follow("nav a[href='/account/session']");
    assert_eq!((here.path().as_str(), here.status()), ("/account/session", 200), "whoever changed it goes on");

    there.follow("nav a[href='/account/session']");
    assert_eq!(there.path(), "/login?next=%2Faccount%2Fsession");
    assert!(there.text().contains("password was changed"), "it says why: {}", there.text());
    assert_nothing_private(&there, "after the password was changed elsewhere");
    for step in [-1, -1, 1, 1] {
        there.go(step);
        assert_nothing_private(&there, "once it knows that it is out");
    }
    fill_in_log_in(&there, EMAIL, PASSWORD);
    assert!(there.text().contains("Wrong e-mail address or password."), "{}", there.text());
    fill_in_log_in(&there, EMAIL, NEW_PASSWORD);
    assert_eq!(there.path(), "/account/session", "the way goes on where it was cut off");
}

#[test]
fn after_log_out_neither_back_nor_forward_nor_reload_shows_anything_private() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = signed_up(&app, &chromium.visitor());
    tab.follow("nav a[href='/account/session']");
    tab.follow("header a[href='/']");
    tab.follow("header a[href='/account']");
    // An answer to a POST in the history: the browser would have to send the form again.
    tab.fill("#display_name", "   ");
    tab.follow("form[action='/account/name'] button");
    assert_eq!(tab.status(), 422);
    assert!(tab.everything().contains(EMAIL), "there is something to find");
    tab.follow(LOG_OUT);

    for step in [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1] {
        tab.go(step);
        assert_nothing_private(&tab, &format!("after going {step}"));
        tab.reload();
        assert_nothing_private(&tab, &format!("after going {step} and loading again"));
    }
}

#[test]
fn pages_that_the_browser_keeps_in_memory_are_gone_with_a_log_out_in_another_tab() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let (tab, other) = (signed_up(&app, &visitor), visitor.tab());
    tab.follow("nav a[href='/account/session']");
    assert!(tab.go(-1), "while the login lives, going back shows the page as it was left");
    assert!(tab.text().contains(NAME));
    tab.go(1);
    other.open(&app.url("/"));
    other.follow(LOG_OUT);
    assert!(!tab.go(-1), "the page is asked for anew");
    assert_nothing_private(&tab, "after going back");
}
