//! kill -9 of the server at any moment, while people use it: what was answered is so, and what was not is done or not done.
//!
//! Each round starts the real program, lets people use both doors, kills it at a moment that nobody chose, and looks at what is
//! left: in the rows, and with every credential that anybody holds or ever held. `KILLS` is the number of rounds for each
//! store; `script/kill-loop` makes two hundred.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::rt::spawn;
use nix::sys::signal::Signal;

use crate::support::{
    Browser, Client, PASSWORD, binary::Binary, html, postgres::TestDatabase, redis::TestRedis, rows, store::Store,
};

const PEOPLE: usize = 4;
/// Of the credentials that ended, how many of each person's are tried again after each kill; all of them are in the end.
const TRIED: usize = 3;

/// What somebody was waiting for when the server was killed.
#[derive(Debug, Clone, PartialEq)]
enum Unanswered {
    Nothing,
    Renewal,
    LogOut,
    /// To this password, by a form or by a call.
    Change(String),
    LogIn,
}

/// Somebody with a login at each door.
#[derive(Debug, Clone)]
struct Person {
    email: String,
    password: String,
    changes: usize,
    browser: Option<Browser>,
    client: Option<Client>,
    unanswered: Unanswered,
    ended_browsers: Vec<Browser>,
    ended_clients: Vec<Client>,
}

