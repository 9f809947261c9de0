//! Brings a node up: files and config volumes first, then its containers step by step.
//!
//! [`Deployment::of_services`] reads the declarations, [`Deployment::connect`] adds the engine, and
//! [`ConnectedDeployment::deploy`] does the work:
//!
//! 1. *Pre*: writes every config.json and script, generates the config volumes, and writes the
//!    containers' configs by step.
//! 2. Each step from 1 to 5: applies the host's manifest, converges the step's containers, waits
//!    until they are healthy, and on the bootstrap node runs the step's docker_puppet_tasks.
//!
//! Everything that is already as declared is left alone, so the same call resumes an interrupted deployment.
//! [`ConnectedDeployment::plan`] returns what would be done.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use slipway_deploy::{Declarations, Deployment, Event, Events, KeyFiles, Options, RoleSource};
//! use slipway_service::Step;
//!
//! # async fn run(
//! #     engine: Arc<dyn slipway_engine::Engine>,
//! # ) -> slipway_deploy::Result<()> {
//! let source = RoleSource {
//!     declarations: Declarations::Services(vec!["services".into()]),
//!     role: "Standalone".to_owned(),
//!     hiera: vec!["hiera.yaml".into()],
//!     keys: KeyFiles::default(),
//! };
//! let options = Options { root: "/srv/second".into(), ..Options::default() };
//! let events = Events::new(|event: Event| println!("{event:?}"));
//! let deployment = Deployment::of_services(&source, &options, events)?;
//! let summary = deployment.connect(engine)?.deploy(&Step::all().collect::<Vec<_>>()).await?;
//! println!("changed: {}", summary.changed());
//! # Ok(())
//! # }
//! ```
//!
//! Errors are [`DeployError`]; [`DeployError::kind`] tells invalid input from failure. Progress is
//! [`Event`]s. The crate prints nothing and parses no command line.

mod deployment;
mod diagram;
mod error;
mod event;
mod files;
mod generation;
mod lock;
mod plan;
mod preflight;
mod report;
mod role;
mod snapshot;
#[cfg(test)]
mod snapshot_tests;
mod startup;
mod steps;
mod summary;
mod systemd;

pub mod config_json;

pub use deployment::{ConnectedDeployment, Deployment, Options, relocate_container};
pub use diagram::diagram;
pub use error::{DeployError, ErrorKind, Result};
pub use event::Event;
pub use files::WrittenFiles;
pub use lock::{OnLocked, lock};
pub use plan::{DeploymentPlan, Drift, StepPlan};
pub use report::{Record, Recorder};
pub use role::{Declarations, RoleSource, merge_role};
pub use slipway_events::Events;
pub use slipway_vault::KeyFiles;
pub use snapshot::Rollback;
pub use steps::step_of;
pub use summary::{PreSummary, StepSummary, Summary};
pub use systemd::{UnitFiles, units};
