//! A real browser for the experiments that need one, where no visitor brings it: headless Chromium, pointed at one page.
//!
//! The specimens' pages drive themselves, so nothing is said to it after its start. It has an empty profile of its own, and goes
//! with it.
//!
//! Promise: it ends when this value is dropped, and also when this process is killed, as its pipe closes then.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    io::{self, Read as _},
    os::unix::{fs::DirBuilderExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, geteuid},
};

use super::specimens::hosts::PLAIN;
use crate::secrets::{hex, random};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// A browser that can't start has said so by then.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to end by itself.
const TIDY_WITHIN: Duration = Duration::from_secs(3);

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// There is none.
    #[error("no Chromium in PATH; CHROME can name one")]
    NoneInPath,
    /// A snap sees neither our profile's folder nor our pipes.
    #[error("{0} is a snap, which can't be used here; CHROME can name another")]
    Snap(PathBuf),
    /// It was found and does not start.
    #[error("{0} does not start: {1}")]
    Failed(PathBuf, #[source] io::Error),
}

/// The browser that is `named`, else the first in `path` that is no snap.
pub fn find(named: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, Missing> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(path.unwrap_or_default()).collect();
    let all = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found: Vec<PathBuf> = all.filter(|program| program.is_file()).collect();
    match (found.iter().find(|program| !is_snap(program)), found.first()) {
        (Some(program), _) => Ok(program.clone()),
        (None, Some(snap)) => Err(Missing::Snap(snap.clone())),
        (None, None) => Err(Missing::NoneInPath),
    }
}

/// Ubuntu's `chromium-browser` is a script that calls the snap.
fn is_snap(program: &Path) -> bool {
    let is_in_snap = |path: &Path| path.iter().any(|part| part == "snap");
    if is_in_snap(program) || is_in_snap(&program.canonicalize().unwrap_or_default()) {
        return true;
    }
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut start));
    read.is_ok() && start.starts_with(b"#!") && String::from_utf8_lossy(&start).contains("/snap/")
}

/// A running browser.
#[derive(Debug)]
pub struct Chromium {
    shell: Child,
    profile: PathBuf,
}

impl Chromium {
    /// Opens this page in a browser with an empty profile.
    ///
    /// It takes cookies without `SameSite` for young during ten seconds in place of two minutes
    /// ([`Wait::TenSeconds`](super::specimens::report::Wait)), and resolves `plain.specimen.test` to this machine.
    pub async fn open(program: &Path, url: &str) -> Result<Self, Missing> {
        let failed = |error| Missing::Failed(program.to_owned(), error);
        // Every page it opens is ours. Root can't have the sandbox, and in many a container nobody can.
        if !geteuid().is_root() {
            let mut sandboxed = Self::launch(program, url, &[]).map_err(failed)?;
            tokio::time::sleep(GONE_WITHIN).await;
            if sandboxed.is_running() {
                return Ok(sandboxed);
            }
        }
        Self::launch(program, url, &["--no-sandbox"]).map_err(failed)
    }

    fn launch(program: &Path, url: &str, flags: &[&str]) -> io::Result<Self> {
        // The pipes have to be descriptors 3 and 4. The browser ends with them, and the shell cleans up after it.
        const SCRIPT: &str = r#""$@" 3<&0 4>/dev/null </dev/null; rm -rf "$0""#;
        let profile = std::env::temp_dir().join(format!("two-doors-browser-{}", hex(&random::<8>())));
        DirBuilder::new().mode(0o700).create(&profile)?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .arg(&profile)
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--no-default-browser-check", "--no-proxy-server", "--disable-quic"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-renderer-backgrounding", "--disable-background-timer-throttling"])
            .arg("--enable-features=ShortLaxAllowUnsafeThreshold")
            .arg(format!("--host-resolver-rules=MAP {PLAIN} 127.0.0.1"))
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(flags)
            .arg(url)
            // What it would leave at home goes with the profile.
            .env("HOME", &profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is not for them: they end with the pipe, tidily.
            .process_group(0)
            .spawn();
        match shell {
            Ok(shell) => Ok(Self { shell, profile }),
            Err(error) => {
                let _ = fs::remove_dir_all(&profile);
                Err(error)
            }
        }
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Tidily, if it can: killed, it leaves its sockets in the folder for temporary files.
        drop(self.shell.stdin.take());
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < TIDY_WITHIN {
            thread::sleep(Duration::from_millis(10));
        }
        // The shell is reaped after this only, so that the number is still that of its group.
        if let Ok(group) = i32::try_from(self.shell.id())
            && self.is_running()
        {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.shell.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_browser_is_taken_and_none_is_made_up() {
        let named = Path::new("/opt/somewhere/chrome");
        assert_eq!(find(Some(named), None).expect("named"), named);
        let missing = find(None, Some(OsStr::new("/nowhere:/nowhere/else"))).expect_err("none");
        assert!(missing.to_string().contains("CHROME"), "{missing}");
    }
}
