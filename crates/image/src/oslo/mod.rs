//! kolla-build's configuration: oslo.config's files, types and rules.
//!
//! A file is sections of `key = value` lines ([`ini`]); a key that is there twice has two values,
//! which counts for options that take several. What an option is worth is decided by
//! [`Settings`]: the command line, then the environment (`OS_<GROUP>__<OPTION>`), then the files
//! in their order, then the default; `$name`, `${name}` and `$group.name` in it stand for other
//! options. [`OPTIONS`] lists what there is.
//!
//! Unlike oslo.config, a key that nothing reads is an error here, with the nearest that is read.

mod error;
mod files;
mod ini;
mod option;
mod settings;
mod substitute;
mod table;
mod value;

pub use error::{ConfigError, Place};
pub use files::{ConfigFiles, Locations};
pub use ini::{Assignment, SyntaxError, parse};
pub use option::{Kind, OptionDef};
pub use settings::{CommandLine, Settings};
pub use table::{OPTIONS, SOURCE_OPTIONS, USER_OPTIONS, option};
pub use value::Value;
