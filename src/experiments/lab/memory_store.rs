//! A weak service in a process of its own: its sessions are in that process’ memory.
//!
//! Like an instance it holds one end of a pipe whose other end is ours, and ends when we are gone.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use url::Url;

use super::{
    Run, Stopped,
    launch::{Process, start},
};
use crate::{experiments::client::Target, http::origin::Site};

/// The service; dropping it ends it.
#[derive(Debug)]
pub struct MemoryStore {
    process: Process,
    target: Target,
}

impl MemoryStore {
    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Kills it, which it hears nothing of.
    pub fn kill(self) -> Result<(), Stopped> {
        self.process.signal(Signal::SIGKILL)
    }
}

impl Run {
    /// Starts one.
    pub async fn memory_store(&mut self) -> Result<MemoryStore, Stopped> {
        let program = self.lab().surroundings.program.clone();
        let program = program.ok_or_else(|| Stopped::because("the system does not say which program this is"))?;
        let mut command = Command::new(program);
        command.args(["experiment", "memory-store"]).current_dir("/").env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = tokio::task::spawn_blocking(move || start(command)).await;
        let (process, address) =
            started.map_err(|_| Stopped::because("the store in memory could not be started"))??;
        let url = Url::parse(&format!("http://{address}"));
        let url = url.map_err(|_| Stopped::because("the store in memory has no address"))?;
        Ok(MemoryStore { process, target: Target::new(address, &Site::new(url, None, &[]), None) })
    }
}
