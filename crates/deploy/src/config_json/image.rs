//! Reads the facts of images that the checks of a config.json need. Runs nothing in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::Arc;

use futures_util::StreamExt;
use slipway_archive::{Archive, ArchiveError, Limits};
use slipway_engine::{Engine, EngineError, ScopedContainer};
use slipway_kolla_config::{Image, glob_matches, glob_start, image_paths};

use super::ConfigJson;
use crate::error::{DeployError, Result, Source};

/// The search path of images that set none; Kolla's images have the first directory.
const SEARCH: [&str; 7] = [
    "/var/lib/kolla/venv/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// The largest archive of a directory that is searched, in bytes. In a larger directory, the matches
/// of a glob stay unknown.
const MAX_ARCHIVE: usize = 64 << 20;

/// Adds the users, groups and files of the images that each config.json's containers have, or of
/// `instead` for each.
///
/// # Errors
/// An image is missing, or the engine fails.
pub async fn add_images(
    engine: &Arc<dyn Engine>,
    files: &mut [ConfigJson],
    instead: Option<&str>,
) -> Result<()> {
    let search = SEARCH.map(str::to_owned);
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter() {
        for image in file.images(instead) {
            let paths = wanted.entry(image).or_default();
            paths.extend(image_paths(file.config(), &search));
        }
    }
    for (image, paths) in wanted {
        let found = look_into(engine, &image, &search, &paths).await?;
        for file in files.iter_mut() {
            file.add_image(&image, instead, &found);
        }
    }
    Ok(())
}

/// Returns the path of a program in an image, if one of the directories has it.
///
/// # Errors
/// The image is missing, or the engine fails.
pub async fn find_program(
    engine: &Arc<dyn Engine>,
    image: &str,
    directories: &[&str],
    name: &str,
) -> Result<Option<String>> {
    let mut paths = directories
        .iter()
        .map(|directory| format!("{directory}/{name}"));
    let wanted = paths.clone().collect();
    let found = look_into(engine, image, &[], &wanted).await?;
    Ok(paths.find(|path| found.present.get(path) == Some(&true)))
}

/// Reads an image's files through a container that is created and never started.
async fn look_into(
    engine: &Arc<dyn Engine>,
    image: &str,
    search: &[String],
    paths: &BTreeSet<String>,
) -> Result<Image> {
    if engine.find_image(image).await?.is_none() {
        return Err(DeployError::NoImage {
            image: image.to_owned(),
        });
    }
    let container = ScopedContainer::of_image(engine, image).await?;
    let files = Files {
        engine: engine.as_ref(),
        container: container.id(),
    };
    let found = files.read(image, search, paths).await;
    container.remove().await?;
    found.map_err(|source| DeployError::Look {
        image: image.to_owned(),
        source,
    })
}

/// The files of a container.
struct Files<'a> {
    engine: &'a dyn Engine,
    container: &'a str,
}

impl Files<'_> {
    /// Reads the facts of the image.
    async fn read(
        &self,
        image: &str,
        search: &[String],
        paths: &BTreeSet<String>,
    ) -> Result<Image, Source> {
        let mut present = BTreeMap::new();
        for path in paths {
            if let Some(is) = self.present(path).await? {
                present.insert(path.clone(), is);
            }
        }
        Ok(Image {
            name: image.to_owned(),
            users: self.names("/etc/passwd").await?,
            groups: self.names("/etc/group").await?,
            search: search.to_vec(),
            present,
        })
    }

    /// Returns true if the path exists, or the glob has a match; `None` if the directory is too
    /// large to search.
    async fn present(&self, path: &str) -> Result<Option<bool>, Source> {
        let Some(start) = glob_start(path) else {
            let found = missing_as_none(self.engine.download(self.container, path).await)?;
            return Ok(Some(found.is_some()));
        };
        // With a dot at the end, a symlink to a directory is followed.
        let inside = format!("{}/.", start.trim_end_matches('/'));
        match self.download(&inside).await? {
            Download::Missing => Ok(Some(false)),
            Download::TooLarge => Ok(None),
            Download::Archive(bytes) => Ok(Some(has_match(bytes, path, start)?)),
        }
    }

    /// Returns the names in a file such as /etc/passwd.
    async fn names(&self, path: &str) -> Result<BTreeSet<String>, Source> {
        let Download::Archive(bytes) = self.download(path).await? else {
            return Ok(BTreeSet::new());
        };
        let text = text_of(bytes)?;
        let names = text.lines().filter_map(|line| line.split(':').next());
        Ok(names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect())
    }

    async fn download(&self, path: &str) -> Result<Download, Source> {
        let stream = self.engine.download(self.container, path).await;
        let Some(mut stream) = missing_as_none(stream)? else {
            return Ok(Download::Missing);
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > MAX_ARCHIVE {
                return Ok(Download::TooLarge);
            }
        }
        Ok(Download::Archive(bytes))
    }
}

/// The archive of a path.
enum Download {
    Missing,
    TooLarge,
    Archive(Vec<u8>),
}

/// Returns true if a member of an archive of the directory `start` matches the glob.
fn has_match(bytes: Vec<u8>, glob: &str, start: &str) -> Result<bool, Source> {
    let mut found = false;
    open(bytes)?.members(|member| {
        let path = format!("{}/{}", start.trim_end_matches('/'), member.path);
        found |= !member.path.is_empty() && glob_matches(glob, &path);
        Ok::<(), ArchiveError>(())
    })?;
    Ok(found)
}

/// Returns the text of all members of an archive.
fn text_of(bytes: Vec<u8>) -> Result<String, Source> {
    let mut text = String::new();
    open(bytes)?.members(|member| {
        member.read_to_string(&mut text)?;
        Ok::<(), Source>(())
    })?;
    Ok(text)
}

fn open(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
    let packed = bytes.len() as u64;
    Archive::from_reader(Cursor::new(bytes), packed, &Limits::default())
}

/// Returns `None` for a missing path.
fn missing_as_none<T>(answer: Result<T, EngineError>) -> Result<Option<T>, Source> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(EngineError::Refused { status: 404, .. }) => Ok(None),
        // A component of the path is a file.
        Err(EngineError::Refused { ref message, .. }) if message.contains("not a directory") => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
