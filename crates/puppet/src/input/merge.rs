//! Merges the services' entries into one Puppet run for each config volume.

use indexmap::IndexMap;
use slipway_service::{ConfigVolume, PuppetConfig};

use crate::error::{PuppetError, Result};

/// Resources that every run manages, beside those its entries name.
const TAGS: &str = "file,file_line,concat,augeas,cron";

/// One Puppet run: all entries of one config volume, or of one task.
///
/// `Debug` leaves the manifest out: it may hold passwords.
#[derive(Clone, PartialEq)]
pub struct Run {
    /// The config volume, or the name of a task.
    pub volume: ConfigVolume,
    /// All Puppet tags, joined by commas.
    pub puppet_tags: String,
    /// The manifest.
    pub manifest: String,
    /// The image that Puppet runs in.
    pub config_image: String,
    /// Volumes mounted for the run.
    pub volumes: Vec<String>,
    /// The run has all privileges of the host.
    pub privileged: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("volume", &self.volume)
            .field("puppet_tags", &self.puppet_tags)
            .field("config_image", &self.config_image)
            .finish_non_exhaustive()
    }
}

/// Entries merged by config volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The runs, in the order in which their volumes first appear.
    pub runs: Vec<Run>,
    /// Contradictions among the entries.
    pub warnings: Vec<String>,
}

/// Merges entries by config volume: tags joined by commas, manifests by newlines, volumes appended.
///
/// Entries without a manifest or an image generate nothing and are dropped.
///
/// ```
/// use slipway_service::{ConfigVolume, PuppetConfig};
///
/// let entry = |tags: &str, manifest: &str| PuppetConfig {
///     config_volume: ConfigVolume::new("heat").ok(),
///     puppet_tags: tags.into(),
///     step_config: manifest.into(),
///     config_image: "kolla/heat".into(),
///     ..PuppetConfig::default()
/// };
/// let merged = slipway_puppet::merge(vec![entry("heat_config", "include heat::api"), entry("", "include heat")])?;
/// assert_eq!(merged.runs[0].puppet_tags, "file,file_line,concat,augeas,cron,heat_config");
/// assert_eq!(merged.runs[0].manifest, "include heat::api\ninclude heat");
/// # Ok::<(), slipway_puppet::PuppetError>(())
/// ```
///
/// # Errors
/// When an entry that would generate something names no config volume.
pub fn merge(entries: Vec<PuppetConfig>) -> Result<Merged> {
    let mut runs: IndexMap<ConfigVolume, Run> = IndexMap::new();
    let mut warnings = Vec::new();
    for entry in entries {
        if entry.step_config.is_empty() || entry.config_image.is_empty() {
            continue;
        }
        let Some(volume) = entry.config_volume.clone() else {
            return Err(PuppetError::NoVolume {
                image: entry.config_image,
            });
        };
        let Some(run) = runs.get_mut(&volume) else {
            runs.insert(volume.clone(), Run::first(volume, entry));
            continue;
        };
        if run.config_image != entry.config_image {
            warnings.push(format!(
                "config volume {volume} has entries with different images: {} is used, {} is not",
                run.config_image, entry.config_image
            ));
        }
        run.add(entry);
    }
    Ok(Merged {
        runs: runs.into_values().collect(),
        warnings,
    })
}

impl Run {
    fn first(volume: ConfigVolume, entry: PuppetConfig) -> Run {
        let mut run = Run {
            volume,
            puppet_tags: TAGS.to_owned(),
            manifest: String::new(),
            config_image: entry.config_image.clone(),
            volumes: Vec::new(),
            privileged: false,
        };
        run.add(entry);
        run
    }

    fn add(&mut self, entry: PuppetConfig) {
        if !entry.puppet_tags.is_empty() {
            self.puppet_tags.push(',');
            self.puppet_tags.push_str(&entry.puppet_tags);
        }
        if !self.manifest.is_empty() {
            self.manifest.push('\n');
        }
        self.manifest.push_str(&entry.step_config);
        self.volumes.extend(entry.volumes);
        self.privileged |= entry.privileged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(volume: &str, manifest: &str, image: &str) -> PuppetConfig {
        PuppetConfig {
            config_volume: ConfigVolume::new(volume).ok(),
            step_config: manifest.to_owned(),
            config_image: image.to_owned(),
            volumes: vec![format!("/{manifest}:/x")],
            ..PuppetConfig::default()
        }
    }

    #[test]
    fn entries_that_generate_nothing_are_dropped() {
        let merged = merge(vec![
            entry("a", "", "i"),
            entry("b", "m", ""),
            entry("", "", ""),
        ]);
        assert_eq!(merged.unwrap().runs, []);
    }

    #[test]
    fn the_first_image_is_used_and_the_other_warned_of() {
        let merged = merge(vec![entry("a", "m", "one"), entry("a", "n", "two")]).unwrap();
        assert_eq!(merged.runs.len(), 1);
        assert_eq!(merged.runs[0].config_image, "one");
        assert_eq!(merged.runs[0].volumes, ["/m:/x", "/n:/x"]);
        assert_eq!(
            merged.warnings,
            ["config volume a has entries with different images: one is used, two is not"]
        );
    }

    #[test]
    fn a_manifest_needs_a_volume_to_go_to() {
        let refusal = merge(vec![entry("", "m", "i")]).unwrap_err();
        assert!(matches!(refusal, PuppetError::NoVolume { image } if image == "i"));
    }
}
