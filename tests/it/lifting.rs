//! Each scheme can be lifted out whole: the recipe of `docs/lifting.md` is carried out as printed, the compiler checks what comes
//! out, and the door of one scheme works on the tables that are left.
//!
//! The dependencies are those of the lints' run, already checked; without it the first of these tests takes a minute more.

#[allow(dead_code, reason = "its main is for a process of its own")]
#[path = "../../examples/sessions_only.rs"]
mod sessions_only;
#[allow(dead_code, reason = "its main is for a process of its own")]
#[path = "../../examples/tokens_only.rs"]
mod tokens_only;

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use actix_web::dev::{Server, ServerHandle};
use diesel::{
    QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use serde_json::json;
use two_doors::{
    accounts::{Accounts, credentials::Asker, devices::Shown, events::Door, sign_up},
    config::Config,
    db::Pool,
    http,
};

use crate::support::{Browser, Client, PASSWORD, app, postgres::TestDatabase, tour};

const RECIPE: &str = "docs/lifting.md";
const ADA: &str = "ada@example.org";

/// Carries out the recipe under a heading; answers with the folder of the project that it makes.
fn lift(heading: &str, project: &str) -> PathBuf {
    let document = tour::document(RECIPE);
    let section = document.split("\n## ").find(|section| section.starts_with(heading)).expect("the recipe");
    let here = env!("CARGO_MANIFEST_DIR");
    let steps = tour::steps(&section.replace("HOUSE=~/two-doors", &format!("HOUSE='{here}'")));
    assert!(section.contains(&format!("HOUSE=~/two-doors\n$ mkdir -p {project}/src")), "the recipe begins otherwise");
    let target = Path::new(env!("CARGO_BIN_EXE_two-doors")).ancestors().nth(2).expect("the target folder");
    // In one place, so that repeated runs don't fill the target folder, nor check what has not changed.
    let bench = target.join("lifted");
    let folder = bench.join(project);
    fs::create_dir_all(&bench).expect("a folder");
    let _ = fs::remove_dir_all(&folder);
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    let cargo = env::var_os("CARGO").map(PathBuf::from);
    let tools = cargo.iter().filter_map(|cargo| Some(cargo.parent()?.to_owned()));
    let path =
        env::join_paths(tools.chain(env::split_paths(&env::var_os("PATH").unwrap_or_default()))).expect("a PATH");
    let output = Command::new("bash")
        .args(["-euc", &commands.join("\n")])
        .current_dir(&bench)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .expect("bash");
    assert!(output.status.success(), "{RECIPE}, {heading}:\n{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// A server of one door, on nothing but the tables that the lifted migrations make.
struct Lifted {
    address: SocketAddr,
    handle: ServerHandle,
    database: TestDatabase,
}

type Serve = fn(TcpListener, &Config) -> Result<Server, Box<dyn std::error::Error>>;

impl Lifted {
    async fn start(folder: &Path, serve: Serve) -> Self {
        let database = TestDatabase::empty();
        let migrations = FileBasedMigrations::from_path(folder.join("migrations")).expect("migrations");
        let ran = database.connect().run_pending_migrations(migrations).map(|ran| ran.len());
        assert!(ran.expect("they apply without the other scheme's") > 5);
        let config = app::config(database.url(), &[("MIGRATE", "off")]);
        sign_up(&config, database.url()).await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = serve(listener, &config).expect("it starts");
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, handle, database }
    }

    fn assert_has_no_table_named(&self, foreign: &str) {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            tables: i64,
        }
        let tables = "SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'public' AND tablename ~ $1";
        let counted = sql_query(tables).bind::<Text, _>(foreign).get_result::<Count>(&mut self.database.connect());
        assert_eq!(counted.expect("a count").tables, 0, "no table of the other scheme is left");
    }
}

/// The doors alone have no sign-up.
async fn sign_up(config: &Config, url: &str) {
    let secrets = config.secrets.as_ref().expect("configured");
    let accounts =
        Accounts::new(Pool::new(url, 1, config.database_timeout).expect("a pool"), &config.accounts, secrets, false);
    let client = http::client::Client { address: [127, 0, 0, 1].into(), user_agent: String::new() };
    let asker = Asker { client, is_own: false, devices: Shown::parse("") };
    let made = sign_up::sign_up(&accounts, Door::Session, (ADA, "Ada", PASSWORD), &asker).await;
    made.expect("an account");
}

#[actix_web::test]
async fn sessions_are_lifted_out_by_the_recipe_compile_and_let_in_and_out() {
    let folder = lift("Sessions only", "sessions-only");
    let door = Lifted::start(&folder, sessions_only::serve).await;
    door.assert_has_no_table_named("token|signing_keys");

    let mut browser = Browser::new(door.address);
    assert_eq!(browser.get("/").await.status, 401);
    assert_eq!(browser.post_raw("/login", &[("email", ADA), ("password", "a guess")]).await.status, 401);
    assert_eq!(browser.post_raw("/login", &[("email", ADA), ("password", PASSWORD)]).await.status, 303);
    let mut copy = browser.clone();
    assert_eq!(copy.get("/").await.body, ADA);
    browser.headers.push(("origin".to_owned(), "https://evil.example".to_owned()));
    assert_eq!(browser.post_raw("/logout", &[]).await.status, 403, "another site's page ends nothing");
    browser.headers.clear();
    assert_eq!(browser.post_raw("/logout", &[]).await.status, 303);
    assert_eq!(copy.get("/").await.status, 401, "the copy is dead");
    door.handle.stop(false).await;
}

#[actix_web::test]
async fn tokens_are_lifted_out_by_the_recipe_compile_and_let_in_and_out() {
    let folder = lift("Tokens only", "tokens-only");
    let door = Lifted::start(&folder, tokens_only::serve).await;
    door.assert_has_no_table_named("^sessions$");

    let mut client = Client::new(door.address);
    assert_eq!(client.get("/me").await.status, 401);
    let wrong = client.post("/login", &json!({ "email": ADA, "password": "a guess" })).await;
    assert_eq!(wrong.status, 401);
    client.keep(&client.post("/login", &json!({ "email": ADA, "password": PASSWORD })).await);
    assert_eq!(client.get("/account").await.json()["email"], ADA);
    let first = json!({ "refresh_token": client.refresh_token });
    client.keep(&client.post("/refresh", &first).await);
    let second = json!({ "refresh_token": client.refresh_token });
    assert_ne!(first, second, "it rotates");
    assert_eq!(client.post("/logout", &second).await.status, 204);
    assert_eq!(client.post("/refresh", &second).await.status, 401, "the refresh token is dead");
    assert_eq!(client.get("/account").await.status, 401, "so is the access token where somebody asks");
    assert_eq!(client.get("/me").await.status, 200, "and where nobody asks it lives until it expires");
    let keys = client.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    door.handle.stop(false).await;
}
