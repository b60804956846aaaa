//! Where tests put what nobody will miss.

use std::path::Path;

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use tempfile::TempDir;

/// As much as a container gives by default would not do.
const PLENTY: u64 = 2 << 30;

/// A folder that goes with its owner: in memory where there is plenty of it, as a test's database is hundreds of files that
/// are made and removed again. Not in `TMPDIR`: that may be private to root, and its path too long for a socket.
pub fn throwaway(prefix: &str) -> TempDir {
    let memory = Path::new("/dev/shm");
    let is_plenty = statfs(memory).is_ok_and(|stat| {
        let free = stat.blocks_available() * u64::try_from(stat.block_size()).expect("a size");
        stat.filesystem_type() == TMPFS_MAGIC && free >= PLENTY
    });
    let parent = if is_plenty { memory } else { Path::new("/tmp") };
    tempfile::Builder::new().prefix(prefix).tempdir_in(parent).expect("a folder")
}
