//! The build graph written for other builders.

mod bake;
mod bake_file;

pub use bake::Bake;
pub(crate) use bake::bake;
