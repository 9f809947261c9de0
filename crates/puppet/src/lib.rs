//! Generates service configuration with Puppet, into config volumes.
//!
//! Start with [`Puppet`], which serves one deployment:
//!
//! - [`Puppet::generate`] generates its config volumes.
//! - [`Puppet::plan`] lists the volumes that are due, with reasons.
//! - [`Puppet::run_tasks`] runs the tasks of a step.
//! - [`Puppet::apply_host_manifest`] applies a step's manifest to the host.
//!
//! A volume has two trees. `<prefix>/<volume>` has all files of the directories that Puppet may write
//! to. `<prefix>/puppet-generated/<volume>` has only the files that Puppet wrote. Beside each tree is
//! its hash, which [`Hashes`] adds to the containers that mount the volume.
//!
//! ```no_run
//! use std::sync::Arc;
//! use slipway_puppet::{Events, Hieradata, Keys, Paths, Puppet, Settings};
//!
//! # async fn run(
//! #     engine: Arc<dyn slipway_engine::Engine>, role: slipway_service::RoleData,
//! # ) -> slipway_puppet::Result<()> {
//! let settings = Settings::new(Paths::new("/srv/try".as_ref())?);
//! let mut hiera = Hieradata::new(role.hiera());
//! hiera.add_file("passwords.yaml".as_ref(), &Keys::default())?;
//! let puppet = Puppet::new(engine, settings, hiera, Events::ignore());
//! let report = puppet.generate(role.puppet_config).await?.into_result()?;
//! for volume in report.runs {
//!     println!("{}: {:?} ({})", volume.name, volume.outcome, volume.why);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run is repeated only when its inputs or its result have changed. Of hiera data, only the keys that
//! Puppet looked up are inputs: the run records them. Two inputs are not detected: files that a
//! manifest reads from mounted volumes, unless these are config volumes, and facts other than the
//! host's name and number of processors.
//!
//! This crate writes hiera data ([`Hieradata::new`]), or uses the data in `/etc/puppet`
//! ([`Hieradata::present`]), as docker-puppet.py does.
//!
//! # An image is not trusted
//! Each run has its own container, which the engine isolates. No process of Slipway enters a
//! container's namespaces. The output is read after the container has been removed: through file
//! descriptors, without following symlinks, and within limits on the number, size, depth and kind of
//! files. An image can harm only its own config volume.
//!
//! # The modules
//! `input` reads the entries and hiera data. `plan` decides which runs are due. `run` runs Puppet.
//! `volume` puts the results in place.

mod error;
mod events;
mod files;
mod input;
mod plan;
mod puppet;
mod report;
mod run;
mod session;
mod settings;
mod volume;

pub use error::{Failure, PuppetError, Result};
pub use events::Event;
pub use input::entries::parse_entries;
pub use input::hiera::Hieradata;
pub use input::merge::{Merged, Run, merge};
pub use plan::inputs::hostname;
pub use puppet::Puppet;
pub use report::{Outcome, Planned, Report, RunReport};
pub use run::host::host_subject;
pub use settings::Settings;
pub use slipway_events::Events;
pub use slipway_paths::{PathError, Paths};
pub use slipway_vault::Keys;
pub use volume::changes::{Change, FileChange};
pub use volume::hashes::{CONFIG_HASH, Hashes};
pub use volume::startup::hashed_configs;
#[doc(hidden)] // for the fuzz target that reads mounts
pub use volume::swap::mounted_below;
