//! Generates service configuration with Puppet, into config volumes.
//!
//! [`Puppet`] is the way in, for one deployment: [`Puppet::generate`] generates its config volumes
//! ([`Puppet::plan`] tells which ones are due, and why), [`Puppet::run_tasks`] runs a step's tasks,
//! [`Puppet::apply_host_manifest`] applies a step's manifest to the host. A volume has two trees:
//! `<prefix>/<volume>`, all that Puppet may write, and `<prefix>/puppet-generated/<volume>`, what it
//! wrote. Beside each is its hash, which [`Hashes`] gives to the containers that mount it.
//!
//! ```no_run
//! use std::sync::Arc;
//! use slipway_puppet::{Events, Hieradata, Paths, Puppet, Settings};
//!
//! # async fn run(
//! #     engine: Arc<dyn slipway_engine::Engine>, role: slipway_service::RoleData,
//! # ) -> slipway_puppet::Result<()> {
//! let settings = Settings::new(Paths::new("/srv/try".as_ref())?);
//! let mut hiera = Hieradata::new(role.hiera());
//! hiera.add_file("passwords.yaml".as_ref())?;
//! let puppet = Puppet::new(engine, settings, hiera, Events::ignore());
//! let report = puppet.generate(role.puppet_config).await?.into_result()?;
//! for volume in report.runs {
//!     println!("{}: {:?} ({})", volume.name, volume.outcome, volume.why);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run is not repeated while its inputs and its result stay the same. Of hiera data, only the keys
//! that Puppet looked up are inputs: the run writes them down. Two inputs are not seen: files that a
//! manifest reads from the volumes it mounts, unless they are config volumes themselves, and facts
//! other than the host's name and number of processors.
//!
//! Hiera data is written by this crate ([`Hieradata::new`]), or exists in `/etc/puppet`
//! ([`Hieradata::present`]), as for docker-puppet.py.
//!
//! # An image is not trusted
//! Each run has a container of its own, and the engine alone isolates it. Nothing here enters a
//! container's namespaces. The output is read once the container is gone: by descriptors, without
//! following symlinks, and within limits on the number, size, depth and kind of files. An image can
//! harm its own config volume and nothing else.
//!
//! # The modules
//! `input` holds the entries and hiera data, `plan` decides which runs are due, `run` does them,
//! `volume` puts their results in place.

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
pub use settings::Settings;
pub use slipway_events::Events;
pub use slipway_paths::{PathError, Paths};
pub use volume::changes::{Change, FileChange};
pub use volume::hashes::{CONFIG_HASH, Hashes};
pub use volume::startup::hashed_configs;
