//! Rows: 10,000 users, each with a login at the token door, and as many sessions as are wanted; of them 1,000 ask.
//!
//! Keys are made up by counting, so that SQL can make the rows, and are as long as real ones.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use actix_web::cookie::{Cookie, CookieJar, Key};
use anyhow::ensure;
use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _, prelude::*};
use jsonwebtoken::Algorithm;
use time::OffsetDateTime;
use two_doors::{
    accounts::{User, fields::Password, password},
    config::{self, Config},
    db::{self, Pool, schema::users},
    secrets::{Purpose, Secrets, hex, sha256},
    token::{
        Tokens,
        keys::{self, Keyring},
        log_in::Grounds,
    },
};
use uuid::Uuid;

pub const USERS: usize = 10_000;
pub const ASKING: usize = 1_000;
pub const PASSWORD: &str = "the password of everybody here";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
pub const ISSUER: &str = "https://doors.example.org";

/// Files with one credential a line.
pub struct Credentials {
    pub cookies: PathBuf,
    pub es256: PathBuf,
    pub hs256: PathBuf,
    pub log_ins: PathBuf,
}

/// The keys of those who ask lie spread over the table.
fn asking(sessions: usize) -> impl Iterator<Item = usize> {
    let step = (sessions / ASKING).max(1);
    (0..ASKING.min(sessions)).map(move |number| number * step + number % step)
}

fn key(number: usize) -> String {
    format!("benchmark-session-{number:025}")
}

/// Makes the tables and their rows.
pub fn rows(url: &str, sessions: usize) -> anyhow::Result<()> {
    db::migrate(url)?;
    let hash = password::hash(&Password::typed(PASSWORD)).unwrap_or_default();
    let mut conn = PgConnection::establish(url)?;
    conn.batch_execute(&format!(
        "INSERT INTO users (id, email, email_folded, display_name, password_hash)
           SELECT md5('user ' || i)::uuid, 'user' || i || '@example.org', 'user' || i || '@example.org', 'User ' || i, '{hash}'
           FROM generate_series(0, {USERS} - 1) i;
         INSERT INTO token_families (id, user_id, absolute_expires_at, user_agent, address)
           SELECT md5('family ' || i)::uuid, md5('user ' || i)::uuid, now() + interval '90 days', '{AGENT}', '127.0.0.1'
           FROM generate_series(0, {USERS} - 1) i;
         INSERT INTO refresh_tokens (hash, family_id, expires_at)
           SELECT sha256(('refresh ' || i)::bytea), md5('family ' || i)::uuid, now() + interval '14 days'
           FROM generate_series(0, {USERS} - 1) i;
         INSERT INTO auth_events (door, kind, user_id, login_id, address, user_agent)
           SELECT 'token', 'logged in', md5('user ' || i)::uuid, md5('family ' || i)::uuid, '127.0.0.1', '{AGENT}'
           FROM generate_series(0, {USERS} - 1) i;
         INSERT INTO sessions (key_hash, user_id, remembered, idle_ttl_seconds, absolute_expires_at, user_agent, address)
           SELECT sha256(('benchmark-session-' || lpad(i::text, 25, '0'))::bytea), md5('user ' || i % {USERS})::uuid,
             false, 14400, now() + interval '12 hours', '{AGENT}', '127.0.0.1'
           FROM generate_series(0, {sessions} - 1) i"
    ))?;
    for table in ["users", "token_families", "sessions"] {
        conn.batch_execute(&format!("VACUUM (ANALYZE) {table}"))?;
    }
    Ok(())
}

/// The ids that [`rows`] gave.
fn ids(conn: &mut PgConnection, of: &str) -> anyhow::Result<Vec<Uuid>> {
    let id = diesel::dsl::sql::<diesel::sql_types::Uuid>(&format!(
        "md5('{of} ' || i)::uuid FROM generate_series(0, {USERS} - 1) i"
    ));
    Ok(diesel::select(id).load(conn)?)
}

