//! Snapshots: what deployments that succeeded were made from, to go back to.
//!
//! A snapshot holds the inputs of a deployment: the merged role, the hiera data, and the id of each image
//! that its references meant. To go back, the references are given back to these images, and the inputs
//! are deployed again. Puppet then generates the config volumes as they were, so that the records of
//! runs, containers and volumes always agree. The data of services, such as databases, is no part of it,
//! and the images themselves are not kept: they must still be in the engine.
//!
//! The inputs of the latest attempt are remembered by a digest. A snapshot of the same inputs is not gone
//! back to: the newest other one is the last good deployment. A rollback is an attempt that also names its
//! snapshot: until it has succeeded, the next rollback goes to the same one, and newer snapshots stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use slipway_engine::Engine;
use slipway_paths::Paths;
use slipway_puppet::Hieradata;
use slipway_runtime::converge;
use slipway_service::RoleData;

use crate::deployment::{ConnectedDeployment, Deployment, Options};
use crate::error::{DeployError, Result};
use crate::event::Event;
use crate::{Events, preflight};

/// The file that names the latest attempt.
const ATTEMPT: &str = "attempt";

/// The inputs of a deployment.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
struct Inputs {
    managed_by: String,
    role_name: String,
    /// The role as it was declared, before its paths were moved under the root.
    role: Value,
    hiera: Value,
}

#[derive(Deserialize, Serialize)]
struct Stored {
    #[serde(flatten)]
    inputs: Inputs,
    /// The images by the references that containers and Puppet runs name.
    images: BTreeMap<String, String>,
}

/// The latest deployment that was begun.
#[derive(Debug, PartialEq)]
struct Attempt {
    /// The digest of its inputs.
    digest: String,
    /// The snapshot that it goes back to, until it has succeeded.
    rollback: Option<u64>,
}

impl Attempt {
    /// Reads the file's text: the digest, and in a rollback a line with the snapshot's number.
    fn parse(text: &str) -> Attempt {
        let mut lines = text.lines();
        Attempt {
            digest: lines.next().unwrap_or_default().to_owned(),
            rollback: lines.next().and_then(|number| number.parse().ok()),
        }
    }

    fn text(&self) -> String {
        match self.rollback {
            Some(number) => format!("{}\n{number}\n", self.digest),
            None => format!("{}\n", self.digest),
        }
    }
}

/// A deployment of earlier inputs, and the images that it needs.
pub struct Rollback {
    /// The deployment.
    pub deployment: Deployment,
    number: u64,
    images: BTreeMap<String, String>,
}

impl Stored {
    /// Returns a digest of everything: the same inputs and images have the same.
    fn digest(&self) -> Result<String> {
        let text = serde_json::to_vec(self).map_err(invalid)?;
        Ok(hex::encode(Sha256::digest(text)))
    }
}

/// The directory of a deployment's snapshots.
struct Snapshots {
    state: PathBuf,
    directory: PathBuf,
}

impl Snapshots {
    fn of(paths: &Paths) -> Snapshots {
        let state = paths.state();
        Snapshots {
            directory: state.join("snapshots"),
            state,
        }
    }

