//! A wire between a server and its database, or its Redis, that can be cut, and frozen.
//!
//! It listens on TCP and speaks to either through a Unix socket. Cut, it closes every connection and takes no
//! new one further than a closed door; frozen, connections stay open and nothing moves on them, as with a server that hangs.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use nix::sys::socket::{MsgFlags, recv};

use super::{postgres::TestDatabase, redis::TestRedis};

/// The wire. Dropping it cuts it.
pub struct Proxy {
    address: SocketAddr,
    database: String,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cut: bool,
    ended: bool,
    /// Connections numbered below this one are frozen.
    frozen_below: usize,
    /// Of frozen connections, what clients say goes through.
    is_open_upwards: bool,
    /// What does not move.
    held: HashMap<(usize, Way), Vec<u8>>,
    /// How long everything takes.
    delay: Duration,
    open: Vec<(TcpStream, UnixStream)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    Up,
    Down,
}

impl Proxy {
    /// A wire to a test's database.
    pub fn to(database: &TestDatabase) -> Self {
        Self::to_socket(database.socket(), database.name())
    }

    /// A wire to a test's Redis.
    pub fn to_redis(redis: &TestRedis) -> Self {
        Self::to_socket(redis.socket(), "")
    }

    fn to_socket(socket: PathBuf, database: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let wire = Arc::new(Wire::default());
        let shared = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.lock().ended {
                    return;
                }
                shared.connect(client, &socket);
            }
        });
        Self { address, database: database.to_owned(), wire }
    }

    /// What to configure as `DATABASE_URL`.
    pub fn url(&self) -> String {
        let Self { address, database, .. } = self;
        format!("postgresql://two_doors@{address}/{database}?sslmode=disable&gssencmode=disable")
    }

    /// What to configure as `SESSION_STORE`.
    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Closes every connection; new ones are closed at once.
    pub fn cut(&self) {
        let mut state = self.wire.lock();
        state.cut = true;
        for (client, server) in state.open.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.wire.lock().cut = false;
    }

    /// Nothing moves any more, on old connections and new ones.
    pub fn freeze(&self) {
        self.wire.lock().frozen_below = usize::MAX;
    }

    /// No answer arrives any more; what clients ask goes through.
    pub fn freeze_answers(&self) {
        self.wire.lock().is_open_upwards = true;
        self.freeze();
    }

    /// New connections work; the ones that were there stay frozen for ever.
    pub fn thaw_for_new_connections(&self) {
        let mut state = self.wire.lock();
        state.frozen_below = state.open.len();
        self.wire.changed.notify_all();
    }

    /// Everything moves on.
    pub fn thaw(&self) {
        let mut state = self.wire.lock();
        (state.frozen_below, state.is_open_upwards) = (0, false);
        self.wire.changed.notify_all();
    }

    /// Everything takes so long from now on, on old connections and new ones.
    pub fn slow_down(&self, delay: Duration) {
        self.wire.lock().delay = delay;
    }

    /// Whether a client has said this, and waits for it to be delivered.
    pub fn holds_from_client(&self, said: &str) -> bool {
        self.holds(Way::Up, said)
    }

    /// Whether the server has said this, and it waits to be delivered.
    pub fn holds_from_server(&self, said: &str) -> bool {
        self.holds(Way::Down, said)
    }

    fn holds(&self, way: Way, said: &str) -> bool {
        let state = self.wire.lock();
        let held = state.held.iter().filter(|((_, its), _)| *its == way);
        held.into_iter().any(|(_, bytes)| bytes.windows(said.len()).any(|part| part == said.as_bytes()))
    }

    /// How many connections were made since the start or the last cut.
    pub fn connections(&self) -> usize {
        self.wire.lock().open.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.lock().ended = true;
        self.cut();
        self.thaw();
        // Wakes the thread that listens, so that it sees the end.
        drop(TcpStream::connect(self.address));
    }
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(self: &Arc<Self>, client: TcpStream, socket: &PathBuf) {
        let mut state = self.lock();
        let Ok(server) = UnixStream::connect(socket) else { return };
        if state.cut {
            return;
        }
        let number = state.open.len();
        let clones = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(kept), Some((to_client, to_server))) = (clones(), clones()) else { return };
        state.open.push(kept);
        drop(state);
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || up.pump((number, Way::Up), client, to_server));
        thread::spawn(move || down.pump((number, Way::Down), server, to_client));
    }

    fn pump(&self, wire: (usize, Way), mut from: impl Read + AsRawFd, mut to: impl Write) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let mut said = bytes[..read].to_vec();
            let mut state = self.lock();
            while state.freezes(wire) {
                take_what_came(&from, &mut said);
                state.held.insert(wire, said.clone());
                let waited = self.changed.wait_timeout(state, Duration::from_millis(5));
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.held.remove(&wire);
            let delay = state.delay;
            drop(state);
            thread::sleep(delay);
            if to.write_all(&said).is_err() {
                break;
            }
        }
    }
}

impl State {
    fn freezes(&self, (number, way): (usize, Way)) -> bool {
        number < self.frozen_below && !self.ended && !(self.is_open_upwards && way == Way::Up)
    }
}

/// What waits on a frozen wire arrives as one.
fn take_what_came(from: &impl AsRawFd, said: &mut Vec<u8>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = recv(from.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT) {
        said.extend_from_slice(&bytes[..read]);
    }
}
