//! More than can be answered, too slowly sent, too slowly read: who comes with a proper request is served all the same.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    socket::{setsockopt, sockopt},
};
use serde_json::json;

use crate::support::{PASSWORD, TestApp, binary::Binary, postgres::TestDatabase, raw};

const ADA: &str = "ada@example.org";

/// More than there are workers, connections to the database, or places in the queue before the hashing of passwords.
const MANY: usize = 100;

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server listens");
    // No test waits for it: a server that says nothing fails the test instead of stopping it.
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
    socket
}

fn send_all(address: SocketAddr, bytes: &str) -> Vec<TcpStream> {
    let send = |_| {
        let mut socket = connect(address);
        socket.write_all(bytes.as_bytes()).expect("the server reads");
        socket
    };
    (0..MANY).map(send).collect()
}

/// Everything that comes until the server closes.
fn rest(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    // It may be reset, as not everything was read.
    if let Err(error) = socket.read_to_end(&mut answer) {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "the connection is kept: {}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn serves(app: &TestApp, client: &crate::support::Client) {
    for path in ["/api/me", "/api/account"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    assert_eq!(app.browser().get("/login").await.status, 200);
}

#[actix_web::test]
async fn who_sends_slowly_holds_nobody_up_and_is_let_go() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let host = app.address;
    let heads = send_all(host, "GET /login HTTP/1.1\r\nhost: x\r\nx-slow: ");
    let form = "POST /login HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 1000\r\n\r\nemail=";
    let forms = send_all(host, &form.replace("HOST", &host.to_string()));
    let json = "POST /api/auth/login HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ema\r\n";
    let jsons = send_all(host, &json.replace("HOST", &host.to_string()));
    // Answered before the body has come, as nobody wants it.
    let unwanted = "POST /missing HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let unwanted = send_all(host, &unwanted.replace("HOST", &host.to_string()));
    serves(&app, &client).await;
    for (what, sockets, status) in
        [("unwanted", unwanted, "404"), ("heads", heads, "408"), ("forms", forms, "408"), ("JSON", jsons, "408")]
    {
        for socket in sockets {
            let answer = rest(socket);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        }
    }
    serves(&app, &client).await;
}

#[actix_web::test]
async fn who_sends_slowly_is_let_go_during_an_outage_too() {
    let app = TestApp::spawn();
    let browser = app.logged_in_browser(ADA).await;
    let outage = app.outage();
    // The session can't be read, so a layer answers, and nobody has read the body.
    let head = format!("POST /login HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n", app.address, browser.cookies());
    for socket in send_all(app.address, &format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")) {
        let answer = rest(socket);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    outage.end().await;
}

#[actix_web::test]
async fn who_asks_for_much_and_reads_nothing_holds_nobody_up_and_is_let_go() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    // Large, and cheap to make.
    let style = two_doors::pages::assets::url("style.css");
    let request = format!("GET {style} HTTP/1.1\r\nhost: {}\r\n\r\n", app.address);
    let mut greedy: Vec<TcpStream> = (0..20).map(|_| connect(app.address)).collect();
    for socket in &mut greedy {
        // Else the system reads megabytes on the client's behalf, which take long to make.
        setsockopt(socket, sockopt::RcvBuf, &4096).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        // As much as the server takes.
        while socket.write(request.repeat(100).as_bytes()).is_ok() {}
    }
    serves(&app, &client).await;
    let began = Instant::now();
    for socket in &greedy {
        // Reading would be what the client never does.
        while socket.take_error().expect("a socket").is_none() {
            assert!(began.elapsed() < Duration::from_mins(1), "the connection is kept");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    serves(&app, &client).await;
}

#[actix_web::test]
async fn of_many_log_ins_at_once_those_that_find_no_place_are_told_when_to_come_back() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    // Somebody with fewer logins at once than these.
    app.sign_up("grace@example.org").await;
    let body = json!({ "email": "grace@example.org", "password": PASSWORD, "refresh_token_in": "body" });
    let log_ins: Vec<_> = (0..MANY)
        .map(|_| {
            let (visitor, body) = (app.client(), body.clone());
            actix_web::rt::spawn(async move { visitor.post("/api/auth/login", &body).await })
        })
        .collect();
    assert_eq!(client.get("/api/me").await.status, 200, "a core is left to everybody else");
    let (mut served, mut refused) = (0, 0);
    for log_in in log_ins {
        let answer = log_in.await.expect("an answer");
        match answer.status {
            200 => served += 1,
            503 => {
                assert!(["busy", "unavailable"].contains(&answer.code().as_str()), "{answer:?}");
                assert_eq!(answer.header("retry-after"), "2");
                refused += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    serves(&app, &client).await;
}

#[actix_web::test]
async fn a_form_that_finds_no_place_keeps_what_was_typed() {
    let app = TestApp::spawn();
    let forms: Vec<_> = (0..MANY)
        .map(|number| {
            let mut browser = app.browser();
            actix_web::rt::spawn(async move {
                let email = format!("ada{number}@example.org");
                let fields = [("email", email.as_str()), ("display_name", "Ada"), ("password", PASSWORD)];
                (browser.post_from("/signup", "/signup", &fields).await, email)
            })
        })
        .collect();
    let mut refused = 0;
    for form in forms {
        let (answer, email) = form.await.expect("an answer");
        if answer.status == 503 && answer.body.contains("Many people are logging in") {
            assert!(answer.body.contains(&format!("value=\"{email}\"")), "{}", answer.body);
            assert_eq!(answer.header("retry-after"), "2");
            refused += 1;
        }
    }
    assert!(refused > 0, "more came than there are places");
}

#[actix_web::test]
async fn ten_thousand_connections_are_held_at_once_by_a_server_that_was_given_few_files() {
    let database = TestDatabase::create();
    let server = Binary::serve_with_few_files(database.url(), &[]);
    assert_eq!(server.browser().sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    let mut client = server.client();
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("as much as the system allows");
    // Where the system allows less than that, three quarters of it: the other tests need some.
    let many = usize::try_from(most / 4 * 3).map_or(10_000, |most| most.min(10_000));
    let (mut crowd, began) = (VecDeque::new(), Instant::now());
    // Who asks nothing is let go after 5 s. However slow this machine is: those are replaced until enough are there at once.
    while server.open_files() < many {
        assert!(began.elapsed() < Duration::from_mins(2), "{} of {many} are held", server.open_files());
        for _ in 0..500 {
            crowd.push_back(connect(server.address));
        }
        crowd.drain(..crowd.len().saturating_sub(many + 500));
    }
    for path in ["/api/me", "/api/account"] {
        assert_eq!(client.get(path).await.status, 200, "{path}, with {} connections", server.open_files());
    }
    assert_eq!(server.browser().get("/login").await.status, 200);
}

#[actix_web::test]
async fn a_head_of_a_megabyte_is_refused_before_it_is_read() {
    let app = TestApp::spawn();
    for head in ["x-large: ", "cookie: session=", "authorization: Bearer "] {
        let answer = raw::get(app.address, "/api/me", &format!("{head}{}\r\n", "y".repeat(1 << 20)));
        assert!([400, 413, 431].contains(&answer.status), "{head}: {}", answer.head);
    }
    let path = format!("/{}", "y".repeat(1 << 20));
    assert!([400, 413, 414, 431].contains(&raw::get(app.address, &path, "").status));
    assert_eq!(raw::get(app.address, "/healthz", "").status, 200);
}

#[actix_web::test]
async fn requests_that_come_in_one_go_are_answered_in_their_order() {
    let app = TestApp::spawn();
    let client = app.logged_in_client(ADA).await;
    let request = |number: usize| {
        let (path, bearer) = match number % 4 {
            0 => ("/api/me", client.access_token.as_str()),
            1 => ("/api/account", client.access_token.as_str()),
            2 => ("/api/me", "wrong"),
            _ => ("/missing", "wrong"),
        };
        let close = if number == 99 { "connection: close\r\n" } else { "" };
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {bearer}\r\n{close}\r\n", app.address)
    };
    let requests = (0..100).map(request).collect::<Vec<_>>().concat();
    let mut socket = connect(app.address);
    socket.write_all(requests.as_bytes()).expect("the server reads");
    let answers = rest(socket);
    let statuses: Vec<&str> =
        answers.split("HTTP/1.1 ").skip(1).map(|answer| answer.split(' ').next().expect("a status")).collect();
    assert_eq!(statuses, ["200", "200", "401", "404"].repeat(25));
}
