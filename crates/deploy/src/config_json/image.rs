//! Looks into images for what a config.json needs of them. Runs nothing in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use futures_util::StreamExt;
use slipway_engine::{ContainerSpec, Engine, EngineError};
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
    engine: &dyn Engine,
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

/// Reads an image's files through a container that is created and never started.
async fn look_into(
    engine: &dyn Engine,
    image: &str,
    search: &[String],
    paths: &BTreeSet<String>,
) -> Result<Image> {
    if engine.find_image(image).await?.is_none() {
        return Err(DeployError::NoImage {
            image: image.to_owned(),
        });
    }
    let name = format!("slipway-look-{}", std::process::id());
    let spec = ContainerSpec {
        image: image.to_owned(),
        command: Some(vec!["true".to_owned()]),
        ..ContainerSpec::default()
    };
    let container = engine.create_container(&name, &spec).await?;
    let files = Files {
        engine,
        container: &container,
    };
    let found = files.read(image, search, paths).await;
    engine.remove_container(&container).await?;
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
    /// Reads what checks need to know of the image.
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
        let archive = match self.archive(&inside).await? {
            Archive::Missing => return Ok(Some(false)),
            Archive::TooLarge => return Ok(None),
            Archive::Bytes(bytes) => bytes,
        };
        let mut archive = tar::Archive::new(archive.as_slice());
        for entry in archive.entries()? {
            let entry = entry?;
            let name = entry.path()?.to_string_lossy().into_owned();
            let inner = name.trim_start_matches("./").trim_end_matches('/');
            let found = format!("{}/{inner}", start.trim_end_matches('/'));
            if !inner.is_empty() && glob_matches(path, &found) {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// Returns the names in a file such as /etc/passwd.
    async fn names(&self, path: &str) -> Result<BTreeSet<String>, Source> {
        let Archive::Bytes(archive) = self.archive(path).await? else {
            return Ok(BTreeSet::new());
        };
        let mut archive = tar::Archive::new(archive.as_slice());
        let mut text = String::new();
        for entry in archive.entries()? {
            entry?.read_to_string(&mut text)?;
        }
        let names = text.lines().filter_map(|line| line.split(':').next());
        Ok(names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect())
    }

    async fn archive(&self, path: &str) -> Result<Archive, Source> {
        let stream = self.engine.download(self.container, path).await;
        let Some(mut stream) = missing_as_none(stream)? else {
            return Ok(Archive::Missing);
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > MAX_ARCHIVE {
                return Ok(Archive::TooLarge);
            }
        }
        Ok(Archive::Bytes(bytes))
    }
}

/// The archive of a path.
enum Archive {
    Missing,
    TooLarge,
    Bytes(Vec<u8>),
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
