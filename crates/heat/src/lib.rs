//! Heat templates, resolved without Heat.
//!
//! Heat keeps what templates come to in a database, behind a message bus. Most of it needs
//! neither: parameters, functions, conditions, and templates that use templates are a matter of
//! reading. [`Resolver`] reads the templates in a folder as Heat 27 does, with [`Environment`]
//! files that say which template stands behind a resource type and give parameters values, and
//! works out outputs: what is not asked for is not looked at. Attributes that only a running
//! cloud knows are errors if they are asked for.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! std::fs::write(folder.join("base.yaml"), "
//! heat_template_version: queens
//! parameters:
//!   Port: {type: number, default: 5000}
//! outputs:
//!   settings: {value: {keystone::port: {get_param: Port}}}
//! ")?;
//! std::fs::write(folder.join("keystone.yaml"), "
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
//! let resolver = slipway_heat::Resolver::open(folder, &[])?;
//! let outputs = resolver.resolve("keystone.yaml")?;
//! assert_eq!(outputs["settings"]["keystone::port"], 5001);
//!
//! std::fs::write(folder.join("wrong.yaml"), "
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
//! [`slipway_yaql`] is the query language that templates use inside of their own; [`process`] makes templates
//! of TripleO's `*.j2.yaml` first.

mod budget;
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

pub use environment::Environment;
pub use error::{Error, Problem, Result};
pub use resolver::Resolver;
pub use role::{Content, config_files};
pub use sources::{Sources, environment_files, find_file};

/// Reads a document as a value.
fn read_value(text: &str) -> std::result::Result<serde_json::Value, slipway_yaml::Error> {
    slipway_yaml::read_with(text, slipway_yaml::Options::PYYAML).map(slipway_yaml::Node::into_value)
}
