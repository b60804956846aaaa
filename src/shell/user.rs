//! `two-doors user`: makes the first admin, and is the way back from a forgotten password, as no mail is sent.
//!
//! A password comes from the terminal, unseen, or as a line of the standard input; never from an argument, which every process
//! on the machine can read and the shell writes down. What is done here stands in the audit trail like anything else.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::{Subcommand, ValueEnum};
use diesel::{Connection as _, PgConnection};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description};

use super::Desk;
use crate::{
    accounts::{
        self, Role, User, directory,
        ending::EndReason,
        events::{self, Door, Event, Kind},
        fields::{DisplayName, Email, PASSWORD_MAX, Password, Refused},
        password,
        standing::{self, Author, Ban, Change, Refusal},
    },
    config::{Config, SessionStore},
    db,
    everywhere::{self, Ended},
    server,
};

/// What can be done about accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the accounts, newest first.
    List {
        /// Only those whose name or address contains this.
        #[arg(default_value = "")]
        search: String,
    },
    /// Makes an account; the password is asked for, or read as a line of the standard input.
    Add {
        /// The e-mail address.
        email: String,
        /// The name to show; without it, what stands before the @.
        #[arg(long)]
        name: Option<String>,
        /// What the account may do.
        #[arg(long, value_enum, default_value_t = RoleName::User)]
        role: RoleName,
    },
    /// Gives an account another role. A demotion ends its token logins.
    Role {
        /// The e-mail address.
        email: String,
        /// What the account may do.
        role: RoleName,
    },
    /// Gives an account a new password, asked for as with `add`, and ends every login of it.
    Password {
        /// The e-mail address.
        email: String,
    },
    /// Bans an account and ends every login of it.
    Ban {
        /// The e-mail address.
        email: String,
        /// Why; the person will read it.
        #[arg(long)]
        reason: String,
        /// When the ban ends by itself, such as 2030-01-31T12:00:00Z; without it, never.
        #[arg(long, value_parser = instant)]
        until: Option<OffsetDateTime>,
    },
    /// Takes a ban back. What ended by it stays ended.
    Unban {
        /// The e-mail address.
        email: String,
    },
}

/// A role, as one types it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Everybody's.
    User,
    /// May administer others.
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Why a command was not carried out, in one line; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be opened.
    #[error(transparent)]
    Server(#[from] server::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// It must not be.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// Something typed can't be used.
    #[error("{0}")]
    Typed(String),
    /// No account has this address.
    #[error("nobody has the e-mail address {0}")]
    Nobody(String),
    /// Somebody has this address already.
    #[error("somebody has the e-mail address {0} already")]
    Taken(String),
    /// The password can't be read.
    #[error("the password can't be read: {0}")]
    Input(#[from] io::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Typed(refused.advice)
    }
}

/// Carries it out, and says what was done.
pub fn run(command: &Command, config: &Config) -> Result<(), Error> {
    let author = &Author::Operator;
    match command {
        Command::List { search } => list(&mut Desk::open(config)?.conn, search),
        Command::Add { email, name, role } => add(config, email, name.as_deref(), (*role).into()),
        Command::Password { email } => set_password(config, email),
        Command::Role { email, role } => {
            let role = (*role).into();
            let change = on(config, email, |conn, user| Ok(everywhere::change_role(conn, user.id, role, author)?))?;
            println!("{email} {} {}.", if change == Change::None { "was already" } else { "is now" }, role.as_str());
            Ok(())
        }
        Command::Ban { email, reason, until } => {
            let ban = Ban::parse(reason, *until)?;
            let ended = on(config, email, |conn, user| Ok(everywhere::ban(conn, user.id, &ban, author)?))?;
            println!("{email} is banned {}; {}.", ban.span(), in_words(config, ended));
            Ok(())
        }
        Command::Unban { email } => {
            let was_banned = on(config, email, |conn, user| Ok(standing::unban(conn, user.id, author)?))?;
            println!("{email} {}.", if was_banned { "is not banned any more" } else { "was not banned" });
            Ok(())
        }
    }
}

