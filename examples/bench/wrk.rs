//! Load: wrk, with a script that asks with credentials at random.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail};

/// The script, which travels with the program.
const SCRIPT: &str = include_str!("request.lua");

/// What to ask for, and as whom.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub address: &'a str,
    pub path: &'a str,
    /// The header that carries the credential, or `POST`.
    pub carrier: &'a str,
    /// One credential, or one body, a line.
    pub file: &'a Path,
}

/// What one run of wrk saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub rate: f64,
    pub p99: Duration,
    /// Answers from 400 on.
    pub refused: u64,
    pub requests: u64,
}

/// Asks over so many connections, for so long.
pub fn run(target: Target<'_>, connections: usize, time: Duration) -> anyhow::Result<Seen> {
    read(&command(target, connections, time)?.output().context("wrk, which script/bootstrap --bench installs")?.stdout)
}

/// The same, beside something else: wait for it and [`read`] what it wrote.
pub fn command(target: Target<'_>, connections: usize, time: Duration) -> anyhow::Result<Command> {
    let script = target.file.with_file_name("request.lua");
    if !script.exists() {
        std::fs::write(&script, SCRIPT)?;
    }
    let mut command = Command::new("wrk");
    command
        .args(["--threads", &connections.min(2).to_string(), "--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs().max(1)), "--timeout", "10s", "--script"])
        .arg(script)
        .arg(format!("http://{}{}", target.address, target.path))
        .args(["--", target.carrier])
        .arg(target.file)
        .arg(fastrand().to_string());
    Ok(command)
}

/// Reads the line that the script writes.
pub fn read(output: &[u8]) -> anyhow::Result<Seen> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().find_map(|line| line.strip_prefix("bench ")).with_context(|| format!("wrk: {text}"))?;
    let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let &[requests, microseconds, _, p99, refused, broken] = numbers.as_slice() else { bail!("wrk: {line}") };
    if broken > 0 {
        bail!("{broken} requests got no answer");
    }
    Ok(Seen {
        rate: requests as f64 / Duration::from_micros(microseconds).as_secs_f64(),
        p99: Duration::from_micros(p99),
        refused,
        requests,
    })
}

fn fastrand() -> u32 {
    u32::from_be_bytes(two_doors::secrets::random())
}
