//! The port: with room for a crowd that comes at once, and no patience with who asks and never reads.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use nix::sys::socket::{self, Backlog};

/// Milliseconds after which a connection is given up whose other side takes nothing of what it asked for. No timer of Actix
/// watches that: such a client would keep its connection for ever.
#[cfg(target_os = "linux")]
const UNREAD_MOST: u32 = 15_000;

/// Opens the port.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // Rust's own listener keeps 128 that are not accepted yet; whoever is one more waits a second before the next try.
    socket::listen(&listener, Backlog::MAXCONN)?;
    // Connections have the options of the listener that they came through. Elsewhere than on Linux there is no such limit.
    #[cfg(target_os = "linux")]
    socket::setsockopt(&listener, socket::sockopt::TcpUserTimeout, &UNREAD_MOST)?;
    Ok(listener)
}
