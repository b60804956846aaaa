//! The guide: an answer for every set of answers, under an address of its own.

use crate::support::{TestApp, html};

const BROWSERS: &str =
    "who=browsers&services=one&end=at-once&role=at-once&outage=wait&place=same&load=few&trouble=start";

#[actix_web::test]
async fn answers_lead_to_an_advice_whose_address_can_be_shared() {
    let app = TestApp::spawn();
    for (changed, advice) in [
        ("", "Sessions"),
        ("who=both", "Both, like this application"),
        ("services=apart", "Both, like this application"),
    ] {
        let query: Vec<&str> = BROWSERS
            .split('&')
            .map(|pair| {
                if !changed.is_empty() && changed.split('=').next() == pair.split('=').next() { changed } else { pair }
            })
            .collect();
        let path = format!("/choose?{}", query.join("&"));
        let page = app.browser().get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(&format!("<h1>{advice}</h1>")), "{path}: {}", page.body);
        let links = html::all(&page.body, "a");
        let shared = links.iter().filter_map(|link| link.get("href")).find(|to| to.contains("/choose?who="));
        let shared = shared.expect("an address to share").replace("&#38;", "&");
        assert!(shared.ends_with(&path), "{shared}");
        assert_eq!(html::all(&page.body, "input").iter().filter(|input| input.get("checked").is_some()).count(), 8);
    }
}

#[actix_web::test]
async fn every_reason_leads_to_a_page_that_is_there() {
    let app = TestApp::spawn();
    let reasons = two_doors::pages::choose::questions::QUESTIONS.iter().flat_map(|question| question.choices);
    for reason in reasons.filter_map(|choice| choice.reason.as_ref()) {
        assert_eq!(app.browser().get(reason.evidence.0).await.status, 200, "{}", reason.evidence.0);
    }
}

#[actix_web::test]
async fn what_is_left_open_or_makes_no_sense_is_asked_again_and_the_rest_is_kept() {
    let app = TestApp::spawn();
    for query in ["who=both", "who=both&services=nonsense", "who=both&services=%FF", "who=both&x=y&who=programs"] {
        let page = app.browser().get(&format!("/choose?{query}")).await;
        let checked = html::all(&page.body, "input").iter().filter(|input| input.get("checked").is_some()).count();
        assert_eq!((page.status, checked), (422, 1), "{query}");
        assert!(page.body.contains("Choose one of these."), "{query}");
    }
    let page = app.browser().get("/choose?who=both").await;
    let both = html::all(&page.body, "input").into_iter().find(|input| input.get("id") == Some("who-both"));
    assert!(both.expect("the answer").get("checked").is_some());
}
