//! A private instance: this very program once more, on a free port, with throwaway data, for what no visitor may do.
//!
//! It is a process of its own, so that it can be stopped, killed, restarted and configured like a real one. It is reached
//! over HTTP, through its database, and through the command line. It holds one end of a pipe whose other end is ours: when
//! we are gone, however, it stops and removes its data.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use diesel::PgConnection;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use url::Url;

use super::{
    Stopped,
    launch::{Process, start},
};
use crate::{
    config::Surroundings,
    db::{self, private_postgres::PrivatePostgres},
    experiments::client::Target,
    http::origin::Site,
    secrets::{Secrets, hex, random},
};

/// PostgreSQL kills whatever has not ended five seconds after it was told to.
const DATABASE_STOPS_WITHIN: Duration = Duration::from_secs(10);

/// A running instance; dropping it ends it, and its data with it.
#[derive(Debug)]
pub struct Instance {
    surroundings: Surroundings,
    process: Process,
    target: Target,
    secret: String,
    variables: Vec<(String, String)>,
    database_url: String,
    /// Its own data, if it does not share another's.
    data: Option<PathBuf>,
}

impl Instance {
    /// Starts one with a database of its own and these variables besides.
    pub async fn start(surroundings: &Surroundings, variables: &[(&str, &str)]) -> Result<Self, Stopped> {
        let data = surroundings.temporary.join(format!("two-doors-{}", hex(&random::<8>())));
        let own = [("TWO_DOORS_DATA".to_owned(), data.display().to_string())];
        let variables = own.into_iter().chain(owned(variables)).collect();
        let secret = Secrets::generate();
        let (started, target) = launch(surroundings.clone(), variables, secret).await?;
        let found = data.clone();
        let url = tokio::task::spawn_blocking(move || PrivatePostgres::beside(&found)).await.ok().flatten();
        let database_url = url.ok_or_else(|| Stopped::because("the private instance’s database did not answer"))?;
        let Launched { process, secret, variables } = started;
        let surroundings = surroundings.clone();
        Ok(Self { surroundings, process, target, secret, variables, database_url, data: Some(data) })
    }

    /// Starts another one on this one's database and with its secret, with these variables besides.
    pub async fn beside(&self, variables: &[(&str, &str)]) -> Result<Self, Stopped> {
        let own = [("DATABASE_URL".to_owned(), self.database_url.clone()), ("DEMO_MODE".to_owned(), "off".to_owned())];
        let variables = own.into_iter().chain(owned(variables)).collect();
        let (started, target) = launch(self.surroundings.clone(), variables, self.secret.clone()).await?;
        let Launched { process, secret, variables } = started;
        let (surroundings, database_url) = (self.surroundings.clone(), self.database_url.clone());
        Ok(Self { surroundings, process, target, secret, variables, database_url, data: None })
    }

    /// Ends it and starts it again on the same data. Only for one that shares another's: its own goes with it.
    pub async fn restart(&mut self) -> Result<(), Stopped> {
        self.process.stop().await;
        let (started, target) = launch(self.surroundings.clone(), self.variables.clone(), self.secret.clone()).await?;
        (self.process, self.target) = (started.process, target);
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.target.address()
    }

    /// What it derives its keys from.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The folder of its data, if it does not share another's: what is put there goes with it, however it ends.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// A connection to its database.
    pub fn connect(&self) -> Result<PgConnection, Stopped> {
        db::connect(&self.database_url)
            .map_err(|error| Stopped::because(format!("the private instance’s database can’t be reached: {error}")))
    }

    /// Runs `two-doors` with these arguments on its database, as its operator would; gives what it printed.
    pub async fn command(&self, arguments: &[&str]) -> Result<String, Stopped> {
        let mut command = bare(&self.surroundings, &self.variables, &self.secret)?;
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let what = format!("two-doors {}", arguments.join(" "));
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        match output {
            Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(Ok(output)) => {
                Err(Stopped::because(format!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
            }
            _ => Err(Stopped::because(format!("{what} could not be run"))),
        }
    }

    /// Stops its database, as a crash or an operator might, and waits until nothing of it answers any more. It does not come
    /// back.
    pub async fn stop_database(&self) -> Result<(), Stopped> {
        let no_database = || Stopped::because("the instance has no database of its own");
        let pid = self.postmaster().ok_or_else(no_database)?;
        kill(pid, Signal::SIGQUIT)
            .map_err(|error| Stopped::because(format!("the instance’s database can’t be stopped: {error}")))?;
        let deadline = Instant::now() + DATABASE_STOPS_WITHIN;
        // The file goes last, when all processes that serve a connection have ended.
        while self.postmaster().is_some() {
            if Instant::now() > deadline {
                return Err(Stopped::because("the instance’s database did not stop"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), Stopped> {
        self.process.signal(signal)
    }

    fn postmaster(&self) -> Option<Pid> {
        let file = self.data.as_ref()?.join("postgres/cluster/postmaster.pid");
        fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok().map(Pid::from_raw)
    }
}

impl Drop for Instance {
    /// The process stops by itself; only one that was killed leaves its database to us.
    fn drop(&mut self) {
        if !self.process.has_ended() {
            return;
        }
        let (postmaster, data) = (self.postmaster(), self.data.take());
        if let Some(pid) = postmaster {
            let _ = kill(pid, Signal::SIGQUIT);
        }
        if let Some(data) = data {
            let _ = fs::remove_dir_all(data);
        }
    }
}

struct Launched {
    process: Process,
    secret: String,
    variables: Vec<(String, String)>,
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The program with these variables and hardly any others: what this process was configured with is not the instance's.
fn bare(surroundings: &Surroundings, variables: &[(String, String)], secret: &str) -> Result<Command, Stopped> {
    let program = surroundings
        .program
        .as_ref()
        .ok_or_else(|| Stopped::because("the system does not say which program this is"))?;
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .env_clear()
        .envs(surroundings.variables.iter().map(|(name, value)| (name, value)))
        .env("BIND_ADDRESS", "127.0.0.1:0")
        .env("SECRETS", secret)
        .env("SERVER_TIMING", "full")
        .env("LOG", "error")
        .envs(variables.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

async fn launch(
    surroundings: Surroundings,
    variables: Vec<(String, String)>,
    secret: String,
) -> Result<(Launched, Target), Stopped> {
    let mut command = bare(&surroundings, &variables, &secret)?;
    command.args(["serve", "--throwaway"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = tokio::task::spawn_blocking(move || start(command)).await;
    let (process, address) = started.map_err(|_| Stopped::because("a private instance could not be started"))??;
    let url = Url::parse(&format!("http://{address}")).map_err(|_| Stopped::because("the instance has no address"))?;
    let secrets = Secrets::parse(&secret).ok_or_else(|| Stopped::because("the instance has no secret"))?;
    let target = Target::new(address, &Site::new(url, None, &[]), Some(&secrets));
    Ok((Launched { process, secret, variables }, target))
}
