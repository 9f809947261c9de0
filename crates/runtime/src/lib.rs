//! Converging sets of containers; steps; systemd units.
//!
//! - [`step::read`] reads the configurations of a step's containers.
//! - [`converge::plan`] compares them with the engine's containers and lists the actions.
//! - [`converge::apply`] carries out the actions. [`converge::wait_healthy`] waits for health.
//! - [`manage`] lists, stops and deletes existing containers.
//! - [`systemd`] keeps units that start Podman's containers at boot.
//!
//! [`slipway_engine::connect`] connects to the engine.
//!
//! ```
//! use std::path::Path;
//! use slipway_runtime::converge::{self, ApplyOptions, ContainerSet};
//! use slipway_engine::{ConnectOptions, connect};
//!
//! let set = ContainerSet {
//!     config_id: "step_1".to_owned(),
//!     managed_by: "slipway".to_owned(),
//!     containers: slipway_runtime::step::parse(Path::new("step_1.yaml"), "
//! memcached:
//!   image: kolla/memcached:1
//!   net: host
//!   restart: always
//! ")?,
//! };
//!
//! async fn converge(set: &ContainerSet) -> Result<(), Box<dyn std::error::Error>> {
//!     let engine = connect(&ConnectOptions::default()).await?;
//!     let options = ApplyOptions::default();
//!     let outcome = converge::apply(engine.as_ref(), set, &options, &slipway_events::Events::ignore()).await?;
//!     assert!(!outcome.is_unchanged());
//!     let plan = converge::plan(engine.as_ref(), set, &options).await?;
//!     assert!(plan.is_empty());
//!     Ok(())
//! }
//! # drop(converge(&set));
//! # Ok::<(), slipway_runtime::step::StepError>(())
//! ```

pub mod converge;
pub mod manage;
pub mod spec;
pub mod step;
pub mod systemd;
