//! Inputs of the runs: docker-puppet's list of entries, their merge by config volume, hiera data.

pub mod entries;
pub mod hiera;
pub mod manifest;
pub mod merge;
