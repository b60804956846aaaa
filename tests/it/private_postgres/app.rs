//! The real binary with a cluster of its own: how both end, and what the next start finds.

use std::{
    fs::{self, DirBuilder},
    io::{BufRead as _, BufReader, pipe},
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, User, geteuid, getpgid},
};
use two_doors::db::private_postgres::PrivatePostgres;

use super::{ask, eventually, has_ended, mode, server, system_user};
use crate::support::postgres::{TestFolder, throwaway};

/// The binary, serving. Dropping it asks it to stop.
struct App(Child);

impl App {
    fn start(folder: &TestFolder) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_two-doors")), folder.path(), &folder.data())
    }

    fn of(mut command: Command, cwd: &Path, data: &Path) -> Self {
        let (output, input) = pipe().expect("a pipe");
        command
            .current_dir(cwd)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
            .env("TWO_DOORS_DATA", data)
            .env("BIND_ADDRESS", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(input.try_clone().expect("a pipe"))
            .stderr(input)
            .process_group(0);
        let app = Self(command.spawn().expect("the binary should start"));
        // The command holds the writing end, and with it the pipe would never end.
        drop(command);
        let mut lines = BufReader::new(output).lines();
        let mut said = Vec::new();
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("it ended before it listened: {said:#?}") };
            if line.contains("http://127.0.0.1:") {
                break;
            }
            said.push(line);
        }
        // Read on, or the app would stop at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        app
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("pids are small"))
    }

    fn kill_hard(mut self) {
        self.0.kill().expect("the app should be there");
        self.0.wait().expect("the app should end");
    }

    fn ends_well(&mut self) {
        let mut status = None;
        eventually("the app ends", || {
            status = self.0.try_wait().expect("a child of ours");
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "it ended with {status:?}");
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.0.wait();
        }
    }
}

fn log(data: &Path) -> String {
    fs::read_to_string(data.join("postgres/log")).unwrap()
}

#[test]
fn sigterm_stops_the_app_and_its_cluster() {
    let folder = TestFolder::new();
    let mut app = App::start(&folder);
    let server = server(&folder.data());

    kill(app.pid(), Signal::SIGTERM).unwrap();

    app.ends_well();
    assert!(has_ended(server), "the cluster should stop before the app has ended");
    assert!(log(&folder.data()).contains("database system is shut down"));
}

#[test]
fn a_terminal_that_closes_stops_the_app_and_its_cluster() {
    for signal in [Signal::SIGHUP, Signal::SIGQUIT] {
        let folder = TestFolder::new();
        let mut app = App::start(&folder);
        let server = server(&folder.data());

        killpg(app.pid(), signal).unwrap();

        app.ends_well();
        assert!(has_ended(server), "{signal}: the cluster should stop before the app has ended");
    }
}

#[test]
fn an_app_that_was_started_with_nohup_outlives_its_terminal() {
    let folder = TestFolder::new();
    let mut nohup = Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_two-doors"));
    let mut app = App::of(nohup, folder.path(), &folder.data());

    let status = fs::read_to_string(format!("/proc/{}/status", app.pid())).unwrap();
    let hang_up = |mask: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(mask)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & 1
    };
    assert_eq!((hang_up("SigIgn:"), hang_up("SigCgt:")), (1, 0), "it is ignored, and not listened for");

    killpg(app.pid(), Signal::SIGHUP).unwrap();
    kill(app.pid(), Signal::SIGTERM).unwrap();
    app.ends_well();
}

#[test]
fn ctrl_c_reaches_the_app_alone_which_then_stops_its_cluster() {
    let folder = TestFolder::new();
    let mut app = App::start(&folder);
    let server = server(&folder.data());
    // A terminal sends the signal to every process of the foreground group.
    assert_eq!(getpgid(Some(app.pid())).unwrap(), app.pid());
    assert_ne!(getpgid(Some(server)).unwrap(), app.pid());

    killpg(app.pid(), Signal::SIGINT).unwrap();

    app.ends_well();
    assert!(has_ended(server), "the cluster should stop before the app has ended");
    assert!(log(&folder.data()).contains("database system is shut down"));
}

