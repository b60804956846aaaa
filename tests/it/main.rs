//! The promises, kept over real HTTP against a real Postgres. One file for each verb, both schemes in each.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, missing_docs)]

mod compare;
mod log_out;
mod private_postgres;
mod support;
