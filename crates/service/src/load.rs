//! Reading service definitions from files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use slipway_suggest::nearest;

use crate::Service;
use crate::error::{Place, Result, ServiceError};
use crate::locate::{Turn, locate};

impl Service {
    /// Reads one definition. `path` is only for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Service> {
        let service: Service = parse_as(path, text)?;
        service.check(path, text)?;
        Ok(service)
    }

    /// What types alone do not say.
    fn check(&self, path: &Path, text: &str) -> Result<()> {
        if self.service_name.trim().is_empty() {
            let way = [Turn::Key("service_name".to_owned())];
            let message = "is empty: every service needs a name".to_owned();
            return Err(at(path, text, &way, message, None));
        }
        for (file, config) in &self.kolla_config {
            let findings = slipway_kolla_config::check(config);
            let error = findings
                .iter()
                .find(|f| f.severity == slipway_kolla_config::Severity::Error);
            if let Some(error) = error {
                let mut way = vec![
                    Turn::Key("kolla_config".to_owned()),
                    Turn::Key(file.clone()),
                ];
                way.extend(turns(&error.path));
                return Err(at(path, text, &way, error.message.clone(), None));
            }
        }
        Ok(())
    }
}

/// Reads YAML (or JSON) as a type, and tells what is wrong with file, line and key.
pub(crate) fn parse_as<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    // JSON is almost YAML: only a JSON reader knows its escapes for what lies beyond 16 bits.
    let mut value: serde_yaml::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        // What JSON nests too deeply, YAML does too, but its reader takes minutes to say so.
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => {
            let position = Some((error.line(), error.column()));
            return Err(unreadable(
                path,
                position,
                "is nested too deeply".to_owned(),
            ));
        }
        Err(_) => serde_yaml::from_str(text).map_err(|error| syntax(path, &error))?,
    };
    value.apply_merge().map_err(|error| syntax(path, &error))?;
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    T::deserialize(tracked).map_err(|error| invalid(path, text, &track.path(), &error.to_string()))
}

/// Reads the definitions of a folder (its `*.yaml` and `*.yml` files, sorted by name), or of one file.
pub fn load_dir(path: &Path) -> Result<Vec<Service>> {
    let read = |source| ServiceError::Read {
        path: path.to_owned(),
        source,
    };
    let files = match std::fs::metadata(path).map_err(read)?.is_dir() {
        false => vec![path.to_owned()],
        true => definitions(path).map_err(read)?,
    };
    if files.is_empty() {
        return Err(ServiceError::Empty {
            path: path.to_owned(),
        });
    }
    let mut names = BTreeSet::new();
    let mut services = Vec::with_capacity(files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|source| ServiceError::Read {
            path: file.clone(),
            source,
        })?;
        let service = Service::parse(&file, &text)?;
        if !names.insert(service.service_name.clone()) {
            let way = [Turn::Key("service_name".to_owned())];
            let message = format!(
                "service `{}` is already defined by another file of this folder",
                service.service_name
            );
            return Err(at(&file, &text, &way, message, None));
        }
        services.push(service);
    }
    Ok(services)
}

fn definitions(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
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

fn syntax(path: &Path, error: &serde_yaml::Error) -> ServiceError {
    let position = error.location().map(|at| (at.line(), at.column()));
    let text = error.to_string();
    // The place is printed in front; the parser's own copy of it would only repeat it.
    let message = match text.rfind(" at line ") {
        Some(end) if position.is_some() => text[..end].to_owned(),
        _ => text,
    };
    unreadable(path, position, message)
}

/// A text of which no part can be used.
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

fn invalid(
    path: &Path,
    text: &str,
    track: &serde_path_to_error::Path,
    message: &str,
) -> ServiceError {
    let mut way: Vec<Turn> = track
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Turn::Item(*index)),
            Segment::Map { key } => Some(Turn::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message.strip_prefix("unknown field ").map(|_| quoted[0]);
    let Some(unknown) = unknown else {
        return at(path, text, &way, without_value(message), None);
    };
    if way.last() != Some(&Turn::Key(unknown.to_owned())) {
        way.push(Turn::Key(unknown.to_owned()));
    }
    let hint = nearest(unknown, quoted[1..].iter().copied()).map(str::to_owned);
    let message = match &hint {
        Some(_) => "unknown key".to_owned(),
        None => format!("unknown key; known here: {}", quoted[1..].join(", ")),
    };
    at(path, text, &way, message, hint)
}

/// A message of serde's about a wrong type or value, without the value: it may be a password that
/// stands in the wrong place.
fn without_value(message: &str) -> String {
    let shows_value = ["invalid type: ", "invalid value: "]
        .iter()
        .any(|kind| message.starts_with(kind));
    // The value stands between the two, and may hold anything: hence the last comma.
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if shows_value => {
            let kind = found.split(['"', '`']).next().unwrap_or(found).trim();
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

/// The turns of a path like `config_files[0].dest`.
fn turns(path: &str) -> impl Iterator<Item = Turn> {
    path.split(['.', '[', ']'])
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse() {
            Ok(index) => Turn::Item(index),
            Err(_) => Turn::Key(part.to_owned()),
        })
}

fn at(
    path: &Path,
    text: &str,
    way: &[Turn],
    message: String,
    hint: Option<String>,
) -> ServiceError {
    let key = way.iter().fold(String::new(), |key, turn| match turn {
        Turn::Key(name) if key.is_empty() => name.clone(),
        Turn::Key(name) => format!("{key}.{name}"),
        Turn::Item(index) => format!("{key}[{index}]"),
    });
    ServiceError::Invalid {
        place: Place {
            path: path.to_owned(),
            position: locate(text, way),
            key,
        },
        message,
        hint,
    }
}
