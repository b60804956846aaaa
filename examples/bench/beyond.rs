//! What the table does not say: log-ins, memory, starts, growth, and very many connections.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, dsl::sql, sql_types::BigInt};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use two_doors::accounts::{fields::Password, password};

use crate::{
    seed::PASSWORD,
    stage::{Program, Stage},
    table::{Plan, median},
    wrk::{self, Seen, Target},
};

/// Measures all of it and prints a line for each.
pub fn run(stage: &Stage, plan: &Plan) -> anyhow::Result<()> {
    println!("\n| beside the table | |\n|---|---|");
    log_ins(stage, plan)?;
    pages(stage)?;
    memory(stage)?;
    starts(stage)?;
    growth(stage, plan)?;
    idle_connections(stage, plan)
}

fn line(name: &str, says: &str) {
    println!("| {name} | {says} |");
}

fn me<'a>(stage: &'a Stage, app: &'a Program) -> Target<'a> {
    Target { address: &app.address, path: "/api/me", carrier: "Authorization", file: &stage.credentials.es256 }
}

fn account_me<'a>(stage: &'a Stage, app: &'a Program) -> Target<'a> {
    Target { address: &app.address, path: "/account/me", carrier: "Cookie", file: &stage.credentials.cookies }
}

fn log_in<'a>(stage: &'a Stage, app: &'a Program) -> Target<'a> {
    Target { address: &app.address, path: "/api/auth/login", carrier: "POST", file: &stage.credentials.log_ins }
}

/// As many threads as the gate has hash for a while.
fn argon2(time: Duration) -> f64 {
    let threads = (thread::available_parallelism().map_or(1, usize::from) - 1).max(1);
    let (hashed, began) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while began.elapsed() < time {
                    hashed
                        .fetch_add(u64::from(password::hash(&Password::typed(PASSWORD)).is_some()), Ordering::Relaxed);
                }
            });
        }
    });
    hashed.into_inner() as f64 / began.elapsed().as_secs_f64()
}

fn log_ins(stage: &Stage, plan: &Plan) -> anyhow::Result<()> {
    let (app, time) = (stage.app(&[])?, plan.time.max(Duration::from_secs(3)));
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let bare = argon2(time);
        let alone = wrk::run(log_in(stage, &app), 8, time)?;
        let quiet = wrk::run(me(stage, &app), 32, time)?;
        let beside = wrk::command(log_in(stage, &app), 8, time)?.stdout(Stdio::piped()).spawn()?;
        let busy = wrk::run(me(stage, &app), 32, time)?;
        let beside = wrk::read(&beside.wait_with_output()?.stdout)?;
        rounds.push((bare, alone, quiet, beside, busy));
    }
    let of = |part: fn(&(f64, Seen, Seen, Seen, Seen)) -> f64| median(rounds.iter().map(part));
    line("argon2id on the gate's threads alone", &format!("{:.0} a second", of(|round| round.0)));
    line(
        "log-ins, 8 clients",
        &format!("{:.0} a second, {:.0} % of that", of(|r| r.1.rate), of(|r| 100.0 * r.1.rate / r.0)),
    );
    line(
        "log-ins beside `GET /api/me` at 32 connections",
        &format!("{:.0} a second, {:.0} % of alone", of(|r| r.3.rate), of(|r| 100.0 * r.3.rate / r.1.rate)),
    );
    line(
        "`GET /api/me` beside them",
        &format!(
            "{:.1}k a second, {:.0} % of quiet, p99 {:.1} ms",
            of(|r| r.4.rate / 1000.0),
            of(|r| 100.0 * r.4.rate / r.2.rate),
            of(|r| r.4.p99.as_secs_f64() * 1000.0)
        ),
    );
    Ok(())
}

/// What pages cost the server when one visitor asks for one after the other, as `Server-Timing` has it.
fn pages(stage: &Stage) -> anyhow::Result<()> {
    const PAGES: [&str; 8] = [
        "/",
        "/login",
        "/account",
        "/account/devices",
        "/account/activity",
        "/choose",
        "/experiments",
        "/what-still-works",
    ];
    const TIMES: usize = 2000;
    let app = stage.app(&[])?;
    let cookies = fs::read_to_string(&stage.credentials.cookies)?;
    let cookie = cookies.lines().next().context("a cookie")?;
    let mut stream = BufReader::new(TcpStream::connect(&app.address)?);
    for page in PAGES {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let request = format!("GET {page} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n", app.address);
            stream.get_mut().write_all(request.as_bytes())?;
            took.push(server_time(&mut stream)?);
        }
        took.sort_by(f64::total_cmp);
        let (middle, worst) = (took[TIMES / 2], took[TIMES * 99 / 100]);
        line(&format!("server time of `GET {page}`"), &format!("{middle:.2} ms, p99 {worst:.2} ms"));
    }
    Ok(())
}

/// Reads one answer to its end; the milliseconds that it says it took.
fn server_time(stream: &mut BufReader<TcpStream>) -> anyhow::Result<f64> {
    let (mut length, mut total, mut header) = (None, None, String::new());
    while header != "\r\n" {
        header.clear();
        stream.read_line(&mut header)?;
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = Some(value.trim().parse()?);
        } else if header.starts_with("server-timing: ") {
            total = header.split("total;dur=").nth(1).map(|value| value.trim().parse()).transpose()?;
        } else if header.starts_with("HTTP/1.1 ") {
            anyhow::ensure!(header.starts_with("HTTP/1.1 200"), "a page was refused: {header}");
        }
    }
    stream.read_exact(&mut vec![0; length.context("a length")?])?;
    total.context("Server-Timing")
}

