//! Every page that a visitor reaches, found by its links; what its forms answer; runs while they go on and once they have
//! ended; and those with scripts once more without them. Each is held to what `fit` says.

use std::collections::{BTreeSet, VecDeque};

use super::{
    fit::{assert_fine, assert_stays_in_place, examine},
    spa::until,
    *,
};
use crate::{
    support::{binary::Binary, chromium::axe::Axe, postgres::TestDatabase},
    weight::assert_is_light,
};

/// Where the links of the page lead on this site.
fn links(tab: &Tab) -> Vec<String> {
    let links = tab.evaluate(
        "[...document.querySelectorAll('a[href]')].filter(link => link.origin === location.origin)
            .map(link => link.pathname + link.search)
            .filter(path => !/^\\/(api|\\.well-known)\\b/.test(path) || path === '/api/docs')",
    );
    serde_json::from_value(links).expect("paths")
}

#[test]
fn every_page_that_a_visitor_reaches_is_fine_with_scripts_and_without() {
    let Some(chromium) = Chromium::start() else { return };
    let (app, axe) = (TestApp::with(&[("DEMO_MODE", "on"), ("SPECIMEN_ADDRESS", "127.0.0.1:0")]), Axe::read());
    let tab = chromium.visitor().tab();
    if let Some(axe) = &axe {
        axe.accompany(&tab);
    }
    let (mut known, mut waiting) = (BTreeSet::from(["/".to_owned()]), VecDeque::from(["/".to_owned()]));
    let mut looked_at = 0;
    while let Some(path) = waiting.pop_front() {
        tab.open(&app.url(&path));
        if tab.path() != path {
            // It asks to log in.
            continue;
        }
        waiting.extend(links(&tab).into_iter().filter(|link| known.insert(link.clone())));
        looked_at += 1;
        examine(&app, &tab, axe.as_ref(), &path, 200);
    }
    assert!(looked_at > 140, "{looked_at} pages: {known:?}");
    for kind in ["/problems/", "/what-still-works/", "/concepts?", "/tour/", "/experiments/", "/compare/"] {
        assert!(known.iter().filter(|path| path.starts_with(kind)).count() > 1, "{kind}: {known:?}");
    }
    assert!(known.contains("/measure") && known.contains("/api/docs"), "{known:?}");
}

#[test]
fn what_the_forms_of_visitors_answer_is_fine() {
    let Some(chromium) = Chromium::start() else { return };
    let (app, axe) = (TestApp::spawn(), Axe::read());
    let tab = chromium.visitor().tab();
    let questions = two_doors::pages::choose::questions::QUESTIONS.iter();
    let choices: Vec<String> = questions.map(|one| format!("{}={}", one.id, one.choices[0].id)).collect();
    let answers: Vec<String> = (1..=10).map(|number| format!("{number}=a")).collect();
    let (choices, answers) = (choices.join("&"), answers.join("&"));
    for (path, status) in [
        ("/choose?who=nobody", 422),
        (&format!("/choose?{choices}"), 200),
        ("/tour/questions?1=a", 422),
        (&format!("/tour/questions?{answers}"), 200),
        ("/no-such-page", 404),
        ("/login?next=a&next=b", 400),
    ] {
        tab.open(&app.url(path));
        assert_eq!(tab.status(), status, "{path}");
        assert_fine(&tab, axe.as_ref(), path);
    }
    for (path, status) in [("/login", 422), ("/signup", 422)] {
        tab.open(&app.url(path));
        tab.evaluate("document.querySelector('form.sheet').noValidate = true");
        tab.follow(SUBMIT);
        assert_eq!(tab.status(), status, "{path}");
        assert_fine(&tab, axe.as_ref(), &format!("an empty form of {path}"));
    }
    tab.open(&app.url("/login"));
    tab.evaluate("document.querySelector('[name=form_token]').value = 'forged'");
    fill_in_log_in(&tab, EMAIL, PASSWORD);
    assert_eq!(tab.status(), 403);
    assert_fine(&tab, axe.as_ref(), "a forged form");
}

#[actix_web::test]
async fn a_run_is_fine_while_it_goes_on_and_once_it_has_ended() {
    let Some(chromium) = Chromium::start() else { return };
    let (app, axe) = (TestApp::with(&[("EXPERIMENTS", "on")]), Axe::read());
    let tab = chromium.visitor().tab();
    // A page that hears nothing of the run stays as it was when it was loaded.
    let deaf = "EventSource = class { addEventListener() {} }";
    let deaf = tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": deaf }));
    // The first two wait until a token expires, so that their page is there long before their end.
    for (page, verdict) in [("/compare/log-out", true), ("/experiments/r4", true), ("/measure", false)] {
        tab.open(&app.url(page));
        tab.follow("form.run button");
        if verdict {
            assert_fine(&tab, axe.as_ref(), &format!("{page}, going on"));
            let events = tab.evaluate("document.querySelector('#spine').dataset.events");
            // It ends with the run.
            assert_eq!(app.browser().get(events.as_str().expect("an address")).await.status, 200);
            tab.open(&app.url(page));
            assert_eq!(tab.evaluate("document.querySelector('.verdict') !== null"), true, "{}", tab.text());
        }
        assert_fine(&tab, axe.as_ref(), &format!("{page}, at its end"));
        assert_is_light(page, &app.browser().get(page).await.body);
    }
    tab.call("Page.removeScriptToEvaluateOnNewDocument", json!({ "identifier": deaf["identifier"] }));
}

/// Starts the experiment whose page lies open, and waits until its page is shown again with what was found.
fn run_to_its_end(visitor: &Visitor<'_>, tab: &Tab, needs_a_browser: bool) {
    tab.follow("form.run button");
    if needs_a_browser {
        until(tab, "document.querySelector('#spine a[target=_blank]') !== null");
        let page = tab.evaluate("document.querySelector('#spine a[target=_blank]').href");
        // Not `open`: these pages go on by themselves before they are loaded.
        visitor.tab().call("Page.navigate", json!({ "url": page }));
    }
    tab.arrive();
    // Behind another one it would draw nothing.
    tab.call("Page.bringToFront", json!({}));
}

#[test]
fn what_was_found_in_a_browser_and_at_an_instance_of_its_own_is_fine_with_tables_and_charts() {
    let Some(chromium) = Chromium::start() else { return };
    let (database, axe) = (TestDatabase::create(), Axe::read());
    let app = Binary::serve(database.url(), &[("DEMO_MODE", "on"), ("SPECIMEN_ADDRESS", "127.0.0.1:0")]);
    let visitor = chromium.visitor();
    let tab = visitor.tab();
    for (id, needs_a_browser, shows) in [("x1", true, ".matrix"), ("s3", false, ".figure")] {
        let page = format!("/experiments/{id}");
        tab.open(&format!("http://{}{page}", app.address));
        run_to_its_end(&visitor, &tab, needs_a_browser);
        assert!(tab.path().starts_with(&page), "{}", tab.path());
        let says = tab.text();
        assert!(!says.contains("could not run"), "{says}");
        assert_eq!(tab.evaluate(&format!("document.querySelector('{shows}') !== null")), true, "{says}");
        assert_stays_in_place(&tab, &page);
        assert_fine(&tab, axe.as_ref(), &format!("{page}, at its end"));
    }
}
