//! **Two Doors**: one web application with two ways in, so that "JWT or sessions?" can be answered by watching both.
//!
//! The map of the house, in the order in which rooms may import one another (always downwards):
//!
//! | room | what it is |
//! |---|---|
//! | [`config`], [`secrets`], [`telemetry`], [`metrics`], [`http`] | leaves: settings, derived keys, logs, counters, what any HTTP server needs |
//! | [`db`] | the way to Postgres, and the private cluster that is the default |
//! | [`accounts`] | what both doors share: people, passwords, throttling, the audit trail |
//! | [`session`] | scheme 1: a cookie that names a row |
//! | [`token`] | scheme 2: a signed claim, and a refresh token that names a row |
//! | [`everywhere`] | the only module that sees both |
//! | [`experiments`] | the article made runnable: a client like any other, which sees neither scheme |
//! | [`pages`] | the site, for people; never imports `token` |
//! | [`api`] | JSON, for programs; never imports `session` |
//! | [`server`] | puts it all together |
//! | [`shell`] | the commands of an operator |
//!
//! `session` and `token` mirror one another file by file and verb by verb: `log_in`, `authenticate`, `renew`, `log_out`. Where
//! `session/store.rs` and `token/access.rs` differ, the two models differ.

pub mod accounts;
pub mod api;
pub mod config;
pub mod db;
pub mod everywhere;
pub mod experiments;
pub mod http;
pub mod metrics;
pub mod pages;
pub mod secrets;
pub mod server;
pub mod session;
pub mod shell;
pub mod telemetry;
pub mod token;
