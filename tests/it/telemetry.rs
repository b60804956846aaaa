//! `Server-Timing` says what really happened, and no more to one who guesses than to one who knows.

use serde_json::json;

use crate::support::{Answer, PASSWORD, TestApp};

const ADA: &str = "ada@example.org";

/// The names of what was timed, each with its time in milliseconds.
fn times(answer: &Answer) -> Vec<(String, f64)> {
    let header = answer.header("server-timing");
    let entry = |entry: &str| {
        let (name, rest) = entry.trim().split_once(";dur=").expect("a time");
        let time = rest.split(';').next().and_then(|time| time.parse().ok()).expect("milliseconds");
        (name.to_owned(), time)
    };
    header.split(", ").map(entry).collect()
}

#[actix_web::test]
async fn a_session_costs_one_statement_and_a_claim_none() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let client = app.logged_in_client(ADA).await;
    for _ in 0..3 {
        assert_eq!(
            ada.get("/account/me").await.statements(),
            1,
            "the row is read, with its user, and nothing is written"
        );
        assert_eq!(client.get("/api/me").await.statements(), 0, "nobody is asked");
        assert_eq!(client.get("/api/account").await.statements(), 1, "is the login alive?");
    }
    for path in ["/", "/login", "/signup", "/problems", "/missing", "/account"] {
        assert_eq!(app.browser().get(path).await.statements(), 0, "{path}: who only looks costs nothing");
    }
}

#[actix_web::test]
async fn a_cookie_that_is_none_of_ours_costs_no_statement_and_one_that_ended_costs_one() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let copy = ada.clone();
    ada.log_out().await;
    assert_eq!(copy.clone().get("/account/me").await.statements(), 1);
    let mut forged = app.browser();
    forged.jar.insert("session".to_owned(), "made-up".to_owned());
    assert_eq!(forged.get("/account/me").await.statements(), 0, "the signature spares the database made-up keys");
}

#[actix_web::test]
async fn what_is_timed_adds_up() {
    let app = TestApp::spawn();
    let mut ada = app.logged_in_browser(ADA).await;
    let answer = ada.get("/account/me").await;
    let times = times(&answer);
    let names: Vec<&str> = times.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["auth", "sql", "total"]);
    let [authentication, sql, total] = [times[0].1, times[1].1, times[2].1];
    assert!(sql > 0.0 && sql <= authentication && authentication <= total, "{times:?}");
    assert!(answer.header("server-timing").contains("desc=\"1 statement\""), "{answer:?}");
    let claims = app.logged_in_client(ADA).await.get("/api/me").await;
    assert!(claims.header("server-timing").contains("desc=\"0 statements\""), "{claims:?}");
}

#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_cost_the_same_statements_at_both_doors() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let client = app.client();
    let mut at_the_api = Vec::new();
    let mut at_the_site = Vec::new();
    for email in [ADA, "nobody@example.org", "no address at all"] {
        let body = json!({ "email": email, "password": "wrong all the same" });
        let refused = client.post("/api/auth/login", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "wrong-credentials"));
        at_the_api.push((refused.statements(), refused.body.clone()));
        let refused = app.browser().log_in(email, "wrong all the same").await;
        assert_eq!(refused.status, 422);
        at_the_site.push(refused.statements());
    }
    assert_eq!(at_the_api[0], at_the_api[1]);
    assert_eq!(at_the_api[0], at_the_api[2]);
    assert_eq!(at_the_site, [at_the_site[0]; 3]);
    assert_eq!(at_the_site[0], at_the_api[0].0, "and as many at one door as at the other");
}

#[actix_web::test]
async fn it_can_be_switched_off_and_is_off_where_others_could_read_it() {
    let everywhere = [("PUBLIC_URL", "http://localhost:1"), ("BIND_ADDRESS", "0.0.0.0:0")];
    for (variables, is_on) in [
        (vec![], true),
        (vec![("SERVER_TIMING", "off")], false),
        (everywhere.to_vec(), false),
        ([everywhere.to_vec(), vec![("SERVER_TIMING", "full")]].concat(), true),
    ] {
        let app = TestApp::with(&variables);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], app.address.port()));
        let host = variables.iter().find(|(name, _)| *name == "PUBLIC_URL").map(|_| ("host", "localhost:1"));
        for path in ["/", "/api/me", "/missing", "/healthz"] {
            let headers: Vec<_> = host.into_iter().collect();
            let answer = crate::support::http::send(address, "GET", path, &headers, "").await;
            assert_eq!(!answer.header("server-timing").is_empty(), is_on, "{variables:?} {path}: {answer:?}");
        }
    }
}

#[actix_web::test]
async fn no_refusal_tells_whether_an_account_exists() {
    let app = TestApp::spawn();
    app.sign_up(ADA).await;
    let mut pages = Vec::new();
    for email in [ADA, "eda@example.org"] {
        let page = app.browser().log_in(email, "wrong all the same").await;
        assert!(page.set_cookies().is_empty(), "{page:?}");
        // What differs is what was typed, and the token that every rendering has of its own.
        let token = crate::support::html::value(&page.body, "form_token").expect("a form");
        pages.push((page.status, page.body.replace(email, "EMAIL").replace(&token, "TOKEN")));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200);
}
