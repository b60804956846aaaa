//! What the tests stand on: a server of their own with a database of its own, and the callers who use it over real HTTP.

pub mod app;
pub mod binary;
pub mod browser;
pub mod chromium;
pub mod client;
pub mod feed;
pub mod folder;
pub mod forge;
pub mod hold;
pub mod html;
pub mod http;
pub mod outage;
pub mod postgres;
pub mod probe;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod routes;
pub mod rows;
pub mod service;
pub mod standing;
pub mod store;
pub mod tour;

pub use self::{
    app::TestApp,
    browser::Browser,
    client::Client,
    forge::Forge,
    http::{Answer, Headers},
};

/// Issuer and audience, the same for several servers whatever their addresses.
pub const NAMES: &[(&str, &str)] =
    &[("TOKEN_ISSUER", "https://doors.example.com"), ("TOKEN_AUDIENCE", "https://doors.example.com/api")];

/// A password that every check accepts.
pub const PASSWORD: &str = "marble otter gravel trumpet";
/// Another one.
pub const NEW_PASSWORD: &str = "violin harbour copper lantern";