fn memory(stage: &Stage) -> anyhow::Result<()> {
    let app = stage.app(&[])?;
    let (first, _) = app.memory()?;
    let (mut requests, mut turn) = (0, 0);
    while requests < 1_000_000 {
        let target = [me(stage, &app), account_me(stage, &app)][turn % 2];
        requests += wrk::run(target, 64, Duration::from_secs(3))?.requests;
        turn += 1;
    }
    let (after, _) = app.memory()?;
    let text = format!("{:.1} MiB at the start, {:.1} MiB after {requests} requests", mib(first), mib(after));
    line("resident memory", &text);
    let storm = wrk::run(log_in(stage, &app), 1000, Duration::from_secs(5))?;
    let (_, most) = app.memory()?;
    let text = format!(
        "{:.1} MiB more at the most; {} answered, {} of them turned away",
        mib(most - after),
        storm.requests,
        storm.refused
    );
    line("a storm of log-ins over 1,000 connections", &text);
    Ok(())
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn starts(stage: &Stage) -> anyhow::Result<()> {
    let mut given = Vec::new();
    for _ in 0..5 {
        given.push(stage.app(&[])?.took.as_secs_f64() * 1000.0);
    }
    line("start with a given database", &format!("{:.0} ms to listening", median(given.into_iter())));
    let folder = tempfile::Builder::new().prefix("two-doors-bench-").tempdir_in("/tmp")?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let start = || {
        let mut command = Command::new(stage.program());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("BIND_ADDRESS", "127.0.0.1:0").env("LOG", "warn").env("TWO_DOORS_DATA", folder.path().join("data"));
        anyhow::Ok(Program::start(&mut command, folder.path())?.took.as_secs_f64())
    };
    let first = start()?;
    let later = [start()?, start()?, start()?];
    line(
        "start with the private PostgreSQL",
        &format!("{first:.1} s the first time, {:.2} s later", median(later.into_iter())),
    );
    Ok(())
}

fn growth(stage: &Stage, plan: &Plan) -> anyhow::Result<()> {
    let (few, many) = (stage.database("few", 1_000)?, stage.database("many", 1_000_000)?);
    sizes(&many)?;
    let (few, many) = (stage.app(&[("DATABASE_URL", &few)])?, stage.app(&[("DATABASE_URL", &many)])?);
    // Those who ask of a thousand are other ones than of a million.
    let (of_few, of_many) = (stage.cookies(1_000)?, stage.cookies(1_000_000)?);
    let mut ratios = Vec::new();
    for _ in 0..plan.rounds {
        let few = wrk::run(Target { file: &of_few, ..account_me(stage, &few) }, 32, plan.time)?;
        let many = wrk::run(Target { file: &of_many, ..account_me(stage, &many) }, 32, plan.time)?;
        ratios.push(100.0 * many.rate / few.rate);
    }
    let text = format!("{:.0} % of the throughput with 1,000", median(ratios.into_iter()));
    line("`GET /account/me` with 1,000,000 sessions", &text);
    Ok(())
}

/// What a row takes of the disk, its entries in indexes included, right after it was made.
fn sizes(url: &str) -> anyhow::Result<()> {
    let mut conn = PgConnection::establish(url)?;
    let tables = ["sessions", "token_families", "refresh_tokens", "auth_events"].map(|table| {
        let each = format!("(pg_total_relation_size('{table}') / (SELECT count(*) FROM {table}))");
        let bytes: i64 = diesel::select(sql::<BigInt>(&each)).get_result(&mut conn)?;
        anyhow::Ok(format!("`{table}` {bytes} bytes"))
    });
    line("a row with its indexes", &tables.into_iter().collect::<anyhow::Result<Vec<_>>>()?.join(", "));
    Ok(())
}

fn idle_connections(stage: &Stage, plan: &Plan) -> anyhow::Result<()> {
    const WANTED: usize = 10_000;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let app = stage.app(&[])?;
    let (before, _) = app.memory()?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", app.address);
    let mut held = Vec::new();
    for _ in 0..WANTED {
        let mut stream = TcpStream::connect(&app.address)?;
        stream.write_all(request.as_bytes())?;
        if stream.read(&mut [0; 1024])? == 0 {
            break;
        }
        held.push(stream);
    }
    let (with, _) = app.memory()?;
    let seen = wrk::run(me(stage, &app), 32, plan.time)?;
    let alive = held.iter().filter(|stream| is_open(stream)).count();
    let each = (with.saturating_sub(before) as f64) / held.len().max(1) as f64;
    let text =
        format!("{alive} open after {:.1}k requests a second beside them; {each:.1} KiB each", seen.rate / 1000.0);
    line("10,000 idle connections", &text);
    Ok(())
}

fn is_open(stream: &TcpStream) -> bool {
    let silent = || {
        stream.set_nonblocking(true)?;
        stream.peek(&mut [0; 1])
    };
    matches!(silent(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}
