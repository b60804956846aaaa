//! A server in this process, on a free port, with a database of its own.

use std::{collections::HashMap, ffi::OsString, net::SocketAddr, sync::mpsc, thread};

use diesel::PgConnection;
use two_doors::{
    accounts::{self, fields::Email},
    config::Config,
    db::Pool,
    server::Server,
    token::{self, Tokens, keys::Keyring},
};

use super::{Answer, Browser, Client, PASSWORD, feed::SERVICE_SECRET, http, postgres::TestDatabase, redis::TestRedis};

pub const SECRET: &str = "a secret for tests that every reader of them knows";

/// A running server; dropping it stops it and drops its database.
pub struct TestApp {
    pub address: SocketAddr,
    pub database: TestDatabase,
    /// Where its sessions are, if not in the database.
    pub redis: Option<TestRedis>,
    /// Where its specimens are, if it has any.
    pub specimens: Option<SocketAddr>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl TestApp {
    /// A server with the default configuration, but for throttles out of the way.
    pub fn spawn() -> Self {
        Self::with(&[])
    }

    /// A server with these variables besides.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        Self::on(TestDatabase::create(), variables)
    }

    /// A server on an existing database, to which it has a role with no more rights than it needs.
    pub fn on(database: TestDatabase, variables: &[(&str, &str)]) -> Self {
        let owner = [("MIGRATION_DATABASE_URL", database.url())];
        let config = config(&database.server_url(), &[&owner, variables].concat());
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = Server::build(&config).expect("the server starts");
                let specimens = server.specimens().map(|specimens| specimens.address());
                sender.send((server.address(), specimens, server.handle())).expect("the test waits");
                server.run().await.expect("the server runs");
            });
        });
        let (address, specimens, handle) = receiver.recv().expect("the server started");
        Self { address, database, redis: None, specimens, handle, thread: Some(thread) }
    }

    /// A second server on the same database.
    pub fn beside(&self, variables: &[(&str, &str)]) -> Self {
        let store = self.redis.as_ref().map(TestRedis::url);
        let store = store.as_ref().map(|url| ("SESSION_STORE", url.as_str()));
        Self::on(self.database.shared(), &variables.iter().copied().chain(store).collect::<Vec<_>>())
    }

    /// The address with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A connection to its database, to look or to hold a lock.
    pub fn connect(&self) -> PgConnection {
        self.database.connect()
    }

    /// A visitor with an empty cookie jar.
    pub fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A program without credentials.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Makes an account through the API.
    pub async fn sign_up(&self, email: &str) {
        let body = serde_json::json!({ "email": email, "display_name": "Ada", "password": PASSWORD });
        let answer = self.client().post("/api/users", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// A browser that is logged in; the account is made if need be.
    pub async fn logged_in_browser(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.log_in(email, PASSWORD).await;
        if answer.status != 303 {
            self.sign_up(email).await;
            let answer = browser.log_in(email, PASSWORD).await;
            assert_eq!(answer.status, 303, "{answer:?}");
        }
        browser
    }

    /// A browser that is logged in as the demo admin, whose password the log-in page shows, and that password.
    pub async fn demo_admin(&self) -> (Browser, String) {
        let mut browser = self.browser();
        let page = browser.get("/login").await;
        let inputs = super::html::all(&page.body, "input");
        let mut passwords = inputs.iter().filter(|input| input.get("name") == Some("password"));
        let password = passwords.find_map(|input| input.get("value")).expect("a demo password").to_owned();
        assert_eq!(browser.log_in("ada@example.com", &password).await.status, 303);
        (browser, password)
    }

    /// A client that is logged in; the account is made if need be.
    pub async fn logged_in_client(&self, email: &str) -> Client {
        let mut client = self.client();
        if client.log_in(email, PASSWORD).await.status != 200 {
            self.sign_up(email).await;
            let answer = client.log_in(email, PASSWORD).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        client
    }

    /// What verifies and issues this server's tokens, in a copy.
    pub fn tokens(&self) -> Tokens {
        let config = config(self.database.url(), &[]);
        let secrets = config.secrets.as_ref().expect("configured");
        let keyring = Keyring::open(&mut self.connect(), secrets, &config.token).expect("the server's keys");
        let pool = Pool::new(self.database.url(), 1, config.database_timeout).expect("a pool");
        Tokens::new(pool, keyring, &config.token, &format!("http://{}", self.address))
    }

    /// An access token of one of the user's logins that expired as it was issued, and is well made in every other respect.
    pub fn expired_access_token(&self, email: &str) -> String {
        let (tokens, mut conn) = (self.tokens(), self.connect());
        let email = Email::parse(email).expect("an address");
        let (user, _) = accounts::find_by_email(&mut conn, &email).expect("an answer").expect("a user");
        let client =
            two_doors::http::client::Client { address: self.address.ip(), user_agent: "an earlier client".to_owned() };
        let login =
            token::log_in::log_in(&mut conn, &user, tokens.ttls(), &client).expect("an answer").expect("a login");
        let issued =
            serde_json::to_value(tokens.issue(&user, &login.grounds, Some(0)).expect("a token")).expect("JSON");
        issued["access_token"].as_str().expect("a token").to_owned()
    }

    /// Anybody's request, with nothing but what is given.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        http::send(self.address, method, path, headers, body.to_owned()).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // Not gracefully: keep-alive connections of the test's own clients would be waited for. The future must be polled
        // by nobody: the command is sent when it is made.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The configuration of a test's server.
pub fn config(database_url: &str, variables: &[(&str, &str)]) -> Config {
    let services = format!("orders:{SERVICE_SECRET}");
    let mut all: HashMap<String, String> = [
        ("BIND_ADDRESS", "127.0.0.1:0"),
        ("DATABASE_URL", database_url),
        ("SECRETS", SECRET),
        ("POOL_SIZE", "12"),
        // Tests hold locks for longer than anybody should have to wait.
        ("DATABASE_TIMEOUT", "30s"),
        ("SERVICES", &services),
        ("THROTTLE_ACCOUNT_ADDRESS", "0"),
        ("THROTTLE_ACCOUNT", "0"),
        ("THROTTLE_ADDRESS", "0"),
        ("THROTTLE_SIGN_UP", "0"),
        ("THROTTLE_REFRESH", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::from_lookup(&|name| all.get(name).map(OsString::from)).expect("a valid configuration")
}
