//! The embedded Postgres: what it keeps, who may reach it, and what it does after every kind of end.
//!
//! `cluster` starts clusters inside this process, `app` the real binary, which alone can be killed. Every test
//! has a data folder of its own.

mod app;
mod cluster;
mod refusals;

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _, dsl::sql, sql_types::Text};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};

/// Looks again and again until it is so; a minute is for machines that are busy.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn ask(url: &str, expression: &str) -> String {
    let mut conn = PgConnection::establish(url).expect("the cluster should answer");
    diesel::select(sql::<Text>(&format!("({expression})::text"))).get_result(&mut conn).expect("an answer")
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postgres/cluster/postmaster.pid")
}

/// The pid of the cluster's server, by what it wrote itself.
fn server(data: &Path) -> Pid {
    let text = fs::read_to_string(pid_file(data)).expect("a cluster that runs has written its pid");
    let line = text.lines().next().expect("a first line");
    Pid::from_raw(line.parse().expect("a pid"))
}

/// A zombie has ended: who reaps it is not the test's business.
fn has_ended(pid: Pid) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().is_empty()
}

fn kill_hard(pid: Pid) {
    kill(pid, Signal::SIGKILL).expect("the process should be there");
    eventually("the killed process is gone", || has_ended(pid));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it should be there").mode() & 0o7777
}

/// Who runs the cluster if this process starts it; none of root's business is done as root.
fn cluster_user() -> u32 {
    if geteuid().is_root() { system_user("postgres").uid.as_raw() } else { geteuid().as_raw() }
}

fn system_user(name: &str) -> User {
    User::from_name(name).expect("the list of users").expect("the user should exist")
}

/// A process that has nothing to do with any database, but the cluster's user.
fn bystander() -> Bystander {
    let mut command = Command::new("sleep");
    if geteuid().is_root() {
        let user = system_user("postgres");
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    Bystander(command.arg("600").stdout(Stdio::null()).spawn().expect("sleep"))
}

struct Bystander(Child);

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
