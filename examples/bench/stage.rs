//! What a run needs around it: a private PostgreSQL with its rows, a Redis, and the programs that are measured.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use two_doors::{
    db::private_postgres::{PrivatePostgres, Settings},
    secrets::Secrets,
};

use crate::seed::{self, Credentials, ISSUER};

const SECRET: &str = "a secret that only this benchmark uses";

/// Everything; dropping it ends and removes all of it.
pub struct Stage {
    app: PathBuf,
    pub credentials: Credentials,
    pub redis: Option<Redis>,
    pub url: String,
    pub secrets: Secrets,
    postgres: PrivatePostgres,
    // Last: the servers still write into it.
    pub folder: tempfile::TempDir,
}

impl Stage {
    pub fn set(sessions: usize, app: Option<PathBuf>) -> anyhow::Result<Self> {
        let app = app.map_or_else(app_path, Ok)?;
        let folder = tempfile::Builder::new().prefix("two-doors-bench-").tempdir_in("/tmp")?;
        // Whoever runs the cluster, if we are root, has to get in.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let postgres = PrivatePostgres::start(&Settings {
            data: folder.path().join("postgres"),
            path: std::env::var_os("PATH"),
            runtime_dir: None,
            extra: Vec::new(),
        })?;
        let (url, secrets) = (postgres.url(), Secrets::parse(SECRET).context("long enough")?);
        seed::rows(&url, sessions)?;
        let credentials = seed::credentials(folder.path(), &url, &secrets, sessions)?;
        let redis = Redis::start(folder.path());
        if let Some(redis) = &redis {
            seed::redis(&redis.url, &url, sessions)?;
        }
        Ok(Self { app, credentials, redis, url, secrets, postgres, folder })
    }

    /// Another database of the same cluster, with so many sessions.
    pub fn database(&self, name: &str, sessions: usize) -> anyhow::Result<String> {
        PgConnection::establish(&self.url)?.batch_execute(&format!("CREATE DATABASE {name}"))?;
        let url = self.postgres.url_for(name);
        seed::rows(&url, sessions)?;
        Ok(url)
    }

    /// The server that is measured.
    pub fn program(&self) -> &Path {
        &self.app
    }

    /// The time that each process of PostgreSQL has spent on a processor.
    pub fn postgres_cpu(&self) -> anyhow::Result<HashMap<u32, Duration>> {
        let file = self.folder.path().join("postgres/postgres/cluster/postmaster.pid");
        let postmaster = fs::read_to_string(file)?.lines().next().context("a process id")?.to_owned();
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))?;
        let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        // A process that has just ended counts no more.
        Ok(pids.filter_map(|pid| Some((pid, cpu_of(pid).ok()?))).collect())
    }

    /// The cookies of those who ask among so many sessions.
    pub fn cookies(&self, sessions: usize) -> anyhow::Result<PathBuf> {
        seed::cookies(self.folder.path(), &format!("cookies-{sessions}"), &self.secrets, sessions)
    }

    /// The app in its default configuration but for what is given, `LOG=warn` and the throttles, which are lifted.
    pub fn app(&self, variables: &[(&str, &str)]) -> anyhow::Result<Program> {
        let mut all = vec![
            ("BIND_ADDRESS", "127.0.0.1:0"),
            ("DATABASE_URL", self.url.as_str()),
            ("SECRETS", SECRET),
            ("LOG", "warn"),
            ("TOKEN_ISSUER", ISSUER),
            ("TOKEN_AUDIENCE", ISSUER),
            ("THROTTLE_ACCOUNT_ADDRESS", "0"),
            ("THROTTLE_ACCOUNT", "0"),
            ("THROTTLE_ADDRESS", "0"),
        ];
        all.extend_from_slice(variables);
        let mut command = Command::new(&self.app);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(all);
        Program::start(&mut command, self.folder.path())
    }

    /// The floor, and the textbook's ways.
    pub fn floor(&self) -> anyhow::Result<Program> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--database", &self.url, "--secret", SECRET]);
        Program::start(&mut command, self.folder.path())
    }
}

/// The release build beside this program.
fn app_path() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("two-doors");
    let path = path.to_string_lossy().replace("/examples/", "/");
    Path::new(&path)
        .exists()
        .then(|| path.clone().into())
        .with_context(|| format!("{path} is missing: use script/bench"))
}

fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let mut fields = stat.rsplit(") ").next().context("/proc")?.split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok()).context("/proc");
    // A tick is a hundredth of a second on every Linux that Rust runs on.
    Ok(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// A server that runs until it is dropped.
pub struct Program {
    child: Child,
    pub address: String,
    /// How long it took until it listened.
    pub took: Duration,
}

impl Program {
    pub fn start(command: &mut Command, folder: &Path) -> anyhow::Result<Self> {
        let began = Instant::now();
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut line)?;
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split_whitespace().next());
        let Some(address) = address.map(|address| address.trim_end_matches('/').to_owned()) else {
            bail!("it did not start: {}", fs::read_to_string(folder.join("log"))?)
        };
        Ok(Self { child, address, took: began.elapsed() })
    }

    /// The time that it has spent on a processor.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Resident memory in KiB: now, and at its greatest.
    pub fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("/proc")
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

/// A Redis on a Unix socket, which writes nothing to the disk.
pub struct Redis {
    server: Child,
    pub url: String,
}

impl Redis {
    /// `None` where it is not installed.
    fn start(folder: &Path) -> Option<Self> {
        let socket = folder.join("redis");
        // Debian's redis-tools have the program under the second name.
        let server = ["redis-server", "redis-check-rdb"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.arg0("redis-server").args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket"]);
            command.arg(&socket).arg("--dir").arg(folder).stdout(Stdio::null()).spawn().ok()
        })?;
        let redis = Self { server, url: format!("redis+unix://{}", socket.display()) };
        let answers = || redis::Client::open(redis.url.as_str()).and_then(|client| client.get_connection()).is_ok();
        let began = Instant::now();
        while !answers() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }
}

impl Redis {
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(self.server.id())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
