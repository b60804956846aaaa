//! Measures the doors, for `script/bench`: against a bare handler and against the way of textbooks, in one run on one machine.
//!
//! What comes out stands in `docs/performance.md`, with what it means. Everything runs on loopback against throwaway data.

mod beyond;
mod floor;
mod seed;
mod stage;
mod table;
mod wrk;

use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use two_doors::secrets::Secrets;

/// Measures the doors against a bare handler.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How often each path has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long a turn takes.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Over how many connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32, 128])]
    connections: Vec<usize>,
    /// Only what has this in its name.
    #[arg(long)]
    only: Option<String>,
    /// How many sessions the tables hold.
    #[arg(long, default_value_t = 100_000)]
    sessions: usize,
    /// One round of a second each over 32 and 128 connections: a first look.
    #[arg(long)]
    quick: bool,
    /// Another build of the server than the one beside this program.
    #[arg(long)]
    app: Option<std::path::PathBuf>,
    /// Only the table, without what memory, starts and log-ins come to.
    #[arg(long)]
    table_only: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serves what the doors are compared with.
    #[command(hide = true)]
    Floor {
        #[arg(long)]
        database: String,
        #[arg(long)]
        secret: String,
    },
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.rounds, arguments.seconds, arguments.connections) = (1, 1, vec![32, 128]);
    }
    if let Some(Command::Floor { database, secret }) = &arguments.command {
        return floor::serve(database, &Secrets::parse(secret).context("32 bytes")?).await;
    }
    eprintln!("setting the stage: {} sessions, {} users, {} asking", arguments.sessions, seed::USERS, seed::ASKING);
    let stage = stage::Stage::set(arguments.sessions, arguments.app)?;
    let plan = table::Plan {
        rounds: arguments.rounds,
        time: Duration::from_secs(arguments.seconds),
        connections: arguments.connections,
        only: arguments.only,
    };
    table::run(&stage, &plan).await?;
    if arguments.table_only || plan.only.is_some() {
        return Ok(());
    }
    beyond::run(&stage, &plan)
}
