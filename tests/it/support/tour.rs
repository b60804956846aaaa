//! A document whose console blocks are run as printed: they must print what it shows.

use std::{fs, process::Command};

use super::TestApp;

/// A command of a document, and the output shown for it.
pub struct Step {
    pub command: String,
    shown: String,
}

/// The text of a document, by its path in the repository.
pub fn document(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("the document")
}

/// The commands of a document's console blocks, in order.
pub fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in document.split("```console\n").skip(1) {
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
    let Some((first, others)) = shown.split_once('…') else { return text == shown };
    let (middle, last) = others.rsplit_once('…').unwrap_or(("", others));
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle.split('…') {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Runs a document against an app in place of the server that it names, with these variables in the shell's environment. How many
/// commands it has is answered.
pub async fn run_as_printed(app: &TestApp, path: &str, variables: &[(&str, &str)]) -> usize {
    let steps = steps(&document(path).replace("http://127.0.0.1:8080", &format!("http://{}", app.address)));
    // One shell for all of it, as the lines build on one another; a separator tells their outputs apart.
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let script = commands.join("\nprintf '\\n\\036\\n'\n");
    let folder = tempfile::tempdir().expect("a folder");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).current_dir(folder.path()).envs(variables.iter().copied());
    let output = actix_web::web::block(move || shell.output().expect("bash")).await.expect("the shell ran");
    let printed = String::from_utf8(output.stdout).expect("text");
    let printed: Vec<&str> = printed.split('\u{1e}').collect();
    assert_eq!(printed.len(), steps.len(), "every command ran: {}", String::from_utf8_lossy(&output.stderr));
    for (step, printed) in steps.iter().zip(printed) {
        let printed = printed.trim().replace('\n', "");
        assert!(matches(&printed, &step.shown), "$ {}\nshown:   {}\nprinted: {printed}", step.command, step.shown);
    }
    steps.len()
}
