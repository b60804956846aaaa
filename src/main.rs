//! The command line: reads what is wanted and hands over at once.

use std::process::ExitCode;

use actix_web::rt::System;
use clap::{Parser, Subcommand};
use two_doors::{config::Config, server, shell, telemetry};

/// Rows are read on one thread and dropped on another, and what passwords are hashed in is large and short-lived: the
/// allocator of glibc takes a twentieth of the processor with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One web application with two ways in: cookie sessions and JSON Web Tokens, side by side.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the site and the API (the default). Settings come from the environment and .env: see .env.example.
    Serve(shell::serve::Arguments),
    /// Brings the database's schema up to date and exits.
    Migrate,
    /// Lists, rotates or retires the keys that sign access tokens.
    #[command(subcommand)]
    Keys(shell::keys::Command),
    /// Lists accounts, makes them, gives them roles and passwords, bans them.
    #[command(subcommand)]
    User(shell::user::Command),
    /// Puts the claims to the test.
    #[command(subcommand)]
    Experiment(shell::experiment::Command),
    /// Asks a running server whether it is ready; the exit code tells.
    Health {
        /// The address to ask.
        #[arg(default_value = "http://127.0.0.1:8080/readyz")]
        url: String,
    },
}

#[actix_web::main]
async fn main() -> ExitCode {
    match carry_out(Arguments::parse().command.unwrap_or(Command::Serve(shell::serve::Arguments::default()))).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("two-doors: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // These need no configuration of a server.
    match &command {
        Command::Health { url } => {
            return Ok(if server::is_healthy(url).await { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Experiment(shell::experiment::Command::List) => {
            shell::experiment::list();
            return Ok(ExitCode::SUCCESS);
        }
        Command::Experiment(shell::experiment::Command::Run(arguments)) => {
            return shell::experiment::run(arguments).await;
        }
        Command::Experiment(shell::experiment::Command::MemoryStore) => {
            return Ok(shell::experiment::keep_in_memory().await?);
        }
        _ => {}
    }
    let config = Config::from_env()?;
    telemetry::start(&config.telemetry.log, config.telemetry.json);
    match command {
        Command::Migrate => server::migrate_only(&config)?,
        Command::Keys(command) => shell::keys::run(&command, &config)?,
        Command::User(command) => shell::user::run(&command, &config)?,
        Command::Serve(arguments) => {
            shell::serve::run(&arguments, config).await?;
            // Returning would drop the runtime, which waits for all of its threads, also for one that a frozen database holds.
            // Of the system something has to be left: a worker that is the last to let go of it wakes it, and that panics in a
            // thread that is at its end.
            std::mem::forget(System::current());
            std::process::exit(0);
        }
        Command::Health { .. } | Command::Experiment(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}
