//! A tree of templates on disk: one or several directories laid over one another.

mod option_files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
pub(crate) use option_files::open;
use slipway_files::AtPath;

/// The file that makes a directory an image.
const TEMPLATE: &str = "Dockerfile.j2";

/// Directories that may nest; a link to one's own parent ends here.
const MAX_DEPTH: usize = 32;

/// The largest template in bytes. Kolla's largest has 30 KB.
const MAX_TEMPLATE: u64 = 16 << 20;

/// A Kolla tree: every file of it, and which directories are images.
#[derive(Clone, Debug)]
pub struct Tree {
    roots: Vec<PathBuf>,
    /// Path inside the tree (`/` between directories) → file on disk.
    files: Arc<BTreeMap<String, PathBuf>>,
    /// Directories, empty ones included.
    directories: BTreeSet<String>,
    /// Image name → its directory inside the tree.
    images: BTreeMap<String, String>,
}

/// Refuses what cannot be read to its end, and templates that are too large to be any.
fn check_file(path: &Path, metadata: &Metadata, is_template: bool) -> Result<()> {
    if !metadata.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let size = metadata.len();
    match is_template && size > MAX_TEMPLATE {
        true => Err(Error::LargeTemplate {
            path: path.to_owned(),
            size,
            limit: MAX_TEMPLATE,
        }),
        false => Ok(()),
    }
}

impl Tree {
    /// Reads a tree and those laid over it. Later ones win, file by file.
    pub fn open(root: &Path, overlays: &[PathBuf]) -> Result<Tree> {
        let mut tree = Tree {
            roots: Vec::new(),
            files: Arc::default(),
            directories: BTreeSet::new(),
            images: BTreeMap::new(),
        };
        for directory in std::iter::once(root).chain(overlays.iter().map(PathBuf::as_path)) {
            if !directory.is_dir() {
                return Err(Error::NoTree(directory.to_owned()));
            }
            tree.roots.push(directory.to_owned());
            tree.walk(directory, "", 0)?;
        }
        tree.find_images()?;
        if tree.images.is_empty() {
            return Err(Error::EmptyTree(root.to_owned()));
        }
        Ok(tree)
    }

    fn walk(&mut self, directory: &Path, inside: &str, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep(directory.to_owned()));
        }
        for entry in fs::read_dir(directory).at(directory)? {
            let entry = entry.at(directory)?;
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(Error::NotUtf8(path));
            };
            let inside = if inside.is_empty() {
                name.to_owned()
            } else {
                format!("{inside}/{name}")
            };
            // Links are followed, as when the tree is copied to be built.
            let metadata = fs::metadata(&path).at(&path)?;
            if metadata.is_dir() {
                self.walk(&path, &inside, depth + 1)?;
                self.directories.insert(inside);
                continue;
            }
            check_file(&path, &metadata, inside.ends_with(".j2"))?;
            Arc::make_mut(&mut self.files).insert(inside, path);
        }
        Ok(())
    }

    fn find_images(&mut self) -> Result<()> {
        for path in self.files.keys() {
            let Some(directory) = path
                .strip_suffix(TEMPLATE)
                .and_then(|p| p.strip_suffix('/'))
            else {
                continue;
            };
            let name = directory.rsplit('/').next().unwrap_or(directory);
            if let Some(other) = self.images.insert(name.to_owned(), directory.to_owned()) {
                return Err(Error::TwoImages {
                    image: name.to_owned(),
                    first: other,
                    second: directory.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Adds a file to the tree, or replaces one.
    pub(crate) fn put(&mut self, inside: String, path: PathBuf) {
        Arc::make_mut(&mut self.files).insert(inside, path);
    }

    /// Reads a directory of the tree.
    pub(crate) fn put_directory(&mut self, inside: String) {
        self.directories.insert(inside);
    }

    /// The directories the tree was read from, in order.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Names of the images, sorted.
    pub fn image_names(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    /// The directory of an image inside the tree.
    pub(crate) fn directory(&self, image: &str) -> Option<&str> {
        self.images.get(image).map(String::as_str)
    }

    /// The path of an image's template inside the tree.
    pub(crate) fn template(&self, image: &str) -> Option<String> {
        self.directory(image)
            .map(|directory| format!("{directory}/{TEMPLATE}"))
    }

    /// The path on disk of a file of the tree.
    pub(crate) fn file(&self, inside: &str) -> Option<&Path> {
        self.files.get(inside).map(PathBuf::as_path)
    }

    /// Path inside the tree → file on disk, for what outlives the tree.
    pub(crate) fn shared_files(&self) -> Arc<BTreeMap<String, PathBuf>> {
        Arc::clone(&self.files)
    }

    /// Every file: path inside the tree, file on disk.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files
            .iter()
            .map(|(inside, path)| (inside.as_str(), path.as_path()))
    }

    /// Every directory, by its path inside the tree.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        self.directories.iter().map(String::as_str)
    }

    /// The files in an image's directory besides templates: name in the context, file on disk.
    pub(crate) fn context(&self, image: &str) -> impl Iterator<Item = (&str, &Path)> {
        let prefix = self
            .directory(image)
            .map(|directory| format!("{directory}/"))
            .unwrap_or_default();
        self.files.iter().filter_map(move |(inside, path)| {
            let name = inside.strip_prefix(prefix.as_str())?;
            let is_template = name == TEMPLATE || name.ends_with("/Dockerfile.j2");
            (!prefix.is_empty() && !is_template).then_some((name, path.as_path()))
        })
    }

    /// The directories in an image's directory that nothing is in, by their names in the context.
    pub(crate) fn empty_directories(&self, image: &str) -> impl Iterator<Item = &str> {
        let prefix = self
            .directory(image)
            .map(|directory| format!("{directory}/"));
        let is_empty = |directory: &str| {
            let inside = format!("{directory}/");
            let file = self.files.range(inside.clone()..).next();
            let below = self.directories.range(inside.clone()..).next();
            !file.is_some_and(|(file, _)| file.starts_with(&inside))
                && !below.is_some_and(|below| below.starts_with(&inside))
        };
        self.directories
            .iter()
            .filter(move |directory| is_empty(directory))
            .filter_map(move |directory| directory.strip_prefix(prefix.as_deref()?))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// The error of opening a tree that has this besides an image.
    fn error_with(make: impl FnOnce(&Path)) -> String {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("base");
        fs::create_dir(&base).unwrap();
        fs::write(base.join(TEMPLATE), "FROM x").unwrap();
        make(&base);
        Tree::open(dir.path(), &[]).unwrap_err().to_string()
    }

    #[test]
    fn special_files_are_refused() {
        let socket = error_with(|base| drop(UnixListener::bind(base.join("socket")).unwrap()));
        assert!(
            socket.contains("base/socket: neither a file nor"),
            "{socket}"
        );
        let above = error_with(|base| symlink("..", base.join("above")).unwrap());
        assert!(above.contains("nest too deeply"), "{above}");
        let large = error_with(|base| {
            let file = fs::File::create(base.join("large.j2")).unwrap();
            file.set_len(MAX_TEMPLATE + 1).unwrap();
        });
        assert!(
            large.contains("base/large.j2: the template has 16777217 bytes"),
            "{large}"
        );
    }
}
