//! Requests that a proxy in front and this server could read differently: each is refused, and its connection closed, so that
//! what follows on it is never taken for a request of somebody else's.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::support::TestApp;

/// What would be smuggled: if it is read as a request, a second answer shows it.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nhost: hidden\r\n\r\n";

/// Everything that comes back for these bytes, until the server closes.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).expect("the server listens");
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
    // The server may have answered and closed before it read everything.
    let _ = socket.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = socket.read_to_end(&mut answer) {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "the connection is kept: {}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_refused_once(what: &str, answer: &str) {
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}: not one answer, and closed: {answer:?}");
    let status = answer.split(' ').nth(1).expect("a status");
    assert!(["400", "413", "431"].contains(&status), "{what}: {answer:?}");
}

#[actix_web::test]
async fn heads_that_can_be_read_in_two_ways_are_refused_and_nothing_after_them_is_read() {
    let app = TestApp::spawn();
    let host = format!("host: {}\r\n", app.address);
    for framing in [
        // Two lengths.
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 0\r\n",
        "content-length: 5, 5\r\n",
        // No length.
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5 0\r\n",
        "content-length: 5\u{b}\r\n",
        "content-length: \r\n",
        "content-length: 99999999999999999999999\r\n",
        // No coding that is known here, or not the last one, or twice.
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunkedx\r\n",
        "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: \u{b}chunked\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        // Lines that are none.
        "transfer-encoding : chunked\r\n",
        "transfer-encoding\t: chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
        "x: y\r\n\tcontent-length: 5\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "x: y\rtransfer-encoding: chunked\r\n",
        "x: y\0\r\n",
        "no colon\r\n",
        ": no name\r\n",
        "host: another\r\n",
    ] {
        let request = format!("POST /login HTTP/1.1\r\n{host}{framing}\r\n0\r\n\r\n{HIDDEN}");
        is_refused_once(&format!("{framing:?}"), &exchange(app.address, request.as_bytes()));
    }
    for line in [
        "POST /login HTTP/1.0\r\ntransfer-encoding: chunked\r\n",
        "POST /login HTTP/1.1 \r\ncontent-length: 5\r\n",
        "POST  /login HTTP/1.1\r\ncontent-length: 5\r\n",
        "POST /login HTTP/2.0\r\ncontent-length: 5\r\n",
        "POST /login\r\n",
        "GET /lo gin HTTP/1.1\r\n",
    ] {
        let request = format!("{line}{host}\r\n{HIDDEN}");
        is_refused_once(&format!("{line:?}"), &exchange(app.address, request.as_bytes()));
    }
}

#[actix_web::test]
async fn chunks_that_can_be_read_in_two_ways_end_the_connection() {
    let app = TestApp::spawn();
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        app.address
    );
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "+1\r\n{\r\n0\r\n\r\n",
        "0x1\r\n{\r\n0\r\n\r\n",
        " 1\r\n{\r\n0\r\n\r\n",
        "1 1\r\n{\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        // Longer than a number can be.
        "10000000000000001\r\n{\r\n0\r\n\r\n",
        // The data is longer, or shorter, than it says.
        "1\r\n{}\r\n0\r\n\r\n",
        "3\r\n{}\r\n0\r\n\r\n",
        // Lines that end with half of an end.
        "1\n{\r\n0\r\n\r\n",
        "1\r{\r\n0\r\n\r\n",
        "1\r\n{\n0\r\n\r\n",
        "1;x\n\r\n{\r\n0\r\n\r\n",
        "1;x\0\r\n{\r\n0\r\n\r\n",
        "0\n\n",
        "0\r\n\n",
    ] {
        let request = format!("{head}{chunks}{HIDDEN}");
        is_refused_once(&format!("{chunks:?}"), &exchange(app.address, request.as_bytes()));
    }
}

#[actix_web::test]
async fn a_body_that_nobody_asked_for_is_not_the_next_request() {
    let app = TestApp::spawn();
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PUT"] {
        let request = format!(
            "{method} /healthz HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{HIDDEN}",
            app.address,
            HIDDEN.len()
        );
        let mut socket = TcpStream::connect(app.address).expect("the server listens");
        socket.write_all(request.as_bytes()).expect("the server reads");
        socket.shutdown(std::net::Shutdown::Write).expect("a socket");
        let mut answer = String::new();
        let _ = socket.read_to_string(&mut answer);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{method}: {answer:?}");
    }
}

#[actix_web::test]
async fn who_asks_for_another_protocol_is_answered_in_this_one_and_told_that_it_was_the_last() {
    let app = TestApp::spawn();
    for (connection, upgrade) in [("upgrade", "h2c"), ("keep-alive, Upgrade", "websocket"), ("Upgrade", "foo")] {
        let head = format!("host: {}\r\nconnection: {connection}\r\nupgrade: {upgrade}", app.address);
        let answer = exchange(app.address, format!("GET /healthz HTTP/1.1\r\n{head}\r\n\r\n").as_bytes());
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{upgrade}: {answer:?}");
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nconnection: close\r\n"),
            "{upgrade}: {answer:?}"
        );
        // Also where there is a body that somebody reads.
        let body = "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        let answer = exchange(app.address, format!("POST /api/auth/refresh HTTP/1.1\r\n{head}\r\n{body}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 401 "), "{upgrade}: {answer:?}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{upgrade}: {answer:?}");
    }
}

#[actix_web::test]
async fn who_speaks_an_older_http_is_sent_no_chunks() {
    let app = TestApp::spawn();
    for headers in ["", "connection: keep-alive\r\n"] {
        let head = format!("GET /problems HTTP/1.0\r\nhost: {}\r\naccept-encoding: gzip\r\n{headers}\r\n", app.address);
        let mut socket = TcpStream::connect(app.address).expect("the server listens");
        socket.write_all(head.as_bytes()).expect("the server reads");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("the server closes");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let (head, body) = (String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase(), &answer[end + 4..]);
        assert!(head.contains("content-encoding: gzip") && !head.contains("transfer-encoding"), "{head}");
        assert!(!head.contains("keep-alive"), "{head}");
        assert!(body.starts_with(&[0x1f, 0x8b]), "it is the page, and no length of a chunk");
    }
}
