//! The real program in a process of its own, for what only a process has: an exit code, a standard error, signals.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Browser, Client, app::SECRET};

/// How a start ended that did not come to serving.
#[derive(Debug)]
pub struct Refusal {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// The program, serving. Dropping it kills it.
pub struct Binary {
    child: Child,
    pub address: SocketAddr,
    stderr: Option<thread::JoinHandle<String>>,
}

/// The program with these variables and no others but `PATH`, in a folder without `.env`.
pub fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_two-doors"));
    command
        .args(arguments)
        .current_dir("/")
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Refusal {
    let output = command(arguments, variables).output().expect("the program runs");
    Refusal {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Binary {
    /// Serves on a free port, with this database.
    pub fn serve(database_url: &str, variables: &[(&str, &str)]) -> Self {
        Self::try_serve(database_url, variables).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// The same, begun with so small a limit of open files as many systems set.
    pub fn serve_with_few_files(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let shell = |all: &[(&str, &str)]| {
            let program = command(&[], all);
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -S -n 256; exec \"$0\""]).arg(program.get_program()).current_dir("/").env_clear();
            shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
            shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            shell
        };
        Self::start(database_url, variables, shell).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    pub fn try_serve(database_url: &str, variables: &[(&str, &str)]) -> Result<Self, Refusal> {
        Self::start(database_url, variables, |all| command(&[], all))
    }

    fn start(
        database_url: &str,
        variables: &[(&str, &str)],
        command: impl FnOnce(&[(&str, &str)]) -> Command,
    ) -> Result<Self, Refusal> {
        let mut all = vec![
            ("BIND_ADDRESS", "127.0.0.1:0"),
            ("DATABASE_URL", database_url),
            ("SECRETS", SECRET),
            ("POOL_SIZE", "4"),
            ("DATABASE_TIMEOUT", "30s"),
        ];
        all.extend_from_slice(variables);
        let mut child = command(&all).spawn().expect("the program runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let stderr = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || read(stderr));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line or the end");
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.trim_end_matches('/').parse().ok());
        let Some(address) = address else {
            let status = child.wait().expect("a child of ours");
            let stderr = stderr.join().expect("text");
            return Err(Refusal { success: status.success(), stdout: line, stderr });
        };
        Ok(Self { child, address, stderr: Some(stderr) })
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("pids are small"));
        kill(pid, signal).expect("the program runs");
    }

    /// How many files it holds open, connections among them.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("Linux").count()
    }

    /// Waits for the end; whether it was a good one, and what was logged.
    pub fn wait(mut self) -> (bool, String) {
        let status = self.child.wait().expect("a child of ours");
        (status.success(), self.stderr.take().and_then(|stderr| stderr.join().ok()).unwrap_or_default())
    }

    /// Asks it to stop and waits for the end.
    pub fn stop(self) -> (bool, String) {
        self.signal(Signal::SIGTERM);
        self.wait()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut stderr: ChildStderr) -> String {
    let mut text = String::new();
    let _ = stderr.read_to_string(&mut text);
    text
}
