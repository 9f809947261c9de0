//! Looking into images for what a config.json needs of them, without running anything in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::{Context, anyhow};
use futures_util::StreamExt;
use slipway_engine::{ContainerSpec, Engine, EngineError};
use slipway_kolla_config::{Image, glob_matches, glob_start, looked_up};

use crate::exit::bad_input;
use crate::kolla_check::Checked;

/// Where programs are in images that say nothing else; Kolla's have the first.
const SEARCH: [&str; 7] = [
    "/var/lib/kolla/venv/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// A directory whose archive is larger is not searched: what a glob matches there stays unknown.
const LARGEST: usize = 64 << 20;

/// Images, as the engine has them.
pub struct Images<'a> {
    engine: &'a dyn Engine,
}

impl<'a> Images<'a> {
    pub fn new(engine: &'a dyn Engine) -> Images<'a> {
        Images { engine }
    }

    /// Looks into the images of all that is checked, or into `instead` for each.
    pub async fn look_into(
        &self,
        checked: &mut [Checked],
        instead: Option<&str>,
    ) -> anyhow::Result<()> {
        let search = SEARCH.map(str::to_owned);
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in checked.iter() {
            for image in file.images(instead) {
                wanted
                    .entry(image)
                    .or_default()
                    .extend(looked_up(file.config(), &search));
            }
        }
        for (image, paths) in wanted {
            let known = self.look(&image, &search, &paths).await?;
            checked
                .iter_mut()
                .for_each(|file| file.know(&image, instead, &known));
        }
        Ok(())
    }

    /// A container that is made and never started shows an image's files.
    async fn look(
        &self,
        image: &str,
        search: &[String],
        paths: &BTreeSet<String>,
    ) -> anyhow::Result<Image> {
        if self.engine.find_image(image).await?.is_none() {
            return Err(bad_input(anyhow!(
                "there is no image {image} here; build or pull it first"
            )));
        }
        let name = format!("slipway-look-{}", std::process::id());
        let spec = ContainerSpec {
            image: image.to_owned(),
            command: Some(vec!["true".to_owned()]),
            ..ContainerSpec::default()
        };
        let container = self.engine.create_container(&name, &spec).await?;
        let files = Files {
            engine: self.engine,
            container: &container,
        };
        let known = files.known(image, search, paths).await;
        self.engine.remove_container(&container).await?;
        known.with_context(|| format!("cannot look into {image}"))
    }
}

struct Files<'a> {
    engine: &'a dyn Engine,
    container: &'a str,
}

impl Files<'_> {
    async fn known(
        &self,
        image: &str,
        search: &[String],
        paths: &BTreeSet<String>,
    ) -> anyhow::Result<Image> {
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

    /// Whether there is something at a path, or a match for a glob; `None` when that would take
    /// too much reading.
    async fn present(&self, path: &str) -> anyhow::Result<Option<bool>> {
        let Some(start) = glob_start(path) else {
            let found = absent_or(self.engine.download(self.container, path).await)?;
            return Ok(Some(found.is_some()));
        };
        // With a dot at its end a link to a directory is followed.
        let inside = format!("{}/.", start.trim_end_matches('/'));
        let archive = match self.archive(&inside).await? {
            Archive::Absent => return Ok(Some(false)),
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

    /// The names in a file such as /etc/passwd.
    async fn names(&self, path: &str) -> anyhow::Result<BTreeSet<String>> {
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

    async fn archive(&self, path: &str) -> anyhow::Result<Archive> {
        let stream = self.engine.download(self.container, path).await;
        let Some(mut stream) = absent_or(stream)? else {
            return Ok(Archive::Absent);
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > LARGEST {
                return Ok(Archive::TooLarge);
            }
        }
        Ok(Archive::Bytes(bytes))
    }
}

enum Archive {
    Absent,
    TooLarge,
    Bytes(Vec<u8>),
}

/// Tells "there is no such path" from failure.
fn absent_or<T>(answer: Result<T, EngineError>) -> anyhow::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(EngineError::Refused { status: 404, .. }) => Ok(None),
        // A file where the path has a directory.
        Err(EngineError::Refused { ref message, .. }) if message.contains("not a directory") => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
