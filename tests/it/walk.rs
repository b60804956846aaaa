//! The walk through the API (`docs/api.md`) runs as printed, and leaves no route out.

use std::{collections::BTreeSet, env, ffi::OsString, path::Path};

use crate::support::{TestApp, app::SECRET, tour};

const WALK: &str = "docs/api.md";

/// The variables that the walk starts its server with, but for the folder: a test's server has a database.
fn variables(document: &str) -> Vec<(&str, &str)> {
    let mut lines = document.lines().filter_map(|line| line.strip_suffix(" script/server"));
    let line = lines.next().expect("how the server is started");
    let variables = line.split(' ').filter_map(|variable| variable.split_once('='));
    variables.filter(|(name, _)| *name != "TWO_DOORS_DATA").collect()
}

#[actix_web::test]
async fn the_walk_through_the_api_runs_as_printed_and_prints_what_is_shown() {
    let document = tour::document(WALK);
    let mut settings = variables(&document);
    assert_eq!(settings.len(), 2, "AUDIENCES and SERVICES: {settings:?}");
    // As by default: the walk guesses until it has to wait.
    settings.push(("THROTTLE_ACCOUNT_ADDRESS", "10"));
    let app = TestApp::with(&settings);
    let program = Path::new(env!("CARGO_BIN_EXE_two-doors")).parent().expect("a folder");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [program.to_owned()].into_iter().chain(env::split_paths(&path));
    let path: OsString = env::join_paths(folders).expect("a PATH");
    let path = path.to_str().expect("text");
    let shell = [("DATABASE_URL", app.database.url()), ("SECRETS", SECRET), ("PATH", path)];
    tour::run_as_printed(&app, WALK, &shell).await;
}

/// What a command calls: curl's method, and the path behind `$DOORS` with `{id}` in place of a variable.
fn calls(command: &str) -> Vec<(String, String)> {
    let calls = command.split("$DOORS").collect::<Vec<_>>();
    let calls = calls.windows(2).map(|around| {
        let path = around[1].split([' ', '"', '?', ';']).next().unwrap_or_default();
        let path = path.split('/').map(|part| if part.starts_with('$') { "{id}" } else { part }).collect::<Vec<_>>();
        let named = around[0].rsplit_once("-X ").map(|(_, after)| after.split(' ').next().unwrap_or_default());
        let method = named.unwrap_or(if around[1].contains(" -d ") { "POST" } else { "GET" });
        (method.to_owned(), path.join("/"))
    });
    calls.collect()
}

#[actix_web::test]
async fn the_walk_calls_every_route_of_the_api() {
    let app = TestApp::spawn();
    let called: BTreeSet<_> = tour::steps(&tour::document(WALK)).iter().flat_map(|step| calls(&step.command)).collect();
    let listed = &app.client().get("/api").await.json()["routes"];
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let listed = listed.as_array().expect("a list").iter().map(|route| (text(&route["method"]), text(&route["path"])));
    let missing: Vec<_> = listed.filter(|route| !called.contains(route)).collect();
    assert!(missing.is_empty(), "{WALK} calls every route that GET /api lists, but not these: {missing:?}");
}