impl Person {
    /// Uses both doors until the server is gone, and counts what was done.
    async fn go_on(mut self, server: std::net::SocketAddr, done: Arc<AtomicUsize>) -> Self {
        for step in 0.. {
            let goes_on = match step % 8 {
                0 | 2 | 4 | 6 => self.renew(server).await,
                1 => self.look(server).await,
                3 => self.log_out(server).await,
                5 => self.change_by_form(server).await,
                _ => self.change_by_call(server).await,
            };
            if !goes_on {
                return self;
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        self
    }

    async fn has_browser(&mut self, server: std::net::SocketAddr) -> Option<Browser> {
        if let Some(browser) = &self.browser {
            return Some(browser.clone());
        }
        let mut browser = Browser::new(server);
        let form = form_of(&mut browser, "/login").await?;
        self.unanswered = Unanswered::LogIn;
        let fields = [("email", self.email.as_str()), ("password", &self.password), ("form_token", &form)];
        let answer = browser.post_raw("/login", &fields).await;
        if answer.status == 0 {
            return None;
        }
        assert_eq!(answer.status, 303, "{} logs in: {answer:?}", self.email);
        self.unanswered = Unanswered::Nothing;
        self.browser = Some(browser.clone());
        Some(browser)
    }

    async fn has_client(&mut self, server: std::net::SocketAddr) -> Option<Client> {
        if let Some(client) = &self.client {
            return Some(client.clone());
        }
        let mut client = Client::new(server);
        self.unanswered = Unanswered::LogIn;
        let answer = client.log_in(&self.email, &self.password).await;
        if answer.status == 0 {
            return None;
        }
        assert_eq!(answer.status, 200, "{} logs in: {answer:?}", self.email);
        self.unanswered = Unanswered::Nothing;
        self.client = Some(client.clone());
        Some(client)
    }

    async fn look(&mut self, server: std::net::SocketAddr) -> bool {
        let Some(mut browser) = self.has_browser(server).await else { return false };
        let answer = browser.get("/account/me").await;
        assert!([0, 200].contains(&answer.status), "{answer:?}");
        answer.status != 0
    }

    async fn renew(&mut self, server: std::net::SocketAddr) -> bool {
        let Some(mut client) = self.has_client(server).await else { return false };
        self.unanswered = Unanswered::Renewal;
        let answer = client.renew().await;
        if answer.status == 0 {
            return false;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        self.unanswered = Unanswered::Nothing;
        self.client = Some(client);
        true
    }

    async fn log_out(&mut self, server: std::net::SocketAddr) -> bool {
        let Some(mut browser) = self.has_browser(server).await else { return false };
        let copy = browser.clone();
        let Some(form) = form_of(&mut browser, "/account").await else { return false };
        self.unanswered = Unanswered::LogOut;
        let answer = browser.post_raw("/logout", &[("form_token", &form)]).await;
        if answer.status == 0 {
            return false;
        }
        assert_eq!(answer.status, 303, "{answer:?}");
        self.unanswered = Unanswered::Nothing;
        self.browser = None;
        self.ended_browsers.push(copy);
        true
    }

    fn next_password(&mut self) -> String {
        self.changes += 1;
        format!("{PASSWORD} {}", self.changes)
    }

    async fn change_by_form(&mut self, server: std::net::SocketAddr) -> bool {
        let Some(mut browser) = self.has_browser(server).await else { return false };
        let Some(form) = form_of(&mut browser, "/account").await else { return false };
        let (copy, new) = (browser.clone(), self.next_password());
        self.unanswered = Unanswered::Change(new.clone());
        let fields = [("current_password", self.password.as_str()), ("new_password", &new), ("form_token", &form)];
        let answer = browser.post_raw("/account/password", &fields).await;
        if answer.status == 0 {
            return false;
        }
        assert_eq!(answer.status, 303, "{answer:?}");
        self.changed(new);
        self.ended_browsers.push(copy);
        self.browser = Some(browser);
        true
    }

    async fn change_by_call(&mut self, server: std::net::SocketAddr) -> bool {
        let Some(mut client) = self.has_client(server).await else { return false };
        let (copy, new) = (client.clone(), self.next_password());
        self.unanswered = Unanswered::Change(new.clone());
        let answer = client.change_password(&self.password, &new).await;
        if answer.status == 0 {
            return false;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        self.changed(new);
        self.ended_clients.push(copy);
        self.client = Some(client);
        true
    }

    /// The password is another one, and every credential has ended but what the answer brought.
    fn changed(&mut self, new: String) {
        self.unanswered = Unanswered::Nothing;
        self.password = new;
        self.ended_browsers.extend(self.browser.take());
        self.ended_clients.extend(self.client.take());
    }

    /// At the next server: what was answered is so, and what was not is done or not done.
    async fn is_as_it_was_told(&mut self, server: std::net::SocketAddr, store: Store) {
        let everybody = self.browser.iter_mut().chain(&mut self.ended_browsers);
        everybody.for_each(|browser| browser.move_to(server));
        self.client.iter_mut().chain(&mut self.ended_clients).for_each(|client| client.move_to(server));
        let unanswered = std::mem::replace(&mut self.unanswered, Unanswered::Nothing);
        if let Unanswered::Change(new) = &unanswered {
            let (old, new) = (self.password.clone(), new.clone());
            let opens = async |password: &str| {
                let mut visitor = Client::new(server);
                let opened = visitor.log_in(&self.email, password).await.status == 200;
                if opened {
                    assert_eq!(visitor.log_out().await.status, 200);
                }
                opened
            };
            let is_changed = opens(&new).await;
            assert_ne!(opens(&old).await, is_changed, "{}: exactly one password counts", self.email);
            if is_changed {
                self.changed(new);
            }
        }
        if let Some(browser) = &mut self.browser {
            let is_alive = browser.is_logged_in().await;
            // Redis shares no transaction with the change: the session that made it ends there before Postgres commits, and is
            // not brought back if that never happens. Nothing else ends, and it is never the other way round.
            let may_have_ended = match unanswered {
                Unanswered::LogOut => true,
                Unanswered::Change(_) => store == Store::Redis,
                _ => false,
            };
            assert!(is_alive || may_have_ended, "{}: logged out by nobody, after {unanswered:?}", self.email);
            if !is_alive {
                self.ended_browsers.extend(self.browser.take());
            }
        }
        if let Some(client) = &mut self.client {
            // Also the one that may have been used already: within the grace its successor is given again.
            assert_eq!(client.renew().await.status, 200, "{}: a login is lost after {unanswered:?}", self.email);
            assert_eq!(client.get("/api/account").await.status, 200, "{}", self.email);
        }
    }

    async fn nothing_came_back(&mut self, most: usize) {
        for browser in self.ended_browsers.iter_mut().rev().take(most) {
            assert!(!browser.is_logged_in().await, "{}: a session is back", self.email);
        }
        for client in self.ended_clients.iter().rev().take(most) {
            assert_eq!(client.get("/api/account").await.status, 401, "{}: an access token is back", self.email);
            assert_eq!(client.redeem().await.status, 401, "{}: a refresh token is back", self.email);
        }
    }
}

async fn form_of(browser: &mut Browser, page: &str) -> Option<String> {
    let answer = browser.get(page).await;
    assert!([0, 200].contains(&answer.status), "{page}: {answer:?}");
    (answer.status != 0).then(|| html::value(&answer.body, "form_token").expect("a form"))
}

fn rounds() -> usize {
    std::env::var("KILLS").map_or(3, |kills| kills.parse().expect("KILLS is a number"))
}

async fn people_survive_kills(store: Store) {
    let database = TestDatabase::create();
    let redis = (store == Store::Redis).then(TestRedis::start);
    let session_store = redis.as_ref().map_or("postgres".to_owned(), TestRedis::url);
    let serve = || {
        let variables = [
            ("SESSION_STORE", session_store.as_str()),
            ("REFRESH_GRACE", "10m"),
            // Log-ins whose answer nobody got are alive as well.
            ("MAX_SESSIONS", "1000"),
            ("MAX_FAMILIES", "1000"),
            ("LOG", "warn"),
            ("THROTTLE_ACCOUNT_ADDRESS", "0"),
            ("THROTTLE_ACCOUNT", "0"),
            ("THROTTLE_ADDRESS", "0"),
            ("THROTTLE_SIGN_UP", "0"),
            ("THROTTLE_REFRESH", "0"),
        ];
        // The issuer must not change with the port.
        Binary::serve(database.url(), &[&variables[..], crate::support::NAMES].concat())
    };
    let mut server = serve();
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let email = format!("person{number}@example.org");
        assert_eq!(server.browser().sign_up(&email, "Somebody", PASSWORD).await.status, 303);
        people.push(Person {
            email,
            password: PASSWORD.to_owned(),
            changes: 0,
            browser: None,
            client: None,
            unanswered: Unanswered::Nothing,
            ended_browsers: Vec::new(),
            ended_clients: Vec::new(),
        });
    }
    let (began, mut met) = (Instant::now(), Vec::new());
    for round in 0..rounds() {
        let address = server.address;
        let done = Arc::new(AtomicUsize::new(0));
        let using: Vec<_> = people.drain(..).map(|person| spawn(person.go_on(address, Arc::clone(&done)))).collect();
        // Whatever the clock says: from before the first answer to amid the changes of passwords, and then up to 40 ms later.
        let moment = began.elapsed().subsec_nanos() as usize;
        while done.load(Ordering::Relaxed) < moment % (PEOPLE * 8) && using.iter().any(|person| !person.is_finished()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(moment as u64 / 32 % 40_000)).await;
        server.signal(Signal::SIGKILL);
        server.wait();
        for person in using {
            people.push(person.await.expect("nobody was answered wrongly"));
        }
        met.extend(people.iter().map(|person| format!("{:?}", person.unanswered)));
        assert_eq!(rows::families_with_two_successors(&database), 0, "round {round}");
        server = serve();
        for person in &mut people {
            person.is_as_it_was_told(server.address, store).await;
            person.nothing_came_back(TRIED).await;
        }
        assert_eq!(rows::families_with_two_successors(&database), 0, "round {round}");
    }
    for person in &mut people {
        person.nothing_came_back(usize::MAX).await;
    }
    let count = |what: &str| met.iter().filter(|met| met.starts_with(what)).count();
    println!(
        "{store:?}: {} kills survived; unanswered then: {} renewals, {} changes of password, {} log-outs, {} log-ins",
        rounds(),
        count("Renewal"),
        count("Change"),
        count("LogOut"),
        count("LogIn"),
    );
}

#[actix_web::test]
async fn a_server_killed_at_any_moment_leaves_nothing_half_done_and_brings_nothing_back() {
    people_survive_kills(Store::Postgres).await;
}

#[actix_web::test]
async fn a_server_killed_at_any_moment_leaves_nothing_half_done_with_sessions_in_redis_either() {
    people_survive_kills(Store::Redis).await;
}
