//! The image for containers can be built: what `.dockerignore` lets in is all that the `Dockerfile` needs.
//!
//! Its first stage is carried out as written, in a folder of its own, with `cargo check` in the place of `cargo build --release`.
//! Limit: what the images of others hold, and the second stage, need a container.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs shell commands, with this `cargo` before all others.
fn carry_out(commands: &str, folder: &Path, tools: &Path) {
    let target = Path::new(env!("CARGO_BIN_EXE_two-doors")).ancestors().nth(2).expect("the target folder");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([tools.to_owned()].into_iter().chain(env::split_paths(&path))).expect("a PATH");
    let mut shell = Command::new("bash");
    shell.args(["-euc", commands]).current_dir(folder).env("PATH", path).env("CARGO_TARGET_DIR", target);
    let output = shell.output().expect("bash");
    assert!(output.status.success(), "{commands}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder below the target folder, empty.
fn bench(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_two-doors")).ancestors().nth(2).expect("the target folder");
    let folder = target.join("image").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn the_image_can_be_built_of_what_is_let_in() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (context, folder, tools) = (bench("context"), bench("build"), bench("tools"));

    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let instead = format!(
        "#!/bin/sh\n[ \"$1 $2\" = 'build --release' ] || exit 1\nshift 2\nexec '{cargo}' check --offline --all-targets \"$@\"\n"
    );
    fs::write(tools.join("cargo"), instead).expect("a script");
    fs::set_permissions(tools.join("cargo"), fs::Permissions::from_mode(0o755)).expect("a script");

    let ignore = fs::read_to_string(here.join(".dockerignore")).expect(".dockerignore");
    let rules: Vec<&str> = ignore.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rules[0], "*", "it says what is let in");
    for rule in &rules[1..] {
        let path = rule.strip_prefix('!').expect("it lets in only");
        carry_out(
            &format!("cd '{}' && cp -r --parents '{path}' '{}'", here.display(), context.display()),
            here,
            &tools,
        );
    }

    let dockerfile = fs::read_to_string(here.join("Dockerfile")).expect("Dockerfile").replace("\\\n", " ");
    let first = dockerfile.split("\nFROM ").find(|stage| stage.contains("AS build")).expect("the first stage");
    let steps = first.split_once("WORKDIR /build").expect("it has a folder").1.lines();
    let mut cargo_ran = 0;
    for step in steps.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match step.split_once(' ').expect("an instruction") {
            ("COPY", what) => {
                carry_out(
                    &format!("cp -r {} '{}'", what.rsplit_once(' ').expect("from and to").0, folder.display()),
                    &context,
                    &tools,
                );
            }
            ("RUN", commands) => {
                cargo_ran += commands.matches("cargo build --release --locked").count();
                carry_out(commands, &folder, &tools);
            }
            _ => panic!("what is {step}?"),
        }
    }
    assert_eq!(cargo_ran, 2, "its dependencies, and itself");
}
