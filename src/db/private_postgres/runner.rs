//! Who runs the PostgreSQL programs: the app's own user, or `postgres` where the app is root, because
//! PostgreSQL refuses root. Every program of the cluster is started through [`Runner::command`].

use std::{
    fs::Metadata,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use super::Error;

/// The user that the cluster belongs to.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    /// Whether that is somebody else than the app's user, who then is root.
    pub(super) dropped: bool,
}

impl Runner {
    pub(super) fn find() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { uid: geteuid(), gid: getegid(), dropped: false });
        }
        match User::from_name("postgres") {
            Ok(Some(user)) if !user.uid.is_root() => Ok(Self { uid: user.uid, gid: user.gid, dropped: true }),
            _ => Err(Error::NoPostgresUser),
        }
    }

    /// A program as this user, in a folder that this user may enter, in a process group of its own: Ctrl-C
    /// at the terminal is for the app alone, which then stops the cluster in order.
    ///
    /// The environment is emptied: `PG…` variables must not bend the cluster, and `SECRETS` must not be
    /// readable in the `/proc` of a process that the database's user owns.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            // Spares initdb the comparison of /etc/localtime with every time zone there is.
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .process_group(0);
        if self.dropped {
            // Without groups of its own, std clears root's supplementary groups when it drops the user.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Whether this user may pass through a folder, by its mode (access control lists are not looked at).
    pub(super) fn may_enter(&self, folder: &Metadata) -> bool {
        let bit = if folder.uid() == self.uid.as_raw() {
            0o100
        } else if folder.gid() == self.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        folder.mode() & bit != 0
    }
}
