//! The command line: reads what is wanted and hands over at once.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use two_doors::{
    config::Config,
    server::{self, Server},
    shell, telemetry,
};

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
    Serve,
    /// Brings the database's schema up to date and exits.
    Migrate,
    /// Lists, rotates or retires the keys that sign access tokens.
    #[command(subcommand)]
    Keys(shell::keys::Command),
    /// Lists accounts, makes them, gives them roles and passwords, bans them.
    #[command(subcommand)]
    User(shell::user::Command),
    /// Asks a running server whether it is ready; the exit code tells.
    Health {
        /// The address to ask.
        #[arg(default_value = "http://127.0.0.1:8080/readyz")]
        url: String,
    },
}

#[actix_web::main]
async fn main() -> ExitCode {
    match carry_out(Arguments::parse().command.unwrap_or(Command::Serve)).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("two-doors: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if let Command::Health { url } = &command {
        return Ok(if server::is_healthy(url).await { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let config = Config::from_env()?;
    telemetry::start(&config.telemetry.log, config.telemetry.json);
    match command {
        Command::Migrate => server::migrate_only(&config)?,
        Command::Keys(command) => shell::keys::run(&command, &config)?,
        Command::User(command) => shell::user::run(&command, &config)?,
        Command::Serve | Command::Health { .. } => {
            let server = Server::build(&config)?;
            println!("Two Doors is open at {}  (Ctrl-C closes it)", server.public_url());
            server.run().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
