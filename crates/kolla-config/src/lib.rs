//! config.json: declared and checked on the host, applied inside the container.
//!
//! Every Kolla container starts by reading a config.json. It lists the files to copy, their owners
//! and modes, and the command to run. [`Config`] is the model of that file. A service's definition
//! holds one; [`check`] and [`check_in`] find its problems, and [`write()`] writes it to the path
//! that the container mounts.
//!
//! ```
//! use std::path::Path;
//!
//! let text = r#"{
//!     "command": "/usr/sbin/httpd -DFOREGROUND",
//!     "config_files": [
//!         {"source": "/var/lib/kolla/config_files/src/*", "dest": "/", "merge": true, "preserve_properties": true}
//!     ],
//!     "permissions": [{"path": "/var/log/kolla", "owner": "keystone:kolla", "recurse": true}]
//! }"#;
//! let config = slipway_kolla_config::Config::from_json(text, Path::new("keystone.json"))?;
//! assert!(slipway_kolla_config::check(&config).is_empty());
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("config_files/keystone.json");
//! assert_eq!(slipway_kolla_config::write(&path, &config)?, slipway_files::Written::Created);
//! assert_eq!(slipway_kolla_config::write(&path, &config)?, slipway_files::Written::Unchanged);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside the container, the binary `kolla_set_configs` applies the file. [`apply`] is that binary as
//! a library, for any directory in place of `/`.
//!
//! Errors: [`ParseError`] for an invalid file, [`Finding`] for a valid one with problems,
//! [`apply::ApplyError`] for one that cannot be applied. A config.json has at most 16 MiB.

pub mod apply;
mod check;
mod config;
mod container;
mod exclude;
mod fs;
mod glob;
mod parse;
mod schema;
mod write;

pub use check::{Finding, Severity, check};
pub use config::{Config, ConfigFile, Created, Permission, parse_perm};
pub use container::{
    ContainerContext, Image, Mount, check_in, glob_matches, glob_start, image_paths,
};
pub use parse::ParseError;
pub use schema::schema;
pub use write::{nice_json, to_nice_json, write};
