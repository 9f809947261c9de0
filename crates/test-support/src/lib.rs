//! Support for tests: the switch that asks for tests which need an engine, a fake engine, a
//! private engine, a relay that can be cut, and an engine of a newer API version.
//!
//! `cargo test` passes on a machine without a container engine and without root. Tests that need
//! more are listed in a [`harness!`] with what they need. Without it they are reported as ignored:
//!
//! | need | condition |
//! |---|---|
//! | `engine` | the environment variable `SLIPWAY_TEST_ENGINE=1`, and an engine that answers |
//! | `root` | running the tests as root |
//!
//! A test file that uses the harness says `harness = false` in its crate's `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "engine"
//! harness = false
//! ```
//!
//! and lists its tests, which are plain functions (the compiler complains of one that is not
//! listed, because nothing calls it):
//!
//! ```
//! slipway_test_support::harness! {
//!     [engine] async fn the_engine_answers;
//!     [] fn numbers_add_up;
//! }
//!
//! async fn the_engine_answers() {
//!     let engine = slipway_test_support::engine().await;
//!     assert!(!engine.info().version.is_empty());
//! }
//!
//! fn numbers_add_up() {
//!     assert_eq!(1 + 1, 2);
//! }
//! ```

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod engine;
mod fake;
#[doc(hidden)]
pub mod harness;
mod newer_api;
mod private_engine;
mod relay;

pub use engine::{IMAGE, Sweep, build_image, context, engine, shell, unique};
pub use fake::FakeEngine;
pub use newer_api::NewerApi;
pub use private_engine::PrivateEngine;
pub use relay::Relay;
