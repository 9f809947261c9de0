//! The build graph written for other builders.

mod bake;
mod bake_file;
mod names;
mod pipeline;

pub use bake::Bake;
pub(crate) use bake::bake;
pub use pipeline::Ci;
pub(crate) use pipeline::pipeline;
