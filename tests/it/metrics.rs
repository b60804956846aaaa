//! What Prometheus is told, on a listener of its own and nowhere else.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use crate::support::{
    Answer, PASSWORD, binary::Binary, http, postgres::TestDatabase, proxy::Proxy, raw, redis::TestRedis,
};

const ADA: &str = "ada@example.org";

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

async fn scrape(address: SocketAddr) -> Answer {
    http::send(address, "GET", "/metrics", &[], "").await
}

/// The value of a series, by its name with its labels; nothing if there is no such series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[actix_web::test]
async fn whatever_happens_is_counted_by_route_and_never_by_what_a_client_chose() {
    let (database, address) = (TestDatabase::create(), free_address());
    let text = address.to_string();
    let server = Binary::serve(database.url(), &[("METRICS_ADDRESS", &text), ("SERVICES", "")]);
    let mut ada = server.browser();
    assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
    assert!(ada.is_logged_in().await);
    let copy = ada.clone();
    assert_eq!(ada.log_out().await.status, 303);
    assert!(!copy.clone().is_logged_in().await);
    let mut client = server.client();
    assert_eq!(client.log_in(ADA, "a wrong password that is long").await.status, 401);
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);
    for _ in 0..3 {
        assert_eq!(client.get("/api/me").await.status, 200);
    }
    // Letters may come percent-encoded.
    assert_eq!(client.get("/api/%61ccount").await.status, 200);
    let used = client.clone();
    client.renew().await;
    client.renew().await;
    assert_eq!(used.redeem().await.code(), "reused-refresh-token");
    assert_eq!(client.get("/api/account").await.status, 401);
    let mut forged = client.clone();
    forged.access_token = "a.b.c".to_owned();
    assert_eq!(forged.get("/api/me").await.status, 401);
    for path in ["/problems/busy", "/problems/throttled", "/problems/nonsense-7", "/missing-1", "/missing-2"] {
        server.browser().get(path).await;
    }

    let answer = scrape(address).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{answer:?}");
    let metrics = &answer.body;
    for (series, expected) in [
        ("two_doors_requests_total{route=\"/api/me\",status=\"200\"}", 3.0),
        ("two_doors_requests_total{route=\"/api/me\",status=\"401\"}", 1.0),
        ("two_doors_requests_total{route=\"/api/account\",status=\"200\"}", 1.0),
        ("two_doors_requests_total{route=\"/problems/{code}\",status=\"200\"}", 2.0),
        ("two_doors_requests_total{route=\"/problems/{code}\",status=\"404\"}", 1.0),
        ("two_doors_requests_total{route=\"none\",status=\"404\"}", 2.0),
        ("two_doors_authentications_total{door=\"token\",check=\"password\",outcome=\"refused\"}", 1.0),
        ("two_doors_authentications_total{door=\"token\",check=\"password\",outcome=\"accepted\"}", 1.0),
        ("two_doors_authentications_total{door=\"token\",check=\"claims\",outcome=\"accepted\"}", 5.0),
        ("two_doors_authentications_total{door=\"token\",check=\"claims\",outcome=\"refused\"}", 1.0),
        ("two_doors_authentications_total{door=\"token\",check=\"live\",outcome=\"accepted\"}", 1.0),
        ("two_doors_authentications_total{door=\"token\",check=\"live\",outcome=\"ended\"}", 1.0),
        ("two_doors_authentications_total{door=\"session\",check=\"row\",outcome=\"ended\"}", 1.0),
        ("two_doors_refresh_reuses_total{kind=\"of an older token\"}", 1.0),
        ("two_doors_passwords_waiting", 0.0),
        ("two_doors_database_up", 1.0),
        ("two_doors_database_waiting", 0.0),
    ] {
        assert_eq!(value(metrics, series), Some(expected), "{series} in\n{metrics}");
    }
    for at_least_once in [
        "two_doors_authentications_total{door=\"session\",check=\"row\",outcome=\"accepted\"}",
        "two_doors_database_wait_seconds_count",
        "two_doors_password_wait_seconds_count",
        "two_doors_gathered_lookups_count",
    ] {
        assert!(value(metrics, at_least_once).is_some_and(|value| value > 0.0), "{at_least_once} in\n{metrics}");
    }
    for choice in ["nonsense", "missing", "example.org", "status=\"0\""] {
        assert!(!metrics.contains(choice), "{choice} made a series:\n{metrics}");
    }
    assert_eq!(http::send(address, "GET", "/", &[], "").await.status, 404, "the doors are elsewhere");
    // Answered before the body has come: the connection does not wait for it.
    let head = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    assert_eq!(raw::exchange(address, head.as_bytes()).status, 200);
}

