//! The inputs of images, read and fetched before the first of them is built.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use slipway_files::ScratchDirectory;
use slipway_redact::DigestKey;
use slipway_suggest::nearest;

use super::fingerprint::Inputs;
use crate::config::BuildConfig;
use crate::context::{self, Context, DOCKERIGNORE, Ignored};
use crate::error::{ImageError, Result};
use crate::graph::{Images, dockerfile};
use crate::sources::{self, Fetched, Fetching, SourceError, Wanted};
use slipway_files::{AtPath, FileError};

/// Begins the names of the directories that sources are fetched into.
const SCRATCH_PREFIX: &str = "slipway-build-";

/// Ends the names of the archives that sources become.
const ARCHIVE: &str = "-archive";

/// Images that are read by one thread: each more has a heap of its own.
const FEW: usize = 8;

/// The inputs of one image, read.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub context: Context,
    pub inputs: Inputs,
}

/// The inputs of all images that were asked for.
#[derive(Debug)]
pub(crate) struct Preparation {
    pub ready: BTreeMap<usize, Prepared>,
    /// Images that cannot be built.
    pub failed: BTreeMap<usize, ImageError>,
    /// The directory of fetched files.
    pub scratch: Option<Arc<ScratchDirectory>>,
}

/// Reads the contexts of the images that were asked for, and fetches their sources.
pub(crate) async fn prepare(images: &Arc<Images>) -> Result<Preparation> {
    let images = Arc::clone(images);
    let read = tokio::task::spawn_blocking(move || prepare_all(&images));
    match read.await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn prepare_all(images: &Images) -> Result<Preparation> {
    let matched: Vec<usize> = images.graph.matched().collect();
    let Sources {
        scratch,
        mut fetched,
    } = fetch(images, &matched)?;
    let key = digest_key(&images.options)?;
    let prepare = |index: usize, sources: Option<Result<Vec<Fetched>, SourceError>>| {
        let sources = sources.unwrap_or_else(|| Ok(Vec::new()))?;
        prepare_one(images, &key, index, sources)
    };
    let with: Vec<_> = matched
        .into_iter()
        .map(|index| (index, fetched.remove(&index)))
        .collect();
    let prepared: Vec<(usize, Result<Prepared, ImageError>)> = match with.len() {
        ..=FEW => {
            let with = with.into_iter();
            with.map(|(index, sources)| (index, prepare(index, sources)))
                .collect()
        }
        _ => {
            let with = with.into_par_iter();
            with.map(|(index, sources)| (index, prepare(index, sources)))
                .collect()
        }
    };
    let (mut ready, mut failed) = (BTreeMap::new(), BTreeMap::new());
    for (index, result) in prepared {
        match result {
            Ok(prepared) => drop(ready.insert(index, prepared)),
            Err(error) => drop(failed.insert(index, error)),
        }
    }
    Ok(Preparation {
        ready,
        failed,
        scratch,
    })
}

/// The sources of images.
#[derive(Default)]
struct Sources {
    /// The directory that they are in; `None` when no image has any.
    scratch: Option<Arc<ScratchDirectory>>,
    fetched: BTreeMap<usize, Result<Vec<Fetched>, SourceError>>,
}

/// Fetches the sources of images.
fn fetch(images: &Images, matched: &[usize]) -> Result<Sources> {
    let options = &images.options;
    let none = sources::ImageSources::default();
    let added: Vec<(usize, Vec<String>)> = matched
        .iter()
        .map(|&index| {
            let instructions = images.graph.nodes[index].instructions();
            (index, dockerfile::copied(&instructions))
        })
        .filter(|(_, added)| added.iter().any(|name| name.ends_with(ARCHIVE)))
        .collect();
    if added.is_empty() {
        return Ok(Sources::default());
    }
    let wanted: Vec<Wanted<'_>> = added
        .iter()
        .map(|(index, added)| {
            let image = images.graph.nodes[*index].name.as_str();
            Wanted {
                image,
                sources: options.sources.get(image).unwrap_or(&none),
                added,
                files: images.tree.context(image).collect(),
            }
        })
        .collect();
    let parent = std::env::temp_dir();
    let scratch = ScratchDirectory::new_in(&parent, SCRATCH_PREFIX).at(&parent)?;
    let fetching = Fetching {
        scratch: scratch.path().to_owned(),
        cache: options.source_cache.clone(),
        patience: options.timeout,
        retries: options.retries,
    };
    let results = sources::fetch_all(&wanted, &fetching, options.threads);
    let indices = added.iter().map(|(index, _)| *index);
    Ok(Sources {
        scratch: Some(Arc::new(scratch)),
        fetched: indices.zip(results).collect(),
    })
}

/// Creates the host's key of the hashes in labels, if it is missing. Only build arguments need it.
pub(crate) fn make_digest_key(options: &BuildConfig) -> Result<()> {
    match &options.key_file {
        Some(path) => match DigestKey::open(path) {
            Err(error) if !options.build_args.is_empty() => Err(FileError::new(path, error).into()),
            Ok(_) | Err(_) => Ok(()),
        },
        None => Ok(()),
    }
}

/// Returns the host's key. A host without one has built nothing that could be recognised.
fn digest_key(options: &BuildConfig) -> Result<DigestKey> {
    if let Some(path) = &options.key_file {
        match DigestKey::existing(path) {
            Ok(Some(key)) => return Ok(key),
            Err(error) if !options.build_args.is_empty() => {
                return Err(FileError::new(path, error).into());
            }
            // Without build arguments, the key only helps to say why an image is built.
            Ok(None) | Err(_) => {}
        }
    }
    Ok(DigestKey::random().at(Path::new(slipway_files::RANDOM_SOURCE))?)
}

fn prepare_one(
    images: &Images,
    key: &DigestKey,
    index: usize,
    fetched: Vec<Fetched>,
) -> Result<Prepared, ImageError> {
    let (options, tree) = (&images.options, &images.tree);
    let node = &images.graph.nodes[index];
    if let Some(fault) = &node.fault {
        return Err(ImageError::Template(fault.clone()));
    }
    if !node.has_from {
        let template = tree.template(&node.name).unwrap_or_default();
        return Err(ImageError::NoFrom {
            template: tree.file(&template).unwrap_or(template.as_ref()).to_owned(),
        });
    }
    if !is_name(&node.name) {
        return Err(ImageError::NoImageName);
    }
    let copied = dockerfile::copied(&node.instructions());
    let files = tree.context(&node.name).collect();
    let files = match options.supplied.get(&node.name) {
        Some(supplied) => context::with_supplied(files, &copied, supplied)?,
        None => files,
    };
    let dockerignore = files.get(DOCKERIGNORE).copied();
    let mut context = Context::read(node.dockerfile.clone(), files.into_iter())?;
    for file in fetched {
        context.add(&file.name, &file.path, file.identity)?;
    }
    for name in tree.empty_directories(&node.name) {
        context.add_directory(name);
    }
    // A directory that is copied may hold templates alone.
    let directory = tree.directory(&node.name).unwrap_or_default();
    for name in &copied {
        let inside = format!("{directory}/{name}");
        if !context.has(name) && tree.directories().any(|directory| directory == inside) {
            context.add_directory(name);
        }
    }
    if let Some(path) = dockerignore {
        let before: Vec<&String> = copied.iter().filter(|name| context.has(name)).collect();
        context.keep_out(&Ignored::read(path)?);
        if let Some(name) = before.into_iter().find(|name| !context.has(name)) {
            return Err(ImageError::KeptOut {
                name: name.clone(),
                path: path.to_owned(),
            });
        }
    }
    if let Some(missing) = copied.iter().find(|name| !context.has(name)) {
        let is_added = |name: &&str| !["plugins", "additions"].contains(name);
        if let Some(section) = missing.strip_suffix(ARCHIVE).filter(is_added) {
            return Err(ImageError::NoSource {
                name: missing.clone(),
                section: section.to_owned(),
            });
        }
        let directory = tree
            .template(&node.name)
            .and_then(|template| tree.file(&template)?.parent().map(Path::to_owned));
        return Err(ImageError::NotInContext {
            name: missing.clone(),
            directory: directory.unwrap_or_default(),
            nearest: nearest(missing, context.file_names()).map(str::to_owned),
        });
    }
    let template = tree.template(&node.name).unwrap_or_default();
    let path = tree.file(&template).unwrap_or(template.as_ref());
    let text = slipway_files::read_input(path).at(path)?;
    let rendered_from = images
        .rendered_from
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let own = [(template.as_str(), text.as_str())];
    let inputs = Inputs::new(&context, options, key, rendered_from.chain(own));
    Ok(Prepared { context, inputs })
}

/// True when engines accept this as the last part of an image's name.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && name.chars().all(|c| is_plain(c) || "._-".contains(c))
}
