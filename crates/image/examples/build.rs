//! Builds a tree, saying what it does and how long each image takes:
//!
//! ```text
//! cargo run --release -p slipway-image --example build -- images --override overrides/puppet.j2 \
//!     --supply base:kolla_set_configs=target/kolla_set_configs
//! ```
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;

use slipway_engine::{ConnectOptions, connect};
use slipway_image::{BuildConfig, Event, Events, ImageSet};

fn print(event: &Event) {
    match event {
        Event::Started { decision } => {
            println!("{}: building ({})", decision.image, decision.why())
        }
        Event::Finished { image, took, .. } => {
            println!("{image}: built in {:.1} s", took.as_secs_f64())
        }
        Event::Skipped { decision } => println!("{}: {}", decision.image, decision.why()),
        Event::Failed { failure } => println!("{failure}"),
        Event::ParentFailed { image, parent } => {
            println!("{image}: not built, {parent} failed")
        }
        _ => {}
    }
}

fn options() -> Result<BuildConfig, String> {
    let mut arguments = std::env::args().skip(1);
    let mut options = BuildConfig::new(arguments.next().ok_or("name a tree")?)
        .map_err(|error| error.to_string())?;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--override" => options.template_overrides.push(PathBuf::from(value()?)),
            "--namespace" => options.namespace = value()?,
            "--supply" => {
                let value = value()?;
                let (image, file) = value.split_once(':').ok_or("--supply IMAGE:NAME=PATH")?;
                let (name, path) = file.split_once('=').ok_or("--supply IMAGE:NAME=PATH")?;
                let supplied = options.supplied.entry(image.to_owned()).or_default();
                supplied.insert(name.to_owned(), PathBuf::from(path));
            }
            _ => options.regex.push(argument),
        }
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let images = ImageSet::load(options()?)?;
    let engine = connect(&ConnectOptions::default()).await?;
    let summary = images
        .build(engine, Events::new(|event| print(&event)))
        .await?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    if summary.is_success() {
        Ok(())
    } else {
        Err("some images failed".into())
    }
}
