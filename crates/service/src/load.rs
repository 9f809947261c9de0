//! Reading service definitions from files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use slipway_suggest::nearest;
use slipway_yaml::{Node, Problem, Step as PathStep};

use crate::error::{Place, Result, ServiceError};
use crate::{Places, Service};

impl Service {
    /// Reads one definition. `path` is only for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Service> {
        Source::read(path, text)?.service()
    }
}

/// A file's content, for errors with their place.
pub(crate) struct Source<'a> {
    path: &'a Path,
    document: Node,
}

impl<'a> Source<'a> {
    /// Reads YAML or JSON.
    pub(crate) fn read(path: &'a Path, text: &str) -> Result<Source<'a>> {
        match slipway_yaml::read(text) {
            Ok(document) => Ok(Source { path, document }),
            Err(error) => Err(invalid(path, &error)),
        }
    }

    /// Reads it as a type.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        self.document
            .deserialize()
            .map_err(|error| invalid(self.path, &error))
    }

    fn service(&self) -> Result<Service> {
        let mut service: Service = self.parse()?;
        self.check(&service)?;
        service.places = self.places(&service);
        Ok(service)
    }

    fn places(&self, service: &Service) -> Places {
        let files = service.kolla_config.keys();
        let files = files.map(|file| vec![key("kolla_config"), key(file)]);
        let steps = service.docker_config.iter();
        let containers = steps.flat_map(|(step, containers)| {
            let step = format!("step_{}", step.number());
            let names = containers.0.keys();
            names.map(move |name| vec![key("docker_config"), key(&step), key(name)])
        });
        files
            .chain(containers)
            .map(|path| self.place(&path))
            .collect()
    }

    /// Checks the rules that types alone do not express.
    fn check(&self, service: &Service) -> Result<()> {
        if service.service_name.trim().is_empty() {
            let message = "is empty: every service needs a name".to_owned();
            return Err(self.wrong(&[key("service_name")], message));
        }
        for path in service.kolla_config.keys() {
            if let Err(error) = slipway_paths::normalize(path) {
                return Err(self.wrong(&[key("kolla_config"), key(path)], error.to_string()));
            }
        }
        for (file, config) in &service.kolla_config {
            let findings = slipway_kolla_config::check(config);
            let error = findings
                .iter()
                .find(|f| f.severity == slipway_kolla_config::Severity::Error);
            if let Some(error) = error {
                let mut path = vec![key("kolla_config"), key(file)];
                path.extend(steps(&error.path));
                return Err(self.wrong(&path, error.message.clone()));
            }
        }
        Ok(())
    }

    /// An error about an unknown key at a path of the document, with the nearest of the known ones.
    pub(crate) fn unknown_key<'k>(
        &self,
        path: &[PathStep],
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> ServiceError {
        ServiceError::Invalid {
            place: self.place(path),
            message: "unknown key".to_owned(),
            hint: nearest(name, known).map(str::to_owned),
        }
    }

    /// An error at a path of the document.
    fn wrong(&self, path: &[PathStep], message: String) -> ServiceError {
        ServiceError::Invalid {
            place: self.place(path),
            message,
            hint: None,
        }
    }

    fn place(&self, path: &[PathStep]) -> Place {
        Place {
            path: self.path.to_owned(),
            position: self.document.position_of(path).map(columns),
            key: slipway_yaml::path_text(path),
        }
    }
}

/// Reads YAML or JSON as a type.
pub(crate) fn parse_as<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    Source::read(path, text)?.parse()
}

/// Reads the definitions of a directory (its `*.yaml` and `*.yml` files, sorted by name), or of one file.
pub fn load_dir(path: &Path) -> Result<Vec<Service>> {
    let read = |source| ServiceError::Read {
        path: path.to_owned(),
        source,
    };
    let files = definition_files(path).map_err(read)?;
    if files.is_empty() {
        return Err(ServiceError::Empty {
            path: path.to_owned(),
        });
    }
    let mut names = BTreeSet::new();
    let mut services = Vec::with_capacity(files.len());
    for file in files {
        let text = slipway_files::read_text(&file, slipway_files::MAX_TEXT).map_err(|error| {
            ServiceError::Read {
                path: file.clone(),
                source: error.into_reason(),
            }
        })?;
        let source = Source::read(&file, &text)?;
        let service = source.service()?;
        if !names.insert(service.service_name.clone()) {
            let message = format!(
                "service `{}` is already defined by another file of this directory",
                service.service_name
            );
            return Err(source.wrong(&[key("service_name")], message));
        }
        services.push(service);
    }
    Ok(services)
}

/// Returns the files of definitions at a path: the `*.yaml` and `*.yml` files of a directory, sorted by
/// name, or the file itself.
pub fn definition_files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let yaml = path
            .extension()
            .is_some_and(|ext| ext == "yaml" || ext == "yml");
        if yaml && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// An error about a whole file.
pub(crate) fn unreadable(
    path: &Path,
    position: Option<(usize, usize)>,
    message: String,
) -> ServiceError {
    ServiceError::Invalid {
        place: Place {
            path: path.to_owned(),
            position,
            key: String::new(),
        },
        message,
        hint: None,
    }
}

fn invalid(path: &Path, error: &slipway_yaml::Error) -> ServiceError {
    let steps: Vec<PathStep> = error.path().cloned().collect();
    let hint = match error.problem() {
        Problem::UnknownKey { key, known } => {
            nearest(key, known.iter().map(String::as_str)).map(str::to_owned)
        }
        _ => None,
    };
    ServiceError::Invalid {
        place: Place {
            path: path.to_owned(),
            position: error.position().map(columns),
            key: slipway_yaml::path_text(&steps),
        },
        message: match &hint {
            Some(_) => "unknown key".to_owned(),
            None => error.problem().to_string(),
        },
        hint,
    }
}

fn columns(position: slipway_yaml::Position) -> (usize, usize) {
    (position.line as usize, position.column as usize)
}

pub(crate) fn key(key: &str) -> PathStep {
    PathStep::Key(key.to_owned())
}

/// The steps of a path such as `config_files[0].dest`.
fn steps(path: &str) -> impl Iterator<Item = PathStep> {
    path.split(['.', '[', ']'])
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse() {
            Ok(index) => PathStep::Item(index),
            Err(_) => key(part),
        })
}
