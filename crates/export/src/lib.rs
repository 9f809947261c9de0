//! A cluster's definitions, written as an Ansible project.
//!
//! [`ansible`] writes a project for service definitions and a file of nodes. [`tripleo`] writes what
//! tripleo-common's config-download wrote from a plan of TripleO's templates, so that tools around that
//! directory go on. [`Project`] is a set of files in memory;
//! [`Project::write`] makes a directory equal to it, removes what an earlier export left, and keeps
//! everything private: directories have mode 0700, files 0600.
//!
//! ```
//! use slipway_export::{Project, Site};
//!
//! # let root = tempfile::tempdir()?;
//! let site = Site::open(&root.path().join("site"))?;
//! let mut project = Project::default();
//! project.add("group_vars/all", "secret: x\n");
//! let written = project.write(&site)?;
//! assert_eq!((written.changed, written.unchanged), (1, 0));
//! assert_eq!(project.write(&site)?.unchanged, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ansible;
mod error;
mod project;
mod site;
pub mod tripleo;

pub use error::{Error, Result};
pub use project::{Project, WrittenProject};
pub use site::Site;
