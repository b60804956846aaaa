//! The tour as a visitor walks it, with scripts and without.

use two_doors::pages::tour::{
    questions::{LETTERS, QUESTIONS},
    stops::STOPS,
};

use super::*;

/// Answers all questions; one of them wrongly, if it is named.
fn answer(tab: &Tab, wrong: Option<usize>) {
    for (place, question) in QUESTIONS.iter().enumerate() {
        let answer = if wrong == Some(place) { (question.right + 1) % LETTERS.len() } else { question.right };
        tab.click(&format!("#q{}{}", place + 1, LETTERS[answer]));
    }
    tab.follow("form.questions button");
}

fn walk(app: &TestApp, tab: &Tab) {
    // The third stop is a page for who is logged in.
    sign_up(tab, app, EMAIL, NAME);
    tab.open(&app.url("/"));
    tab.follow(".opening a[href='/tour']");
    tab.follow("main .act a[href='/tour/1']");
    for (number, stop) in (1..).zip(STOPS) {
        assert!(tab.text().contains(&format!("stop {number} of 8")), "{}", tab.text());
        tab.follow(&format!("main .act a[href='{}']", stop.place));
        assert_eq!((tab.path().as_str(), tab.status()), (stop.place, 200));
        let further =
            if number == STOPS.len() { "/tour/questions".to_owned() } else { format!("/tour/{}", number + 1) };
        tab.follow(&format!(".tour-line a[href='{further}']"));
    }
    answer(tab, Some(8));
    assert!(tab.text().contains("9 of 10."), "{}", tab.text());
    tab.follow(&format!("main a[href='/experiments/{}']", QUESTIONS[8].experiment));
    assert_eq!(tab.status(), 200, "{}", tab.text());
    tab.open(&app.url("/tour/questions"));
    answer(tab, None);
    assert!(tab.text().contains("10 of 10."), "{}", tab.text());
    tab.follow("main a[href='/tour']");
    assert!(tab.text().contains("You have seen them all"), "{}", tab.text());
    tab.follow("form[action='/tour/forget'] button");
    assert!(tab.text().contains("Begin with stop 1"), "{}", tab.text());
}

#[test]
fn the_tour_is_walked_and_its_questions_answered() {
    let Some(chromium) = Chromium::start() else { return };
    walk(&TestApp::spawn(), &chromium.visitor().tab());
}

#[test]
fn the_tour_is_walked_and_its_questions_answered_without_scripts() {
    let Some(chromium) = Chromium::start() else { return };
    let visitor = chromium.visitor();
    let tab = visitor.tab();
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    walk(&TestApp::spawn(), &tab);
}
