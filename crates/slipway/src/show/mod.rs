//! Renders events and results for the terminal.

pub mod build;
pub mod containers;
pub mod deploy;
pub mod kolla_log;
pub mod puppet;
pub mod site;
