//! A form that lay open in one tab while the login ended in another.

use super::*;

#[test]
fn a_form_that_outlived_its_log_in_keeps_its_input_and_can_be_sent_again() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let (form, other) = (signed_up(&app, &visitor), visitor.tab());
    form.fill("#display_name", "Ada King");

    other.open(&app.url("/"));
    other.follow(LOG_OUT);
    form.follow("form[action='/account/name'] button");
    assert!(form.text().contains("Not saved yet") && form.text().contains("Ada King"), "{}", form.text());

    fill_in_log_in(&other, EMAIL, PASSWORD);
    form.follow(SUBMIT);
    assert!(form.text().contains("Not saved yet") && form.text().contains("Ada King"), "{}", form.text());
    assert!(form.text().contains(NAME), "it says who is logged in by now: {}", form.text());
    form.follow(SUBMIT);
    assert!(form.text().contains("Your name is changed."), "{}", form.text());
    assert_eq!(form.evaluate("document.querySelector('#display_name').value"), "Ada King");
}

#[test]
fn a_page_that_is_an_error_still_says_who_is_logged_in_and_lets_them_out() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let tab = signed_up(&app, &chromium.visitor());
    tab.open(&app.url("/no-such-page"));
    assert_eq!(tab.status(), 404);
    assert!(tab.text().contains(NAME), "{}", tab.text());
    tab.follow(LOG_OUT);
    assert!(tab.text().contains("You are logged out."), "{}", tab.text());
    assert_nothing_private(&tab, "logged out");
}
