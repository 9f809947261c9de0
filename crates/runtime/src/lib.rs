//! Converging sets of containers; steps; systemd units.
//!
//! [`slipway_engine::connect`] finds the engine where the docker command would, and then where Podman
//! listens. [`step::read`] reads what containers there should be; [`converge::plan`] tells what
//! there is to do for that, [`converge::apply`] does it, and [`converge::wait_healthy`] waits until
//! they are well. [`manage`] looks at what is there, and deletes it.
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
//!     let again = converge::plan(engine.as_ref(), set, &options).await?;
//!     assert!(again.is_empty());
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
