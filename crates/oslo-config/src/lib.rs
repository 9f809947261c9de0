//! INI configuration as oslo.config reads it: files, types of options, precedence, references.
//!
//! A program lists its options once, as [`OptionDef`]s in a [`Schema`]. [`ConfigFiles`] reads the
//! files: sections of `key = value` lines, in which a key may be repeated. [`Settings`] decides
//! the value of each option: the command line wins over the environment
//! (`OS_<GROUP>__<OPTION>`), which wins over the files, which win over the default. `$name`,
//! `${name}` and `$group.name` in a value refer to other options.
//!
//! [`Settings::read`] reads all options into a struct, whose fields must be the options.
//! [`Settings::unknown`] finds what oslo.config passes over in silence, keys and sections that no
//! option has, each with its line and the nearest name.
//!
//! ```
//! use slipway_oslo_config::{ConfigFiles, Kind, OptionDef, Schema, Section, Settings, Value};
//!
//! const OPTIONS: &[OptionDef] = &[
//!     OptionDef::new("namespace", Kind::Text, "Namespace of the images").default("kolla"),
//!     OptionDef::new("maintainer", Kind::Text, "Text of the maintainer label"),
//! ];
//! const SCHEMA: Schema = Schema { default: OPTIONS, section: |_| Section::Options(&[]) };
//!
//! let text = "[DEFAULT]\nnamespace = team\nmaintainer = ${namespace}@example.org\n";
//! let files = ConfigFiles::from_text("app.conf".as_ref(), text)?;
//! let settings = Settings::new(SCHEMA, Default::default(), Default::default(), files);
//! assert_eq!(settings.get("maintainer")?, Value::Text("team@example.org".to_owned()));
//! # Ok::<(), slipway_oslo_config::ConfigError>(())
//! ```

mod error;
mod files;
mod ini;
mod option;
mod read;
mod schema;
mod settings;
mod substitute;
mod value;

pub use error::{ConfigError, Place};
pub use files::{ConfigFiles, Locations};
pub use ini::{Assignment, SyntaxError, parse};
pub use option::{Kind, OptionDef, Releases, Support};
pub use schema::{Schema, Section};
pub use settings::{CommandLine, Settings};
pub use value::Value;