    /// Returns the numbers of the snapshots, the oldest first.
    fn numbers(&self) -> Result<Vec<u64>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| unreadable(&self.directory, error))?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry
                .map_err(|error| unreadable(&self.directory, error))?
                .file_name();
            let name = name.to_string_lossy();
            let number = name
                .strip_suffix(".json")
                .and_then(|name| name.parse::<u64>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Makes the directory, and the one above it, closed to other users.
    fn create(&self) -> Result<()> {
        for directory in [&self.state, &self.directory] {
            slipway_files::private_directory(directory)
                .map_err(|error| unreadable(directory, error))?;
        }
        Ok(())
    }

    fn file(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number}.json"))
    }

    fn read(&self, number: u64) -> Result<Stored> {
        let path = self.file(number);
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        serde_json::from_str(&text).map_err(|error| unreadable(&path, error))
    }

    fn write(&self, number: u64, stored: &Stored) -> Result<()> {
        let text = serde_json::to_vec(stored).map_err(invalid)?;
        self.create()?;
        slipway_files::write_private(&self.file(number), &text)?;
        Ok(())
    }

    fn remove(&self, number: u64) -> Result<()> {
        let path = self.file(number);
        std::fs::remove_file(&path).map_err(|error| unreadable(&path, error))
    }

    /// Removes the snapshots that are newer than this one.
    fn remove_newer(&self, number: u64) -> Result<()> {
        for newer in self.numbers()?.into_iter().filter(|kept| *kept > number) {
            self.remove(newer)?;
        }
        Ok(())
    }

    fn attempt(&self) -> Option<Attempt> {
        let text = std::fs::read_to_string(self.directory.join(ATTEMPT)).ok()?;
        Some(Attempt::parse(&text))
    }

    fn write_attempt(&self, attempt: &Attempt) -> Result<()> {
        self.create()?;
        let path = self.directory.join(ATTEMPT);
        slipway_files::write_private(&path, attempt.text().as_bytes())?;
        Ok(())
    }

    /// Returns the last good deployment: the snapshot of a rollback that has not succeeded yet, otherwise
    /// the newest snapshot of other inputs than the latest attempt.
    fn last_good(&self) -> Result<(u64, Stored)> {
        let attempt = self.attempt();
        let unfinished = attempt.as_ref().and_then(|attempt| attempt.rollback);
        let attempt = attempt.map(|attempt| attempt.digest);
        for number in self.numbers()?.into_iter().rev() {
            let stored = self.read(number)?;
            let is_target = match unfinished {
                Some(target) => number == target,
                None => attempt.as_ref() != Some(&stored.digest()?),
            };
            if is_target {
                return Ok((number, stored));
            }
        }
        Err(DeployError::NoSnapshot {
            directory: self.directory.clone(),
        })
    }
}

impl Deployment {
    /// Reads the last good deployment under a root.
    ///
    /// # Errors
    /// No other deployment was kept, or a snapshot cannot be read.
    pub fn of_snapshot(role: &str, options: &Options, events: Events<Event>) -> Result<Rollback> {
        let paths = Paths::new(&options.root)?;
        let snapshots = Snapshots::of(&paths);
        let (number, stored) = snapshots.last_good()?;
        let Stored { inputs, images } = stored;
        if inputs.role_name != role {
            return Err(DeployError::SnapshotOfRole {
                role: inputs.role_name,
            });
        }
        let path = snapshots.file(number);
        let data = RoleData::parse(&inputs.role_name, &path, &inputs.role.to_string());
        let data = data.map_err(DeployError::declarations)?;
        let hiera: Hieradata =
            serde_json::from_value(inputs.hiera).map_err(|error| unreadable(&path, error))?;
        let mut deployment = Deployment::new(paths, data, hiera, options, events)?;
        deployment.managed_by = inputs.managed_by;
        Ok(Rollback {
            deployment,
            number,
            images,
        })
    }

    fn inputs(&self) -> Result<Inputs> {
        Ok(Inputs {
            managed_by: self.managed_by.clone(),
            role_name: self.declared.name.clone(),
            role: role_value(&self.declared)?,
            hiera: serde_json::to_value(&self.hiera).map_err(invalid)?,
        })
    }
}

