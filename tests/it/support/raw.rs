//! Bytes over a socket, for requests that no HTTP library would send and answers that none would show as they are.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use nix::{
    libc::linger,
    sys::socket::{setsockopt, sockopt},
};

/// An answer as it came, with the transfer coding taken off its body.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Raw {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let fits = |line: &&str| line.split_once(':').is_some_and(|(this, _)| this.eq_ignore_ascii_case(name));
        self.head.lines().skip(1).find(fits).and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }
}

/// Sends bytes and reads until the server closes; the request has to ask for that.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Raw {
    let mut socket = TcpStream::connect(address).expect("the server listens");
    // No test waits for it: it is there so that a server that says nothing fails the test instead of stopping it.
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
    // The server may have answered and closed before it read everything.
    let _ = socket.write_all(request);
    parse(&to_end(&mut socket))
}

/// Sends bytes and waits for nothing.
pub fn send(address: SocketAddr, request: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the server listens");
    socket.write_all(request).expect("the server reads");
    socket
}

/// Resets a connection, which is not only closed then: the server gives up on it.
pub fn reset(socket: TcpStream) {
    setsockopt(&socket, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 }).expect("a socket");
}

/// Everything until the server closes, which it has to.
fn to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // It may be reset, as not everything was read.
    if let Err(error) = socket.read_to_end(&mut answer) {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "the connection is kept: {}", String::from_utf8_lossy(&answer));
    }
    answer
}

/// The same, for a request without a body, with headers as they are.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> Raw {
    exchange(
        address,
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n").as_bytes(),
    )
}

/// A request whose head the server has taken, and whose body is still to come.
pub struct Halved {
    socket: TcpStream,
    body: Vec<u8>,
}

impl Halved {
    /// The head must have `expect: 100-continue`: so the server says that it has read it.
    pub fn begin(address: SocketAddr, head: &str, body: &[u8]) -> Self {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
        socket.write_all(head.as_bytes()).expect("the server reads");
        let mut go_on = [0; 25];
        socket.read_exact(&mut go_on).expect("the server answers");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { socket, body: body.to_vec() }
    }

    pub fn finish(mut self) -> Raw {
        self.socket.write_all(&self.body).expect("the server reads");
        let answer = to_end(&mut self.socket);
        let _ = self.socket.shutdown(Shutdown::Both);
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> Raw {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut raw = Raw { status, head, body: answer[end + 4..].to_vec() };
    if raw.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
        raw.body = unchunked(&raw.body);
    }
    raw
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&body[..end]);
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    whole
}