/// Does something about the account with this address, in one transaction.
fn on<T>(
    config: &Config,
    email: &str,
    work: impl FnOnce(&mut PgConnection, User) -> Result<T, Error>,
) -> Result<T, Error> {
    let parsed = Email::parse(email)?;
    let mut desk = Desk::open(config)?;
    desk.conn.transaction(|conn| {
        let (user, _) = accounts::find_by_email(conn, &parsed)?.ok_or_else(|| Error::Nobody(email.to_owned()))?;
        work(conn, user)
    })
}

fn list(conn: &mut PgConnection, search: &str) -> Result<(), Error> {
    println!("{:32}  {:5}  {:10}  {:24}  STATE", "E-MAIL", "ROLE", "MADE", "NAME");
    let day = format_description!("[year]-[month]-[day]");
    let mut after = None;
    loop {
        let page = directory::users(conn, None, search, after.as_deref(), directory::MOST)?;
        for user in &page.users {
            let made = user.created_at.to_offset(UtcOffset::UTC).format(day).unwrap_or_default();
            let state = match user.ban(page.now) {
                Some(ban) => format!("banned {}: {}", ban.span(), ban.reason),
                None if user.demo => "demo".to_owned(),
                None => String::new(),
            };
            let line =
                format!("{:32}  {:5}  {made}  {:24}  {state}", user.email, user.role().as_str(), user.display_name);
            println!("{}", line.trim_end());
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn add(config: &Config, email: &str, name: Option<&str>, role: Role) -> Result<(), Error> {
    let parsed = Email::parse(email)?;
    let name = DisplayName::parse(name.unwrap_or_else(|| email.split('@').next().unwrap_or_default()))?;
    let hash = new_password(config, &[parsed.as_typed(), name.as_str()])?;
    Desk::open(config)?.conn.transaction(|conn| {
        let user = accounts::insert(conn, &parsed, &name, &hash)?.ok_or_else(|| Error::Taken(email.to_owned()))?;
        events::record_own(conn, &Event::new(Door::None, Kind::SignedUp).user(user.id))?;
        everywhere::change_role(conn, user.id, role, &Author::Operator)?;
        Ok::<_, Error>(())
    })?;
    println!("{email} has an account; its role is {}.", role.as_str());
    Ok(())
}

fn set_password(config: &Config, email: &str) -> Result<(), Error> {
    let hash = new_password(config, &[email])?;
    let ended = on(config, email, |conn, user| {
        if user.demo {
            return Err(Refusal::Demo.into());
        }
        let user = accounts::set_password(conn, &user, &hash)?
            .ok_or_else(|| Error::Typed("the account changed meanwhile: try again".to_owned()))?;
        events::record_own(conn, &Event::new(Door::None, Kind::PasswordChanged).user(user.id))?;
        Ok(everywhere::end_all(conn, user.id, EndReason::PasswordChanged)?)
    })?;
    println!("{email} has a new password; {}.", in_words(config, ended));
    Ok(())
}

/// What ended. Redis hears of it from the servers, by the outbox, and this program never asks it.
fn in_words(config: &Config, Ended { sessions, families }: Ended) -> String {
    let sessions = match config.session_store {
        SessionStore::Postgres => format!("sessions ended: {sessions}"),
        SessionStore::Redis(_) => "every session ends within a second".to_owned(),
    };
    format!("{sessions}, token logins ended: {families}")
}

/// Asks for a password that is to be set, and hashes it.
fn new_password(config: &Config, about: &[&str]) -> Result<String, Error> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("The same again: ")? != password {
            return Err(Error::Typed("these were two different passwords".to_owned()));
        }
        password
    } else {
        line(io::stdin().lock())?
    };
    let password = Password::typed(&password);
    password.check_new("password", config.accounts.password_min, about)?;
    password::hash(&password).ok_or_else(|| Error::Typed("there is not enough memory to hash a password".to_owned()))
}

/// One line, whole, without its end.
fn line(input: impl io::Read) -> Result<String, Error> {
    let mut line = Vec::new();
    // A letter has at most four bytes; one more shows that a line is too long.
    let most = u64::try_from(PASSWORD_MAX * 4 + 2).unwrap_or(u64::MAX);
    io::BufReader::new(input.take(most)).read_until(b'\n', &mut line)?;
    let line = String::from_utf8(line).map_err(|_| Error::Typed("the password is not UTF-8".to_owned()))?;
    Ok(line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
}

fn instant(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "write it as in 2030-01-31T12:00:00Z".to_owned())
}
