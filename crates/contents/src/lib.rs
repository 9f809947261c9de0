//! The packages and files of an image.
//!
//! [`Contents::read`] reads an image from the engine, through a container that is created and never
//! started. The archive of its files is read as it comes: one record for each file stays in memory, and
//! the package databases. [`Diff::new`] compares two images; [`sbom`] writes a bill of materials.
//!
//! | packages | read from |
//! |---|---|
//! | deb | `/var/lib/dpkg/status`, `/var/lib/dpkg/status.d` |
//! | rpm | `rpmdb.sqlite` in `/var/lib/rpm` or `/usr/lib/sysimage/rpm` |
//! | pip | `*.dist-info/METADATA`, `*.egg-info` anywhere |
//!
//! ```
//! use slipway_contents::{Contents, Diff};
//!
//! # fn archive(status: &str) -> Vec<u8> {
//! #     let mut tar = tar::Builder::new(Vec::new());
//! #     let mut header = tar::Header::new_gnu();
//! #     header.set_size(status.len() as u64);
//! #     header.set_mode(0o644);
//! #     tar.append_data(&mut header, "var/lib/dpkg/status", status.as_bytes()).unwrap();
//! #     tar.into_inner().unwrap()
//! # }
//! # let curl = |version: &str| archive(&format!(
//! #     "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
//! # ));
//! # let (old, new) = (curl("8.1"), curl("8.2"));
//! let before = Contents::from_archive(std::io::Cursor::new(old))?;
//! let after = Contents::from_archive(std::io::Cursor::new(new))?;
//! let diff = Diff::new(&before, &after);
//! assert_eq!(diff.packages[0].to_string(), "deb curl amd64: 8.1 -> 8.2");
//! # Ok::<(), slipway_contents::Error>(())
//! ```

mod diff;
mod error;
mod file;
mod os_release;
mod package;
mod read;
pub mod sbom;

pub use diff::{Attribute, Diff, FileChange, FileDifference, PackageDifference};
pub use error::{Error, Result};
pub use file::{FileKind, FileRecord};
pub use os_release::OsRelease;
pub use package::{Package, PackageId, PackageKind};
pub use read::Contents;
