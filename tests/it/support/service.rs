//! The example `resource_server`, built and started as anybody would: it has nothing in common with the server but HTTP.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use super::{Answer, Client, http};

/// A running service. Dropping it kills it.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
}

impl Service {
    /// A service that is called as its audience is, and fetches the keys from this server.
    pub fn start(name: &str, keys_at: SocketAddr, issuer: &str, more: &[&str]) -> Self {
        let jwks = format!("http://{keys_at}/.well-known/jwks.json");
        let mut child = Command::new(&*PROGRAM)
            .args(["--name", name, "--audience", name, "--issuer", issuer, "--jwks", &jwks])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim_end().rsplit("http://").next().and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("the service says {line:?}")) }
    }

    /// What it answers to a client's access token.
    pub async fn ask(&self, client: &Client) -> Answer {
        self.ask_with(&client.access_token).await
    }

    pub async fn ask_with(&self, token: &str) -> Answer {
        http::send(self.address, "GET", "/", &[("authorization", &format!("Bearer {token}"))], "").await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `cargo test --test it` builds no examples, and a stale one would prove nothing: cargo builds it if need be, and says where.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--message-format=json", "--example", "resource_server"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().expect("cargo runs");
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let built = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = built
        .filter(|message| message["target"]["name"] == "resource_server")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.unwrap_or_else(|| panic!("the example was not built: {messages}"))
});
