//! What the parts cost: signing, verifying, checking a session, refreshing, rendering. `cargo bench --locked`.
//!
//! `script/bench` measures the whole over HTTP; these say where it goes. The database is a private one, with throwaway rows.

#![allow(clippy::expect_used, clippy::panic, reason = "as in tests: a bench that can't go on has nothing to say")]

use std::{
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt as _,
    sync::LazyLock,
    time::Duration,
};

use actix_web::{App, test, web::Data};
use diesel::{Connection as _, PgConnection, prelude::*};
use divan::Bencher;
use jsonwebtoken::Algorithm;
use time::OffsetDateTime;
use two_doors::{
    accounts::{
        self, User,
        fields::{DisplayName, Email, Password},
        password,
        throttle::Throttle,
    },
    config::{self, Config},
    db::{
        self, Pool,
        private_postgres::{PrivatePostgres, Settings},
        schema::users,
    },
    http::{client::Client, origin::Site},
    pages,
    secrets::Secrets,
    session::{Sessions, key::HashedKey, record},
    token::{
        self, Tokens,
        keys::{self, Keyring},
        log_in::Grounds,
    },
};
use uuid::Uuid;

const SECRET: &str = "a secret that only these benches use";
const ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::HS256];

fn main() {
    divan::main();
    // Statics are never dropped, and the cluster must stop.
    STAGE.end();
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| Stage::set().expect("a private PostgreSQL with a user"));

struct Stage {
    postgres: std::sync::Mutex<Option<(PrivatePostgres, tempfile::TempDir)>>,
    url: String,
    config: Config,
    user: User,
}

impl Stage {
    fn set() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("two-doors-bench-").tempdir_in("/tmp")?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let postgres = PrivatePostgres::start(&Settings {
            data: folder.path().join("data"),
            path: std::env::var_os("PATH"),
            runtime_dir: None,
            extra: Vec::new(),
        })?;
        let url = postgres.url();
        db::migrate(&url)?;
        let config = Config::from_lookup(&|name| match name {
            "DATABASE_URL" => Some(url.clone().into()),
            "SECRETS" => Some(SECRET.into()),
            _ => None,
        })?;
        let (email, name) = (Email::parse("ada@example.org"), DisplayName::parse("Ada"));
        let (Ok(email), Ok(name)) = (email, name) else { anyhow::bail!("no user") };
        let hash = password::hash(&Password::typed("marble otter gravel trumpet")).unwrap_or_default();
        let mut conn = PgConnection::establish(&url)?;
        accounts::insert(&mut conn, &email, &name, &hash)?;
        let user = users::table.select(User::as_select()).first(&mut conn)?;
        Ok(Self { postgres: std::sync::Mutex::new(Some((postgres, folder))), url, config, user })
    }

    fn connect(&self) -> PgConnection {
        db::connect(&self.url).expect("it answers")
    }

    fn tokens(&self, algorithm: Algorithm) -> Tokens {
        let config = config::Token { algorithm, ..self.config.token.clone() };
        let secrets = Secrets::parse(SECRET).expect("long enough");
        // A second algorithm's key would be announced first, and the first one's go on to sign.
        keys::rotate(&mut self.connect(), &secrets, algorithm, Duration::ZERO).expect("a key");
        let keyring = db::exclusively(&mut self.connect(), |conn| Keyring::open(conn, &secrets, &config));
        let pool = Pool::new(&self.url, 1, Duration::from_secs(5)).expect("a pool");
        Tokens::new(pool, keyring.expect("keys"), &config, "http://localhost")
    }

    fn issue(&self, tokens: &Tokens) -> String {
        let grounds = Grounds { family: Uuid::nil(), authenticated_at: OffsetDateTime::now_utc(), seconds_left: 900 };
        tokens.issue(&self.user, &grounds, None).expect("signed").as_str().to_owned()
    }

    fn end(&self) {
        drop(self.postgres.lock().map(|mut postgres| postgres.take()));
    }
}

fn client() -> Client {
    Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: "bench".to_owned() }
}

#[divan::bench(args = ALGORITHMS)]
fn sign(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let tokens = STAGE.tokens(algorithm);
    bencher.bench_local(|| STAGE.issue(&tokens));
}

