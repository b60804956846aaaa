//! A real browser: headless Chromium, driven over the pipe of its own protocol.
//!
//! Each test that wants one starts one, and gets as many visitors out of it as it likes: they share no cookies. Where none can
//! be found the test is left out and says so, past the test runner's capture. The protocol needs no library: Chromium reads
//! and writes JSON on two pipes, and ends when they close, so it outlives no test process, however that ends.

pub mod axe;
mod find;
mod pipe;
mod tab;

use std::{
    cell::RefCell,
    io::{Read as _, Seek as _, Write as _, stderr},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    rc::Rc,
    thread,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, geteuid},
};
use serde_json::json;
use tempfile::TempDir;

use self::pipe::Pipe;
pub use self::tab::Tab;
use super::folder;

/// A browser with an empty profile; dropping it ends it and removes the profile.
pub struct Chromium {
    pipe: Rc<RefCell<Pipe>>,
    shell: Child,
    // Removed by the shell; after it, as that one may have been killed.
    _profile: TempDir,
}

/// What a browser keeps for one person: a cookie jar and caches that no other visitor shares.
pub struct Visitor<'a> {
    chromium: &'a Chromium,
    context: String,
}

impl Chromium {
    /// Starts it, or says that the calling test is left out.
    pub fn start() -> Option<Self> {
        let program = match find::program() {
            Ok(program) => program,
            Err(reason) => {
                left_out(&reason);
                return None;
            }
        };
        // Every page it opens is ours. Root can't have the sandbox, and in many a container nobody can.
        let sandboxed = if geteuid().is_root() { None } else { Self::launch(&program, &[]).ok() };
        let launched = sandboxed.map_or_else(|| Self::launch(&program, &["--no-sandbox"]), Ok);
        Some(launched.unwrap_or_else(|said| panic!("{} does not start: {said}", program.display())))
    }

    fn launch(program: &Path, flags: &[&str]) -> Result<Self, String> {
        // The pipes have to be descriptors 3 and 4. This shell lives as long as Chromium and removes the profile after it.
        const SCRIPT: &str = r#""$@" 3<&0 4>&1 </dev/null >/dev/null; rm -rf "$0""#;
        let profile = folder::throwaway("two-doors-chromium-");
        let mut said = tempfile::tempfile().expect("a file");
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .arg(profile.path())
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage"])
            // The page of a new tab, which nobody asked for, would cost more than many a test.
            .arg("--no-startup-window")
            .args(["--no-first-run", "--no-default-browser-check", "--no-proxy-server", "--disable-quic"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // A busy machine must not make it drop clicks before the first picture, nor let the tabs doze.
            .args(["--allow-pre-commit-input", "--disable-renderer-backgrounding"])
            .args(["--disable-backgrounding-occluded-windows", "--disable-background-timer-throttling"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said.try_clone().expect("a file"))
            // Ctrl-C is not for them: they end with the pipes, tidily.
            .process_group(0)
            .spawn()
            .expect("sh");
        let (to, from) = (shell.stdin.take().expect("piped"), shell.stdout.take().expect("piped"));
        let pipe = Rc::new(RefCell::new(Pipe::new(to, from)));
        let chromium = Self { pipe, shell, _profile: profile };
        let answer = chromium.pipe.borrow_mut().ask("", "Browser.getVersion", json!({}));
        answer.map(|_| chromium).map_err(|error| {
            let mut why = Vec::new();
            said.rewind().and_then(|()| said.read_to_end(&mut why)).expect("a file");
            format!("{error}\n{}", String::from_utf8_lossy(&why))
        })
    }

    /// Somebody who was never here before.
    pub fn visitor(&self) -> Visitor<'_> {
        let made = self.pipe.borrow_mut().call("", "Target.createBrowserContext", json!({}));
        Visitor { chromium: self, context: text(&made["browserContextId"]) }
    }
}

impl Visitor<'_> {
    /// Opens an empty tab.
    pub fn tab(&self) -> Tab {
        let pipe = &self.chromium.pipe;
        let wanted = json!({ "url": "about:blank", "browserContextId": self.context });
        let made = pipe.borrow_mut().call("", "Target.createTarget", wanted);
        let wanted = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = pipe.borrow_mut().call("", "Target.attachToTarget", wanted);
        Tab::new(Rc::clone(pipe), text(&attached["sessionId"]))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.pipe.borrow_mut().close();
        // The shell is reaped after this only, so that the number is still that of its group.
        let group = i32::try_from(self.shell.id()).expect("a pid");
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        let _ = self.shell.wait();
    }
}

/// Says that the calling test is left out.
pub fn left_out(reason: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a browser test");
    // Not `eprintln!`: the runner would show it for tests that fail only.
    writeln!(stderr(), "left out: {test} ({reason})").expect("standard error");
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("text").to_owned()
}
