//! Sources of images, and their plugins and additions.
//!
//! A Dockerfile adds them as archives beside it: `<section>-archive` for its own source,
//! `plugins-archive` and `additions-archive` for the others together. Only those that it adds are
//! fetched. Archives made here have kolla-build's layout and are the same bytes every time:
//! sorted, without times, everything root's.

mod download;
mod error;
mod git;
mod merge;
mod pack;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use error::SourceError;
pub use merge::merge;

/// The kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// An archive at an address.
    Url,
    /// A git repository.
    Git,
    /// A directory or an archive on this machine.
    Local,
}

/// One source: a section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The section's name, which is that of its archive.
    pub name: String,
    /// Its kind.
    pub kind: SourceKind,
    /// The address or the path.
    pub location: String,
    /// The commit, tag or branch of a git repository.
    pub reference: Option<String>,
    /// The expected digest of the archive at an address.
    pub sha256: Option<String>,
    /// The reason why the section is unusable, with its place: an error of the images that add it.
    pub fault: Option<String>,
}

/// The sources of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSources {
    /// Its own.
    pub own: Option<Source>,
    /// The sources in `plugins-archive`.
    pub plugins: Vec<Source>,
    /// The sources in `additions-archive`.
    pub additions: Vec<Source>,
}

/// A file for a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Its name in the context.
    pub name: String,
    /// Its path on disk.
    pub path: PathBuf,
    /// Its identity, where its bytes are not the same every time.
    pub identity: Option<String>,
}

/// Settings of fetching.
#[derive(Clone, Debug)]
pub(crate) struct Fetching {
    /// A directory that exists while the files are needed.
    pub scratch: PathBuf,
    /// The directory that caches archives of known digest.
    pub cache: Option<PathBuf>,
    /// The longest time without progress.
    pub patience: Duration,
    /// The number of retries of a download.
    pub retries: usize,
}

/// An image's sources, and the files its Dockerfile adds.
pub(crate) struct Wanted<'a> {
    pub image: &'a str,
    pub sources: &'a ImageSources,
    pub added: &'a [String],
    /// The files beside its template: name in the context, path on disk.
    pub files: BTreeMap<&'a str, &'a Path>,
}

/// Fetches the sources of several images, `threads` images at once.
pub(crate) fn fetch_all(
    wanted: &[Wanted<'_>],
    fetching: &Fetching,
    threads: usize,
) -> Vec<Result<Vec<Fetched>, SourceError>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, wanted.len().max(1)) {
            scope.spawn(|| {
                while let Some(one) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fetched = fetching.fetch(one);
                    let mut done = done.lock().unwrap_or_else(|held| held.into_inner());
                    done.insert(one.image, fetched);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|held| held.into_inner());
    let results = wanted.iter().filter_map(|one| done.remove(one.image));
    results.collect()
}

impl Fetching {
    fn fetch(&self, wanted: &Wanted<'_>) -> Result<Vec<Fetched>, SourceError> {
        let is_added = |name: &str| wanted.added.iter().any(|added| added == name);
        let directory = self.scratch.join(wanted.image);
        std::fs::create_dir_all(&directory).map_err(|error| SourceError::io(&directory, error))?;
        let mut fetched = Vec::new();
        if let Some(own) = &wanted.sources.own
            && is_added(&archive_name(&own.name))
        {
            fetched.push(self.archive(own, &directory)?);
        }
        for (kind, sources) in [
            ("plugins", &wanted.sources.plugins),
            ("additions", &wanted.sources.additions),
        ] {
            let name = archive_name(kind);
            if is_added(&name) {
                fetched.push(self.merged(kind, sources, &wanted.files, &directory)?);
            }
        }
        Ok(fetched)
    }

    /// The archive of one source.
    fn archive(&self, source: &Source, directory: &Path) -> Result<Fetched, SourceError> {
        if let Some(reason) = &source.fault {
            return Err(SourceError::Section {
                source_name: source.name.clone(),
                reason: reason.clone(),
            });
        }
        let name = archive_name(&source.name);
        let path = directory.join(&name);
        let identity = match source.kind {
            SourceKind::Url => {
                let path = download::download(source, &path, self)?;
                return Ok(Fetched {
                    name,
                    path,
                    identity: None,
                });
            }
            SourceKind::Git => Some(git::archive(source, &path, self.patience)?),
            SourceKind::Local => {
                let location = Path::new(&source.location);
                if !location.is_dir() {
                    return match location.is_file() {
                        true => Ok(Fetched {
                            name,
                            path: location.to_owned(),
                            identity: None,
                        }),
                        false => Err(SourceError::NoSuchFile {
                            source_name: source.name.clone(),
                            path: location.to_owned(),
                        }),
                    };
                }
                let top = source.location.rsplit('/').next().unwrap_or_default();
                pack::directory(location, top, &path)?;
                None
            }
        };
        Ok(Fetched {
            name,
            path,
            identity,
        })
    }

    /// The archive of all plugins, or of all additions: the files in the directory of that name
    /// beside the template, and over them the sources.
    fn merged(
        &self,
        kind: &str,
        sources: &[Source],
        files: &BTreeMap<&str, &Path>,
        directory: &Path,
    ) -> Result<Fetched, SourceError> {
        let archives = sources
            .iter()
            .map(|source| self.archive(source, directory))
            .collect::<Result<Vec<_>, _>>()?;
        let name = archive_name(kind);
        let path = directory.join(&name);
        let paths: Vec<&Path> = archives
            .iter()
            .map(|archive| archive.path.as_path())
            .collect();
        let beside = files.iter().filter_map(|(name, path)| {
            let inside = name.strip_prefix(kind)?.strip_prefix('/')?;
            Some((inside, *path))
        });
        let beside: Vec<(&str, &Path)> = beside.collect();
        merge::merge_over(&beside, &paths, kind, &path)?;
        let identity = match archives.iter().any(|archive| archive.identity.is_some()) {
            false => None,
            true => Some(identity(&archives)?),
        };
        Ok(Fetched {
            name,
            path,
            identity,
        })
    }
}

fn archive_name(of: &str) -> String {
    format!("{of}-archive")
}

/// The identity of several archives together.
fn identity(archives: &[Fetched]) -> Result<String, SourceError> {
    let mut hasher = Sha256::new();
    for archive in archives {
        hasher.update(archive.name.as_bytes());
        match &archive.identity {
            Some(identity) => hasher.update(identity.as_bytes()),
            None => {
                let mut file = std::fs::File::open(&archive.path)
                    .map_err(|error| SourceError::io(&archive.path, error))?;
                std::io::copy(&mut file, &mut HashWriter(&mut hasher))
                    .map_err(|error| SourceError::io(&archive.path, error))?;
            }
        }
        hasher.update([0]);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Hashes what is written.
struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
