//! How an instance leaves, and two behind haproxy, restarted one after the other while people use both doors: not one request is
//! lost.
//!
//! The latter needs haproxy, which `script/bootstrap --haproxy` installs, so it runs when `script/rolling-restart` asks for it.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::rt::spawn;
use nix::sys::signal::Signal;

use crate::support::{Browser, Client, NAMES, PASSWORD, binary::Binary, http, postgres::TestDatabase, raw};

/// How often both instances are restarted.
const ROUNDS: usize = 3;

struct Proxy {
    process: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxy {
    fn before(instances: [SocketAddr; 2]) -> Self {
        let address = free_address();
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = format!(
            "global\n stats socket {stats}\n\
             defaults\n mode http\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n timeout check 2s\n\
             \x20option redispatch 1\n retries 3\n\
             frontend doors\n bind {address}\n default_backend instances\n\
             backend instances\n balance roundrobin\n option httpchk GET /readyz\n http-check expect status 200\n",
            stats = folder.path().join("stats").display(),
        );
        for (number, instance) in instances.iter().enumerate() {
            writeln!(config, " server s{number} {instance} check inter 200ms fall 1 rise 1").expect("a String");
        }
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, config).expect("a file");
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy, which script/bootstrap --haproxy installs");
        Self { process, address, folder }
    }

    /// Whether it sends requests to an instance.
    fn uses(&self, number: usize) -> bool {
        let mut stats = UnixStream::connect(self.folder.path().join("stats")).expect("haproxy listens");
        stats.write_all(b"show stat\n").expect("haproxy reads");
        let mut table = String::new();
        stats.read_to_string(&mut table).expect("haproxy answers");
        let line = table.lines().find(|line| line.starts_with(&format!("instances,s{number},")));
        line.expect("a server of the backend").split(',').any(|field| field == "UP")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// An instance that leaves only when it has been taken out, at an address that it keeps.
fn instance(database: &TestDatabase, address: SocketAddr, public: &str) -> Binary {
    let bind = address.to_string();
    let ours = [
        ("BIND_ADDRESS", bind.as_str()),
        ("PUBLIC_URL", public),
        ("DRAIN", "2s"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("LOG", "warn"),
        ("THROTTLE_ACCOUNT_ADDRESS", "0"),
        ("THROTTLE_ACCOUNT", "0"),
        ("THROTTLE_ADDRESS", "0"),
    ];
    Binary::serve(database.url(), &[&ours[..], NAMES].concat())
}

async fn is_ready(address: SocketAddr) -> bool {
    http::send(address, "GET", "/readyz", &[], "").await.status == 200
}

/// Uses both doors through the proxy until it is told to stop; every answer has to be the one that is due.
async fn use_both_doors(address: SocketAddr, email: String, stop: Arc<AtomicBool>, answers: Arc<AtomicUsize>) {
    // One for all requests: connections are kept, as a browser's are.
    let (mut browser, mut client) = (Browser::new(address), Client::new(address));
    assert_eq!(browser.log_in(&email, PASSWORD).await.status, 303);
    assert_eq!(client.log_in(&email, PASSWORD).await.status, 200);
    let kept = reqwest::Client::new();
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..10 {
            assert!(browser.is_logged_in().await, "{email}");
            let me = kept.get(format!("http://{address}/api/me")).bearer_auth(&client.access_token);
            assert_eq!(me.send().await.expect("an answer").status(), 200, "{email}");
            assert_eq!(client.get("/api/account").await.status, 200, "{email}");
            answers.fetch_add(3, Ordering::Relaxed);
        }
        let renewed = client.renew().await;
        assert_eq!(renewed.status, 200, "{email}: {renewed:?}");
        let form = [("display_name", "Somebody else")];
        let changed = browser.post_from("/account", "/account/name", &form).await;
        assert_eq!(changed.status, 303, "{email}: {changed:?}");
        answers.fetch_add(3, Ordering::Relaxed);
    }
}

#[actix_web::test]
async fn an_instance_that_leaves_answers_everything_and_closes_each_connection() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[("DRAIN", "10m")]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up("ada@example.org", "Ada", PASSWORD).await.status, 303);
    let request = format!("GET /login HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    server.signal(Signal::SIGTERM);
    while is_ready(server.address).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ready = http::send(server.address, "GET", "/readyz", &[], "").await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "this instance is leaving\n"));
    assert!(ada.is_logged_in().await, "who still comes is served");
    assert_eq!(server.client().log_in("ada@example.org", PASSWORD).await.status, 200);
    // Read to the end, which comes with the answer and not when the connection has been idle for long.
    let answer = raw::exchange(server.address, request.as_bytes());
    assert_eq!((answer.status, answer.header("connection")), (200, "close"), "{}", answer.head);
    server.signal(Signal::SIGTERM);
    let (is_good, log) = server.wait();
    assert!(is_good, "another signal cuts it short: {log}");
}

#[actix_web::test]
#[ignore = "needs haproxy: script/rolling-restart"]
async fn a_rolling_restart_behind_haproxy_loses_no_request() {
    let database = TestDatabase::create();
    let addresses = [free_address(), free_address()];
    let proxy = Proxy::before(addresses);
    let public = format!("http://{}", proxy.address);
    let mut instances = addresses.map(|address| Some(instance(&database, address, &public)));
    while !is_ready(proxy.address).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut people = Vec::new();
    for number in 0..8 {
        let email = format!("person{number}@example.org");
        assert_eq!(Browser::new(proxy.address).sign_up(&email, "Somebody", PASSWORD).await.status, 303);
        people.push(spawn(use_both_doors(proxy.address, email, Arc::clone(&stop), Arc::clone(&answers))));
    }
    for round in 0..ROUNDS {
        for (number, (instance_before, address)) in instances.iter_mut().zip(addresses).enumerate() {
            let before = answers.load(Ordering::Relaxed);
            let leaving = instance_before.take().expect("it runs");
            leaving.signal(Signal::SIGTERM);
            let (is_good, log) = spawn_blocking(move || leaving.wait()).await;
            assert!(is_good, "{log}");
            assert!(!proxy.uses(number), "it was taken out before it left");
            *instance_before = Some(
                spawn_blocking({
                    let (database, public) = (database.shared(), public.clone());
                    move || instance(&database, address, &public)
                })
                .await,
            );
            while !proxy.uses(number) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let during = answers.load(Ordering::Relaxed) - before;
            assert!(during > 0, "round {round}: nobody was served meanwhile");
            println!("round {round}: restarted {address}, {during} requests answered meanwhile");
        }
    }
    stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("every request was answered as it should be");
    }
    println!("{} requests, none lost", answers.load(Ordering::Relaxed));
}

async fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::rt::task::spawn_blocking(work).await.expect("it does not panic")
}
