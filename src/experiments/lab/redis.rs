//! A Redis of a run's own: on a Unix socket in a folder of its own, which keeps nothing.
//!
//! A shell watches it: when the pipe that we hold closes, in whatever way this process ends, the server is killed and the folder
//! removed.

use std::{
    ffi::OsString,
    fs,
    os::unix::{fs::symlink, net::UnixStream, process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Run, Stopped};
use crate::{
    experiments::experiment::Need,
    secrets::{hex, random},
};

/// Debian's redis-tools have the program under the name that it has as a checker of files.
const PROGRAMS: [&str; 2] = ["redis-server", "redis-check-rdb"];
const WATCH: &str = "cd \"$1\" || exit; ./redis-server --port 0 --save '' --unixsocket \"$1/socket\" --logfile \"$1/log\" & \
    server=$!; cat >/dev/null; kill -9 $server; wait; rm -rf \"$1\"";
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// A running Redis; dropping it ends it.
#[derive(Debug)]
pub struct PrivateRedis {
    folder: PathBuf,
    watch: Child,
}

impl PrivateRedis {
    /// What to configure as `SESSION_STORE`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("socket").display())
    }
}

impl Run {
    /// Starts one.
    pub async fn redis(&mut self) -> Result<PrivateRedis, Stopped> {
        let surroundings = &self.lab().surroundings;
        let path = surroundings.variables.iter().find(|(name, _)| *name == "PATH").map(|(_, path)| path.clone());
        let program = find(path).ok_or_else(|| Stopped::lacking(Need::Redis, "there is no redis-server here"))?;
        let folder = surroundings.temporary.join(format!("two-doors-{}", hex(&random::<8>())));
        let failed = |error: std::io::Error| {
            Stopped::lacking(Need::Redis, format!("a private Redis could not be started: {error}"))
        };
        fs::create_dir(&folder).and_then(|()| symlink(program, folder.join("redis-server"))).map_err(failed)?;
        let watch = Command::new("/bin/sh")
            .args(["-c", WATCH, "sh"])
            .arg(&folder)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C ends us; what cleans up after us has to live on.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let redis = PrivateRedis { folder, watch };
        let began = Instant::now();
        while UnixStream::connect(redis.folder.join("socket")).is_err() {
            if began.elapsed() > STARTS_WITHIN {
                return Err(Stopped::lacking(Need::Redis, "a private Redis did not answer"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.moment("A private Redis starts");
        Ok(redis)
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

fn find(path: Option<OsString>) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&path?).collect();
    PROGRAMS.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file()))
}