#[divan::bench(args = ALGORITHMS)]
fn verify_what_was_never_seen(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (tokens, now) = (STAGE.tokens(algorithm), token::access::now());
    bencher.with_inputs(|| STAGE.issue(&tokens)).bench_local_refs(|token| tokens.verify(token, now).expect("good"));
}

#[divan::bench]
fn verify_what_was_verified_before(bencher: Bencher<'_, '_>) {
    let (tokens, now) = (STAGE.tokens(Algorithm::ES256), token::access::now());
    let token = STAGE.issue(&tokens);
    bencher.bench_local(|| tokens.verify(&token, now).expect("good"));
}

/// So many requests that look their session up at the same time, by way of the thread that asks for all of them.
#[divan::bench(args = [1, 8, 32, 128])]
fn session_check(bencher: Bencher<'_, '_>, together: usize) {
    let mut conn = STAGE.connect();
    let keys: Vec<String> = (0..together).map(|_| Uuid::new_v4().to_string()).collect();
    let hashes: Vec<HashedKey> = keys.iter().map(|key| HashedKey::of(key)).collect();
    for hash in &hashes {
        diesel::sql_query(
            "INSERT INTO sessions (key_hash, user_id, remembered, idle_ttl_seconds, absolute_expires_at, user_agent, address) \
             VALUES ($1, $2, false, 1800, now() + interval '1 day', '', '127.0.0.1')",
        )
        .bind::<diesel::sql_types::Binary, _>(hash.as_bytes())
        .bind::<diesel::sql_types::Uuid, _>(STAGE.user.id)
        .execute(&mut conn)
        .expect("inserted");
    }
    let pool = Pool::new(&STAGE.url, 1, Duration::from_secs(5)).expect("a pool");
    let lookup = pool.gatherer().lookup(record::look_up());
    let system = actix_web::rt::System::new();
    bencher.bench_local(|| {
        system.block_on(async {
            let ask = |hash: &HashedKey| {
                let (lookup, hash) = (lookup.clone(), *hash);
                actix_web::rt::spawn(async move { lookup.ask(hash).await })
            };
            for asked in hashes.iter().map(ask).collect::<Vec<_>>() {
                asked.await.expect("carried out").expect("answered").expect("there");
            }
        });
    });
}

/// A rotation with its commit to the disk.
#[divan::bench(sample_count = 50)]
fn refresh(bencher: Bencher<'_, '_>) {
    let ttls = STAGE.tokens(Algorithm::ES256).ttls();
    let mut conn = STAGE.connect();
    let login = token::log_in::log_in(&mut conn, &STAGE.user, ttls, &client()).expect("answered").expect("logged in");
    let mut present = login.refresh_token;
    let throttle = Throttle::new(&config::Accounts { refreshes_login: 0, ..STAGE.config.accounts });
    bencher.bench_local(|| {
        let renewed = conn.transaction(|conn| token::renew::renew(conn, &present, ttls, &client(), &throttle));
        match renewed.expect("answered") {
            token::renew::Renewed::Successor(_, login) => present = login.refresh_token,
            _ => panic!("it was not renewed"),
        }
    });
}

/// A page with its layers, in this process.
#[divan::bench]
fn render(bencher: Bencher<'_, '_>) {
    let secrets = Secrets::parse(SECRET).expect("long enough");
    let site = Data::new(Site::new("http://localhost:8080".parse().expect("a URL"), None, &[]));
    let pool = Pool::new(&STAGE.url, 1, Duration::from_secs(5)).expect("a pool");
    let sessions = Data::new(Sessions::new(pool, STAGE.config.session, &secrets, false));
    let app = App::new()
        .app_data(site.clone())
        .app_data(sessions.clone())
        .app_data(Data::new(pages::frame::Settings::new(&secrets, false)))
        .configure(|config| pages::mount(config, &sessions, &site));
    let system = actix_web::rt::System::new();
    let app = system.block_on(test::init_service(app));
    bencher.bench_local(|| {
        system.block_on(async {
            let request = test::TestRequest::get().uri("/problems").insert_header(("host", "localhost:8080"));
            let answer = test::call_service(&app, request.to_request()).await;
            assert!(answer.status().is_success());
            test::read_body(answer).await
        })
    });
}
