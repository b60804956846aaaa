//! What a server process shows of itself: `postmaster.pid` in its cluster, and its command line.
//!
//! A pid says little, as systems use them again: a process counts as our server only if it was started
//! with our cluster's folder, which its command line shows. Where neither `/proc` nor `ps` shows command
//! lines, nothing is recognised, and PostgreSQL's own locks keep a second server off the data.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::Pid;

/// Whether this process is a server that was started on this cluster. A zombie is none.
pub(super) fn runs_on(pid: Pid, cluster: &Path) -> bool {
    let cluster = cluster.as_os_str().as_bytes();
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let arguments: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
        return arguments.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == cluster);
    }
    let listed = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let wanted = [b" -D ", cluster].concat();
    listed.is_ok_and(|ps| ps.stdout.windows(wanted.len()).any(|part| part == wanted))
}

/// What the server writes into its cluster about itself.
pub(super) struct PidFile {
    pub(super) pid: Pid,
    pub(super) data: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) ready: bool,
}

impl PidFile {
    pub(super) fn path(cluster: &Path) -> PathBuf {
        cluster.join("postmaster.pid")
    }

    // The server writes it line by line: what is not there yet is empty.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        let bytes = fs::read(Self::path(cluster)).ok()?;
        let mut lines = bytes.split(|&byte| byte == b'\n');
        let mut line = || lines.next().unwrap_or_default().trim_ascii().to_vec();
        let pid = String::from_utf8(line()).ok().and_then(|text| text.parse().ok());
        let data = PathBuf::from(OsString::from_vec(line()));
        let (_start, _port) = (line(), line());
        let socket = PathBuf::from(OsString::from_vec(line()));
        let (_listen, _memory) = (line(), line());
        Some(Self {
            // A file without a pid is as stale as one whose process has ended, and 0 is never a server.
            pid: Pid::from_raw(pid.filter(|pid| *pid > 0).unwrap_or(0)),
            data,
            socket,
            ready: line() == b"ready",
        })
    }
}
