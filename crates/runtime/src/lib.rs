//! The container engine behind one seam; converging sets of containers; steps.
//!
//! The way in is [`engine::connect`], which finds the engine where the docker command would and
//! then where Podman listens, and gives an [`engine::Engine`].

pub mod engine;
