//! Makes the cluster, once: `initdb` into a folder of another name, which then gets the right one. A first
//! start that is interrupted at any point leaves either a whole cluster or none.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process,
};

use super::{Error, NAME, Programs, Runner, Settings, error::one_line, folders::Folders};

const UNFINISHED: &str = "unfinished-";

/// The cluster in this data folder and its major version, if there is one.
pub(super) fn version(data: &Path) -> Option<(PathBuf, u32)> {
    let cluster = data.join("postgres/cluster");
    let text = fs::read_to_string(cluster.join("PG_VERSION")).ok()?;
    Some((cluster, text.trim().parse().ok()?))
}

pub(super) fn make_if_missing(
    folders: &Folders,
    programs: &Programs,
    runner: &Runner,
    settings: &Settings,
) -> Result<(), Error> {
    remove_unfinished(&folders.home);
    if folders.cluster.join("PG_VERSION").exists() {
        return Ok(());
    }
    tracing::info!(cluster = %folders.cluster.display(), "making a private PostgreSQL cluster: the first start only");

    // An initdb that outlived its app may still write into its own folder: ours is another.
    let unfinished = folders.home.join(format!("{UNFINISHED}{}", process::id()));
    let mut arguments = vec![
        format!("--username={NAME}"),
        "--encoding=UTF8".to_owned(),
        "--auth-local=trust".to_owned(),
        "--auth-host=reject".to_owned(),
        "--data-checksums".to_owned(),
    ];
    // A cluster that will not sync its data has no use for an initdb that does.
    if settings.extra.iter().any(|(name, value)| name == "fsync" && value == "off") {
        arguments.push("--no-sync".to_owned());
    }
    // Not every system has C.UTF-8; C sorts the same way.
    initdb(folders, &unfinished, programs, runner, &arguments, "C.UTF-8").or_else(|error| match error {
        Error::Initdb { ref last_line, .. } if last_line.contains("locale") => {
            initdb(folders, &unfinished, programs, runner, &arguments, "C")
        }
        error => Err(error),
    })?;

    fs::rename(&unfinished, &folders.cluster).map_err(Error::file("make", &folders.cluster))?;
    File::open(&folders.home).and_then(|home| home.sync_all()).map_err(Error::file("sync", &folders.home))
}

fn initdb(
    folders: &Folders,
    cluster: &Path,
    programs: &Programs,
    runner: &Runner,
    arguments: &[String],
    locale: &str,
) -> Result<(), Error> {
    let program = programs.initdb();
    let output = runner
        .command(&program, &folders.home)
        .args(arguments)
        .arg(format!("--locale={locale}"))
        .arg("--pgdata")
        .arg(cluster)
        .output()
        .map_err(|cause| Error::Run { program: program.clone(), cause })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // After the error come only hints and notes about what initdb removed.
    let last_line = said
        .lines()
        .rfind(|line| line.contains("error:") || line.contains("FATAL:"))
        .or_else(|| said.lines().last())
        .unwrap_or("it said nothing");
    Err(Error::Initdb { program, folder: folders.cluster.clone(), last_line: one_line(last_line) })
}

fn remove_unfinished(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // Rubbish that resists harms nobody, and the next start tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
