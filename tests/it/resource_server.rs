//! Other services verify our tokens without us: `examples/resource_server.rs` knows nothing but where the public keys are.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use two_doors::db::private_postgres::PrivatePostgres;

use crate::{
    revoke::revoke,
    support::{
        Answer, Client, Forge, NAMES, NEW_PASSWORD, PASSWORD, TestApp,
        app::SECRET,
        binary::{self, Binary},
        feed::SERVICE_SECRET,
        forge,
        postgres::{TestFolder, throwaway},
        service::Service,
    },
};

const ADA: &str = "ada@example.org";
const ISSUER: &str = "https://doors.example.com";
const SERVICES: [&str; 3] = ["orders", "billing", "notifications"];
const AUDIENCES: (&str, &str) = ("AUDIENCES", "orders,billing,notifications");

async fn log_in(client: &mut Client, audience: &[&str]) {
    client.access_token.clear();
    let body = json!({ "email": ADA, "password": PASSWORD, "refresh_token_in": "body", "audience": audience });
    let answer = client.post("/api/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    client.keep(&answer);
}

fn is_refused(answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-token"), "{what}: {answer:?}");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{what}: {answer:?}");
}

/// Until the service has looked for keys again.
async fn soon(what: &str, service: &Service, client: &Client, status: u16) {
    let began = Instant::now();
    while service.ask(client).await.status != status {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn one_log_in_serves_three_services_which_go_on_without_us_and_notice_a_rotation_afterwards() {
    let folder = TestFolder::new();
    let mut postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("a cluster");
    let url = postgres.url();
    let server = Binary::serve(&url, &[AUDIENCES]);
    let (address, issuer) = (server.address, format!("http://{}", server.address));
    let services = SERVICES.map(|name| Service::start(name, address, &issuer, &["--keep", "1", "--look-every", "1"]));

    let mut client = server.client();
    let account = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD });
    assert_eq!(client.post("/api/users", &account).await.status, 201);
    log_in(&mut client, &SERVICES).await;
    for (service, name) in services.iter().zip(SERVICES) {
        let answer = service.ask(&client).await;
        assert_eq!((answer.status, answer.json()["service"].as_str()), (200, Some(name)), "{answer:?}");
        assert_eq!(answer.json()["user"], forge::claims(&client.access_token)["sub"]);
    }
    let mut for_orders = client.clone();
    log_in(&mut for_orders, &["orders"]).await;
    assert_eq!(services[0].ask(&for_orders).await.status, 200);
    is_refused(&services[1].ask(&for_orders).await, "a token for orders, at billing");
    assert_eq!(for_orders.get("/api/me").await.code(), "invalid-token", "and at our own API");

    assert!(server.stop().0);
    postgres.stop();
    drop(postgres);
    // For longer than they keep the keys without looking.
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        for service in &services {
            assert_eq!(service.ask(&client).await.status, 200, "nobody is asked");
        }
    }
    is_refused(&services[1].ask(&for_orders).await, "a token for orders, at billing");

    let _postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("the same cluster");
    let _server = Binary::serve(&url, &[AUDIENCES, ("BIND_ADDRESS", &address.to_string())]);
    let keys = |arguments: &[&str]| {
        let variables = [("DATABASE_URL", url.as_str()), ("SECRETS", SECRET), ("LOG", "error")];
        let outcome = binary::run(&[&["keys"], arguments].concat(), &variables);
        assert!(outcome.success, "{outcome:?}");
        outcome.stdout.split(' ').next().expect("a kid").to_owned()
    };
    let kid = |client: &Client| forge::header(&client.access_token)["kid"].as_str().expect("a kid").to_owned();
    let new = keys(&["rotate", "--in", "0s"]);
    let mut newer = client.clone();
    while kid(&newer) != new {
        log_in(&mut newer, &SERVICES).await;
    }
    for service in &services {
        soon("the new key is found", service, &newer, 200).await;
        assert_eq!(service.ask(&client).await.status, 200, "the key before goes on verifying");
    }
    keys(&["retire", &kid(&client)]);
    for service in &services {
        soon("the retired key is forgotten with the next look", service, &client, 401).await;
        assert_eq!(service.ask(&newer).await.status, 200);
    }
}

