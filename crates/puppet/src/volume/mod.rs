//! A config volume's two trees: assembles new ones, compares them with the present ones, and puts
//! them in place.

pub mod changes;
pub mod generated;
pub mod hash;
pub mod hashes;
pub mod startup;
pub mod swap;
pub mod tree;

use std::path::{Path, PathBuf};

use slipway_paths::Paths;
use slipway_redact::Secrets;

use crate::error::{At, Failure, Result};
use crate::files::{self, Staging};
use crate::plan::state::{RecordedResult, RecordedTree};
use crate::volume::changes::FileChange;
use crate::volume::hash::TreeHash;
use crate::volume::hashes::hash_file;
use crate::volume::tree::Tree;

/// The most that a run may tell of the names it wrote.
const MAX_NAMES: u64 = 64 << 20;

/// The places of a volume's two trees.
#[derive(Clone, Debug)]
pub struct Places {
    /// All directories that Puppet may write to.
    full: PathBuf,
    /// The files that Puppet wrote.
    generated: PathBuf,
    /// Gets the trees that are replaced.
    replaced: PathBuf,
}

impl Places {
    /// Returns the places of a volume.
    pub fn new(paths: &Paths, volume: &str) -> Places {
        Places {
            full: paths.config_data().join(volume),
            generated: paths.generated().join(volume),
            replaced: paths.replaced(),
        }
    }

    /// Returns why a volume is no longer as it was generated.
    pub async fn edited(&self, result: &RecordedResult) -> Result<Option<String>, Failure> {
        let trees = [
            (self.full.clone(), result.full.clone()),
            (self.generated.clone(), result.generated.clone()),
        ];
        blocking(move || {
            for (place, recorded) in trees {
                let why = match present(&place)? {
                    None => "is gone",
                    Some((_, hash)) if hash.content != recorded.content => "was changed by hand",
                    Some(_) => continue,
                };
                return Ok(Some(format!("{} {why}", place.display())));
            }
            Ok(None)
        })
        .await
    }

    /// Writes the hash files of an unchanged volume where a killed run did not come to it.
    pub async fn restore_hashes(&self, result: &RecordedResult) -> Result<(), Failure> {
        let (places, result) = (self.clone(), result.clone());
        blocking(move || {
            write_hash(&places.full, &result.full)?;
            write_hash(&places.generated, &result.generated)
        })
        .await
    }

    /// Makes a volume's new trees from the output of a run, whose container is gone. Nothing is put
    /// in place yet.
    pub async fn assemble(
        self,
        staging: Staging,
        diff: Option<Secrets>,
    ) -> Result<Assembled, Failure> {
        blocking(move || assemble(self, staging, diff)).await
    }
}

/// New trees of a volume, beside the present ones.
#[derive(Debug)]
pub struct Assembled {
    places: Places,
    full: NewTree,
    generated: NewTree,
    /// The differences from the present trees.
    pub changes: Vec<FileChange>,
    /// The same in full, if it was asked for.
    pub diff: Option<String>,
    /// Removes the run's files when it is dropped.
    staging: Staging,
}

/// A tree of a volume that is about to be put in place.
#[derive(Debug)]
struct NewTree {
    path: PathBuf,
    recorded: RecordedTree,
    /// False if everything that counts is in place already. The present tree stays then, with the
    /// containers that mount it.
    is_new: bool,
}

fn assemble(places: Places, staging: Staging, diff: Option<Secrets>) -> Result<Assembled> {
    let out = staging.path().join("out");
    let list = out.join("touched");
    let list = files::read_untrusted(&list, MAX_NAMES).at("read", list)?;
    let full = Tree::open_result(&out.join("full"))?;
    let generated = staging.path().join("generated");
    generated::select(&full, &list, &generated)?;
    let generated = Tree::open_result(&generated)?;
    let present_full = present(&places.full)?;
    let present_generated = present(&places.generated)?;
    let (full, full_tree) = new_tree(full, present_full.as_ref(), present_full.as_ref())?;
    let (generated, generated_tree) =
        new_tree(generated, present_generated.as_ref(), present_full.as_ref())?;
    // In a new volume, the files that its image brings are no news.
    let (old, new) = match &present_full {
        Some((tree, _)) => (Some(tree), &full_tree),
        None => (
            present_generated.as_ref().map(|(tree, _)| tree),
            &generated_tree,
        ),
    };
    let changes = changes::compare(old, new)?;
    let diff = diff.map(|secrets| changes::unified(old, new, &changes, secrets));
    Ok(Assembled {
        places,
        full,
        generated,
        changes,
        diff,
        staging,
    })
}

type Present = (Tree, TreeHash);

fn new_tree(
    tree: Tree,
    present: Option<&Present>,
    present_full: Option<&Present>,
) -> Result<(NewTree, Tree)> {
    let hash = hash::hash(&tree)?;
    let recorded = RecordedTree::from(&hash);
    let trees = [present, present_full].map(|present| present.map(|(tree, _)| tree));
    let (tree, hash) = match generated::keep_password_file(&tree, trees[0], trees[1])? {
        true => {
            let tree = Tree::open_result(tree.path())?;
            let hash = hash::hash(&tree)?;
            (tree, hash)
        }
        false => (tree, hash),
    };
    let new = NewTree {
        path: tree.path().to_owned(),
        recorded,
        is_new: present.is_none_or(|(_, present)| present.config != hash.config),
    };
    Ok((new, tree))
}

impl Assembled {
    /// Exchanges the new trees with the present ones. They are on disk before, and what
    /// happened is on disk when this returns.
    pub async fn put_in_place(self) -> Result<RecordedResult, Failure> {
        blocking(move || self.put()).await
    }

    fn put(self) -> Result<RecordedResult> {
        let Places {
            full,
            generated,
            replaced,
        } = &self.places;
        let trees = [(&self.full, full), (&self.generated, generated)];
        if trees.iter().any(|(new, _)| new.is_new) {
            swap::write_back(self.staging.path())?;
        }
        let aside = replaced.join(self.staging.path().file_name().unwrap_or_default());
        for (new, place) in trees {
            if new.is_new {
                let was_there = place.is_dir();
                swap::swap(&new.path, place)?;
                if let Some(parent) = place.parent() {
                    swap::write_back_names(parent)?;
                }
                if was_there {
                    // Containers may have it mounted.
                    files::private_dir(&aside)?;
                    let old = aside.join(new.path.file_name().unwrap_or_default());
                    std::fs::rename(&new.path, &old).at("set aside", &new.path)?;
                }
            }
            write_hash(place, &new.recorded)?;
        }
        Ok(RecordedResult {
            full: self.full.recorded.clone(),
            generated: self.generated.recorded.clone(),
        })
    }
}

fn write_hash(place: &Path, tree: &RecordedTree) -> Result<()> {
    files::write(&hash_file(place), format!("{}\n", tree.config).as_bytes()).map(|_| ())
}

/// Reads a tree that is in place. Its service may be writing to it.
fn present(place: &Path) -> Result<Option<Present>> {
    const TRIES: usize = 3;
    for _ in 1..TRIES {
        if let Ok(found) = read(place) {
            return Ok(found);
        }
    }
    read(place)
}

fn read(place: &Path) -> Result<Option<Present>> {
    if place.symlink_metadata().is_err() {
        return Ok(None);
    }
    let tree = Tree::open(place)?;
    let hash = hash::hash(&tree)?;
    Ok(Some((tree, hash)))
}

/// Does work that keeps a CPU or a disk busy where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(panic) => Err(std::io::Error::other(panic))
            .at("work on", "the config volumes")
            .map_err(Failure::from),
    }
}
