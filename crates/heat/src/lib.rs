//! Heat templates, resolved without Heat.
//!
//! Heat keeps the state of templates in a database, behind a message bus. Most of a template needs
//! neither: parameters, functions, conditions and nested templates can be resolved from the files
//! alone. [`Resolver`] reads the templates of a directory as Heat 27 does, with [`Environment`] files,
//! which map resource types to templates and set parameters. It resolves outputs, and only
//! those parts of a template that an output needs. An attribute that only a running cloud knows is an
//! error if an output needs it.
//!
//! [`Error`] names the template with line and column, the path inside it, and the templates that led
//! there. Values of hidden parameters are masked. The values of one template may take 512 MiB
//! ([`Resolver::within`]), templates nest 30 deep.
//!
//! ```
//! # let directory = tempfile::tempdir()?;
//! # let directory = directory.path();
//! std::fs::write(directory.join("base.yaml"), "
//! heat_template_version: queens
//! parameters:
//!   Port: {type: number, default: 5000}
//! outputs:
//!   settings: {value: {keystone::port: {get_param: Port}}}
//! ")?;
//! std::fs::write(directory.join("keystone.yaml"), "
//! heat_template_version: queens
//! resources:
//!   Base: {type: ./base.yaml, properties: {Port: 5001}}
//! outputs:
//!   settings:
//!     value:
//!       map_merge:
//!         - get_attr: [Base, settings]
//!         - keystone::debug: true
//! ")?;
//! let resolver = slipway_heat::Resolver::open(directory, &[])?;
//! let outputs = resolver.resolve("keystone.yaml")?;
//! assert_eq!(outputs["settings"]["keystone::port"], 5001);
//!
//! std::fs::write(directory.join("wrong.yaml"), "
//! heat_template_version: queens
//! resources:
//!   Base: {type: ./base.yaml, properties: {Prot: 5001}}
//! outputs:
//!   all: {value: {get_attr: [Base, settings]}}
//! ")?;
//! assert_eq!(
//!     resolver.resolve("wrong.yaml").unwrap_err().to_string(),
//!     "wrong.yaml:4:42: resources.Base.properties.Prot: there is no parameter Prot in base.yaml; \
//!      did you mean Port?\n  used by wrong.yaml:6:17: outputs.all.value.get_attr",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Templates may have queries in YAQL, which [`slipway_yaql`] evaluates. [`process`] turns TripleO's
//! `*.j2.yaml` into templates.

mod budget;
mod creation;
mod environment;
mod error;
mod expression;
mod files;
mod functions;
mod kind;
mod parameter;
pub mod process;
mod resolver;
mod role;
mod sources;
mod stack;
mod template;
mod version;

pub use creation::{Created, Deployment, DerivedConfig, Input, Output, Seed};
pub use environment::Environment;
pub use error::{Error, Problem, Result};
pub use resolver::Resolver;
pub use role::{Content, config_files, tasks_by_step};
pub use sources::{Sources, environment_files, find_file};

/// Reads a document as a value.
fn read_value(text: &str) -> std::result::Result<serde_json::Value, slipway_yaml::Error> {
    slipway_yaml::read_with(text, slipway_yaml::Options::PYYAML).map(slipway_yaml::Node::into_value)
}
