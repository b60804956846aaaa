//! What is true of any HTTP server, whatever its doors: who is asking, which origins are ours, which headers protect a page.
//!
//! A leaf: it knows nothing of accounts, sessions or tokens.

pub mod body;
pub mod client;
pub mod cookies;
pub mod drain;
pub mod encoding;
pub mod headers;
pub mod host;
pub mod origin;
pub mod problem;
pub mod routes;
pub mod software;
pub mod unread;