#[actix_web::test]
async fn a_service_accepts_nothing_but_access_tokens_that_are_meant_for_it() {
    let app = TestApp::with(&[&[AUDIENCES], NAMES].concat());
    let service = Service::start("orders", app.address, ISSUER, &[]);
    app.sign_up(ADA).await;
    let mut client = app.client();
    log_in(&mut client, &["orders"]).await;
    let (forge, claims) = (Forge::of(&app), forge::claims(&client.access_token));
    let now = two_doors::token::access::now();
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        forge.sign(&forge.header(), &claims)
    };
    let headed = |name: &str, value: Value| {
        let mut header = forge.header();
        header[name] = value;
        forge.sign(&header, &claims)
    };
    assert_eq!(service.ask_with(&with("iat", json!(now + 50))).await.status, 200, "clocks differ");
    assert_eq!(service.ask_with(&with("aud", json!(["billing", "orders"]))).await.status, 200);
    let refused = [
        ("expired", with("exp", json!(now))),
        ("issued in the future", with("iat", json!(now + 70))),
        ("not valid yet", with("nbf", json!(now + 70))),
        ("for somebody else", with("aud", json!("billing"))),
        ("for several others", with("aud", json!(["billing", "notifications"]))),
        ("for nobody", with("aud", Value::Null)),
        ("of another issuer", with("iss", json!("https://elsewhere.example.com"))),
        ("of another type", headed("typ", json!("JWT"))),
        ("with demands", headed("crit", json!(["exp"]))),
        ("of another algorithm", headed("alg", json!("HS256"))),
        ("unsigned", headed("alg", json!("none"))),
        ("of an unknown key", headed("kid", json!("made-up"))),
        ("altered", client.access_token.replacen('.', ".e", 1)),
        ("no token", "hunter2".to_owned()),
    ];
    for (what, token) in refused {
        is_refused(&service.ask_with(&token).await, what);
    }
    let missing = Client::new(service.address).get("/").await;
    assert_eq!((missing.status, missing.code().as_str()), (401, "not-authenticated"));
    assert_eq!(missing.header("www-authenticate"), "Bearer", "no error where no token was shown");
    assert_eq!(service.ask(&client).await.status, 200);
}

/// Publishes keys for an hour and counts how often it is asked.
fn publisher(jwks: String) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncache-control: public, max-age=3600\r\ncontent-type: application/jwk-set+json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n",
                jwks.len()
            );
            let _ = stream.write_all((head + &jwks).as_bytes());
        }
    });
    (address, asked)
}

#[actix_web::test]
async fn made_up_kids_do_not_make_a_service_ask_more_than_once_in_a_while() {
    let app = TestApp::with(&[&[AUDIENCES], NAMES].concat());
    app.sign_up(ADA).await;
    let mut client = app.client();
    log_in(&mut client, &["orders"]).await;
    let forge = Forge::of(&app);
    let (address, asked) = publisher(app.client().get("/.well-known/jwks.json").await.body);
    let service = Service::start("orders", address, ISSUER, &["--look-every", "3600"]);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "it asks when it needs to");
    for number in 0..50 {
        let mut header = forge.header();
        header["kid"] = json!(format!("made-up-{number}"));
        let token = forge.sign(&header, &forge::claims(&client.access_token));
        is_refused(&service.ask_with(&token).await, "a made-up kid");
        assert_eq!(service.ask(&client).await.status, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    // Many at once, of a service that knows nothing yet.
    let cold = Service::start("orders", address, ISSUER, &["--look-every", "3600"]);
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let mut client = client.clone();
            client.move_to(cold.address);
            actix_web::rt::spawn(async move { client.get("/").await.status })
        })
        .collect();
    for asking in asking {
        assert_eq!(asking.await.expect("an answer"), 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "one look for all of them");
}

/// The service `orders`, which takes its keys from this server and follows the endings of another.
fn follower(keys_at: SocketAddr, endings_at: SocketAddr) -> Service {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("{SERVICE_SECRET}\n")).expect("a file");
    let feed = format!("http://{endings_at}/api/endings");
    let secret = secret.to_str().expect("text");
    let arguments = ["--follow-endings", &feed, "--service", "orders", "--secret-file", secret];
    Service::start("orders", keys_at, ISSUER, &arguments)
}

/// Whether the service accepts the token, and what it held it against.
async fn check(service: &Service, client: &Client) -> (u16, String) {
    let answer = service.ask(client).await;
    (answer.status, answer.header("token-check").to_owned())
}

