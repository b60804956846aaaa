//! `two-doors keys`: the keys that sign access tokens.

use std::time::Duration;

use clap::Subcommand;
use time::{OffsetDateTime, UtcOffset, macros::format_description};

use super::Desk;
use crate::{
    config::{self, Config},
    server,
    token::keys::{self, State},
};

/// What can be done to the keys that sign access tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows every key: active (signs), published (verifies) or retired.
    List,
    /// Makes a new key, which is published at once and signs a little later. The one before goes on verifying.
    Rotate {
        /// When it begins to sign: other services that keep the public keys longer must look again at its first token.
        #[arg(long = "in", value_name = "TIME", default_value = "4s", value_parser = time_until)]
        after: Duration,
    },
    /// Retires a key: every token that it signed is refused from then on, by all instances within five seconds.
    Retire {
        /// Which, as `list` names it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// Carries it out, and says what was done.
pub fn run(command: &Command, config: &Config) -> Result<(), server::Error> {
    let files = &config.token.key_files;
    match command {
        Command::List if !files.is_empty() => {
            for (index, (kid, algorithm)) in keys::list_files(files)?.into_iter().enumerate() {
                let state = if index == 0 { "active" } else { "published" };
                println!("{kid:43}  {:9}  {state}, in {}", format!("{algorithm:?}"), files[index].display());
            }
            Ok(())
        }
        _ if !files.is_empty() => Err(keys::Error::InFiles.into()),
        Command::List => list(config),
        Command::Rotate { after } => rotate(config, *after),
        Command::Retire { kid } => retire(config, kid),
    }
}

fn list(config: &Config) -> Result<(), server::Error> {
    let mut desk = Desk::open(config)?;
    println!("{:43}  {:9}  {:23}  STATE", "KID", "ALGORITHM", "MADE");
    for (key, state) in keys::list(&mut desk.conn, config.token.algorithm)? {
        let state = match (state, key.retired_at) {
            (State::Active, _) => format!("active since {}", instant(key.signs_from)),
            (State::Coming, _) => format!("published, signs from {} on", instant(key.signs_from)),
            (State::Published, _) => "published".to_owned(),
            (State::Retired, at) => format!("retired {}", instant(at.unwrap_or(key.created_at))),
        };
        println!("{:43}  {:9}  {}  {state}", key.kid, key.algorithm, instant(key.created_at));
    }
    Ok(())
}

fn rotate(config: &Config, after: Duration) -> Result<(), server::Error> {
    let mut desk = Desk::open(config)?;
    let key = keys::rotate(&mut desk.conn, &desk.secrets, config.token.algorithm, after)?;
    println!("{} is published, and signs from {} on.", key.kid, instant(key.signs_from));
    Ok(())
}

fn retire(config: &Config, kid: &str) -> Result<(), server::Error> {
    let mut desk = Desk::open(config)?;
    if keys::retire(&mut desk.conn, config.token.algorithm, kid)? {
        println!("{kid} is retired: tokens that it signed are refused within five seconds.");
    } else {
        println!("{kid} was retired before.");
    }
    Ok(())
}

fn time_until(text: &str) -> Result<Duration, String> {
    config::duration(text)
        .filter(|time| *time <= Duration::from_hours(365 * 24))
        .ok_or_else(|| "accepted is a time such as 0s, 15m, 1h or 7d, at most 365d".to_owned())
}

fn instant(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    at.to_offset(UtcOffset::UTC).format(form).unwrap_or_else(|_| at.to_string())
}
