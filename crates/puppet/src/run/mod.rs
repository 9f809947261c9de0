//! Runs Puppet: in containers for config volumes and tasks, on the host for its own manifest.

pub mod container;
pub mod facts;
pub mod fork;
pub mod host;
pub mod module;
pub mod mounts;
pub mod transcript;