#[actix_web::test]
async fn an_outage_of_either_store_is_told_with_the_routes_that_it_hit() {
    let database = TestDatabase::create();
    let redis = TestRedis::start();
    let (to_database, to_redis) = (Proxy::to(&database), Proxy::to_redis(&redis));
    for (store, wire) in [("", &to_database), (to_redis.redis_url().as_str(), &to_redis)] {
        let address = free_address();
        let text = address.to_string();
        let variables = [("METRICS_ADDRESS", text.as_str()), ("SESSION_STORE", store), ("MIGRATE", "off")];
        let server = Binary::serve(&to_database.url(), &variables);
        let mut ada = server.browser();
        if ada.log_in(ADA, PASSWORD).await.status != 303 {
            assert_eq!(ada.sign_up(ADA, "Ada", PASSWORD).await.status, 303);
        }
        assert!(ada.is_logged_in().await);
        wire.cut();
        assert_eq!(ada.get("/account").await.status, 503, "{store}");
        // One failure is a suspicion, which a thread looks into.
        let deadline = Instant::now() + Duration::from_secs(30);
        while store.is_empty() && value(&scrape(address).await.body, "two_doors_database_up") != Some(0.0) {
            assert!(Instant::now() < deadline, "nobody knows of the outage");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(ada.get("/account").await.status, 503, "{store}");
        let metrics = scrape(address).await.body;
        let value = |series: &str| value(&metrics, series);
        assert_eq!(value("two_doors_requests_total{route=\"/account\",status=\"503\"}"), Some(2.0), "{metrics}");
        let row = "two_doors_authentications_total{door=\"session\",check=\"row\",outcome=\"unavailable\"}";
        assert_eq!(value(row), Some(2.0), "{metrics}");
        let is_up = value("two_doors_database_up") == Some(1.0);
        let refused = metrics.lines().any(|line| line.starts_with("two_doors_database_refusals_total"));
        assert_eq!((is_up, refused), (!store.is_empty(), store.is_empty()), "{store}: {metrics}");
        wire.mend();
    }
}

#[actix_web::test]
async fn the_public_port_tells_nobody_and_without_an_address_there_is_no_listener() {
    let database = TestDatabase::create();
    let server = Binary::serve(database.url(), &[]);
    for path in ["/metrics", "/api/metrics"] {
        assert_eq!(scrape_at(server.address, path).await, 404, "{path}");
    }
    assert_eq!(listeners(server.pid()), 1, "its own");
    let taken = server.address.to_string();
    let refusal = Binary::try_serve(database.url(), &[("METRICS_ADDRESS", &taken)]).err().expect("the port is taken");
    assert!(refusal.stderr.contains(&format!("METRICS_ADDRESS={taken} can't be listened on")), "{refusal:?}");
}

/// On how many addresses a process listens.
fn listeners(pid: u32) -> usize {
    let sockets = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
    let links = sockets.filter_map(|entry| fs::read_link(entry.path()).ok()?.to_str().map(str::to_owned));
    let sockets: Vec<String> =
        links.filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let listening = tables.iter().flat_map(|table| table.lines()).filter(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
    });
    listening.count()
}

async fn scrape_at(address: SocketAddr, path: &str) -> u16 {
    http::send(address, "GET", path, &[], "").await.status
}
