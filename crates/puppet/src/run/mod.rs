//! Runs Puppet: in containers for config volumes and tasks, on the host for its own manifest.

pub mod cache;
pub mod container;
pub mod host;
pub mod module;
pub mod mounts;
pub mod staging;
pub mod transcript;