impl Rollback {
    /// Adds the engine, and gives the references back to the images of that time.
    ///
    /// # Errors
    /// An image is no longer in the engine. Nothing is changed then.
    pub async fn connect(self, engine: Arc<dyn Engine>) -> Result<ConnectedDeployment> {
        let mut missing = Vec::new();
        let mut moved = Vec::new();
        let references = self.images.keys().map(String::as_str);
        let present = converge::image_ids(engine.as_ref(), references).await?;
        let differ = |(reference, id): &(&String, &String)| present.get(*reference) != Some(*id);
        for (reference, id) in self.images.iter().filter(differ) {
            match engine.find_image(id).await? {
                Some(_) => moved.push((reference, id)),
                None => missing.push(format!("  {reference} ({id})")),
            }
        }
        if !missing.is_empty() {
            return Err(DeployError::SnapshotImages { missing });
        }
        for (reference, id) in moved {
            engine.tag_image(id, reference).await?;
            self.deployment.events.send(Event::ImageRestored {
                image: reference.clone(),
                id: id.clone(),
            });
        }
        let mut deployment = self.deployment.connect(engine)?;
        deployment.rollback = Some(self.number);
        Ok(deployment)
    }
}

impl ConnectedDeployment {
    /// Remembers the inputs of this attempt, so that a rollback does not go back to them.
    pub(crate) async fn begin_attempt(&self) -> Result<()> {
        let digest = self.to_store().await?.digest()?;
        let rollback = self.rollback;
        Snapshots::of(self.paths()).write_attempt(&Attempt { digest, rollback })
    }

    /// Keeps the inputs of this deployment, which succeeded, and removes the oldest snapshots beyond `keep`.
    /// After a rollback, the snapshots that are newer than its own are removed.
    ///
    /// # Errors
    /// A snapshot cannot be read or written, or the engine fails.
    pub async fn keep_snapshot(&self, keep: usize) -> Result<()> {
        let snapshots = Snapshots::of(self.paths());
        let stored = self.to_store().await?;
        let digest = stored.digest()?;
        if let Some(number) = self.rollback {
            snapshots.remove_newer(number)?;
            snapshots.write_attempt(&Attempt {
                digest: digest.clone(),
                rollback: None,
            })?;
        }
        let mut numbers = snapshots.numbers()?;
        let newest = numbers.last().copied();
        let is_kept = match newest {
            Some(newest) => snapshots.read(newest)?.digest()? == digest,
            None => false,
        };
        if !is_kept && keep > 0 {
            let number = newest.unwrap_or(0) + 1;
            snapshots.write(number, &stored)?;
            numbers.push(number);
        }
        let excess = numbers.len().saturating_sub(keep);
        for number in numbers.drain(..excess) {
            snapshots.remove(number)?;
        }
        Ok(())
    }

    /// Returns the inputs of this deployment, and the images that its references mean now.
    async fn to_store(&self) -> Result<Stored> {
        let users = preflight::image_users(&self.deployment);
        let references = users.keys().map(String::as_str);
        Ok(Stored {
            inputs: self.deployment.inputs()?,
            images: converge::image_ids(self.engine.as_ref(), references).await?,
        })
    }
}

/// Returns a role as it is read again. Metadata is no input of a deployment.
fn role_value(role: &RoleData) -> Result<Value> {
    let role = RoleData {
        metadata: IndexMap::default(),
        ..role.clone()
    };
    serde_json::to_value(role).map_err(invalid)
}

fn unreadable(path: &Path, error: impl Into<crate::error::Source>) -> DeployError {
    DeployError::Snapshot {
        path: path.to_owned(),
        source: error.into(),
    }
}

fn invalid(error: serde_json::Error) -> DeployError {
    DeployError::declarations(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Declarations, KeyFiles, RoleSource, merge_role};

    #[test]
    fn every_service_comes_back_as_it_was() {
        let services = concat!(env!("CARGO_MANIFEST_DIR"), "/../../services");
        let source = RoleSource {
            declarations: Declarations::Services(vec![services.into()]),
            role: "R".to_owned(),
            hiera: Vec::new(),
            keys: KeyFiles::default(),
        };
        let role = merge_role(&source).unwrap();
        let stored = role_value(&role).unwrap();
        let read = RoleData::parse("R", Path::new("1.json"), &stored.to_string()).unwrap();
        assert_eq!(role_value(&read).unwrap(), stored);
        let role = RoleData {
            metadata: IndexMap::default(),
            ..role
        };
        assert!(read == role);
    }
}
