//! Ctrl-C and SIGTERM: the first lets requests finish, the second does not.

use std::io;

use actix_web::{dev::ServerHandle, rt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::token::endings::Endings;

/// Ctrl-C and SIGTERM.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The first signal lets requests finish, the second does not.
    pub(super) async fn stop(mut self, handle: ServerHandle, endings: Endings) {
        for graceful in [true, false] {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            tracing::info!(graceful, "stopping");
            // A feed has no end that could be waited for.
            endings.close().await;
            rt::spawn(handle.stop(graceful));
        }
    }
}
