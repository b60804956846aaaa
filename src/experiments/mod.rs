//! The article's claims, put to the test while you watch.
//!
//! An experiment is a client like any other: it knows the server's address and nothing of its inside. It imports neither
//! scheme, so that what it finds is what anybody would find; the one thing that it has in advance is the mark that keeps its
//! log-ins from using up a visitor's budgets.
//!
//! Promise: what is shown was measured in the run that is shown. A verdict is computed from that evidence, also where it
//! contradicts the claim; where there is none, it says *could not run*, and why.
//! Limit: one run on one machine. It shows what happens, not how often.

pub mod account;
pub mod board;
pub mod browser;
pub mod claims;
pub mod client;
pub mod compare;
pub mod credentials;
pub mod excerpt;
pub mod exchange;
pub mod experiment;
pub mod figure;
pub mod finding;
pub mod grid;
pub mod lab;
pub mod measure;
pub mod message;
pub mod specimens;
