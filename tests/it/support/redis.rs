//! A Redis of a test's own: on a Unix socket in a folder of its own, to be frozen, killed and started again.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::folder;

/// The server. Dropping it kills it; so does the end of this process, in whatever way.
pub struct TestRedis {
    folder: PathBuf,
    options: Vec<String>,
    server: Child,
    end: Child,
}

impl TestRedis {
    /// A server that writes nothing to the disk by itself.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these options besides.
    pub fn with(options: &[&str]) -> Self {
        let folder = folder::throwaway("two-doors-redis-").keep();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let end = clean_up_when_the_pipe_closes(&folder);
        let server = serve(&folder, &options);
        let redis = Self { folder, options, server, end };
        redis.until_it_answers();
        redis
    }

    /// What to configure as `SESSION_STORE`.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// A connection of the test's own.
    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).and_then(|client| client.get_connection()).expect("Redis answers")
    }

    /// Runs a command.
    pub fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.connect()).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The keys that begin like this.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.run(&["KEYS", &format!("{prefix}*")])
    }

    /// Nothing is answered any more.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Everything is answered, what came meanwhile too.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill().expect("a child of ours");
        self.server.wait().expect("a child of ours");
    }

    /// Starts it again, on what the disk holds.
    pub fn start_again(&mut self) {
        self.server = serve(&self.folder, &self.options);
        self.until_it_answers();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.server.id()).expect("pids are small")), signal).expect("it runs");
    }

    fn until_it_answers(&self) {
        let began = Instant::now();
        loop {
            let answer: Result<String, _> = redis::Client::open(self.url())
                .and_then(|client| client.get_connection())
                .and_then(|mut conn| redis::cmd("PING").query(&mut conn));
            match answer {
                Ok(_) => return,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(10), "Redis does not start: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        drop(self.end.stdin.take());
        let _ = self.end.wait();
    }
}

fn serve(folder: &Path, options: &[String]) -> Child {
    let path = |name: &str| folder.join(name).display().to_string();
    let _ = fs::remove_file(folder.join("socket"));
    // Debian's redis-tools have the program, and the name that makes a server of it is in the package that starts one.
    ["redis-server", "redis-check-rdb"]
        .into_iter()
        .find_map(|program| {
            Command::new(program)
                .arg0("redis-server")
                .args(["--port", "0", "--save", "", "--daemonize", "no", "--dir"])
                .arg(folder)
                .args(["--unixsocket", &path("socket"), "--pidfile", &path("pid"), "--logfile", &path("log")])
                .args(options)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        })
        .expect("redis-server, which script/bootstrap --test installs")
}

// The pipe closes with the process that holds it, also after a kill -9.
fn clean_up_when_the_pipe_closes(folder: &Path) -> Child {
    const SCRIPT: &str = r#"cat >/dev/null; kill -9 "$(cat "$1/pid")"; rm -rf "$1""#;
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C ends the tests; what cleans up after them has to live on.
        .process_group(0)
        .spawn()
        .expect("sh")
}
