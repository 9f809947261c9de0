//! Existing hiera data, which somebody else writes.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Hieradata, Level, parse};
use crate::error::{At, Result};

impl Hieradata {
    /// Reads the hiera data in a directory that somebody else writes, as `/etc/puppet` for
    /// docker-puppet.py: `hiera.yaml`, and the files below `hieradata/`. It is never written to.
    ///
    /// # Errors
    /// When a file of `hieradata/` that `hiera.yaml` names cannot be read; the file, line and
    /// column are named. Puppet would say the same once for every volume.
    pub fn present(directory: &Path) -> Result<Hieradata> {
        let config = directory.join("hiera.yaml");
        let config = match slipway_files::read_input(&config) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).at("read", config),
        };
        let mut files = BTreeMap::new();
        walk(&directory.join("hieradata"), &mut files)?;
        let mut levels = Vec::new();
        let mut others = Sha256::new();
        for (name, content) in files {
            let path = directory.join("hieradata").join(&name);
            let stem = name
                .rsplit_once('.')
                .map_or(name.as_str(), |(stem, _)| stem);
            let is_data = [".json", ".yaml", ".yml"]
                .iter()
                .any(|ext| name.ends_with(ext));
            let text = String::from_utf8_lossy(&content);
            match parse::parse(&path, &text) {
                // Each run has its own step.
                Ok(_) if stem == super::CONTAINER_LEVEL => {}
                Ok(data) if is_data => levels.push(Level { name, data }),
                Err(error) if is_data && config.contains(stem) => return Err(error),
                // Puppet may read it in a way that is not known here: all of it counts.
                _ => {
                    for part in [name.as_bytes(), &content] {
                        others.update((part.len() as u64).to_be_bytes());
                        others.update(part);
                    }
                }
            }
        }
        let others = hex::encode(others.finalize());
        Ok(Hieradata {
            levels,
            added: 0,
            decrypted: Vec::new(),
            present: Some(format!("{config}\n{others}")),
        })
    }

    /// Returns the text that decides lookups beside the keys' values, if somebody else writes the data.
    pub(crate) fn decided_by(&self) -> Option<&str> {
        self.present.as_deref()
    }
}

impl Hieradata {
    /// Returns true if a run can write down the keys that it looks up. Hiera 3 resolves names inside
    /// values without Puppet.
    pub(crate) fn records_lookups(&self) -> bool {
        self.present.as_ref().is_none_or(|config| {
            config.lines().any(|line| {
                line.split_once("version:")
                    .is_some_and(|(key, value)| key.trim().is_empty() && value.trim() == "5")
            })
        })
    }
}

fn walk(directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        let entries = match std::fs::read_dir(&next) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.at("read", &next)?,
        };
        for entry in entries {
            let path = entry.at("read", &next)?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(directory).unwrap_or(&path);
                let content = slipway_files::read_input_bytes(&path).at("read", &path)?;
                found.insert(name.to_string_lossy().into_owned(), content);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("hieradata");
        std::fs::create_dir_all(data.join("nodes")).unwrap();
        let config = "version: 5\nhierarchy: [{path: all.json}, {path: nodes/x.yaml}, {path: docker_puppet.json}]";
        std::fs::write(dir.path().join("hiera.yaml"), config).unwrap();
        std::fs::write(
            data.join("all.json"),
            r#"{"a": 1, "b::password": "hidden-one"}"#,
        )
        .unwrap();
        std::fs::write(data.join("nodes/x.yaml"), "a: 2\n").unwrap();
        std::fs::write(data.join("docker_puppet.json"), r#"{"step": 3}"#).unwrap();
        std::fs::write(data.join("unused.json"), "{").unwrap();
        let hiera = Hieradata::present(dir.path()).unwrap();
        assert_eq!(hiera.values("a").count(), 2);
        assert_eq!(hiera.get("step"), None);
        assert_eq!(hiera.redactor().redact("hidden-one"), "***");

        assert!(hiera.records_lookups());

        let before = hiera.decided_by().map(str::to_owned);
        std::fs::write(data.join("unused.json"), "[").unwrap();
        let after = Hieradata::present(dir.path()).unwrap();
        assert_ne!(after.decided_by(), before.as_deref());

        std::fs::write(data.join("all.json"), "{\n\"a\": }").unwrap();
        let refusal = Hieradata::present(dir.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("all.json:2:6: expected value"),
            "{refusal}"
        );
    }

    #[test]
    fn a_host_without_any_is_fine() {
        let hiera = Hieradata::present(Path::new("/nowhere")).unwrap();
        assert_eq!(hiera.get("a"), None);
        assert!(!hiera.records_lookups());
    }
}
