//! The data folder and what lies in it: who owns each folder, who may enter, who holds the lock.
//!
//! ```text
//! data/            0700, the app's user's (0711 as root: `postgres` passes through, and sees no more)
//!   lock           held by the one instance that runs on this folder
//!   secrets        0600, the app's user's: not this module's
//!   postgres/      0700, whoever runs the cluster
//!     cluster/     socket/     log
//! ```
//!
//! Promise: a folder that is somebody's already is refused, never adopted: no mode or owner of it changes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    },
    path::{Path, PathBuf},
};

use nix::{fcntl::OFlag, unistd::geteuid};

use super::{Error, Runner, lock::lock, postmaster::PORT};

/// All that we put into the data folder.
const OURS: [&str; 4] = ["lock", "secrets", "secrets.new", "postgres"];
/// The longest socket path that is used: systems take 104 to 108 bytes.
const LONGEST_SOCKET: usize = 100;

/// The folders, with the instance lock on them.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) data: PathBuf,
    pub(super) home: PathBuf,
    pub(super) cluster: PathBuf,
    pub(super) log: PathBuf,
    _lock: File,
}

impl Folders {
    /// Makes what is missing and takes the lock.
    pub(super) fn open(data: &Path, runner: &Runner) -> Result<Self, Error> {
        let mode = if runner.dropped { 0o711 } else { 0o700 };
        let data = std::path::absolute(data).map_err(Error::file("find", data))?;
        if data.exists() {
            refuse_what_is_not_ours(&data)?;
        }
        refuse_what_cannot_be_reached(&data, runner)?;
        make_with_parents(&data, mode)?;
        let data = data.canonicalize().map_err(Error::file("find", &data))?;
        let lock = lock(&data)?;

        let home = data.join("postgres");
        make(&home, 0o700, runner)?;
        Ok(Self { cluster: home.join("cluster"), log: home.join("log"), home, data, _lock: lock })
    }

    /// The folder of the socket: with the data, or elsewhere when that path is too long or has a comma.
    pub(super) fn socket(&self, runtime_dir: Option<&Path>, runner: &Runner) -> Result<PathBuf, Error> {
        let with_data = self.home.join("socket");
        let mut hasher = DefaultHasher::new();
        self.data.hash(&mut hasher);
        let name = format!("two-doors-{}-{:016x}", runner.uid, hasher.finish());
        // Root's runtime folder is closed to `postgres`.
        let runtime = runtime_dir.filter(|folder| !runner.dropped && folder.is_absolute());

        let folder = [Some(with_data), runtime.map(|folder| folder.join(&name)), Some(Path::new("/tmp").join(&name))]
            .into_iter()
            .flatten()
            .find(|folder| {
                let socket = folder.join(format!(".s.PGSQL.{PORT}"));
                let bytes = socket.as_os_str().as_bytes();
                // libpq would take a comma for the end of a first host's name.
                bytes.len() <= LONGEST_SOCKET && !bytes.contains(&b',')
            })
            .unwrap_or_else(|| Path::new("/tmp").join(&name));
        make(&folder, 0o700, runner)?;
        Ok(folder)
    }

    /// Removes a socket folder that lies outside of the data folder, once it is empty.
    pub(super) fn remove_socket(&self, socket: &Path) {
        if !socket.starts_with(&self.data) {
            // What is left is an empty folder of ours, which the next start takes again.
            let _ = fs::remove_dir(socket);
        }
    }
}

// Somebody's folder, say /tmp or a home, would lose its mode and get files of ours: only one that is
// empty, or that was ours before, is taken.
fn refuse_what_is_not_ours(data: &Path) -> Result<(), Error> {
    let not_ours = |why: &str| Err(Error::NotOurs { folder: data.to_path_buf(), why: why.to_owned() });
    let metadata = fs::metadata(data).map_err(Error::file("read", data))?;
    if !metadata.is_dir() {
        return not_ours("is no folder");
    }
    if metadata.uid() != geteuid().as_raw() {
        return not_ours(&format!("belongs to another user ({}, you are {})", metadata.uid(), geteuid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return not_ours("may be written to by others");
    }
    let entries = fs::read_dir(data).map_err(Error::file("read", data))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>().map_err(Error::file("read", data))?;
    let began_here = ["lock", "secrets"].iter().any(|name| data.join(name).is_file());
    // Whoever uses it may have put something of their own there since.
    let is_used = data.join("postgres").is_dir();
    let nothing_else = names.iter().all(|name| OURS.iter().any(|ours| *ours == *name));
    if names.is_empty() || (began_here && (is_used || nothing_else)) {
        return Ok(());
    }
    not_ours("holds something else")
}

// Looked at before anything is made, so that a refusal leaves nothing behind.
fn refuse_what_cannot_be_reached(data: &Path, runner: &Runner) -> Result<(), Error> {
    if !runner.dropped {
        return Ok(());
    }
    let Some(there) = data.ancestors().skip(1).find(|folder| folder.exists()) else {
        return Ok(());
    };
    let there = there.canonicalize().map_err(Error::file("find", there))?;
    for folder in there.ancestors() {
        let metadata = fs::metadata(folder).map_err(Error::file("read", folder))?;
        if !runner.may_enter(&metadata) {
            return Err(Error::Unreachable { folder: folder.to_path_buf(), data: data.to_path_buf() });
        }
    }
    Ok(())
}

fn make_with_parents(data: &Path, mode: u32) -> Result<(), Error> {
    let me = Runner { uid: geteuid(), gid: nix::unistd::getegid(), dropped: false };
    let missing: Vec<&Path> = data.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        make(folder, mode, &me)?;
    }
    // The data folder itself may be a link, and then is the place that it names.
    let data = data.canonicalize().unwrap_or_else(|_| data.to_path_buf());
    make(&data, mode, &me)
}

/// Makes a folder, or takes one that was made before, and gives it this mode and owner.
///
/// Its parent may belong to the database's user while we are root: everything goes through one open
/// handle that follows no link, so that a folder swapped in between cannot lend our rights to another.
fn make(path: &Path, mode: u32, owner: &Runner) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::file("make", path)(error));
        }
        _ => {}
    }
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
        .open(path)
        .map_err(Error::file("open the folder", path))?;
    let metadata = folder.metadata().map_err(Error::file("read", path))?;
    let (uid, gid) = (owner.uid.as_raw(), owner.gid.as_raw());
    if metadata.uid() != uid {
        if metadata.uid() != geteuid().as_raw() {
            return Err(Error::NotOurs {
                folder: path.to_path_buf(),
                why: format!("belongs to user {} instead of {uid}", metadata.uid()),
            });
        }
        fchown(&folder, Some(uid), Some(gid)).map_err(Error::file("give away", path))?;
    }
    if metadata.mode() & 0o7777 != mode {
        folder.set_permissions(fs::Permissions::from_mode(mode)).map_err(Error::file("set the mode of", path))?;
    }
    Ok(())
}
