//! Ctrl-C, SIGTERM and a terminal that closes: the first lets requests finish, the next does not.

use std::{fs, future::pending, io, time::Duration};

use actix_web::{dev::ServerHandle, rt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{http::drain::Drain, token::endings::Endings};

/// What asks to stop. Whoever dies of one of them instead leaves its private database behind.
pub(super) struct Signals {
    interrupt: Signal,
    quit: Option<Signal>,
    hang_up: Option<Signal>,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: unless_ignored(SignalKind::quit())?,
            hang_up: unless_ignored(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
        })
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
            () = receive(&mut self.quit) => false,
            () = receive(&mut self.hang_up) => false,
            _ = self.terminate.recv() => true,
        }
    }
}

/// Who starts a server with `nohup` wants it to go on when the terminal closes.
fn unless_ignored(kind: SignalKind) -> io::Result<Option<Signal>> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let is_ignored = ignored >> (kind.as_raw_value() - 1) & 1 == 1;
    if is_ignored { Ok(None) } else { signal(kind).map(Some) }
}

async fn receive(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}
