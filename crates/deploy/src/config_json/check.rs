//! Checks a config.json together with the containers that mount it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use slipway_kolla_config::{Config, ContainerContext, Finding, Image, Mount, ParseError, Severity};
use slipway_paths::Paths;
use slipway_service::{ContainerConfig, Service};

/// The path at which a container reads its config.json.
const CONFIG_JSON: &str = "/var/lib/kolla/config_files/config.json";

/// A config.json to check, with the containers that mount it.
pub struct ConfigJson {
    file: String,
    config: Config,
    readers: Vec<Reader>,
    /// True if services declare it, so its readers are known.
    declared: bool,
}

/// A container that mounts a config.json.
struct Reader {
    name: String,
    image: Option<String>,
    context: ContainerContext,
}

/// An error or warning in a config.json: its place, and the containers that it concerns.
#[derive(Debug, Serialize)]
pub struct Problem {
    file: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    containers: Vec<String>,
    severity: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
}

impl ConfigJson {
    /// Returns a file whose containers are unknown.
    pub fn alone(file: String, config: Config) -> ConfigJson {
        let reader = Reader {
            name: String::new(),
            image: None,
            context: ContainerContext::default(),
        };
        ConfigJson {
            file,
            config,
            readers: vec![reader],
            declared: false,
        }
    }

    /// Returns the files that services declare, each with the containers that mount it.
    pub fn of_services(services: &[Service], paths: &Paths) -> Vec<ConfigJson> {
        let containers = || {
            let steps = services
                .iter()
                .flat_map(|service| service.docker_config.values());
            steps.flat_map(|containers| &containers.0)
        };
        let declared = services.iter().flat_map(|service| &service.kolla_config);
        declared
            .map(|(file, config)| ConfigJson {
                file: file.clone(),
                config: config.clone(),
                readers: containers()
                    .filter(|(_, container)| reads(container, file))
                    .map(|(name, container)| Reader::of(name, container, paths))
                    .collect(),
                declared: true,
            })
            .collect()
    }

    /// Returns the config.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the images of its containers, or `instead`.
    pub fn images(&self, instead: Option<&str>) -> Vec<String> {
        let images = self
            .readers
            .iter()
            .filter_map(|reader| reader.image(instead));
        images.map(str::to_owned).collect()
    }

    /// Adds the facts of an image.
    pub(crate) fn add_image(&mut self, image: &str, instead: Option<&str>, known: &Image) {
        for reader in &mut self.readers {
            if reader.image(instead) == Some(image) {
                reader.context.image = Some(known.clone());
            }
        }
    }

    /// Returns the errors and warnings, those of the file alone first, then those of each container.
    pub fn problems(&self) -> Vec<Problem> {
        let general = slipway_kolla_config::check(&self.config);
        let mut reports: Vec<Problem> = general
            .into_iter()
            .map(|finding| self.problem(finding, Vec::new()))
            .collect();
        if self.declared && self.readers.is_empty() {
            let finding = Finding {
                severity: Severity::Warning,
                path: String::new(),
                message: format!("no container mounts this file as {CONFIG_JSON}"),
            };
            reports.push(self.problem(finding, Vec::new()));
        }
        let mut found: Vec<(Finding, Vec<String>)> = Vec::new();
        for reader in &self.readers {
            for finding in slipway_kolla_config::check_in(&self.config, &reader.context) {
                match found.iter_mut().find(|(earlier, _)| *earlier == finding) {
                    Some((_, readers)) => readers.push(reader.name.clone()),
                    None => found.push((finding, vec![reader.name.clone()])),
                }
            }
        }
        let found = found.into_iter().map(|(finding, mut readers)| {
            readers.retain(|name| !name.is_empty());
            self.problem(finding, readers)
        });
        reports.extend(found);
        reports
    }

    fn problem(&self, finding: Finding, containers: Vec<String>) -> Problem {
        Problem {
            file: self.file.clone(),
            containers,
            severity: match finding.severity {
                Severity::Error => ERROR,
                Severity::Warning => "warning",
            },
            path: finding.path,
            line: None,
            column: None,
            message: finding.message,
        }
    }
}

fn reads(container: &ContainerConfig, file: &str) -> bool {
    let volumes = &container.keys().volumes;
    volumes
        .iter()
        .any(|volume| volume.target == CONFIG_JSON && volume.source.as_deref() == Some(file))
}

