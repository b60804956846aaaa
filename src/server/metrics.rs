//! `GET /metrics` on a listener of its own, so that nobody reaches it who reaches the doors.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use actix_web::{App, HttpResponse, HttpServer, middleware::from_fn, web};

use super::{Error, listen::listen};
use crate::{db::Pool, http::unread, metrics};

/// Where Prometheus looks unless it is told otherwise.
const PATH: &str = "/metrics";

/// The listener, if one is wanted.
pub(super) fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Error> {
    let bind = |address| listen(address).map_err(|error| Error::BindMetrics(address, error));
    address.map(bind).transpose()
}

/// Serves what is counted, and counts requests from now on.
pub(super) fn serve(listener: TcpListener, pool: Pool) -> io::Result<actix_web::dev::Server> {
    tracing::info!(address = %listener.local_addr()?, "serving /metrics");
    metrics::begin_to_count_requests();
    let factory = move || {
        let app = App::new().app_data(web::Data::new(pool.clone())).route(PATH, web::get().to(show));
        app.wrap(from_fn(unread::layer))
    };
    Ok(HttpServer::new(factory).workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn show(pool: web::Data<Pool>) -> HttpResponse {
    let (database_waiting, database_in_use) = pool.load();
    let gauges = metrics::Gauges { database_waiting, database_in_use, database_up: !pool.is_away() };
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(metrics::text(gauges))
}
