//! The promises, kept over real HTTP against a real Postgres. One file for each verb, both schemes in each.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::struct_excessive_bools, missing_docs)]

mod access;
mod architecture;
mod audience;
mod audit_trail;
mod authenticate;
mod ban;
mod browser;
mod browser_tokens;
mod change_email;
mod change_password;
mod change_role;
mod choose;
mod compare;
mod delete_account;
mod description;
mod devices;
mod endings;
mod hostile_input;
mod introspect;
mod key_files;
mod log_in;
mod log_out;
mod log_out_everywhere;
mod new_device;
mod outage;
mod private_postgres;
mod races;
mod readme;
mod reauthenticate;
mod renew;
mod resource_server;
mod revoke;
mod rotate_keys;
mod same_origin;
mod serving;
mod sign_up;
mod start;
mod support;
mod sweep;
mod telemetry;
mod too_many;
mod two_hosts;
mod user_command;
mod what_still_works;
