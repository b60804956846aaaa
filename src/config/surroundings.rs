//! What a process that we start ourselves needs to know of where we run: another instance of this program, a browser.

use std::{ffi::OsString, path::PathBuf};

/// The variables that are handed on. What this process is configured with is not the other's.
const HANDED_ON: [&str; 4] = ["PATH", "HOME", "XDG_RUNTIME_DIR", "TMPDIR"];

/// Where we run.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Variables to hand on.
    pub variables: Vec<(&'static str, OsString)>,
    /// Where folders may be made that are thrown away.
    pub temporary: PathBuf,
    /// `CHROME`: the browser to use, if one is named.
    pub browser: Option<PathBuf>,
    /// This program, if the system says which it is.
    pub program: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn here() -> Self {
        let variable = |name| Some((name, std::env::var_os(name)?));
        Self {
            variables: HANDED_ON.into_iter().filter_map(variable).collect(),
            temporary: std::env::temp_dir(),
            browser: std::env::var_os("CHROME").map(PathBuf::from),
            program: std::env::current_exe().ok(),
        }
    }
}
