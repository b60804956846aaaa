//! The table: each path in interleaved rounds, each turn right after one of the floor, and the medians of their ratios.

use std::time::Duration;

use anyhow::bail;

use crate::{
    stage::{Program, Stage},
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
    /// For each number of connections, what each round saw, and its ratio to the floor just before.
    turns: Vec<Vec<(Seen, f64)>>,
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
                let seen = wrk::run(line.target, connections, plan.time)?;
                if seen.refused > 0 {
                    bail!("{}: {} requests were refused", line.name, seen.refused);
                }
                line.turns.resize_with(plan.connections.len(), Vec::new);
                line.turns[at].push((seen, seen.rate / floor.rate));
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

fn lines<'a>(
    stage: &'a Stage,
    floor: &'a Program,
    app: &'a Program,
    [logging, silent]: [&'a Program; 2],
    in_redis: Option<&'a Program>,
) -> Vec<Line<'a>> {
    let by = |program: &'a Program, path, carrier, file| Target { address: &program.address, path, carrier, file };
    let cookie = |program, path| by(program, path, "Cookie", &stage.credentials.cookies);
    let bearer = |program, path| by(program, path, "Authorization", &stage.credentials.es256);
    let hs256 = by(app, "/api/me", "Authorization", &stage.credentials.hs256);
    let mut lines = vec![
        ("floor (against itself)", bearer(floor, "/floor")),
        ("GET /api/me, ES256", bearer(app, "/api/me")),
        ("GET /api/me, HS256", hs256),
        ("GET /api/me, SERVER_TIMING=off", bearer(silent, "/api/me")),
        ("GET /api/me, LOG=info", bearer(logging, "/api/me")),
        ("GET /account/me, Postgres", cookie(app, "/account/me")),
        ("GET /api/account (live)", bearer(app, "/api/account")),
        ("GET /account (page)", cookie(app, "/account")),
        ("textbook, as it comes", cookie(floor, "/textbook")),
        ("textbook, tuned", cookie(floor, "/textbook-tuned")),
    ];
    if let Some(program) = in_redis {
        lines.insert(6, ("GET /account/me, Redis", cookie(program, "/account/me")));
    }
    lines.into_iter().map(|(name, target)| Line { name, target, turns: Vec::new() }).collect()
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
    println!("| requests/s, ratio to the floor, p99 in ms, at connections |{}", heads.collect::<String>());
    println!("|---|{}", "---|".repeat(plan.connections.len()));
    for line in lines {
        let cells = line.turns.iter().map(|turns| {
            let rate = median(turns.iter().map(|(seen, _)| seen.rate));
            let ratio = median(turns.iter().map(|(_, ratio)| *ratio));
            let p99 = median(turns.iter().map(|(seen, _)| seen.p99.as_secs_f64() * 1000.0));
            format!(" {:.1}k · **{ratio:.2}** · {p99:.2} |", rate / 1000.0)
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
