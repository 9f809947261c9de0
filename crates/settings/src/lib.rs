//! Settings: values of options that come from files and the environment.
//!
//! A deployment is always the same services, the same hiera data and the same root. [`Settings::load`]
//! reads them from `/etc/slipway/slipway.yaml`, from the user's own file, and from variables
//! `SLIPWAY_*`. [`Setting`] lists the settings; each value knows its [`Origin`].
//!
//! ```
//! use slipway_settings::{Setting, Settings, Sources};
//!
//! let directory = tempfile::tempdir()?;
//! let file = directory.path().join("slipway.yaml");
//! std::fs::write(&file, "services: [services]\nroot: /srv/first\n")?;
//!
//! let variable = |name: &str| (name == "SLIPWAY_ROOT").then(|| "/srv/second".into());
//! let settings = Settings::load(&Sources::named(&file), variable)?;
//!
//! let root = settings.get(Setting::Root).unwrap();
//! assert_eq!(root.values(), ["/srv/second"]);
//! assert_eq!(root.origin().to_string(), "SLIPWAY_ROOT");
//!
//! // A relative path is relative to the file that has it.
//! let services = settings.get(Setting::Services).unwrap();
//! assert_eq!(services.values(), [directory.path().join("services").to_str().unwrap()]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Precedence
//! The command line wins over the environment, the environment over the user's file, and the user's
//! file over the system's. A file that is named (`--config`, `SLIPWAY_CONFIG`) is read in place of
//! both. A list in one place replaces the list of another.

mod error;
mod file;
mod setting;
mod sources;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub use error::{Result, SettingsError};
pub use setting::{Kind, Setting};
pub use sources::{CONFIG_VARIABLE, SYSTEM_FILE, Sources};

/// The values of all settings that are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<Setting, Value>,
    files: Vec<PathBuf>,
}

/// The value of a setting: one string, or several for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    values: Vec<String>,
    origin: Origin,
}

/// The place that a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// An environment variable.
    Variable(&'static str),
}

impl Settings {
    /// Reads the files and the environment.
    ///
    /// # Errors
    /// A file cannot be read, has an unknown key, or a value is invalid. The error names the place.
    pub fn load(
        sources: &Sources,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Settings> {
        let mut settings = Settings::default();
        for source in sources.files() {
            if let Some(values) = file::read(source)? {
                settings.values.extend(values);
                settings.files.push(source.path().to_owned());
            }
        }
        settings.values.extend(variables(variable)?);
        Ok(settings)
    }

    /// Returns the value of a setting, if it is set.
    pub fn get(&self, setting: Setting) -> Option<&Value> {
        self.values.get(&setting)
    }

    /// Returns the files that were read, in the order in which later ones win.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl Value {
    /// Returns the strings of the value, as they would be typed after the option.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Returns the place that the value comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
        }
    }
}

/// Reads the settings of the environment. An empty variable counts as unset.
fn variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<BTreeMap<Setting, Value>> {
    let mut values = BTreeMap::new();
    for &setting in Setting::ALL {
        let name = setting.variable();
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else {
            continue;
        };
        let invalid = |problem| SettingsError::Variable { name, problem };
        let text = text
            .into_string()
            .map_err(|_| invalid("expected UTF-8".to_owned()))?;
        let texts = match setting.kind() {
            Kind::Paths => text
                .split(':')
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
            Kind::Text | Kind::Path | Kind::Count => vec![text],
        };
        for text in &texts {
            setting.kind().check(text).map_err(invalid)?;
        }
        let origin = Origin::Variable(name);
        values.insert(
            setting,
            Value {
                values: texts,
                origin,
            },
        );
    }
    Ok(values)
}
