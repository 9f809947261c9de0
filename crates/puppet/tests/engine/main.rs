//! Puppet as it is used: on a real engine, in real containers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test ends at the first surprise.

mod common;
mod drift;
mod facts;
mod isolation;
mod steps;
mod volumes;
