//! Decides which runs are due: compares a run's inputs with the record of its last success.

pub mod decision;
pub mod state;
