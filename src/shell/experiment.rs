//! `two-doors experiment`: puts the claims to the test from the command line.
//!
//! Against a running server (`--at`), as any client would, or against an instance with throwaway data that it starts for
//! itself. The exit code says whether every verdict could be computed.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    sync::Arc,
};

use clap::{Subcommand, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use url::Url;

use super::{findings, serve::end_with_the_input};
use crate::{
    config::{Config, Surroundings},
    experiments::{
        browser, claims,
        client::Target,
        compare,
        experiment::{Experiment, Need, Section, Test},
        finding::{Finding, Stamp},
        lab::{Browsing, Instance, Lab, Progress, Stopped, perform},
        specimens::{self, Specimens},
    },
    http::origin::Site,
    server::known_secrets,
};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists all experiments with their claims.
    List,
    /// Runs some of them, or all.
    Run(Arguments),
    /// For an experiment: keeps sessions in memory, until the standard input closes.
    #[command(hide = true)]
    MemoryStore,
}

/// What to run, and where.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The experiments and comparisons, such as `s5 r1 log-out`.
    #[arg(required_unless_present = "all")]
    ids: Vec<String>,
    /// Runs all experiments; comparisons are run by name.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// The address of a running server; without it, one with throwaway data is started.
    #[arg(long, value_name = "URL")]
    at: Option<Url>,
    /// The browser for experiments that need one; without it, Chromium is looked for.
    #[arg(long, value_name = "PATH")]
    browser: Option<PathBuf>,
    /// How to print what was found.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Counts what could not run for want of a browser as a failure.
    #[arg(long)]
    require_browser: bool,
}

/// The exit code of a command that was cancelled, as shells know it.
const CANCELLED: u8 = 130;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Lists experiments; needs no database.
pub fn list() {
    let print = |experiment: &Experiment| {
        let kind = match experiment.test {
            Test::Run { seconds, .. } => format!("about {seconds} s"),
            Test::Reference { page, .. } => format!("see {page}"),
        };
        println!("  {:<16} {} ({kind})", experiment.id, experiment.claim);
    };
    for section in Section::ALL {
        println!("{}", section.title());
        for experiment in claims::ALL.iter().filter(|experiment| experiment.section == section) {
            print(experiment);
        }
    }
    println!("Comparisons");
    compare::ALL.into_iter().for_each(print);
}

/// Serves the specimen that an experiment kills.
pub async fn keep_in_memory() -> io::Result<ExitCode> {
    end_with_the_input();
    specimens::memory_store::serve().await?;
    Ok(ExitCode::SUCCESS)
}

/// Runs experiments.
pub async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let chosen = choose(arguments)?;
    let surroundings = Surroundings::here();
    let (lab, instance) = open(arguments, surroundings).await?;
    let mut findings = Vec::with_capacity(chosen.len());
    let mut signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    for experiment in chosen {
        if arguments.format != Format::Json {
            eprintln!("{} …", experiment.id);
        }
        let Some(finding) = to_the_end(experiment, &lab, &mut signals).await else {
            return Ok(ExitCode::from(CANCELLED));
        };
        if arguments.format == Format::Text {
            print(&finding);
        }
        findings.push(finding);
    }
    drop(instance);
    match arguments.format {
        Format::Text => {}
        Format::Json => {
            serde_json::to_writer_pretty(io::stdout().lock(), &findings)?;
            println!();
        }
        Format::Markdown => print!("{}", findings::markdown(&findings)),
    }
    let all_ran = findings.iter().all(|finding| {
        finding.stamp != Stamp::CouldNotRun || (finding.lacks == Some(Need::Browser) && !arguments.require_browser)
    });
    Ok(if all_ran { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Performs an experiment; if a signal comes first, it breaks off, cleans up, and has found nothing.
async fn to_the_end(
    experiment: &'static Experiment,
    lab: &Lab,
    [interrupt, terminate]: &mut [Signal; 2],
) -> Option<Finding> {
    let progress = Progress::default();
    let mut performed = pin!(perform(experiment, lab, &progress));
    tokio::select! {
        finding = &mut performed => return Some(finding),
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    progress.cancel();
    let _ = performed.await;
    None
}

fn choose(arguments: &Arguments) -> Result<Vec<&'static Experiment>, Stopped> {
    if arguments.all {
        return Ok(claims::ALL.into_iter().filter(|one| matches!(one.test, Test::Run { .. })).collect());
    }
    let find = |id: &String| match claims::find(id).or_else(|| compare::find(id)) {
        Some(Experiment { test: Test::Reference { page, .. }, .. }) => {
            Err(Stopped::because(format!("{id} has no run of its own, it sums up others: see {page}")))
        }
        Some(experiment) => Ok(experiment),
        None => Err(Stopped::because(format!("there is no experiment {id}: see `two-doors experiment list`"))),
    };
    arguments.ids.iter().map(find).collect()
}

/// The server that is asked: the given one, or one that ends with this command.
async fn open(
    arguments: &Arguments,
    surroundings: Surroundings,
) -> Result<(Lab, Option<Instance>), Box<dyn std::error::Error>> {
    let Some(url) = &arguments.at else {
        let instance = Instance::start(&surroundings, &[]).await?;
        return Ok((lab(arguments, instance.target().clone(), surroundings)?, Some(instance)));
    };
    let secrets = Config::from_env().ok().and_then(|config| known_secrets(&config));
    let host = url.host_str().ok_or("the address names no host")?;
    let port = url.port_or_known_default().ok_or("the address names no port")?;
    let mut addresses = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await?;
    let address = addresses.next().ok_or("the host has no address")?;
    // The mark goes to this machine only: another server has other secrets.
    let secrets = secrets.filter(|_| address.ip().is_loopback());
    let target = Target::new(address, &Site::new(url.clone(), None, &[]), secrets.as_ref());
    Ok((lab(arguments, target, surroundings)?, None))
}

/// A laboratory with specimens of its own and a headless browser, if there is one.
fn lab(arguments: &Arguments, target: Target, surroundings: Surroundings) -> Result<Lab, specimens::Error> {
    let named = arguments.browser.as_deref().or(surroundings.browser.as_deref());
    let path = surroundings.variables.iter().find(|(name, _)| *name == "PATH").map(|(_, path)| path.as_os_str());
    let browser = match browser::find(named, path) {
        Ok(program) => Browsing::Headless(program),
        Err(missing) => Browsing::Nobody(missing.to_string()),
    };
    let settings = specimens::Settings {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        names: None,
        https: false,
        doors: target.site().names(),
    };
    let specimens = Some(Arc::new(Specimens::open(&settings)?));
    Ok(Lab { target, surroundings, specimens, browser })
}

fn print(finding: &Finding) {
    println!("{}  {}\n    {}\n    {}", finding.id, finding.claim, finding.stamp, finding.condition);
    for number in &finding.numbers {
        println!("      {}: {} {}", number.label, number.value, number.unit);
    }
    for grid in &finding.grids {
        println!("      {}", grid.title);
        grid.texts().for_each(|line| println!("        {line}"));
    }
}
