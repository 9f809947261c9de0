//! Writes the images as contexts and a `docker-bake.json`, which docker buildx bake builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use slipway_files::{AtPath, FileError, replace_directory, write_with_mode};

use super::bake_file::{BakeFile, Group, Literal, Target, literals};
use super::names::target_names;
use crate::context::DOCKERFILE;
use crate::decide::{self, Prepared};
use crate::error::{Error, Result};
use crate::graph::Images;
use crate::labels::oci_labels;
use crate::write::is_in;

/// The file that bake reads.
const BAKE_FILE: &str = "docker-bake.json";

/// The directory of the contexts, beside that file.
const CONTEXTS: &str = "contexts";

/// The result of an export.
#[derive(Clone, Debug, Serialize)]
pub struct Bake {
    /// The file that bake reads. Paths in it are relative to its directory.
    pub file: PathBuf,
    /// The images in it, parents first.
    pub images: Vec<String>,
}

/// Writes the requested images; see [`ImageSet::bake`](crate::ImageSet::bake).
pub(crate) async fn bake(images: &Arc<Images>, directory: &Path) -> Result<Bake> {
    check(images, directory)?;
    decide::make_digest_key(&images.options)?;
    let preparation = decide::prepare(images).await?;
    let nodes = &images.graph.nodes;
    if let Some((index, source)) = preparation.failed.into_iter().next() {
        return Err(Error::Image {
            image: nodes[index].name.clone(),
            source,
        });
    }
    let file = directory.join(BAKE_FILE);
    // Build arguments may be secret.
    let mode = match images.options.build_args.is_empty() {
        true => 0o644,
        false => 0o600,
    };
    let contents = bake_file(images, &preparation.ready);
    let mut text = serde_json::to_string_pretty(&contents).unwrap_or_default();
    text.push('\n');
    write_contexts(images, &preparation.ready, directory)?;
    write_with_mode(&file, text.as_bytes(), mode)?;
    // Only now may the fetched files go.
    drop(preparation.scratch);
    let written = images.graph.matched();
    Ok(Bake {
        file,
        images: written.map(|index| nodes[index].name.clone()).collect(),
    })
}

