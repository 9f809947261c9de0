//! What the end-to-end tests share: a deployment of their own on this machine, with its own root,
//! addresses, ports, passwords and image tag, so that it runs beside any other and is removed
//! whole.

// A test says what is wrong by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod deployment;
mod http;
mod place;
mod registry;
mod run;
mod watch;

pub use deployment::{Deployment, SECRETS};
pub use http::{Response, request};
pub use place::{Place, names};
pub use registry::{PASSWORD, Registry, login};
pub use run::{Run, repository, run, slipway};
pub use slipway_test_support::Relay;
pub use watch::ProcessWatch;
