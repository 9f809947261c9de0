//! The config.json files of a deployment: checked against the containers that mount them, and
//! written.

mod check;
mod image;
mod write;

pub use check::{ConfigJson, Problem};
pub use image::{add_images, find_program};
pub use write::write;
