//! An experiment in the visitor's own browser: started on the site, walked through in a second tab, judged on the site.

use super::{spa::until, *};

#[test]
fn an_experiment_is_started_on_the_site_and_walked_through_in_a_tab_of_the_visitors_own() {
    let Some(chromium) = Chromium::start() else { return };
    let app = TestApp::with(&[("DEMO_MODE", "on"), ("SPECIMEN_ADDRESS", "127.0.0.1:0")]);
    let visitor = chromium.visitor();
    let tab = visitor.tab();
    tab.open(&app.url("/experiments/f2"));
    assert!(tab.text().contains("a new tab of your browser"), "{}", tab.text());
    tab.follow("form.run button");
    until(&tab, "document.querySelector('#spine a[target=_blank]') !== null");
    let url = tab.evaluate("document.querySelector('#spine a[target=_blank]').href");
    let url = url.as_str().expect("an address");
    assert!(url.contains("//app.specimen.localhost:"), "not a name of the doors: {url}");

    let specimen = visitor.tab();
    // Not `open`: these pages go on by themselves before they are loaded.
    specimen.call("Page.navigate", json!({ "url": url }));
    // The page of the run loads itself anew when it is over.
    tab.arrive();
    let text = tab.text();
    assert!(text.contains("holds, but…") && text.contains("one with Domain= goes to every host below it"), "{text}");
    assert!(specimen.text().contains("this tab can be closed"), "{}", specimen.text());
    let left = specimen.call("Network.getCookies", json!({}));
    assert_eq!(left["cookies"], json!([]), "nothing is left in the browser");
    assert_eq!(tab.complaints(), Vec::<serde_json::Value>::new());
}
