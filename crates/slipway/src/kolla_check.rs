//! A config.json together with the containers that read it, and what is wrong with it there.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use slipway_kolla_config::{Config, Finding, Image, Mount, ParseError, Severity, Surroundings};
use slipway_service::{ContainerConfig, Service};

use slipway_paths::Paths;

/// Where a container looks for its config.json.
const CONFIG_JSON: &str = "/var/lib/kolla/config_files/config.json";

/// One config.json to be checked.
pub struct Checked {
    file: String,
    config: Config,
    readers: Vec<Reader>,
    /// Whether its readers are known: nothing is known of those of a file on its own.
    declared: bool,
}

/// A container that reads it.
struct Reader {
    name: String,
    image: Option<String>,
    surroundings: Surroundings,
}

/// Something that is wrong, where, and for which containers.
#[derive(Debug, Serialize)]
pub struct Report {
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

impl Checked {
    /// A file of which no more is known.
    pub fn alone(file: String, config: Config) -> Checked {
        let reader = Reader {
            name: String::new(),
            image: None,
            surroundings: Surroundings::default(),
        };
        Checked {
            file,
            config,
            readers: vec![reader],
            declared: false,
        }
    }

    /// The files that services declare, each with the containers that mount it as their config.json.
    pub fn of_services(services: &[Service], paths: &Paths) -> Vec<Checked> {
        let containers = || {
            let steps = services
                .iter()
                .flat_map(|service| service.docker_config.values());
            steps.flat_map(|containers| &containers.0)
        };
        let declared = services.iter().flat_map(|service| &service.kolla_config);
        declared
            .map(|(file, config)| Checked {
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

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The images its containers have, or `instead`.
    pub fn images(&self, instead: Option<&str>) -> Vec<String> {
        let images = self
            .readers
            .iter()
            .filter_map(|reader| reader.image(instead));
        images.map(str::to_owned).collect()
    }

    /// Takes note of what an image has.
    pub fn know(&mut self, image: &str, instead: Option<&str>, known: &Image) {
        for reader in &mut self.readers {
            if reader.image(instead) == Some(image) {
                reader.surroundings.image = Some(known.clone());
            }
        }
    }

    /// What is wrong with it, anywhere and for each container.
    pub fn reports(&self) -> Vec<Report> {
        let general = slipway_kolla_config::check(&self.config);
        let mut reports: Vec<Report> = general
            .into_iter()
            .map(|finding| self.report(finding, Vec::new()))
            .collect();
        if self.declared && self.readers.is_empty() {
            let finding = Finding {
                severity: Severity::Warning,
                path: String::new(),
                message: format!("no container mounts this file as {CONFIG_JSON}"),
            };
            reports.push(self.report(finding, Vec::new()));
        }
        let mut found: Vec<(Finding, Vec<String>)> = Vec::new();
        for reader in &self.readers {
            for finding in slipway_kolla_config::check_in(&self.config, &reader.surroundings) {
                match found.iter_mut().find(|(earlier, _)| *earlier == finding) {
                    Some((_, readers)) => readers.push(reader.name.clone()),
                    None => found.push((finding, vec![reader.name.clone()])),
                }
            }
        }
        let found = found.into_iter().map(|(finding, mut readers)| {
            readers.retain(|name| !name.is_empty());
            self.report(finding, readers)
        });
        reports.extend(found);
        reports
    }

    fn report(&self, finding: Finding, containers: Vec<String>) -> Report {
        Report {
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
        let host = |source: &str| {
            source
                .starts_with('/')
                .then(|| PathBuf::from(paths.bind_source(source)))
        };
        let mounts = keys.volumes.iter().map(|volume| Mount {
            target: volume.target.clone(),
            host: volume.source.as_deref().and_then(host),
        });
        Reader {
            name: name.to_owned(),
            image: keys.image.clone(),
            surroundings: Surroundings {
                // What other containers mount is not looked into.
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

impl Report {
    /// A file that is no config.json.
    pub fn unreadable(file: &Path, error: &ParseError) -> Report {
        let (path, place, message) = match error {
            ParseError::Invalid {
                path, line, column, ..
            } => {
                let whole = error.to_string();
                // The place has its own fields here.
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
        Report {
            file: file.display().to_string(),
            containers: Vec::new(),
            severity: ERROR,
            path,
            line,
            column,
            message,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == ERROR
    }
}

impl fmt::Display for Report {
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
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, definition).unwrap();
        let services = slipway_service::load_dir(&file).unwrap();
        let paths = Paths::new(folder.path()).unwrap();
        let checked = Checked::of_services(&services, &paths);
        let reports = checked.iter().flat_map(Checked::reports);
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
    fn a_source_is_looked_for_in_the_mounts_of_each_container() {
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
    fn a_file_that_nobody_reads_is_told() {
        let reports = reports(&SERVICE.replace("a.json:/", "b.json:/"));
        assert!(
            reports[0].contains("warning: no container mounts this file"),
            "{reports:?}"
        );
    }

    #[test]
    fn a_file_that_is_no_config_says_where() {
        let file = Path::new("a.json");
        let error =
            Config::from_json("{\"command\": \"a\",\n \"config_fils\": []}", file).unwrap_err();
        let report = Report::unreadable(file, &error);
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
