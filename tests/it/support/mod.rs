//! What the tests stand on: a server of their own with a database of its own, and the callers who use it over real HTTP.

pub mod app;
pub mod browser;
pub mod chromium;
pub mod client;
pub mod http;
pub mod postgres;

pub use self::{app::TestApp, browser::Browser, client::Client, http::Answer};

/// A password that every check accepts.
pub const PASSWORD: &str = "marble otter gravel trumpet";
/// Another one.
pub const NEW_PASSWORD: &str = "violin harbour copper lantern";
