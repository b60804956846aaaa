//! A weak service in a process of its own: its sessions are in that process’ memory.
//!
//! Like an instance it holds one end of a pipe whose other end is ours, and ends when we are gone.

use std::process::{Child, Command, Stdio};

use url::Url;

use super::{Run, Stopped, launch::start};
use crate::{experiments::client::Target, http::origin::Site};

/// The service; dropping it kills it.
#[derive(Debug)]
pub struct MemoryStore {
    child: Child,
    target: Target,
}

impl MemoryStore {
    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
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
        let (child, address) = started.map_err(|_| Stopped::because("the store in memory could not be started"))??;
        let url = Url::parse(&format!("http://{address}"));
        let url = url.map_err(|_| Stopped::because("the store in memory has no address"))?;
        Ok(MemoryStore { child, target: Target::new(address, &Site::new(url, None, &[]), None) })
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
