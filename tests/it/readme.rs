//! The README's tour runs as printed, and prints what the README shows.

use std::fs;

use crate::support::{TestApp, tour};

#[actix_web::test]
async fn the_tour_of_the_readme_runs_as_printed_and_prints_what_is_shown() {
    let steps = tour::run_as_printed(&TestApp::spawn(), "README.md", &[]).await;
    assert!(steps > 25, "the tour was found");
}

#[test]
fn the_readme_names_only_tests_that_exist() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let tests: String = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it"))
        .expect("the tests")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    let named: Vec<&str> = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.contains("::") && code.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect();
    for name in &named {
        let function = name.rsplit("::").next().expect("a name");
        assert!(tests.contains(&format!("fn {function}(")), "the README names {name}, which no test is called");
    }
}
