//! The directory of a project.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use slipway_events::Events;
use slipway_export::ansible::Manifest;
use slipway_files::{Lock, private_directory, read_input};
use slipway_redact::{DigestKey, Redactor, Secrets};

use crate::error::{ConductError, Result};
use crate::event::Event;

/// A project's directory, locked for one run.
#[derive(Debug)]
pub struct Site {
    path: PathBuf,
    manifest: Manifest,
    key: DigestKey,
    redactor: Redactor,
    lock: Lock,
}

impl Site {
    /// Opens a project and locks it. Waits for another run if `waits`, and fails otherwise.
    ///
    /// # Errors
    /// The directory is no project, a file of it cannot be read, or another run holds the lock.
    pub async fn open(path: &Path, waits: bool, events: &Events<Event>) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|source| reading(path, source))?;
        // Looked for first, so that nothing is made in a directory that is no project.
        read_manifest(&path)?;
        let own = path.join(".slipway");
        private_directory(&own).map_err(|source| writing(&own, source))?;
        let lock = own.join("lock");
        let waiting = |holder: &str| {
            events.send(Event::Waiting {
                holder: holder.to_owned(),
            });
        };
        let lock = match waits {
            true => Lock::take(&lock, waiting).await?,
            false => Lock::try_take(&lock)?,
        };
        let key = own.join("digest-key");
        Ok(Self {
            // An export may have ended while this run waited.
            manifest: read_manifest(&path)?,
            key: DigestKey::open(&key).map_err(|source| reading(&key, source))?,
            redactor: redactor(&path)?,
            path,
            lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The nodes and the parts of the playbooks.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns a text without the secrets of the site's hiera data.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// Returns the nodes that these names of nodes and roles select, in the order of the site. No name
    /// selects all.
    ///
    /// # Errors
    /// A name is unknown.
    pub fn select(&self, names: &[String]) -> Result<Vec<String>> {
        let nodes = &self.manifest.nodes;
        let is_known =
            |name: &&String| nodes.contains_key(*name) || nodes.values().any(|role| role == *name);
        if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
            return Err(ConductError::UnknownNode {
                name: unknown.clone(),
                known: nodes.keys().cloned().collect(),
            });
        }
        let is_selected =
            |(node, role): &(&String, &String)| names.contains(node) || names.contains(role);
        let selected = nodes
            .iter()
            .filter(|entry| names.is_empty() || is_selected(entry));
        Ok(selected.map(|(node, _)| node.clone()).collect())
    }

    /// Returns the place of a file of Slipway's own.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.path.join(".slipway").join(name)
    }

    /// The key of digests of the site's files.
    pub(crate) fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Returns a standard input that shares the lock with a child.
    pub(crate) fn share_lock(&self) -> std::io::Result<Stdio> {
        self.lock.share()
    }
}

fn read_manifest(site: &Path) -> Result<Manifest> {
    let path = site.join(Manifest::FILE);
    let invalid = |source| ConductError::NoSite {
        path: path.clone(),
        source,
    };
    let text = read_input(&path).map_err(invalid)?;
    serde_json::from_str(&text).map_err(|error| invalid(std::io::Error::other(error)))
}

/// Collects the secrets of the nodes' hiera data and of the definitions.
fn redactor(site: &Path) -> Result<Redactor> {
    let mut secrets = Secrets::default();
    for path in data_files(&site.join("files")).map_err(|source| reading(site, source))? {
        let text = read_input(&path).map_err(|source| reading(&path, source))?;
        let read = slipway_yaml::read(&text).map_err(|error| error.in_file(&path))?;
        if let Value::Object(data) = read.into_value() {
            secrets.hiera(&data);
            for key in ["config_settings", "service_config_settings"] {
                if let Some(Value::Object(settings)) = data.get(key) {
                    secrets.hiera(settings);
                }
            }
        }
    }
    Ok(secrets.redactor())
}

/// Returns the YAML files below a directory.
fn data_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.extend(data_files(&entry.path())?),
            false if entry.path().extension().is_some_and(|end| end == "yaml") => {
                files.push(entry.path());
            }
            false => {}
        }
    }
    Ok(files)
}

pub(crate) fn reading(path: &Path, source: std::io::Error) -> ConductError {
    ConductError::Read {
        path: path.to_owned(),
        source,
    }
}

pub(crate) fn writing(path: &Path, source: std::io::Error) -> ConductError {
    ConductError::Write {
        path: path.to_owned(),
        source,
    }
}
