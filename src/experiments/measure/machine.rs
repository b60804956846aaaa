//! What numbers were measured on: without that they say nothing.

use std::{env::consts::OS, fs, num::NonZero, thread};

/// The processor and how many of it there are, as far as the system says.
#[must_use]
pub fn name() -> String {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    format!("{cores} cores of {}, {OS}", model.unwrap_or("an unnamed processor"))
}

/// How this program was built.
#[must_use]
pub fn build() -> &'static str {
    if cfg!(debug_assertions) { "an unoptimised build, for development" } else { "a release build" }
}
