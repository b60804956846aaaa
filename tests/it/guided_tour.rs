//! The tour: eight stops, a cookie and no row, ten questions; and the same with curl.

use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};
use two_doors::pages::tour::{
    questions::{LETTERS, QUESTIONS},
    stops::STOPS,
};

use crate::support::{TestApp, html, tour};

/// The address that answers all questions: rightly, but for those that are given another letter.
fn answers(wrong: &[usize]) -> String {
    let pairs = (1..).zip(&QUESTIONS).map(|(number, question)| {
        let place = if wrong.contains(&number) { (question.right + 1) % LETTERS.len() } else { question.right };
        format!("{number}={}", LETTERS[place])
    });
    format!("/tour/questions?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn links(page: &str) -> Vec<String> {
    html::all(page, "a").iter().filter_map(|link| link.get("href")).map(str::to_owned).collect()
}

fn rows(app: &TestApp) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let tables = ["users", "sessions", "token_families", "auth_events", "devices"];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
    let query = sql_query(format!("SELECT {counts} AS rows"));
    query.get_result::<Count>(&mut app.connect()).expect("a count").rows
}

#[actix_web::test]
async fn the_tour_is_walked_without_a_log_in_and_without_a_row() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let before = rows(&app);
    let page = browser.get("/tour").await;
    assert!(page.body.contains("Begin with stop 1") && !browser.jar.contains_key("tour"), "{}", page.body);
    for (number, stop) in (1..).zip(STOPS) {
        let page = browser.get(&format!("/tour/{number}")).await;
        assert!(page.status == 200 && page.body.contains(stop.title), "{number}: {page:?}");
        let to = links(&page.body);
        let next = if number < STOPS.len() { format!("/tour/{}", number + 1) } else { "/tour/questions".to_owned() };
        assert!(to.contains(&stop.place.to_owned()) && to.contains(&next), "{number}: {to:?}");
        let overview = html::text(&browser.get("/tour").await.body);
        assert_eq!(overview.matches("seen ·").count(), number, "{overview}");
    }
    assert!(browser.get("/tour").await.body.contains("You have seen them all"));
    assert_eq!(rows(&app), before, "nobody wrote anything down");
    for path in ["/tour/0", "/tour/9", "/tour/-1", "/tour/x", "/tour/99999999999999999999"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}

#[actix_web::test]
async fn a_page_that_is_a_stop_leads_on_for_whoever_is_on_the_tour_and_for_nobody_else() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    assert!(!browser.get("/compare").await.body.contains("Next stop"));
    browser.get("/tour/1").await;
    let page = browser.get("/compare").await;
    let to = links(&page.body);
    assert!(to.contains(&"/tour/4".to_owned()) && to.contains(&"/tour/5".to_owned()), "{to:?}");
    assert!(!browser.get("/problems").await.body.contains("Next stop"), "no stop");
    assert!(links(&browser.get("/choose").await.body).contains(&"/tour/questions".to_owned()), "the last one");

    let answer = browser.post_from("/tour", "/tour/forget", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/tour"));
    assert!(!browser.get("/compare").await.body.contains("Next stop"));
}

#[actix_web::test]
async fn progress_is_a_cookie_like_the_sites_others_and_nonsense_in_it_is_nothing() {
    let app = TestApp::spawn();
    let answer = app.browser().get("/tour/3").await;
    assert_eq!(answer.cookie_attributes("tour"), ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Lax"]);
    assert_eq!(answer.cookie_value("tour"), "4");
    let secure = TestApp::with(&[("PUBLIC_URL", "https://doors.example.com")]);
    let answer = secure.request("GET", "/tour/1", &[("host", "doors.example.com")], "").await;
    let attributes = answer.cookie_attributes("__Host-tour");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Lax", "Secure"]);
    for nonsense in ["", "256", "-1", "1x", "<b>"] {
        let mut browser = app.browser();
        browser.jar.insert("tour".to_owned(), nonsense.to_owned());
        let page = browser.get("/tour").await;
        assert!(page.status == 200 && page.body.contains("Begin with stop 1"), "{nonsense}: {page:?}");
    }
}

#[actix_web::test]
async fn every_wrong_answer_leads_to_the_experiment_that_shows_why() {
    let app = TestApp::spawn();
    let page = app.browser().get(&answers(&[])).await;
    assert!(page.status == 200 && html::text(&page.body).contains("10 of 10."), "{}", page.body);
    assert!(links(&page.body).iter().all(|to| !to.starts_with("/experiments/")), "nothing left to show");
    for wrong in [vec![1], vec![2, 7], (1..=10).collect()] {
        let page = app.browser().get(&answers(&wrong)).await;
        assert!(html::text(&page.body).contains(&format!("{} of 10.", 10 - wrong.len())), "{wrong:?}");
        let shown: Vec<String> = links(&page.body).into_iter().filter(|to| to.starts_with("/experiments/")).collect();
        let expected: Vec<String> =
            wrong.iter().map(|number| format!("/experiments/{}", QUESTIONS[number - 1].experiment)).collect();
        assert_eq!(shown, expected);
        assert!(page.set_cookies().is_empty(), "nothing is kept");
    }
}

#[actix_web::test]
async fn a_question_that_is_left_open_is_asked_again_and_the_rest_is_kept() {
    let app = TestApp::spawn();
    for query in ["1=b", "1=b&2=z", "1=b&2=%FF&11=a"] {
        let page = app.browser().get(&format!("/tour/questions?{query}")).await;
        let checked = html::all(&page.body, "input").iter().filter(|input| input.get("checked").is_some()).count();
        assert_eq!((page.status, checked), (422, 1), "{query}");
        assert!(page.body.contains("Choose one of these."), "{query}");
        assert!(!page.body.contains(" of 10."), "{query}: no grade for half of it");
    }
    let page = app.browser().get("/tour/questions").await;
    assert!(page.status == 200 && !page.body.contains("Choose one of these."), "nothing was asked for yet");
}

#[actix_web::test]
async fn every_stop_and_every_experiment_that_the_tour_names_is_there() {
    let app = TestApp::spawn();
    let mut browser = app.logged_in_browser("ada@example.org").await;
    let places = STOPS.iter().flat_map(|stop| [stop.place, stop.aside.0]).map(str::to_owned);
    let experiments = QUESTIONS.iter().map(|question| format!("/experiments/{}", question.experiment));
    for path in places.chain(experiments) {
        assert_eq!(browser.get(&path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn the_tour_for_a_terminal_runs_as_printed_and_prints_what_is_shown() {
    let steps = tour::run_as_printed(&TestApp::spawn(), "docs/tour.md", &[]).await;
    assert!(steps > 30, "the tour was found");
    let document = tour::document("docs/tour.md");
    for (number, stop) in (1..).zip(STOPS) {
        assert!(document.contains(&format!("\n## {number}. {} (`{}`", stop.title, stop.place)), "{}", stop.title);
    }
}
