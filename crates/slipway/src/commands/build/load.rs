//! Loads the configuration of a build from the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use slipway_image::config::{Configuration, Request, Unknown};
use slipway_kolla_release::Kolla;
use slipway_oslo_config::{ConfigFiles, Locations};

use super::repeat;
use crate::cli;
use crate::exit::bad_input;
use crate::share;

/// The image with Slipway itself, and the program in it.
const SLIPWAY: &str = "slipway";

/// Reads the configuration files, and puts all options together.
pub fn configuration(args: &cli::Build, global: &cli::Global) -> anyhow::Result<Configuration> {
    let locations = Locations::of("kolla", "kolla-build", |name| std::env::var_os(name));
    let files = ConfigFiles::read(&args.options.config, &locations).map_err(bad_input)?;
    let kolla = args.kolla.as_deref().map(Kolla::open).transpose();
    let kolla = kolla.map_err(bad_input)?.map(Arc::new);
    let tree = match &kolla {
        Some(kolla) => kolla.templates().to_owned(),
        None => share::find("images").map_err(bad_input)?,
    };
    let request = Request {
        command_line: args.options.options.clone(),
        environment: environment(),
        files,
        kolla,
        tree,
        unknown: match args.is_strict() {
            true => Unknown::Refused,
            false => Unknown::PassedOver,
        },
    };
    let mut configuration = Configuration::load(request).map_err(bad_input)?;
    let build = &mut configuration.build;
    build.source_cache = source_cache();
    let state = slipway_files::state_directory().ok();
    build.key_file = state.map(|state| state.join("image-key"));
    build.force = args.rebuild;
    build.no_parents = args.no_parents;
    build.command = repeat::command(args, global);
    if build.kolla.is_none() {
        build.supplied = supplied()?;
        build.on_request = BTreeSet::from([SLIPWAY.to_owned()]);
    }
    Ok(configuration)
}

/// The variables whose names and values are UTF-8.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Directory that keeps archives of known digest from one run to the next.
fn source_cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    Some(cache.or_else(home)?.join("slipway/sources"))
}

/// Files of images by name: the script that images start with, and for the image of Slipway all of
/// Slipway. A Kolla's tree has its own.
fn supplied() -> anyhow::Result<BTreeMap<String, BTreeMap<String, PathBuf>>> {
    let script = share::kolla_set_configs().map_err(bad_input)?;
    let start = BTreeMap::from([(share::SET_CONFIGS.to_owned(), script.clone())]);
    let mut slipway = share::files().map_err(bad_input)?;
    slipway.insert(share::SET_CONFIGS.to_owned(), script);
    slipway.insert(SLIPWAY.to_owned(), share::own_binary().map_err(bad_input)?);
    Ok(BTreeMap::from([
        ("base".to_owned(), start),
        (SLIPWAY.to_owned(), slipway),
    ]))
}
