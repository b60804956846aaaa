//! Page script: nothing needs it, and it gets no hold of the session.

use super::*;

#[test]
fn every_form_works_without_scripts() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let tab = visitor.tab();
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    tab.open("data:text/html,<title>off</title><script>document.title = 'on'</script>");
    assert_eq!(tab.evaluate("document.title"), "off", "scripts are off");

    sign_up(&tab, &app, EMAIL, NAME);
    assert!(tab.text().contains("Your account is made"), "{}", tab.text());
    tab.fill("#display_name", "   ");
    tab.follow("form[action='/account/name'] button");
    assert_eq!((tab.status(), tab.evaluate("document.querySelector('.error') !== null")), (422, json!(true)));
    tab.fill("#display_name", "Ada King");
    tab.follow("form[action='/account/name'] button");
    assert!(tab.text().contains("Your name is changed."), "{}", tab.text());
    change_password(&tab, PASSWORD, NEW_PASSWORD);
    assert!(tab.text().contains("Your password is changed."), "{}", tab.text());
    tab.follow(LOG_OUT);
    assert!(tab.text().contains("You are logged out."), "{}", tab.text());
    fill_in_log_in(&tab, EMAIL, PASSWORD);
    assert_eq!(tab.status(), 422);
    fill_in_log_in(&tab, EMAIL, NEW_PASSWORD);
    assert_eq!(tab.path(), "/account");
    tab.fill("#delete_password", NEW_PASSWORD);
    tab.follow("form[action='/account/delete'] button");
    assert!(tab.text().contains("Your account is deleted"), "{}", tab.text());
}

#[test]
fn page_script_can_t_read_the_session_cookie_and_only_a_remembered_one_outlives_the_browser() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::spawn();
    let visitor = chromium.visitor();
    let tab = signed_up(&app, &visitor);
    for remembered in [false, true] {
        tab.follow(LOG_OUT);
        if remembered {
            tab.click("#remember");
        }
        fill_in_log_in(&tab, EMAIL, PASSWORD);
        assert_eq!(tab.path(), "/account");
        assert_eq!(tab.evaluate("document.cookie"), "");
        let answer = tab.call("Network.getCookies", json!({}));
        let cookies = answer["cookies"].as_array().expect("a list");
        let session = cookies.iter().find(|cookie| cookie["name"] == "session").expect("the session cookie");
        assert_eq!(session["httpOnly"], true, "{session}");
        assert_eq!(session["sameSite"], "Lax", "{session}");
        assert_eq!(session["session"], !remembered, "{session}");
        assert_eq!(session["expires"].as_f64().is_some_and(|at| at > 0.0), remembered, "{session}");
    }
}
