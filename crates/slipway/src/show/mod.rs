//! Renders events and results for the terminal.

pub mod containers;
pub mod deploy;
pub mod puppet;
