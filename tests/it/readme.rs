//! The README's tour runs as printed, and prints what the README shows.

use std::{fs, process::Command};

use crate::support::TestApp;

/// A command of the README, and the output shown for it.
struct Step {
    command: String,
    shown: String,
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().expect("a block").lines() {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), shown: String::new() }),
                None => steps.last_mut().expect("a command first").shown.push_str(line),
            }
        }
    }
    steps
}

/// Whether a text is what is shown, where `…` stands for anything.
fn matches(text: &str, shown: &str) -> bool {
    let mut rest = text;
    let mut parts = shown.split('…');
    let Some(first) = parts.next().and_then(|first| rest.strip_prefix(first)) else { return false };
    rest = first;
    for part in parts {
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => rest = "",
            None => return false,
        }
    }
    rest.is_empty()
}

#[actix_web::test]
async fn the_tour_of_the_readme_runs_as_printed_and_prints_what_is_shown() {
    let app = TestApp::spawn();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let steps = steps(&readme.replace("http://127.0.0.1:8080", &format!("http://{}", app.address)));
    assert!(steps.len() > 25, "the tour was found");
    // One shell for all of it, as the lines build on one another; a separator tells their outputs apart.
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let script = commands.join("\nprintf '\\n\\036\\n'\n");
    let folder = tempfile::tempdir().expect("a folder");
    let output = actix_web::web::block(move || {
        Command::new("bash").arg("-c").arg(script).current_dir(folder.path()).output().expect("bash")
    });
    let output = output.await.expect("the shell ran");
    let printed = String::from_utf8(output.stdout).expect("text");
    for (step, printed) in steps.iter().zip(printed.split('\u{1e}')) {
        let printed = printed.trim().replace('\n', "");
        assert!(matches(&printed, &step.shown), "$ {}\nshown:   {}\nprinted: {printed}", step.command, step.shown);
    }
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
