//! The API's description says of the API what is so: every route, every status, every problem code.

use std::collections::BTreeSet;

use serde_json::Value;
use two_doors::http::problem;

use crate::support::{TestApp, html, routes};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(app: &TestApp) -> Value {
    let answer = app.client().get("/api/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

/// Every operation: its method, its path and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} leads nowhere")),
        None => value,
    }
}

#[actix_web::test]
async fn every_route_that_is_mounted_is_described_and_no_other() {
    let app = TestApp::spawn();
    let document = document(&app).await;
    let described: BTreeSet<_> = operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let is_api = |path: &str| routes::is_api(path) || path.starts_with("/.well-known");
    let mounted: BTreeSet<_> = routes::all(&app).await.into_iter().filter(|(_, path)| is_api(path)).collect();
    let missing: Vec<_> = mounted.difference(&described).collect();
    let too_many: Vec<_> = described.difference(&mounted).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "not described: {missing:?}; described, but not there: {too_many:?}\n\
         A route is described by #[utoipa::path(..)] beside its handler and a line in `paths(..)`: \
         src/api/description/mod.rs begins with how."
    );
}

#[actix_web::test]
async fn what_the_document_refers_to_is_in_it() {
    let app = TestApp::spawn();
    let document = document(&app).await;
    let mut rest = vec![&document];
    let mut seen = 0;
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(fields) => {
                if fields.contains_key("$ref") {
                    resolve(&document, value);
                    seen += 1;
                }
                assert!(!fields.contains_key("x-problems"), "{fields:?}");
                rest.extend(fields.values());
            }
            Value::Array(values) => rest.extend(values),
            _ => {}
        }
    }
    assert!(seen > 50, "{seen} references");
}

#[test]
fn the_codes_beside_the_handlers_are_codes_that_there_are() {
    let mut codes = 0;
    for (file, text) in routes::sources().into_iter().filter(|(file, _)| file.starts_with("api")) {
        for list in text.split("\"x-problems\" = json!([").skip(1) {
            let list = list.split("])").next().expect("its end");
            for code in list.split('"').skip(1).step_by(2).filter(|code| !code.starts_with('…')) {
                assert!(problem::find(code).is_some(), "{}: there is no problem {code}", file.display());
                codes += 1;
            }
        }
    }
    assert!(codes > 20, "{codes} codes were read");
}

#[actix_web::test]
async fn every_refusal_is_described_with_its_codes_and_every_code_is_somewhere() {
    let app = TestApp::spawn();
    let document = document(&app).await;
    let mut codes = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path} says nothing of success");
        for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
            let problem = &resolve(&document, response)["content"]["application/problem+json"]["schema"]["allOf"][1];
            assert_eq!(problem["properties"]["status"]["const"].to_string(), *status, "{method} {path}");
            assert!(problem["properties"]["code"]["enum"].is_array(), "{method} {path} {status}");
        }
    }
    for response in document["components"]["responses"].as_object().expect("responses").values() {
        let problem = &response["content"]["application/problem+json"]["schema"]["allOf"][1];
        let listed = problem["properties"]["code"]["enum"].as_array().expect("codes");
        codes.extend(listed.iter().map(|code| code.as_str().expect("a code").to_owned()));
    }
    let known: BTreeSet<_> = problem::ALL.iter().map(|kind| kind.code.to_owned()).collect();
    assert_eq!(codes, known, "a problem that no route is said to report, or the other way round");
}

#[actix_web::test]
async fn bodies_are_described_where_there_are_any_and_only_there() {
    let app = TestApp::spawn();
    let document = document(&app).await;
    let mut without = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let body = &operation["requestBody"];
        if body.is_null() {
            if method != "GET" {
                without.insert(format!("{method} {path}"));
            }
            // Where none is wanted, one that says something is refused; a GET reads none.
            assert!(method != "GET" || operation["responses"].get("415").is_none(), "{method} {path}");
            continue;
        }
        assert_ne!(method, "GET", "{path}");
        let contents = body["content"].as_object().unwrap_or_else(|| panic!("{method} {path}: {body}"));
        let (_, content) = contents.iter().next().expect("a media type");
        let fields = &resolve(&document, &content["schema"])["properties"];
        assert!(fields.as_object().is_some_and(|fields| !fields.is_empty()), "{method} {path} names no field: {body}");
    }
    let wanted = [
        "DELETE /api/auth/tokens/{id}",
        "POST /api/admin/users/{id}/logout-everywhere",
        "POST /api/admin/users/{id}/unban",
        "POST /api/browser/logout",
    ];
    assert_eq!(without, wanted.map(str::to_owned).into());
    let success = |method: &str, path: &str| {
        let schema = &document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"];
        resolve(&document, schema).clone()
    };
    // Two schemas of one name would overwrite one another.
    assert!(success("post", "/api/auth/login")["oneOf"].is_array());
    assert!(success("post", "/api/introspect")["properties"]["active"].is_object());
}

#[actix_web::test]
async fn the_page_shows_every_route_with_what_it_needs_takes_and_answers() {
    let app = TestApp::spawn();
    let document = document(&app).await;
    let page = app.browser().get("/api/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("a name");
        let shown = page.body.split(&format!("<article class=\"route tok\" id=\"{id}\"")).nth(1);
        let shown = shown.unwrap_or_else(|| panic!("{method} {path}")).split("</article>").next().expect("its end");
        let says = html::text(&format!("<p {shown}"));
        assert!(says.contains(&format!("{method} {path}")), "{says}");
        let body = operation["requestBody"]["content"].as_object().and_then(|content| content.values().next());
        let properties = body.map(|body| &resolve(&document, &body["schema"])["properties"]);
        for (name, _) in properties.and_then(Value::as_object).into_iter().flatten() {
            assert!(shown.contains(&format!("<code>{name}</code>")), "{method} {path} takes {name}");
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            assert!(shown.contains(&format!(">{status}</span>")), "{method} {path} answers {status}");
            let problem = &resolve(&document, response)["content"]["application/problem+json"]["schema"]["allOf"][1];
            for code in problem["properties"]["code"]["enum"].as_array().into_iter().flatten() {
                let link = format!("href=\"/problems/{}\"", code.as_str().expect("a code"));
                assert!(shown.contains(&link), "{method} {path}: {link}");
            }
        }
    }
}
