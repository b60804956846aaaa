//! `two-doors serve`: serves until a signal comes.
//!
//! `--throwaway` is for a program that starts an instance for itself, as our experiments do: it ends when its standard input
//! closes, so also when that program is killed, and removes its private data.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::getpid,
};

use crate::{
    config::{Config, Database},
    server::{self, Server},
};

/// How to serve.
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {
    /// Makes the folder of the private database, which must not be there yet; ends when the standard input closes, and then
    /// removes it.
    #[arg(long)]
    throwaway: bool,
}

/// Serves.
pub async fn run(arguments: &Arguments, mut config: Config) -> Result<(), server::Error> {
    config.throwaway = arguments.throwaway;
    let data = match &config.database {
        Database::Private(private) if config.throwaway => Some(&private.data),
        _ => None,
    };
    if let Some(data) = data {
        // What was there before is somebody's, and never thrown away.
        let made = DirBuilder::new().mode(0o700).create(data);
        made.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", data.display())))?;
    }
    if config.throwaway {
        end_with_the_input();
    }
    let served = serve(&config).await;
    if let Some(data) = data {
        // Whoever started this throws away what can't be removed here.
        let _ = fs::remove_dir_all(data);
    }
    served
}

async fn serve(config: &Config) -> Result<(), server::Error> {
    let server = Server::build(config)?;
    // Nobody may be reading any more, which is no reason to leave a private database behind.
    let _ = writeln!(io::stdout(), "Two Doors is open at {}  (Ctrl-C closes it)", server.public_url());
    server.run().await
}

/// Ends this process when its standard input closes.
pub(super) fn end_with_the_input() {
    thread::spawn(|| {
        let mut rest = [0; 64];
        while io::stdin().read(&mut rest).is_ok_and(|count| count > 0) {}
        let _ = kill(getpid(), Signal::SIGTERM);
    });
}
