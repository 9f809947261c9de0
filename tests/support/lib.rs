//! Support for the end-to-end tests: a deployment with its own root, addresses, ports, passwords and
//! image namespace, so it runs beside any other and is removed whole; a registry; a watch on the
//! process list.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod deployment;
mod http;
mod registry;
mod run;
mod watch;
mod workspace;

pub use deployment::{Deployment, SECRETS};
pub use http::{Response, request};
pub use registry::{PASSWORD, Registry, login};
pub use run::{Run, repository, run, slipway};
pub use slipway_test_support::Relay;
pub use watch::ProcessWatch;
pub use workspace::{Workspace, names};
