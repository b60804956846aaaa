//! A wire between a server and its database, or its Redis, that can be cut, and frozen.
//!
//! It listens on TCP and speaks to either through a Unix socket. Cut, it closes every connection and takes no
//! new one further than a closed door; frozen, connections stay open and nothing moves on them, as with a server that hangs.

use std::{
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

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
    /// How many ways, of two for each connection, have something that does not move.
    held: usize,
    /// How long everything takes.
    delay: Duration,
    open: Vec<(TcpStream, UnixStream)>,
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

    /// New connections work; the ones that were there stay frozen for ever.
    pub fn thaw_for_new_connections(&self) {
        let mut state = self.wire.lock();
        state.frozen_below = state.open.len();
        self.wire.changed.notify_all();
    }

    /// Everything moves on.
    pub fn thaw(&self) {
        self.wire.lock().frozen_below = 0;
        self.wire.changed.notify_all();
    }

    /// Everything takes so long from now on, on old connections and new ones.
    pub fn slow_down(&self, delay: Duration) {
        self.wire.lock().delay = delay;
    }

    /// How many ways, of two for each connection, have something to deliver once they are no longer frozen.
    pub fn held(&self) -> usize {
        self.wire.lock().held
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
        thread::spawn(move || up.pump(number, client, to_server));
        thread::spawn(move || down.pump(number, server, to_client));
    }

    fn pump(&self, number: usize, mut from: impl std::io::Read, mut to: impl std::io::Write) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let mut state = self.lock();
            state.held += 1;
            while number < state.frozen_below && !state.ended {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.held -= 1;
            let delay = state.delay;
            drop(state);
            thread::sleep(delay);
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
    }
}