/// The same sessions in Redis, as its scripts write them.
pub fn redis(url: &str, database: &str, sessions: usize) -> anyhow::Result<()> {
    let users = ids(&mut PgConnection::establish(database)?, "user")?;
    let mut conn = redis::Client::open(url)?.get_connection()?;
    let info: redis::InfoDict = redis::cmd("INFO").query(&mut conn)?;
    let run: String = info.get("run_id").unwrap_or_default();
    let now = OffsetDateTime::now_utc().unix_timestamp() * 1_000_000;
    let absolute = now + 12 * 3600 * 1_000_000;
    for chunk in (0..sessions).collect::<Vec<_>>().chunks(1000) {
        let mut pipe = redis::pipe();
        for &number in chunk {
            let fields = [
                ("id", Uuid::new_v4().to_string()),
                ("user", users[number % USERS].to_string()),
                ("version", "1".to_owned()),
                ("remembered", "0".to_owned()),
                ("idle", "14400".to_owned()),
                ("agent", AGENT.to_owned()),
                ("address", "127.0.0.1/32".to_owned()),
                ("created", now.to_string()),
                ("authenticated", now.to_string()),
                ("seen", now.to_string()),
                ("state", "{}".to_owned()),
                ("absolute", absolute.to_string()),
                ("run", run.clone()),
                ("durable", "0".to_owned()),
            ];
            let name = format!("session:{}", hex(&sha256(key(number).as_bytes())));
            pipe.hset_multiple(&name, &fields).ignore().pexpire_at(&name, absolute / 1000).ignore();
        }
        pipe.query::<()>(&mut conn)?;
    }
    Ok(())
}

/// Writes down what those who ask show: signed cookies, tokens, and bodies to log in with.
pub fn credentials(folder: &Path, url: &str, secrets: &Secrets, sessions: usize) -> anyhow::Result<Credentials> {
    let file = |name: &str| folder.join(name);
    for (name, algorithm) in [("es256", Algorithm::ES256), ("hs256", Algorithm::HS256)] {
        fs::write(file(name), lines(tokens(url, secrets, algorithm)?))?;
    }
    let body = |user| {
        format!("{{\"email\":\"user{user}@example.org\",\"password\":\"{PASSWORD}\",\"refresh_token_in\":\"body\"}}")
    };
    fs::write(file("log-ins"), lines((0..ASKING).map(|user| body(user * 10))))?;
    let cookies = cookies(folder, "cookies", secrets, sessions)?;
    Ok(Credentials { cookies, es256: file("es256"), hs256: file("hs256"), log_ins: file("log-ins") })
}

/// Writes down the cookies of those who ask.
pub fn cookies(folder: &Path, name: &str, secrets: &Secrets, sessions: usize) -> anyhow::Result<PathBuf> {
    let signing = Key::from(&secrets.newest::<64>(Purpose::SessionCookie));
    let cookies = asking(sessions).map(|number| {
        let mut jar = CookieJar::new();
        jar.signed_mut(&signing).add(Cookie::new("session", key(number)));
        jar.get("session").map(|cookie| cookie.stripped().encoded().to_string()).unwrap_or_default()
    });
    fs::write(folder.join(name), lines(cookies))?;
    Ok(folder.join(name))
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Access tokens, signed as the server signs them.
fn tokens(url: &str, secrets: &Secrets, algorithm: Algorithm) -> anyhow::Result<Vec<String>> {
    let config = Config::from_lookup(&|name| {
        let value = match name {
            "DATABASE_URL" => url,
            "SECRETS" => "0123456789abcdef0123456789abcdef",
            "TOKEN_ISSUER" | "TOKEN_AUDIENCE" => ISSUER,
            "ACCESS_TTL" => "1h",
            _ => return None,
        };
        Some(value.into())
    })?;
    let config = config::Token { algorithm, ..config.token };
    let mut conn = db::connect(url)?;
    // A second algorithm's key would be announced first, and the first one's go on to sign.
    keys::rotate(&mut conn, secrets, algorithm, Duration::ZERO)?;
    let keyring = db::exclusively(&mut conn, |conn| Keyring::open(conn, secrets, &config))?;
    let tokens = Tokens::new(Pool::new(url, 1, Duration::from_secs(5))?, keyring, &config, ISSUER);
    let (people, families) = (ids(&mut conn, "user")?, ids(&mut conn, "family")?);
    let token = |number: usize| {
        let family = families[number];
        let user: User = users::table.find(people[number]).select(User::as_select()).first(&mut conn)?;
        let grounds = Grounds { family, authenticated_at: OffsetDateTime::now_utc(), seconds_left: 3600 };
        let token = tokens.issue(&user, &grounds, None)?;
        ensure!(jsonwebtoken::decode_header(token.as_str())?.alg == algorithm, "it is signed otherwise");
        Ok(format!("Bearer {}", token.as_str()))
    };
    (0..ASKING).map(|number| number * (USERS / ASKING)).map(token).collect()
}
