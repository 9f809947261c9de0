//! Files that options add to a tree: apt's files for the base image, and patches.

use std::fs;
use std::path::Path;

use super::Tree;
use crate::config::BuildConfig;
use crate::error::Result;
use slipway_files::AtPath;

/// Opens the tree of these options, and adds the files that the options name.
pub(crate) fn open(options: &BuildConfig) -> Result<Tree> {
    let mut tree = Tree::open(&options.tree, &options.docker_dirs)?;
    let apt = [
        ("sources.list", &options.apt_sources_list),
        ("apt_preferences", &options.apt_preferences),
    ];
    for (name, file) in apt {
        if let Some(file) = file {
            fs::metadata(file).at(file)?;
            tree.put(format!("base/{name}"), file.clone());
        }
    }
    let has_patches = options
        .kolla
        .as_ref()
        .is_some_and(|k| k.release().has_patches);
    let patches = options.patches_path.as_deref();
    let patches = patches.filter(|path| !path.is_empty()).map(Path::new);
    // kolla-build goes on without patches.
    let patches = patches.filter(|path| options.strict || path.is_dir());
    if let Some(directory) = patches {
        fs::read_dir(directory).at(directory)?;
    }
    if has_patches || patches.is_some() {
        put_patches(&mut tree, patches)?;
    }
    Ok(tree)
}

/// Adds to each image a directory `patches` with the patches that its `series` names.
fn put_patches(tree: &mut Tree, source: Option<&Path>) -> Result<()> {
    let images: Vec<(String, String)> = tree
        .image_names()
        .filter_map(|image| Some((image.to_owned(), tree.directory(image)?.to_owned())))
        .collect();
    for (image, directory) in images {
        let directory = format!("{directory}/patches");
        tree.put_directory(directory.clone());
        let Some(series) = source.map(|source| source.join(&image).join("series")) else {
            continue;
        };
        if !series.is_file() {
            continue;
        }
        let text = slipway_files::read_input(&series).at(&series)?;
        tree.put(format!("{directory}/series"), series.clone());
        let names = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            let file = series.with_file_name(name);
            if file.is_file() {
                tree.put(format!("{directory}/{name}"), file);
            }
        }
    }
    Ok(())
}
