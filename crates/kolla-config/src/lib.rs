//! config.json, both ends of it: declared and checked on the host, applied inside the container.
//!
//! Every Kolla container starts by reading a config.json that says which files to put where, whose
//! they are, and which one command to run. [`Config`] is that file's model. A service's definition
//! holds one; [`check`] finds what is wrong with it, and [`write()`] puts it where the container
//! mounts it from.
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
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("config_files/keystone.json");
//! assert_eq!(slipway_kolla_config::write(&path, &config)?, slipway_files::Written::Created);
//! assert_eq!(slipway_kolla_config::write(&path, &config)?, slipway_files::Written::Unchanged);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside the container the binary `kolla_set_configs` does what the file says; [`apply`] is that
//! binary as a library, for any directory that stands for `/`.

pub mod apply;
mod check;
mod config;
mod exclude;
mod fs;
mod glob;
mod parse;
mod schema;
mod surroundings;
mod write;

pub use check::{Finding, Severity, check};
pub use config::{Config, ConfigFile, Created, Permission, parse_perm};
pub use parse::ParseError;
pub use schema::schema;
pub use surroundings::{Image, Mount, Surroundings, check_in, glob_matches, glob_start, looked_up};
pub use write::{nice_json, to_nice_json, write};
