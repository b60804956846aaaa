//! The instance lock: at most one Two Doors on a data folder. The system lets go of it when the process
//! that holds it ends, however it ends, so that no stale one can stay behind.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process,
};

use nix::fcntl::OFlag;

use super::Error;

/// Takes the lock of this data folder for as long as the file stays open, and leaves our pid in it.
pub(super) fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(&path)
        .map_err(Error::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // The pid only makes the message kinder.
            let _ = file.read_to_string(&mut pid);
            return Err(Error::Taken {
                data: data.to_path_buf(),
                pid: match pid.trim() {
                    "" => "it has just begun".to_owned(),
                    pid => format!("pid {pid}"),
                },
            });
        }
        Err(TryLockError::Error(cause)) => return Err(Error::file("lock", &path)(cause)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", process::id()))
        .map_err(Error::file("write", &path))?;
    Ok(file)
}
