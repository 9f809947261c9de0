//! Checks a machine, its container engine and what a deployment needs of both.
//!
//! [`check_machine`] looks at the machine alone, [`check_engine`] at a connected engine, and
//! [`check_needs`] at the images and ports of a deployment's declarations ([`Needs`]). Each returns
//! [`Check`]s: a subject, a status, what was found, and what to do about it. Nothing is changed, apart
//! from a container that is created to read an image, and removed without being started.
//!
//! ```
//! use slipway_doctor::{Host, Report, Status, check_machine};
//!
//! // A machine without systemd, SELinux and a time service.
//! let empty = tempfile::tempdir()?;
//! let host = Host::at(empty.path());
//! let report = Report::new(check_machine(&host, "/".as_ref()));
//! let clock = report.checks.iter().find(|check| check.subject.name() == "clock").unwrap();
//! assert_eq!(clock.status, Status::Warning);
//! assert!(clock.advice.is_some());
//! # Ok::<(), std::io::Error>(())
//! ```

mod engine;
mod host;
mod images;
mod machine;
mod needs;
mod ports;
mod report;
mod space;

pub use engine::{check_engine, no_engine};
pub use host::Host;
pub use machine::check_machine;
pub use needs::{Needs, check_needs};
pub use report::{Check, Report, Status, Subject};
