//! Finds `initdb` and `postgres`: in PATH first, then where distributions put them, newest first.
//!
//! Debian keeps them off the PATH, so looking there alone is not enough. A cluster that exists already
//! only opens with the major version that made it; that version then is looked for, and no other.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{Error, Runner};

/// The oldest major version that the app's SQL works with.
pub(super) const LEAST_MAJOR: u32 = 13;

/// A folder that has the server's programs, all of one version.
#[derive(Debug)]
pub(super) struct Programs {
    bin: PathBuf,
}

impl Programs {
    /// Programs that this user can run; of the given version if a cluster exists already.
    pub(super) fn find(path: Option<&OsStr>, runner: &Runner, existing: Option<(PathBuf, u32)>) -> Result<Self, Error> {
        Self::choose(candidates(path), runner, existing)
    }

    fn choose(bins: Vec<PathBuf>, runner: &Runner, existing: Option<(PathBuf, u32)>) -> Result<Self, Error> {
        let mut found: Vec<u32> = Vec::new();
        for bin in bins {
            let Some(major) = major(&bin, runner) else {
                continue;
            };
            let fits = existing.as_ref().map_or(major >= LEAST_MAJOR, |(_, wanted)| major == *wanted);
            if fits {
                return Ok(Self { bin });
            }
            if !found.contains(&major) {
                found.push(major);
            }
        }
        match existing {
            Some((cluster, wanted)) if !found.is_empty() => Err(Error::NoProgramsOfVersion {
                cluster,
                wanted,
                found: found.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
            }),
            _ => Err(Error::NoPrograms),
        }
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }
}

fn candidates(path: Option<&OsStr>) -> Vec<PathBuf> {
    // Links are followed to the folder that has all programs: one of them may be linked into PATH alone.
    let mut bins: Vec<PathBuf> = path
        .map(env::split_paths)
        .into_iter()
        .flatten()
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
        .collect();

    let mut versioned = Vec::new();
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
            if let Some(version) = version.and_then(|text| text.parse::<u32>().ok()) {
                versioned.push((version, entry.path().join("bin")));
            }
        }
    }
    versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    bins.extend(versioned.into_iter().map(|(_, bin)| bin));
    bins.push(PathBuf::from("/usr/local/pgsql/bin"));

    let mut seen = Vec::new();
    bins.retain(|bin| {
        bin.join("postgres").is_file() && !seen.contains(bin) && {
            seen.push(bin.clone());
            true
        }
    });
    bins
}

// None: not both there, not of one version, or not ours to run.
fn major(bin: &Path, runner: &Runner) -> Option<u32> {
    let initdb = version(&bin.join("initdb"), runner)?;
    let postgres = version(&bin.join("postgres"), runner)?;
    if initdb != postgres {
        return None;
    }
    let digits = postgres.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

// "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)" -> "15.14"
fn version(program: &Path, runner: &Runner) -> Option<String> {
    let output = runner.command(program, Path::new("/")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    Some(version.split_whitespace().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_linked_into_path_one_by_one_are_found_at_home() {
        let home = tempfile::tempdir().unwrap();
        let path = tempfile::tempdir().unwrap();
        for program in ["initdb", "postgres"] {
            fs::write(home.path().join(program), "").unwrap();
        }
        std::os::unix::fs::symlink(home.path().join("initdb"), path.path().join("initdb")).unwrap();

        let found = candidates(Some(path.path().as_os_str()));

        assert_eq!(found[0], home.path().canonicalize().unwrap());
    }

    #[test]
    fn a_folder_with_initdb_alone_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("initdb"), "").unwrap();

        let found = candidates(Some(folder.path().as_os_str()));

        assert!(!found.contains(&folder.path().canonicalize().unwrap()));
    }

    #[test]
    fn without_programs_the_error_names_three_ways_out() {
        let error = Programs::choose(Vec::new(), &Runner::find().unwrap(), None).unwrap_err();

        assert!(matches!(error, Error::NoPrograms));
        for way in ["script/bootstrap", "DATABASE_URL", "docker compose up"] {
            assert!(error.to_string().contains(way), "{error}");
        }
    }

    #[test]
    fn an_existing_cluster_gets_programs_of_its_own_version_or_none() {
        let newest = candidates(None).remove(0);
        let runner = Runner::find().unwrap();
        let there = major(&newest, &runner).unwrap();
        let cluster = PathBuf::from("/data/postgres/cluster");

        let found = Programs::choose(vec![newest.clone()], &runner, Some((cluster.clone(), there)));
        let missing = Programs::choose(vec![newest], &runner, Some((cluster, 9))).unwrap_err().to_string();

        assert!(found.is_ok());
        assert!(missing.contains("/data/postgres/cluster") && missing.contains("PostgreSQL 9"), "{missing}");
        assert!(missing.contains(&there.to_string()), "{missing}");
    }
}