#[test]
fn after_kill_9_of_the_app_the_running_cluster_is_adopted_and_then_stopped() {
    let folder = TestFolder::new();
    let app = App::start(&folder);
    let left_behind = server(&folder.data());
    app.kill_hard();
    assert!(!has_ended(left_behind), "a cluster outlives its killed app");

    let adopter = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert_eq!(server(&folder.data()), left_behind);
    assert_eq!(ask(&adopter.url(), "SELECT count(*) FROM users WHERE email LIKE 'nobody@%'"), "0");
    drop(adopter);
    assert!(has_ended(left_behind), "an adopted cluster stops like any other");
}

#[test]
fn after_kill_9_of_both_the_accounts_are_still_there() {
    let folder = TestFolder::new();
    let app = App::start(&folder);
    let postmaster = server(&folder.data());
    let data = folder.data().to_str().expect("text").to_owned();
    let add = ["add", "ada@example.org"];
    let added = crate::user_command::run(&add, &[("TWO_DOORS_DATA", &data)], "marble otter gravel trumpet\n");
    assert!(added.status.success(), "{added:?}");
    app.kill_hard();
    super::kill_hard(postmaster);

    let app = App::start(&folder);

    assert_ne!(server(&folder.data()), postmaster);
    drop(app);
    let postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();
    assert_eq!(ask(&postgres.url(), "SELECT count(*) FROM users WHERE email = 'ada@example.org'"), "1");
}

#[test]
fn the_database_s_user_cannot_read_the_secrets() {
    let folder = TestFolder::new();
    let data = folder.data();
    let secrets = data.join("secrets");

    let _app = App::start(&folder);

    assert_eq!(mode(&secrets), 0o600);
    assert_eq!(fs::metadata(&secrets).unwrap().uid(), geteuid().as_raw());
    // Whoever configures them instead puts them into an environment, and this user may read its own processes'.
    let environment = fs::read(format!("/proc/{}/environ", server(&data))).unwrap();
    assert!(
        !String::from_utf8_lossy(&environment).contains("TWO_DOORS_DATA"),
        "the app's environment is not for the cluster"
    );
    if geteuid().is_root() {
        let postgres = system_user("postgres");
        for (program, path) in [("cat", &secrets), ("ls", &data)] {
            let output = as_user(program, &postgres).arg(path).output().unwrap();
            assert!(!output.status.success(), "{program} {} should be refused", path.display());
        }
    }
}

#[test]
fn an_ordinary_user_gets_a_cluster_without_any_help_of_root() {
    let folder = TestFolder::new();
    let (command, home, uid) = if geteuid().is_root() {
        let nobody = system_user("nobody");
        // The build may lie below a folder that nobody else can enter.
        let program = folder.path().join("two-doors");
        fs::copy(env!("CARGO_BIN_EXE_two-doors"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        (as_user(program, &nobody), owned_folder(folder.path(), &nobody), nobody.uid.as_raw())
    } else {
        (Command::new(env!("CARGO_BIN_EXE_two-doors")), folder.path().to_path_buf(), geteuid().as_raw())
    };
    let data = home.join("data");

    let mut app = App::of(command, &home, &data);

    let server = server(&data);
    assert_eq!(fs::metadata(format!("/proc/{server}")).unwrap().uid(), uid);
    for closed in [&data, &data.join("postgres"), &data.join("postgres/socket")] {
        assert_eq!(mode(closed), 0o700);
        assert_eq!(fs::metadata(closed).unwrap().uid(), uid);
    }
    kill(app.pid(), Signal::SIGTERM).unwrap();
    app.ends_well();
    assert!(has_ended(server));
}

fn as_user(program: impl AsRef<std::ffi::OsStr>, user: &User) -> Command {
    let mut command = Command::new(program);
    command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    command
}

fn owned_folder(parent: &Path, user: &User) -> PathBuf {
    let path = parent.join("home");
    DirBuilder::new().mode(0o700).create(&path).unwrap();
    chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    path
}