impl Reader {
    fn of(name: &str, container: &ContainerConfig, paths: &Paths) -> Reader {
        let keys = container.keys();
        // A source that leads out of the root is an error of its own before anything is deployed.
        let host = |source: &str| {
            let moved = paths.bind_source(source).ok();
            moved.filter(|_| source.starts_with('/')).map(PathBuf::from)
        };
        let mounts = keys.volumes.iter().map(|volume| Mount {
            target: volume.target.clone(),
            host: volume.source.as_deref().and_then(host),
        });
        Reader {
            name: name.to_owned(),
            image: keys.image.clone(),
            context: ContainerContext {
                // With volumes_from, some mounts are unknown.
                mounts: keys.volumes_from.is_empty().then(|| mounts.collect()),
                image: None,
            },
        }
    }

    fn image<'a>(&'a self, instead: Option<&'a str>) -> Option<&'a str> {
        instead.or(self.image.as_deref())
    }
}

const ERROR: &str = "error";

impl Problem {
    /// Returns the problem of a file that cannot be parsed.
    pub fn unreadable(file: &Path, error: &ParseError) -> Problem {
        let (path, place, message) = match error {
            ParseError::Invalid {
                path, line, column, ..
            } => {
                let whole = error.to_string();
                // The place is in the fields `line` and `column`.
                let place = format!("{}:{line}:{column}: ", file.display());
                let message = whole.strip_prefix(&place).unwrap_or(&whole).to_owned();
                let message = message
                    .strip_prefix(&format!("{path}: "))
                    .map_or(message.clone(), str::to_owned);
                (path.clone(), Some((*line, *column)), message)
            }
            other => {
                let whole = other.to_string();
                let named = format!("{}: ", file.display());
                let message = whole.strip_prefix(&named).unwrap_or(&whole).to_owned();
                (String::new(), None, message)
            }
        };
        let (line, column) = place.unzip();
        Problem {
            file: file.display().to_string(),
            containers: Vec::new(),
            severity: ERROR,
            path,
            line,
            column,
            message,
        }
    }

    /// Returns true for an error, false for a warning.
    pub fn is_error(&self) -> bool {
        self.severity == ERROR
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: ", self.severity)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.message)?;
        if !self.containers.is_empty() {
            write!(f, " (in {})", self.containers.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(definition: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        std::fs::write(&file, definition).unwrap();
        let services = slipway_service::load_dir(&file).unwrap();
        let paths = Paths::new(directory.path()).unwrap();
        let checked = ConfigJson::of_services(&services, &paths);
        let reports = checked.iter().flat_map(ConfigJson::problems);
        reports.map(|report| report.to_string()).collect()
    }

    const SERVICE: &str = "
service_name: a
kolla_config:
  /var/lib/kolla/config_files/a.json:
    command: /bin/a
    config_files:
      - {source: /var/lib/kolla/config_files/src-tls/*, dest: /, merge: true, preserve_properties: true}
docker_config:
  step_1:
    plain: {image: a, volumes: [
      '/var/lib/kolla/config_files/a.json:/var/lib/kolla/config_files/config.json:ro',
      '/var/lib/config-data/a/:/var/lib/kolla/config_files/src:ro']}
    tls: {image: a, volumes: [
      '/var/lib/kolla/config_files/a.json:/var/lib/kolla/config_files/config.json:ro',
      '/var/lib/config-data/a/:/var/lib/kolla/config_files/src-tls:ro']}
";

    #[test]
    fn a_source_must_be_in_the_mounts_of_each_container() {
        let reports = reports(SERVICE);
        assert_eq!(
            reports,
            [
                "/var/lib/kolla/config_files/a.json: error: config_files[0].source: \
              `/var/lib/kolla/config_files/src-tls/*` is in nothing that is mounted \
              (under /var/lib/kolla/config_files: src) (in plain)"
            ]
        );
    }

    #[test]
    fn an_unmounted_file_is_a_warning() {
        let reports = reports(&SERVICE.replace("a.json:/", "b.json:/"));
        assert!(
            reports[0].contains("warning: no container mounts this file"),
            "{reports:?}"
        );
    }

    #[test]
    fn a_parse_error_has_its_place() {
        let file = Path::new("a.json");
        let error =
            Config::from_json("{\"command\": \"a\",\n \"config_fils\": []}", file).unwrap_err();
        let report = Problem::unreadable(file, &error);
        assert_eq!(
            (report.line, report.path.as_str()),
            (Some(2), "config_fils")
        );
        assert!(
            report.message.starts_with("unknown field"),
            "{}",
            report.message
        );
        assert!(report.to_string().starts_with("a.json:2:"), "{report}");
    }
}
