//! Which browser to use.

use std::{
    env,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The one that `CHROME` names, else the first in `PATH` that is no snap; or why there is none.
pub fn program() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("CHROME").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let found: Vec<PathBuf> = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .filter(|program| program.is_file())
        .collect();
    match found.iter().find(|program| !is_snap(program)) {
        Some(program) => Ok(program.clone()),
        None if found.is_empty() => Err("no Chromium in PATH; CHROME can name one".to_owned()),
        None => Err(format!("{} is a snap; CHROME can name another", found[0].display())),
    }
}

/// A snap sees neither our profile's folder nor our pipes. Ubuntu's `chromium-browser` is a script that calls the snap.
fn is_snap(program: &Path) -> bool {
    let resolved = program.canonicalize().unwrap_or_default();
    let is_in_snap = |path: &Path| path.iter().any(|part| part == "snap");
    if is_in_snap(program) || is_in_snap(&resolved) {
        return true;
    }
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut start));
    read.is_ok() && start.starts_with(b"#!") && String::from_utf8_lossy(&start).contains("/snap/")
}
