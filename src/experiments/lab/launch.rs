//! Starts this program once more, for one thing or another, finds out where it listens, and sees it off.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::Stopped;

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(15);
/// How long where nobody waits for it: it finishes its requests, and then stops its database and removes its data.
const STOP_IN_PEACE: Duration = Duration::from_mins(2);

/// A process of this program. Dropping it ends its input, at which it stops by itself; nobody waits for that.
#[derive(Debug)]
pub(super) struct Process(Option<Child>);

impl Process {
    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.0.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Sends it a signal, if it has not ended.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Stopped> {
        let pid = self.0.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        let pid = pid.ok_or_else(|| Stopped::because("the instance has no process id"))?;
        kill(Pid::from_raw(pid), signal)
            .map_err(|error| Stopped::because(format!("the instance can’t be signalled: {error}")))
    }

    /// Has it stop, by force if it takes too long.
    pub(super) async fn stop(&mut self) {
        let _ = self.signal(Signal::SIGTERM);
        let Some(child) = self.0.take() else { return };
        let _ = tokio::task::spawn_blocking(move || see_off(child, STOP)).await;
    }
}

/// Waits for its end, and brings that about if it takes too long. Who is not waited for stays in the table of processes as long
/// as we do.
fn see_off(mut child: Child, within: Duration) {
    let deadline = Instant::now() + within;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.as_mut().and_then(|child| child.stdin.take()));
        if self.has_ended() {
            return;
        }
        let _ = self.signal(Signal::SIGTERM);
        let Some(child) = self.0.take() else { return };
        let seen_off = thread::Builder::new().name("instance-ends".to_owned());
        if let Err(error) = seen_off.spawn(move || see_off(child, STOP_IN_PEACE)) {
            tracing::error!(%error, "no thread to wait for an instance");
        }
    }
}

/// Waits until it says where it listens.
pub(super) fn start(mut command: Command) -> Result<(Process, SocketAddr), Stopped> {
    let failed = |why: &str| Stopped::because(format!("a private instance could not be started: {why}"));
    let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut line = String::new();
    if let Some(stdout) = stdout {
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    let address = line.split_once("http://").and_then(|(_, rest)| rest.split(['/', ' ']).next()?.parse().ok());
    if let Some(address) = address {
        return Ok((Process(Some(child)), address));
    }
    let _ = child.kill();
    let _ = child.wait();
    let mut told = String::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.read_to_string(&mut told);
    }
    Err(failed(told.lines().next_back().unwrap_or("it said nothing")))
}
