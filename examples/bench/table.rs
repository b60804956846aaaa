//! The table: each path in interleaved rounds, each turn right after one of the floor, and the medians of their ratios.

use std::{collections::HashMap, time::Duration};

use anyhow::bail;

use crate::{
    stage::{Program, Redis, Stage},
    wrk::{self, Seen, Target},
};

/// How much is measured.
pub struct Plan {
    pub rounds: usize,
    pub time: Duration,
    pub connections: Vec<usize>,
    pub only: Option<String>,
}

/// One line of the table.
struct Line<'a> {
    name: &'static str,
    target: Target<'a>,
    program: &'a Program,
    /// For each number of connections, what each round saw.
    turns: Vec<Vec<Turn>>,
}

/// One turn.
#[derive(Clone, Copy)]
struct Turn {
    seen: Seen,
    /// To the floor just before.
    ratio: f64,
    cost: Cost,
}

/// Microseconds of a processor that a request took.
#[derive(Clone, Copy)]
struct Cost {
    program: f64,
    stores: f64,
}

/// Measures everything and prints it.
pub async fn run(stage: &Stage, plan: &Plan) -> anyhow::Result<()> {
    let floor = stage.floor()?;
    let app = stage.app(&[])?;
    let logging = stage.app(&[("LOG", "info")])?;
    let silent = stage.app(&[("SERVER_TIMING", "off")])?;
    let in_redis = stage.redis.as_ref().map(|redis| stage.app(&[("SESSION_STORE", &redis.url)])).transpose()?;
    let mut lines = lines(stage, &floor, &app, [&logging, &silent], in_redis.as_ref());
    lines.retain(|line| plan.only.as_ref().is_none_or(|only| line.name.contains(only.as_str())));
    for line in &lines {
        answers(line.target).await?;
    }
    for round in 0..plan.rounds {
        for (at, &connections) in plan.connections.iter().enumerate() {
            for line in &mut lines {
                let same = Target { address: &floor.address, path: "/floor", ..line.target };
                let floor = wrk::run(same, connections, plan.time)?;
                let before = spent(stage, line.program)?;
                let seen = wrk::run(line.target, connections, plan.time)?;
                let after = spent(stage, line.program)?;
                if seen.refused > 0 {
                    bail!("{}: {} requests were refused", line.name, seen.refused);
                }
                line.turns.resize_with(plan.connections.len(), Vec::new);
                let [program, stores] =
                    after.since(&before).map(|spent| spent.as_secs_f64() * 1e6 / seen.requests.max(1) as f64);
                let cost = Cost { program, stores };
                line.turns[at].push(Turn { seen, ratio: seen.rate / floor.rate, cost });
            }
        }
        eprintln!("round {} of {}", round + 1, plan.rounds);
    }
    print(&lines, plan);
    for line in &lines {
        answers(line.target).await?;
    }
    Ok(())
}

/// The time on a processor of a program, and of both stores.
struct Spent {
    program: Duration,
    redis: Duration,
    postgres: HashMap<u32, Duration>,
}

fn spent(stage: &Stage, program: &Program) -> anyhow::Result<Spent> {
    let redis = stage.redis.as_ref().map_or(Ok(Duration::ZERO), Redis::cpu)?;
    Ok(Spent { program: program.cpu()?, redis, postgres: stage.postgres_cpu()? })
}

impl Spent {
    /// What the program and the stores spent after an earlier look.
    fn since(&self, before: &Self) -> [Duration; 2] {
        // By process: one that has ended meanwhile (PostgreSQL's vacuum) takes nothing from the others.
        let earlier = |pid| before.postgres.get(pid).copied().unwrap_or_default();
        let postgres: Duration = self.postgres.iter().map(|(pid, spent)| spent.saturating_sub(earlier(pid))).sum();
        [self.program.saturating_sub(before.program), postgres + self.redis.saturating_sub(before.redis)]
    }
}

fn lines<'a>(
    stage: &'a Stage,
    floor: &'a Program,
    app: &'a Program,
    [logging, silent]: [&'a Program; 2],
    in_redis: Option<&'a Program>,
) -> Vec<Line<'a>> {
    let line = |name, program: &'a Program, path, carrier, file| {
        let target = Target { address: &program.address, path, carrier, file };
        Line { name, program, target, turns: Vec::new() }
    };
    let cookie = |name, program, path| line(name, program, path, "Cookie", stage.credentials.cookies.as_path());
    let bearer = |name, program, path| line(name, program, path, "Authorization", stage.credentials.es256.as_path());
    let mut lines = vec![
        bearer("floor (against itself)", floor, "/floor"),
        bearer("GET /api/me, ES256", app, "/api/me"),
        line("GET /api/me, HS256", app, "/api/me", "Authorization", stage.credentials.hs256.as_path()),
        bearer("GET /api/me, SERVER_TIMING=off", silent, "/api/me"),
        bearer("GET /api/me, LOG=info", logging, "/api/me"),
        cookie("GET /account/me, Postgres", app, "/account/me"),
        bearer("GET /api/account (live)", app, "/api/account"),
        cookie("GET /account (page)", app, "/account"),
        cookie("textbook, as it comes", floor, "/textbook"),
        cookie("textbook, tuned", floor, "/textbook-tuned"),
    ];
    if let Some(program) = in_redis {
        lines.insert(6, cookie("GET /account/me, Redis", program, "/account/me"));
    }
    lines
}

/// Whoever is refused is answered fast: the credentials must be good before and after.
async fn answers(target: Target<'_>) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let text = std::fs::read_to_string(target.file)?;
    for credential in text.lines().step_by(100) {
        let url = format!("http://{}{}", target.address, target.path);
        let answer = client.get(url).header(target.carrier, credential).send().await?;
        if answer.status() != 200 {
            bail!("{} answers {}: {}", target.path, answer.status(), answer.text().await?);
        }
    }
    Ok(())
}

fn print(lines: &[Line<'_>], plan: &Plan) {
    let heads = plan.connections.iter().map(|connections| format!(" {connections} |"));
    let heads = heads.collect::<Vec<_>>().concat();
    let rule = "---|".repeat(plan.connections.len());
    println!("| requests/s, ratio to the floor, p99 in ms, at connections |{heads}\n|---|{rule}");
    for line in lines {
        let cells = line.turns.iter().map(|turns| {
            let rate = median(turns.iter().map(|turn| turn.seen.rate));
            let ratio = median(turns.iter().map(|turn| turn.ratio));
            let p99 = median(turns.iter().map(|turn| turn.seen.p99.as_secs_f64() * 1000.0));
            format!(" {:.1}k · **{ratio:.2}** · {p99:.2} |", rate / 1000.0)
        });
        println!("| {} |{}", line.name, cells.collect::<String>());
    }
    println!("\n| µs of processor a request: program + its stores, at connections |{heads}\n|---|{rule}");
    for line in lines {
        let cells = line.turns.iter().map(|turns| {
            let program = median(turns.iter().map(|turn| turn.cost.program));
            let stores = median(turns.iter().map(|turn| turn.cost.stores));
            format!(" {program:.1} + {stores:.1} |")
        });
        println!("| {} |{}", line.name, cells.collect::<String>());
    }
}

/// The middle one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
