//! Makes a deployment to begin with: a directory with service definitions, hiera data, and settings.
//!
//! [`create`] copies the chosen services, generates every secret that they need, and writes a settings
//! file, so that `slipway deploy --config DIR/slipway.yaml` needs no other option.
//!
//! ```
//! use std::os::unix::fs::PermissionsExt as _;
//! use slipway_init::{Options, create};
//!
//! let temporary = tempfile::tempdir()?;
//! let library = temporary.path().join("library");
//! std::fs::create_dir(&library)?;
//! std::fs::write(library.join("db.yaml"), "
//! service_name: db
//! metadata: {hiera: {db_password: {type: password, description: Password of root}}}
//! ")?;
//!
//! let directory = temporary.path().join("first");
//! let options = Options { root: "/srv/first".into(), ..Options::default() };
//! let created = create(&directory, &library, &options)?;
//! assert_eq!(created.secrets, ["db_password"]);
//! let hiera = std::fs::metadata(directory.join("hiera.yaml"))?;
//! assert_eq!(hiera.permissions().mode() & 0o777, 0o600);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod hiera;
mod secret;

use std::path::{Path, PathBuf};

use serde_json::json;
use slipway_files::{write_private, write_with_mode};
use slipway_service::{Description, Service};

pub use error::{InitError, Result};

/// The choices of a new deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Names of the services; all of the library when empty.
    pub services: Vec<String>,
    /// The root of the deployment.
    pub root: PathBuf,
    /// Values of hiera keys over those of the services.
    pub values: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            services: Vec::new(),
            root: "/".into(),
            values: Vec::new(),
        }
    }
}

/// The files of a new deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The names of its services.
    pub services: Vec<String>,
    /// The hiera keys of the secrets that were generated.
    pub secrets: Vec<String>,
    /// The hiera keys that have no value yet.
    pub missing: Vec<String>,
    /// The settings file.
    pub settings: PathBuf,
}

/// A service of the library.
struct Entry {
    text: String,
    description: Description,
}

/// Makes a deployment in a directory, from the service definitions of a library.
///
/// # Errors
/// The directory has a deployment already, a service is unknown, or a file cannot be read or written.
pub fn create(directory: &Path, library: &Path, options: &Options) -> Result<Created> {
    let settings = directory.join("slipway.yaml");
    let hiera = directory.join("hiera.yaml");
    if let Some(present) = [&settings, &hiera].into_iter().find(|path| path.exists()) {
        return Err(InitError::Exists(present.clone()));
    }
    let chosen = choose(read(library)?, &options.services)?;
    let data = hiera::data(&chosen, options)?;
    for entry in &chosen {
        let name = format!("services/{}.yaml", entry.description.name);
        write_with_mode(&directory.join(name), entry.text.as_bytes(), 0o644)?;
    }
    write_private(&hiera, data.text.as_bytes())?;
    write_with_mode(&settings, settings_text(&options.root)?.as_bytes(), 0o644)?;
    Ok(Created {
        services: chosen
            .into_iter()
            .map(|entry| entry.description.name)
            .collect(),
        secrets: data.secrets,
        missing: data.missing,
        settings,
    })
}

/// Reads the services of a library, sorted by file name.
fn read(library: &Path) -> Result<Vec<Entry>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(library).map_err(InitError::read(library))? {
        let path = entry.map_err(InitError::read(library))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(path);
        }
    }
    files.sort();
    let read = |file: PathBuf| {
        let text = slipway_files::read_input(&file).map_err(InitError::read(&file))?;
        let description = Service::parse(&file, &text)?.describe();
        Ok(Entry { text, description })
    };
    files.into_iter().map(read).collect()
}

/// Returns the named services; all of them if none is named.
fn choose(library: Vec<Entry>, names: &[String]) -> Result<Vec<Entry>> {
    let known: Vec<&str> = library
        .iter()
        .map(|entry| entry.description.name.as_str())
        .collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = slipway_suggest::hint(slipway_suggest::nearest(unknown, known.iter().copied()));
        return Err(InitError::UnknownService {
            name: unknown.clone(),
            known: known.join(", "),
            hint,
        });
    }
    let is_chosen = |entry: &Entry| names.is_empty() || names.contains(&entry.description.name);
    Ok(library.into_iter().filter(is_chosen).collect())
}

fn settings_text(root: &Path) -> Result<String> {
    let settings = json!({"services": "services", "hiera": "hiera.yaml", "root": root});
    let settings = slipway_yaml::to_string(&settings)?;
    Ok(format!(
        "# Settings of this deployment: slipway deploy --config slipway.yaml\n\
         # A relative path is relative to this file.\n{settings}"
    ))
}
