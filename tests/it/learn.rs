//! The pages for newcomers say what they are there to say; what they point at in the source is held by tests beside it.

use two_doors::pages::learn::{concepts, left_out::LEFT_OUT, reading, recipe};

use crate::support::{TestApp, html, tour};

/// The most that a page may weigh.
const MOST_BYTES: usize = 40_000;

/// A text as a page shows it, without the backticks around code.
fn said(text: &str) -> String {
    text.replace('`', "")
}

#[actix_web::test]
async fn every_concept_stands_beside_its_name_in_every_framework_or_in_the_one_that_is_asked_for() {
    let app = TestApp::spawn();
    let mut all = app.browser().get("/concepts").await;
    assert!(all.status == 200 && all.body.len() < MOST_BYTES, "{}: {} bytes", all.status, all.body.len());
    all.body = html::text(&all.body);
    for concept in concepts::CONCEPTS.iter().copied().flatten() {
        for name in concept.names.iter().chain([&concept.ours, &concept.name]) {
            assert!(all.body.contains(&said(name)), "{}: {name}", concept.name);
        }
    }
    let only = html::text(&app.browser().get("/concepts?from=rails").await.body);
    let rails = concepts::FRAMEWORKS.iter().position(|framework| framework.id == "rails").expect("Rails");
    for concept in concepts::CONCEPTS.iter().copied().flatten() {
        assert!(only.contains(&said(concept.names[rails])) && only.contains(&said(concept.ours)), "{}", concept.name);
        assert!(!only.contains(&said(concept.names[rails + 1])), "Spring's name for {}", concept.name);
    }
    let unknown = app.browser().get("/concepts?from=cobol").await;
    assert_eq!(html::text(&unknown.body), all.body, "an unknown framework is as good as none");
}

#[actix_web::test]
async fn what_is_left_out_stands_beside_its_reason_and_what_to_take_instead() {
    let page = TestApp::spawn().browser().get("/left-out").await;
    assert!(page.status == 200 && page.body.len() < MOST_BYTES, "{}: {} bytes", page.status, page.body.len());
    let text = html::text(&page.body);
    for left_out in LEFT_OUT {
        assert!(
            [left_out.what, left_out.why, left_out.instead].iter().all(|part| text.contains(&said(part))),
            "{left_out:?}"
        );
    }
}

#[actix_web::test]
async fn the_reading_order_is_shown_with_its_twins_and_both_recipes() {
    let page = TestApp::spawn().browser().get("/read").await;
    assert!(page.status == 200 && page.body.len() < MOST_BYTES, "{}: {} bytes", page.status, page.body.len());
    let text = html::text(&page.body);
    let stops = reading::BEGINNING.stops.iter().chain(reading::END.stops);
    let twins = reading::TWINS.iter().flat_map(|twin| [&twin.session, &twin.token]);
    for stop in stops.chain(twins) {
        assert!(text.contains(&format!("{} {}", stop.file, stop.why)), "{stop:?}");
    }
    let steps = tour::steps(&tour::document("docs/lifting.md"));
    assert!(steps.len() > 20, "two recipes");
    for recipe in &recipe::RECIPES {
        assert!(text.contains(&recipe.lines()), "{}", recipe.title);
    }
}
