//! How many files this process may hold open: each connection is one.
//!
//! Systems hand out a small limit for programs that put file descriptors into bit sets (`select`), and a larger one that a
//! process may raise itself to. Ten thousand idle browsers are no reason to turn the next one away.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit to what the system allows without privileges.
pub(super) fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| match soft < hard {
        true => setrlimit(Resource::RLIMIT_NOFILE, hard, hard),
        false => Ok(()),
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files, and with it of connections, stays as it is");
    }
}
