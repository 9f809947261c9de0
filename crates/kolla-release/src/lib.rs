//! Reads the facts of an upstream Kolla release from its files.
//!
//! Kolla's releases differ in their templates, options, users, sources, repositories, distributions
//! and template functions. [`Kolla::open`] reads all of that from the files that came with the
//! release: a checkout, a virtualenv or a `pip install --target` directory. No Python is run; a
//! small reader evaluates the literals and conditions that Kolla's files are made of.
//!
//! - [`Kolla`]: one release on disk.
//! - [`Release`]: the behaviours of its Python code, recognised by the text of the code.
//! - [`Base`]: the distributions that images are based on.
//! - [`User`]: the accounts of images, also from the `users.yaml` of a tree that does not belong to
//!   Kolla.
//!
//! ```no_run
//! let kolla = slipway_kolla_release::Kolla::open("/opt/kolla-venv")?;
//! println!("{} builds on {}", kolla.version(), kolla.bases().join(", "));
//! # Ok::<(), slipway_kolla_release::Error>(())
//! ```

mod base;
mod error;
mod kolla;
mod place;
mod provenance;
mod python;
mod release;
pub mod users;
mod version;

pub use base::{Base, UnknownBase};
pub use error::{Error, Result};
pub use kolla::{DefaultSource, Kolla};
pub use provenance::Provenance;
pub use release::{Install, Labels, Release, Repos, ReposFiles};
pub use users::{User, UserChange};

/// Returns the assignments at the outermost level of a Python file that have a known value: literals,
/// names, `+`, comparisons and the branches of `if`. Everything else is left out.
///
/// ```
/// let names = slipway_kolla_release::constants("A = ['x']\nif A:\n    B = 1\nC = f(A)\n");
/// assert_eq!((names["B"].as_i64(), names.get("C")), (Some(1), None));
/// ```
pub fn constants(source: &str) -> std::collections::BTreeMap<String, serde_json::Value> {
    python::Module::read(source).constants()
}
