//! The running server process: started, adopted after a kill -9 of the app, stopped.
//!
//! Promise: [`Postmaster::launch`] returns once connections are taken, [`Postmaster::stop`] once the process is
//! gone. Limit: nobody watches it in between.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection as _, PgConnection};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    Error, Programs, Runner, Settings,
    folders::Folders,
    log::Log,
    pid_file::{PidFile, runs_on},
    url,
};

/// Only names the socket, as nothing listens on TCP.
pub(super) const PORT: u16 = 5432;

/// Long enough for the recovery after a crash.
const START: Duration = Duration::from_mins(2);
const STOP: Duration = Duration::from_mins(1);
/// For a start that is under way.
const BESIDE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(10);

/// A server that runs on our cluster.
#[derive(Debug)]
pub(super) struct Postmaster {
    pid: Pid,
    /// None if it was adopted.
    child: Option<Child>,
    socket: PathBuf,
}

impl Postmaster {
    /// Starts the server and waits until it takes connections.
    pub(super) fn launch(
        folders: &Folders,
        socket: &Path,
        programs: &Programs,
        runner: &Runner,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + START;
        clear_socket(socket)?;
        loop {
            let log = Log::open(&folders.log, runner)?;
            let child = spawn(folders, socket, programs, runner, settings, &log)?;
            let mut postmaster = Self { pid: pid_of(&child), child: Some(child), socket: socket.to_path_buf() };
            while Instant::now() < deadline && !postmaster.gone(folders) {
                let file = PidFile::read(&folders.cluster);
                if file.is_some_and(|file| file.pid == postmaster.pid && file.ready) {
                    return Ok(postmaster);
                }
                thread::sleep(GLANCE);
            }
            let last_line = log.last_line();
            postmaster.stop(folders);
            // A server that was killed leaves its workers behind until they look up from their queries.
            let workers_left = log.says("shared memory block");
            if !workers_left || Instant::now() >= deadline {
                return Err(Error::Start { log: folders.log.clone(), last_line });
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The server that an earlier run left behind, if it still runs and answers. Otherwise nothing runs on
    /// the cluster after this call, and no stale lock is in the way.
    pub(super) fn adopt(folders: &Folders) -> Result<Option<Self>, Error> {
        let deadline = Instant::now() + STOP;
        while let Some(file) = PidFile::read(&folders.cluster) {
            if !runs_on(file.pid, &folders.cluster) {
                let path = PidFile::path(&folders.cluster);
                fs::remove_file(&path).map_err(Error::file("remove the stale lock", path))?;
                return Ok(None);
            }
            // It may be starting or stopping: the one ends with an answer, the other with no process.
            if file.ready && file.data == folders.cluster && answers(&file.socket) {
                return Ok(Some(Self { pid: file.pid, child: None, socket: file.socket }));
            }
            if Instant::now() >= deadline {
                return Err(Error::Silent {
                    cluster: folders.cluster.clone(),
                    pid: file.pid.as_raw(),
                    log: folders.log.clone(),
                });
            }
            thread::sleep(GLANCE);
        }
        Ok(None)
    }

    /// The socket of the server that somebody else runs on this cluster, as soon as it answers.
    pub(super) fn of_another(cluster: &Path) -> Option<PathBuf> {
        let deadline = Instant::now() + BESIDE;
        loop {
            let file = PidFile::read(cluster).filter(|file| file.ready && runs_on(file.pid, cluster));
            if let Some(file) = file.filter(|file| answers(&file.socket)) {
                return Some(file.socket);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(GLANCE);
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends the server: orderly, and if that takes too long at once, which costs a recovery at the next start.
    pub(super) fn stop(mut self, folders: &Folders) {
        for (signal, patience) in [(Signal::SIGINT, STOP), (Signal::SIGQUIT, STOP / 6)] {
            let deadline = Instant::now() + patience;
            // Asked before the signal too: a pid that is free again must not be hit.
            if self.gone(folders) {
                return;
            }
            // An error means that it has just gone.
            let _ = kill(self.pid, signal);
            while Instant::now() < deadline {
                if self.gone(folders) {
                    return;
                }
                thread::sleep(GLANCE);
            }
            tracing::warn!(pid = self.pid.as_raw(), %signal, "the private PostgreSQL does not stop");
        }
    }

    fn gone(&mut self, folders: &Folders) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => !runs_on(self.pid, &folders.cluster),
        }
    }
}

fn spawn(
    folders: &Folders,
    socket: &Path,
    programs: &Programs,
    runner: &Runner,
    settings: &Settings,
    log: &Log,
) -> Result<Child, Error> {
    let mut sockets = OsString::from("unix_socket_directories=");
    sockets.push(quoted(socket));
    let program = programs.postgres();
    runner
        .command(&program, &folders.home)
        .arg("-D")
        .arg(&folders.cluster)
        .arg("-c")
        .arg(sockets)
        .args(["-c", &format!("port={PORT}")])
        .args(["-c", "listen_addresses="])
        .args(["-c", "unix_socket_permissions=0700"])
        .args(["-c", "logging_collector=off"])
        .args(["-c", "log_destination=stderr"])
        .args(settings.extra.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]))
        .stdout(log.stdio()?)
        .stderr(log.stdio()?)
        .spawn()
        .map_err(|cause| Error::Run { program, cause })
}

// The socket has a lock file of its own, which a process that got the old pid would keep alive.
fn clear_socket(folder: &Path) -> Result<(), Error> {
    for suffix in ["", ".lock"] {
        let path = folder.join(format!(".s.PGSQL.{PORT}{suffix}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove the stale", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

// The setting is a list: commas and spaces in a path would split it.
fn quoted(socket: &Path) -> OsString {
    let mut bytes = vec![b'"'];
    for &byte in socket.as_os_str().as_bytes() {
        if byte == b'"' {
            bytes.push(byte);
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
    OsString::from_vec(bytes)
}

fn pid_of(child: &Child) -> Pid {
    // Pids fit: the C type behind both is the same i32.
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

fn answers(socket: &Path) -> bool {
    let url = format!("{}&connect_timeout=5", url(socket, "postgres"));
    PgConnection::establish(&url).is_ok()
}
