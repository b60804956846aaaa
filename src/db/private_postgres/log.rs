//! The server's log: one file beside the cluster, for the day when something goes wrong.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::{OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
    process::Stdio,
};

use nix::fcntl::OFlag;

use super::{Error, Runner, error::one_line};

/// A log beyond this size is begun anew at the next start.
const LARGEST: u64 = 10 * 1024 * 1024;

/// The log, and where this start's part of it begins.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    begin: u64,
}

impl Log {
    pub(super) fn open(path: &Path, runner: &Runner) -> Result<Self, Error> {
        // Its folder belongs to the database's user: a link there must not make us write elsewhere.
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(Error::file("open", path))?;
        if runner.dropped {
            fchown(&file, Some(runner.uid.as_raw()), Some(runner.gid.as_raw()))
                .map_err(Error::file("give away", path))?;
        }
        let mut begin = file.metadata().map_err(Error::file("read", path))?.len();
        if begin > LARGEST {
            file.set_len(0).map_err(Error::file("empty", path))?;
            begin = 0;
        }
        Ok(Self { file, path: path.to_path_buf(), begin })
    }

    pub(super) fn stdio(&self) -> Result<Stdio, Error> {
        let file = self.file.try_clone().map_err(Error::file("open", &self.path))?;
        Ok(Stdio::from(file))
    }

    /// Whether something was said since this start: also before whatever the workers of a dead server still have to say.
    pub(super) fn says(&self, what: &str) -> bool {
        self.text().contains(what)
    }

    /// What this start last complained about, else its last line.
    pub(super) fn last_line(&self) -> String {
        let text = self.text();
        let complaint =
            ["PANIC:", "FATAL:", "ERROR:"].iter().find_map(|level| text.lines().rfind(|line| line.contains(level)));
        match complaint.or_else(|| text.lines().rfind(|line| !line.trim().is_empty())) {
            Some(line) => one_line(line),
            None => "it said nothing".to_owned(),
        }
    }

    /// Nothing where it can't be read.
    fn text(&self) -> String {
        let mut text = Vec::new();
        let mut file = &self.file;
        match file.seek(SeekFrom::Start(self.begin)).and_then(|_| file.take(LARGEST).read_to_end(&mut text)) {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use nix::unistd::{getegid, geteuid};

    use super::*;

    #[test]
    fn what_a_start_said_is_found_also_before_the_last_words_of_the_server_before_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        fs::write(&path, "FATAL: shared memory, of long ago\n").expect("written");
        let log = Log::open(&path, &Runner { uid: geteuid(), gid: getegid(), dropped: false }).expect("opened");
        assert_eq!((log.says("shared memory"), log.last_line().as_str()), (false, "it said nothing"));
        (&log.file).write_all(b"FATAL: shared memory is in use\nFATAL: my server is gone\n").expect("written");
        assert!(log.says("shared memory"));
        assert_eq!(log.last_line(), "FATAL: my server is gone");
    }
}
