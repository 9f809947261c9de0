//! Where one deployment's files are.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{PuppetError, Result};

const CONFIG_DATA: &str = "var/lib/config-data";

/// The paths of one deployment: TripleO's, under its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
    config_data: PathBuf,
    logs: PathBuf,
}

impl Paths {
    /// The paths under a root; `/` is the plain contract.
    ///
    /// # Errors
    /// When the root cannot be the source of a bind mount: not absolute, not UTF-8, with a colon.
    pub fn under(root: &Path) -> Result<Paths> {
        Ok(Paths {
            config_data: root.join(CONFIG_DATA),
            logs: root.join("var/log/slipway/config"),
            root: mountable(root)?,
        })
    }

    /// The same, with the config volumes somewhere else.
    ///
    /// # Errors
    /// As [`Paths::under`].
    pub fn with_config_data(self, config_data: &Path) -> Result<Paths> {
        Ok(Paths {
            config_data: mountable(config_data)?,
            ..self
        })
    }

    /// The same, with the logs of Puppet's runs somewhere else.
    pub fn with_logs(self, logs: &Path) -> Paths {
        Paths {
            logs: logs.to_owned(),
            ..self
        }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The config volumes' prefix.
    pub fn config_data(&self) -> &Path {
        &self.config_data
    }

    /// What only Puppet wrote, a folder per volume.
    pub fn generated(&self) -> PathBuf {
        self.config_data.join("puppet-generated")
    }

    /// The deployment's `/etc/puppet`: hiera, and modules where it has its own.
    pub fn puppet_etc(&self) -> PathBuf {
        self.root.join("etc/puppet")
    }

    /// Hiera's data.
    pub fn hieradata(&self) -> PathBuf {
        self.puppet_etc().join("hieradata")
    }

    /// What is remembered between runs.
    pub fn state(&self) -> PathBuf {
        self.root.join("var/lib/slipway/puppet")
    }

    /// The logs of Puppet's runs.
    pub fn logs(&self) -> PathBuf {
        self.logs.clone()
    }

    /// The folder that holds what is remembered of config volumes: each prefix has its own, so that
    /// a trial under another prefix does not make the real volumes forgotten.
    pub(crate) fn volumes_memory(&self) -> String {
        if self.config_data == self.root.join(CONFIG_DATA) {
            return "volumes".to_owned();
        }
        let digest = Sha256::digest(self.config_data.as_os_str().as_encoded_bytes());
        format!("volumes-{}", hex::encode(&digest[..8]))
    }

    /// Where results are put together before they are swapped in; on the volumes' file system.
    pub(crate) fn staging(&self) -> PathBuf {
        self.config_data.join(".staging")
    }

    /// Trees that were replaced, but may still be mounted in containers that run.
    pub(crate) fn replaced(&self) -> PathBuf {
        self.config_data.join(".replaced")
    }

    /// Slipway's own Puppet modules.
    pub(crate) fn modules(&self) -> PathBuf {
        self.state().join("modules")
    }
}

fn mountable(path: &Path) -> Result<PathBuf> {
    let why = match path.to_str() {
        None => "it is not UTF-8",
        Some(text) if text.contains(':') => "it holds a colon",
        Some(_) if !path.is_absolute() => "it is not absolute",
        Some(_) => return Ok(path.to_owned()),
    };
    Err(PuppetError::Unmountable {
        path: path.to_owned(),
        why,
    })
}