/// Checks that the directory is empty or a former export, and that bake has every option.
fn check(images: &Images, directory: &Path) -> Result<()> {
    let options = &images.options;
    if options.squash {
        return Err(Error::NotExported {
            option: "--squash",
            builder: "docker buildx bake",
        });
    }
    let refused = |reason: String| Error::BakeDirectory {
        directory: directory.to_owned(),
        reason,
    };
    let mut trees = options.docker_dirs.iter().chain([&options.tree]);
    if let Some(tree) = trees.find(|tree| is_in(directory, tree)) {
        let reason = format!("it is in {}, a directory of templates", tree.display());
        return Err(refused(reason));
    }
    match fs::read_dir(directory) {
        Ok(mut entries) => {
            let is_foreign = entries.next().is_some() && !directory.join(BAKE_FILE).is_file();
            match is_foreign {
                true => Err(refused(format!("it has files, and no {BAKE_FILE}"))),
                false => Ok(()),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::new(directory, error).into()),
    }
}

/// Writes the contexts, and puts all of them in place of the former ones at once.
fn write_contexts(
    images: &Images,
    prepared: &BTreeMap<usize, Prepared>,
    directory: &Path,
) -> Result<()> {
    fs::create_dir_all(directory).at(directory)?;
    let staging = tempfile::Builder::new()
        .prefix(".contexts-")
        .tempdir_in(directory);
    let staging = staging.at(directory)?;
    let contexts = staging.path().join(CONTEXTS);
    fs::create_dir(&contexts).at(&contexts)?;
    for (index, image) in prepared {
        let name = &images.graph.nodes[*index].name;
        image.context.write(&contexts.join(name))?;
    }
    let place = directory.join(CONTEXTS);
    replace_directory(&contexts, &place).at(&place)?;
    staging.close().at(directory)?;
    Ok(())
}

fn bake_file(images: &Images, prepared: &BTreeMap<usize, Prepared>) -> BakeFile {
    let (nodes, options) = (&images.graph.nodes, &images.options);
    let labels = decide::labels_elsewhere(images, prepared);
    let matched = || images.graph.matched();
    let names = target_names(matched().map(|index| nodes[index].name.as_str()));
    let name = |index: usize| names[nodes[index].name.as_str()].clone();
    let target = |index: usize| {
        let node = &nodes[index];
        // A parent that is left out comes from its registry, as its reference says.
        let exported = node
            .parents
            .iter()
            .filter(|parent| prepared.contains_key(parent));
        let contexts = exported.map(|&parent| {
            let target = Literal(format!("target:{}", name(parent)));
            (Literal(context_name(&nodes[parent].reference)), target)
        });
        let mut labels = labels.get(&index).cloned().unwrap_or_default();
        labels.extend(oci_labels(options, &node.name));
        let platforms = options
            .platform
            .iter()
            .flat_map(|platform| platform.split(','));
        Target {
            context: Literal(format!("{CONTEXTS}/{}", node.name)),
            dockerfile: DOCKERFILE.into(),
            contexts: contexts.collect(),
            args: literals(&options.build_args),
            labels: literals(&labels),
            tags: vec![node.reference.as_str().into()],
            platforms: platforms.map(|platform| platform.trim().into()).collect(),
            network: options.network_mode.as_deref().map(Literal::from),
            no_cache: !options.cache,
            pull: options.pull_always,
            output: match options.push {
                true => vec!["type=registry".into()],
                false => Vec::new(),
            },
        }
    };
    let targets: IndexMap<String, Target> = matched().map(|i| (name(i), target(i))).collect();
    let all = Group {
        targets: targets.keys().cloned().collect(),
    };
    BakeFile {
        group: BTreeMap::from([("default", all)]),
        target: targets,
    }
}

/// Returns the name that bake looks up for a reference in `FROM`: Docker's short form without `:latest`.
fn context_name(reference: &str) -> String {
    let prefixes = ["docker.io/library/", "docker.io/"];
    let short = prefixes
        .iter()
        .find_map(|prefix| reference.strip_prefix(prefix));
    let short = short.unwrap_or(reference);
    short.strip_suffix(":latest").unwrap_or(short).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::{Value, json};

    use super::*;
    use crate::{BuildConfig, ImageSet};

    /// A tree of `base` and its child `cron`.
    fn tree(change: impl Fn(&mut BuildConfig)) -> (tempfile::TempDir, ImageSet) {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("images");
        let parent = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\nCOPY file /file\n";
        for (name, text) in [
            ("base/Dockerfile.j2", "FROM debian:trixie\n"),
            ("cron/Dockerfile.j2", parent),
            ("cron/file", "1"),
        ] {
            let path = tree.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut options = BuildConfig::new(tree).unwrap();
        options.key_file = Some(dir.path().join("key"));
        change(&mut options);
        (dir, ImageSet::load(options).unwrap())
    }

    fn read(directory: &Path) -> Value {
        let text = fs::read_to_string(directory.join(BAKE_FILE)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn a_parent_is_a_named_context_of_its_child() {
        let (dir, images) = tree(|options| {
            options.platform = Some("linux/arm64".to_owned());
            options.network_mode = Some("host".to_owned());
        });
        let out = dir.path().join("out");
        let written = images.bake(&out).await.unwrap();
        assert_eq!(written.images, ["base", "cron"]);
        let bake = read(&out);
        assert_eq!(
            bake["group"],
            json!({ "default": { "targets": ["base", "cron"] } })
        );
        let mut cron = bake["target"]["cron"].clone();
        let labels = cron.as_object_mut().unwrap().remove("labels").unwrap();
        let expected = json!({
            "context": "contexts/cron",
            "dockerfile": "Dockerfile",
            "contexts": { "slipway/base": "target:base" },
            "tags": ["slipway/cron:latest"],
            "platforms": ["linux/arm64"],
            "network": "host",
        });
        assert_eq!(cron, expected);
        assert_eq!(labels["slipway.parents"], r#"{"slipway/base:latest":""}"#);
        assert_eq!(labels["slipway.fingerprint"].as_str().unwrap().len(), 64);
        let file = fs::read_to_string(out.join("contexts/cron/file")).unwrap();
        assert_eq!(file, "1");
        let mode = fs::metadata(out.join(BAKE_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[tokio::test]
    async fn build_arguments_are_written_for_the_owner_alone() {
        let (dir, images) = tree(|options| {
            options
                .build_args
                .insert("TOKEN".to_owned(), "a${b}".to_owned());
        });
        let out = dir.path().join("out");
        images.bake(&out).await.unwrap();
        assert_eq!(
            read(&out)["target"]["base"]["args"],
            json!({ "TOKEN": "a$${b}" })
        );
        let mode = fs::metadata(out.join(BAKE_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn an_export_replaces_a_former_one_and_nothing_else() {
        let (dir, images) = tree(|_| ());
        let out = dir.path().join("out");
        images.bake(&out).await.unwrap();
        fs::write(out.join("contexts/cron/stale"), "").unwrap();
        images.bake(&out).await.unwrap();
        assert!(!out.join("contexts/cron/stale").exists());
        let mut names: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["contexts", BAKE_FILE]);

        let other = dir.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("file"), "").unwrap();
        let refused = async |directory: &Path| {
            let error = images.bake(directory).await.unwrap_err();
            error.to_string()
        };
        let error = refused(&other).await;
        assert!(
            error.contains("it has files, and no docker-bake.json"),
            "{error}"
        );
        let inside = dir.path().join("images/out");
        let error = refused(&inside).await;
        assert!(error.contains("a directory of templates"), "{error}");
        assert!(!inside.exists());
    }

    #[tokio::test]
    async fn an_option_that_bake_does_not_have_is_an_error() {
        let (dir, images) = tree(|options| options.squash = true);
        let error = images.bake(&dir.path().join("out")).await.unwrap_err();
        assert!(error.to_string().starts_with("--squash: "), "{error}");
    }

    #[test]
    fn a_named_context_has_the_short_name_of_its_image() {
        let names = [
            ("slipway/base:latest", "slipway/base"),
            ("docker.io/library/base:1", "base:1"),
            ("docker.io/ns/base:latest", "ns/base"),
            ("localhost:5000/ns/base:2", "localhost:5000/ns/base:2"),
        ];
        for (reference, name) in names {
            assert_eq!(context_name(reference), name);
        }
    }
}
