//! Ctrl-C and SIGTERM: the first lets requests finish, the next does not.

use std::{io, time::Duration};

use actix_web::{dev::ServerHandle, rt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{http::drain::Drain, token::endings::Endings};

/// Ctrl-C and SIGTERM.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The first signal lets requests finish, the next does not. SIGTERM, which is how a deployment says it, first leaves load
    /// balancers the time to notice; another signal cuts that short.
    pub(super) async fn stop(mut self, handle: ServerHandle, endings: Endings, drain: Drain, time: Duration) {
        let is_deployment = self.next().await;
        drain.begin();
        if is_deployment && !time.is_zero() {
            tracing::info!(seconds = time.as_secs_f64(), "leaving");
            let _ = tokio::time::timeout(time, self.next()).await;
        }
        for graceful in [true, false] {
            tracing::info!(graceful, "stopping");
            // A feed has no end that could be waited for.
            endings.close().await;
            rt::spawn(handle.stop(graceful));
            self.next().await;
        }
    }

    /// Waits for one of them; whether it was SIGTERM.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => true,
        }
    }
}
