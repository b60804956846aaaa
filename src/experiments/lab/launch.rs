//! Starts this program once more, for one thing or another, and finds out where it listens.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, Command},
};

use super::Stopped;

/// Waits until it says where it listens.
pub(super) fn start(mut command: Command) -> Result<(Child, SocketAddr), Stopped> {
    let failed = |why: &str| Stopped::because(format!("a private instance could not be started: {why}"));
    let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut line = String::new();
    if let Some(stdout) = stdout {
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    let address = line.split_once("http://").and_then(|(_, rest)| rest.split(['/', ' ']).next()?.parse().ok());
    if let Some(address) = address {
        return Ok((child, address));
    }
    let _ = child.kill();
    let _ = child.wait();
    let mut told = String::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.read_to_string(&mut told);
    }
    Err(failed(told.lines().next_back().unwrap_or("it said nothing")))
}
