//! A second server on the same database and secrets, with one handler of the test's own behind the product's session layers:
//! no page keeps anything in the session yet, and what a slow one that does could do must be known before.

use std::{net::SocketAddr, sync::Arc, thread};

use actix_web::{
    App, FromRequest, Handler, HttpRequest, HttpServer, Responder,
    rt::{spawn, task::JoinHandle},
    web,
};
use tokio::sync::Notify;
use two_doors::{
    config::Config,
    db::Pool,
    secrets::Secrets,
    session::{self, Sessions},
};

use super::{Answer, TestApp, app, http};

/// The server; dropping it stops it.
pub struct Probe {
    address: SocketAddr,
    turn: Arc<Turn>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

/// Tells the test that a request is inside the handler, and the handler to go on.
#[derive(Default)]
struct Turn {
    inside: Notify,
    go_on: Notify,
}

impl Probe {
    /// Serves `handler` at `/`.
    pub fn start<F, Args>(app: &TestApp, handler: F) -> Self
    where
        F: Handler<Args> + Send,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let config: Config = app::config(app.database.url(), &[]);
        let mut pool = Pool::new(app.database.url(), 2, config.database_timeout).expect("a pool");
        if let Some(redis) = &app.redis {
            let store = session::redis::Store::open(&redis.url(), pool.clone()).expect("a Redis");
            pool = pool.beside(Arc::new(store));
        }
        let secrets = Secrets::parse(app::SECRET).expect("valid");
        let sessions = Sessions::new(pool.clone(), config.session, &secrets, false);
        let turn = Arc::new(Turn::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = thread::spawn({
            let turn = Arc::clone(&turn);
            move || {
                actix_web::rt::System::new().block_on(async move {
                    let server = HttpServer::new(move || {
                        let scope = web::scope("").route("/", web::get().to(handler.clone()));
                        App::new()
                            .app_data(web::Data::new(sessions.clone()))
                            .app_data(web::Data::from(Arc::clone(&turn)))
                            .app_data(web::Data::new(pool.clone()))
                            .service(session::wrap(scope, &sessions))
                    })
                    .workers(1)
                    .disable_signals()
                    .bind("127.0.0.1:0")
                    .expect("a free port");
                    let address = server.addrs()[0];
                    let server = server.run();
                    sender.send((address, server.handle())).expect("the test waits");
                    server.await.expect("the probe runs");
                });
            }
        });
        let (address, handle) = receiver.recv().expect("the probe started");
        Self { address, turn, handle, thread: Some(thread) }
    }

    /// For handlers: waits until the test says go on.
    pub async fn wait(request: &HttpRequest) {
        let turn = request.app_data::<web::Data<Turn>>().expect("a probe's handler");
        turn.inside.notify_one();
        turn.go_on.notified().await;
    }

    /// Sends a request and returns when it is inside the handler.
    pub async fn send(&self, cookies: &str) -> JoinHandle<Answer> {
        let (address, cookies) = (self.address, cookies.to_owned());
        let request = spawn(async move { http::send(address, "GET", "/", &[("cookie", &cookies)], "").await });
        self.turn.inside.notified().await;
        request
    }

    /// Lets the request go on, to its answer.
    pub async fn finish(&self, request: JoinHandle<Answer>) -> Answer {
        self.turn.go_on.notify_one();
        request.await.expect("answered")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
