//! The container engine behind one seam; converging sets of containers; steps.

pub mod engine;
