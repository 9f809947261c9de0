//! Errors of service definitions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::Step;

/// The result of reading or merging service definitions.
pub type Result<T, E = ServiceError> = std::result::Result<T, E>;

/// A service definition that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A directory has no definitions.
    #[error("no service definitions in {}: expected *.yaml files", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The file is not a valid service definition.
    #[error("{place}: {message}{}", hint.as_deref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Invalid {
        /// The place.
        place: Place,
        /// The reason.
        message: String,
        /// The nearest name that is valid there.
        hint: Option<String>,
    },
    /// Two services of one name.
    #[error("service `{name}` is defined twice")]
    SameService {
        /// The name.
        name: String,
    },
    /// Two services declare a container of the same name in one step.
    #[error(
        "services `{first}` and `{second}` both declare container `{container}` in {step}: rename one of them"
    )]
    SameContainer {
        /// The step.
        step: Step,
        /// The container's name.
        container: String,
        /// The service that declared it first.
        first: String,
        /// The service that declared it again.
        second: String,
    },
    /// Two services write different content to one config.json.
    #[error(
        "services `{first}` and `{second}` both declare kolla_config `{path}`, with different content"
    )]
    SameKollaConfig {
        /// The file's path.
        path: String,
        /// The service that declared it first.
        first: String,
        /// The service that declared it again.
        second: String,
    },
    /// Two services write different content to one script.
    #[error(
        "services `{first}` and `{second}` both declare the script `{name}`, with different content"
    )]
    SameScript {
        /// The script's name.
        name: String,
        /// The service that declared it first.
        first: String,
        /// The service that declared it again.
        second: String,
    },
}

/// A place in a service definition: file, line and column where known, and the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line and column, both counted from 1.
    pub position: Option<(usize, usize)>,
    /// Path of the key, such as `docker_config.step_1.haproxy`; empty at the top.
    pub key: String,
}

/// The places of a definition's keys, by the path of the key.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, Place>);

impl Places {
    /// Returns the place of a key; the key alone where its file is unknown.
    pub fn of(&self, key: &str) -> String {
        let place = self.0.get(key);
        place.map_or_else(|| key.to_owned(), Place::to_string)
    }

    /// Adds places. A key that has a place keeps it.
    pub(crate) fn add(&mut self, places: Places) {
        for (key, place) in places.0 {
            self.0.entry(key).or_insert(place);
        }
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Places {
        let places = places.into_iter();
        Places(places.map(|place| (place.key.clone(), place)).collect())
    }
}

/// Definitions are equal wherever they stand.
impl PartialEq for Places {
    fn eq(&self, _: &Places) -> bool {
        true
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        Ok(())
    }
}