fn checked(by: &str) -> (u16, String) {
    (200, by.to_owned())
}

#[actix_web::test]
async fn who_follows_the_feed_refuses_what_was_ended_and_who_does_not_goes_on_accepting_it() {
    let app = TestApp::with(&[&[AUDIENCES], NAMES].concat());
    app.sign_up(ADA).await;
    let (follower, other) = (follower(app.address, app.address), Service::start("orders", app.address, ISSUER, &[]));
    let mut client = app.client();
    log_in(&mut client, &["orders"]).await;
    let ends = async |what: &str, client: &Client| {
        soon(what, &follower, client, 401).await;
        is_refused(&follower.ask(client).await, what);
        assert_eq!(check(&other, client).await, checked("claims"), "{what}");
    };
    assert_eq!(check(&follower, &client).await, checked("endings"), "it knows before it opens");
    client.log_out().await;
    ends("a log-out", &client).await;

    log_in(&mut client, &["orders"]).await;
    let (forge, mut claims) = (Forge::of(&app), forge::claims(&client.access_token));
    claims["jti"] = json!("another");
    let mut same_login = client.clone();
    same_login.access_token = forge.sign(&forge.header(), &claims);
    assert_eq!(revoke(&app, &client.access_token).await.status, 200);
    ends("a denial", &client).await;
    assert_eq!(check(&follower, &same_login).await, checked("endings"), "of this token only");

    // The version alone, without the end of a family.
    app.execute("UPDATE users SET credential_version = credential_version + 1");
    ends("a raised version", &same_login).await;
    log_in(&mut client, &["orders"]).await;
    assert_eq!(check(&follower, &client).await, checked("endings"), "a token of the new version");
    let mut at_home = app.client();
    assert_eq!(at_home.log_in(ADA, PASSWORD).await.status, 200);
    assert_eq!(at_home.change_password(PASSWORD, NEW_PASSWORD).await.status, 200);
    ends("a change of password", &client).await;

    let body = json!({ "email": ADA, "password": NEW_PASSWORD, "refresh_token_in": "body", "audience": ["orders"] });
    client.access_token.clear();
    let answer = client.post("/api/auth/login", &body).await;
    client.keep(&answer);
    assert_eq!(check(&follower, &client).await, checked("endings"));
    app.ban(ADA, "spam", None);
    ends("a ban", &client).await;
}

#[actix_web::test]
async fn a_follower_without_a_feed_says_so_and_hears_afterwards_what_ended_meanwhile() {
    let app = TestApp::with(&[&[AUDIENCES], NAMES].concat());
    app.sign_up(ADA).await;
    let [mut before, mut meanwhile, mut never] = [(); 3].map(|()| app.client());
    for client in [&mut before, &mut meanwhile, &mut never] {
        log_in(client, &["orders"]).await;
    }
    let services = format!("orders:{SERVICE_SECRET}");
    let server = Binary::serve(app.database.url(), &[("SERVICES", &services)]);
    let address = server.address;
    let follower = follower(app.address, address);
    before.log_out().await;
    soon("heard", &follower, &before, 401).await;
    assert_eq!(check(&follower, &never).await, checked("endings"));

    assert!(server.stop().0);
    checks_soon(&follower, &never, "claims").await;
    is_refused(&follower.ask(&before).await, "what it knows goes on counting");
    meanwhile.log_out().await;
    let late = self::follower(app.address, address);
    for (service, client) in [(&follower, &meanwhile), (&late, &meanwhile), (&late, &before)] {
        assert_eq!(check(service, client).await, checked("claims"), "it can't know, and says so");
    }

    let variables = [("SERVICES", services.as_str()), ("BIND_ADDRESS", &address.to_string())];
    let _server = Binary::serve(app.database.url(), &variables);
    for service in [&follower, &late] {
        checks_soon(service, &never, "endings").await;
        is_refused(&service.ask(&meanwhile).await, "it ended meanwhile");
        is_refused(&service.ask(&before).await, "it ended before");
    }
}

/// Until the service has noticed whether there is a feed. It connects again after 8 seconds at the latest.
async fn checks_soon(service: &Service, client: &Client, by: &str) {
    let began = Instant::now();
    while check(service, client).await != checked(by) {
        assert!(began.elapsed() < Duration::from_secs(20), "{by}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
