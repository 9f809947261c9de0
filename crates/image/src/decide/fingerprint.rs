//! The inputs of an image, as labels that later runs compare.
//!
//! Every image that is built gets three labels:
//! - `slipway.fingerprint`: one hash over everything below and over the fingerprints of the
//!   parents, so a change of any ancestor changes it;
//! - `slipway.inputs`: a short hash of each input, so that a later run can say *which* changed;
//! - `slipway.parents`: the IDs of the images it was built from. The same inputs can give another
//!   parent (`--rebuild`, newer packages), and then the child is built again too. The id is empty where
//!   another builder built the image, and then only the parent's fingerprint counts.
//!
//! Images travel, and their labels with them. Build arguments, template variables and overrides may
//! be secret and easy to guess, so their hashes are keyed with a secret of this host, and trying values
//! does not reveal them. Another host cannot compare them: it builds images with build arguments
//! again, unless it has the same key. The Dockerfile and the files are in the image anyway; their
//! hashes are plain, and every host can compare them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use slipway_redact::DigestKey;

use super::plan::Reason;
use crate::config::BuildConfig;
use crate::context::Context;

/// The label that holds the fingerprint.
pub const FINGERPRINT_LABEL: &str = "slipway.fingerprint";
/// The label that holds a short hash of each input, as JSON.
pub const INPUTS_LABEL: &str = "slipway.inputs";
/// The label that holds the ids of the parents it was built from, as JSON.
pub const PARENTS_LABEL: &str = "slipway.parents";

/// Enough hexadecimal digits to tell two versions of one file apart.
const SHORT: usize = 12;

/// The hash of this constant names a key.
const KEY_NAME: &str = "slipway.inputs";

/// The inputs of an image, without its parents: a short hash of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    dockerfile: String,
    build_args: String,
    options: String,
    files: BTreeMap<String, String>,
    /// Names the key of the keyed hashes: those under different keys cannot be compared.
    #[serde(default)]
    key: String,
    /// Each build argument, to say which changed.
    #[serde(default)]
    arguments: BTreeMap<String, String>,
    /// The inputs of rendering the Dockerfile: template variables and files. They count by what
    /// becomes of them, and say why it is another.
    #[serde(default)]
    rendered_from: BTreeMap<String, String>,
}

impl Inputs {
    /// `rendered_from`: by name, the texts that the Dockerfile is rendered from.
    pub(crate) fn new<'a>(
        context: &Context,
        options: &BuildConfig,
        key: &DigestKey,
        rendered_from: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Inputs {
        let files = context.files().iter();
        let files = files.map(|(name, file)| (name.clone(), short(&[file.identity()])));
        let directories = context.directories().iter();
        let directories = directories.map(|name| (format!("{name}/"), short(&["folder"])));
        // A way to the same files is no difference.
        let build_args = options.build_args.iter();
        let build_args: Vec<_> = build_args.filter(|(name, _)| !is_proxy(name)).collect();
        Inputs {
            dockerfile: short(&[context.dockerfile()]),
            build_args: match build_args.is_empty() {
                // Without build arguments, every host can compare the fingerprint.
                true => short::<&str>(&[]),
                false => keyed(
                    key,
                    build_args.iter().flat_map(|(name, value)| [name, value]),
                ),
            },
            key: keyed(key, [KEY_NAME]),
            arguments: build_args
                .iter()
                .map(|(name, value)| ((*name).clone(), keyed(key, [name, value])))
                .collect(),
            rendered_from: rendered_from
                .map(|(name, text)| (name.to_owned(), keyed(key, [name, text])))
                .collect(),
            options: short(&[
                options.platform.as_deref().unwrap_or_default(),
                if options.squash { "squash" } else { "" },
            ]),
            files: files.chain(directories).collect(),
        }
    }

    /// Returns the differences between the recorded inputs of an image and its present ones.
    fn changes(&self, then: &Inputs) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.dockerfile != then.dockerfile {
            let from = match self.key == then.key && !then.rendered_from.is_empty() {
                true => different(&self.rendered_from, &then.rendered_from),
                false => Vec::new(),
            };
            reasons.push(Reason::DockerfileChanged(from));
        }
        for (name, hash) in &self.files {
            match then.files.get(name) {
                None => reasons.push(Reason::FileAdded(name.clone())),
                Some(old) if old != hash => reasons.push(Reason::FileChanged(name.clone())),
                Some(_) => {}
            }
        }
        let gone = then
            .files
            .keys()
            .filter(|name| !self.files.contains_key(*name));
        reasons.extend(gone.map(|name| Reason::FileRemoved(name.clone())));
        if self.build_args != then.build_args {
            let is_comparable =
                self.key == then.key || self.arguments.keys().ne(then.arguments.keys());
            reasons.push(match is_comparable {
                true => Reason::BuildArgsChanged(different(&self.arguments, &then.arguments)),
                false => Reason::OtherKey,
            });
        }
        if self.options != then.options {
            reasons.push(Reason::OptionsChanged);
        }
        reasons
    }
}

/// The names that two maps do not have in common, or not with the same value.
fn different(now: &BTreeMap<String, String>, then: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| now.get(*name) != then.get(*name));
    changed.cloned().collect()
}

/// True when a build argument only names a proxy. The engine's cache leaves those out likewise.
fn is_proxy(name: &str) -> bool {
    let upper = name.to_uppercase();
    ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"].contains(&upper.as_str())
}

/// A parent as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    /// Its fingerprint; for an image that is not ours, its id.
    pub fingerprint: String,
    /// Its id in the engine.
    pub id: String,
    /// True for an image of the tree.
    pub is_ours: bool,
}

/// The fingerprint of an image with these inputs and these parents (reference → fingerprint).
pub(crate) fn fingerprint<'a>(
    context: &Context,
    inputs: &Inputs,
    parents: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut hasher = Sha256::new();
    // The full digests count here, the short ones only tell changes apart.
    add(&mut hasher, "dockerfile", context.dockerfile());
    for (name, file) in context.files() {
        add(&mut hasher, "file", name);
        add(&mut hasher, "content", &file.identity());
    }
    for name in context.directories() {
        add(&mut hasher, "folder", name);
    }
    add(&mut hasher, "build_args", &inputs.build_args);
    add(&mut hasher, "options", &inputs.options);
    for (reference, fingerprint) in parents {
        add(&mut hasher, reference, fingerprint);
    }
    hex::encode(hasher.finalize())
}

/// The labels of an image about to be built.
pub(crate) fn labels(
    fingerprint: &str,
    inputs: &Inputs,
    parents: &BTreeMap<String, Parent>,
) -> BTreeMap<String, String> {
    let ids: BTreeMap<&str, &str> = parents
        .iter()
        .map(|(reference, parent)| (reference.as_str(), parent.id.as_str()))
        .collect();
    BTreeMap::from([
        (FINGERPRINT_LABEL.to_owned(), fingerprint.to_owned()),
        (INPUTS_LABEL.to_owned(), json(inputs)),
        (PARENTS_LABEL.to_owned(), json(&ids)),
    ])
}

/// Returns the parents without what was unknown when the image was built: the ids of all, and for the
/// distribution's images also their fingerprints, which are ids.
pub(crate) fn as_recorded(
    labels: &BTreeMap<String, String>,
    mut parents: BTreeMap<String, Parent>,
) -> BTreeMap<String, Parent> {
    let ids = parse::<BTreeMap<String, String>>(labels, PARENTS_LABEL).unwrap_or_default();
    for (reference, parent) in &mut parents {
        if ids.get(reference).is_some_and(String::is_empty) {
            parent.id = String::new();
            if !parent.is_ours {
                parent.fingerprint = String::new();
            }
        }
    }
    parents
}

/// The reasons why an image with these labels differs from what would be built now; empty when
/// it does not.
pub(crate) fn compare(
    labels: &BTreeMap<String, String>,
    fingerprint: &str,
    inputs: &Inputs,
    parents: &BTreeMap<String, Parent>,
) -> Vec<Reason> {
    let Some(then) = labels.get(FINGERPRINT_LABEL) else {
        return vec![Reason::NotBuiltHere];
    };
    let ids = parse::<BTreeMap<String, String>>(labels, PARENTS_LABEL).unwrap_or_default();
    let changed_parents: Vec<Reason> = parents
        .iter()
        .filter(|(reference, parent)| ids.get(*reference) != Some(&parent.id))
        .map(|(reference, parent)| match parent.is_ours {
            true => Reason::ParentChanged(reference.clone()),
            false => Reason::BaseImageChanged(reference.clone()),
        })
        .collect();
    if then == fingerprint {
        return changed_parents;
    }
    let mut reasons = match parse::<Inputs>(labels, INPUTS_LABEL) {
        Some(then) => inputs.changes(&then),
        None => vec![Reason::NotBuiltHere],
    };
    reasons.extend(changed_parents);
    if reasons.is_empty() {
        // A parent's inputs changed and its id did not, such as when only its labels were lost.
        reasons.extend(parents.keys().cloned().map(Reason::ParentChanged));
    }
    reasons
}

fn parse<T: for<'de> Deserialize<'de>>(
    labels: &BTreeMap<String, String>,
    label: &str,
) -> Option<T> {
    serde_json::from_str(labels.get(label)?).ok()
}

fn json(value: &impl Serialize) -> String {
    // Maps of strings always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

fn add(hasher: &mut Sha256, kind: &str, value: &str) {
    for part in [kind, value] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
}

/// The short hash of what may be secret.
fn keyed<T: AsRef<[u8]>>(key: &DigestKey, parts: impl IntoIterator<Item = T>) -> String {
    let mut digest = key.digest(parts);
    digest.truncate(SHORT);
    digest
}

fn short<T: AsRef<str>>(parts: &[T]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        add(&mut hasher, "", part.as_ref());
    }
    let mut hash = hex::encode(hasher.finalize());
    hash.truncate(SHORT);
    hash
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    struct Case {
        dir: tempfile::TempDir,
        options: BuildConfig,
        dockerfile: &'static str,
        variable: &'static str,
        key: DigestKey,
        parents: BTreeMap<String, Parent>,
    }

    impl Case {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a"), "1").unwrap();
            let parent = Parent {
                fingerprint: "f".into(),
                id: "sha256:1".into(),
                is_ours: true,
            };
            Case {
                options: BuildConfig::new(dir.path()).unwrap(),
                dir,
                dockerfile: "FROM x",
                variable: "1",
                key: DigestKey::random().unwrap(),
                parents: BTreeMap::from([("ns/base:1".to_owned(), parent)]),
            }
        }

        fn state(&self) -> (String, Inputs) {
            let mut files: Vec<(String, PathBuf)> = fs::read_dir(self.dir.path())
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
                .collect();
            files.sort();
            let files = files
                .iter()
                .map(|(name, path)| (name.as_str(), path.as_path()));
            let context = Context::read(self.dockerfile.to_owned(), files).unwrap();
            let inputs = Inputs::new(
                &context,
                &self.options,
                &self.key,
                [("tag", self.variable), ("base", "b")].into_iter(),
            );
            let parents = self
                .parents
                .iter()
                .map(|(r, p)| (r.as_str(), p.fingerprint.as_str()));
            (fingerprint(&context, &inputs, parents), inputs)
        }

        /// The reasons after a change.
        fn after(change: impl Fn(&mut Case)) -> Vec<Reason> {
            let mut case = Case::new();
            let (fingerprint, inputs) = case.state();
            let labels = labels(&fingerprint, &inputs, &case.parents);
            change(&mut case);
            let (fingerprint, inputs) = case.state();
            compare(&labels, &fingerprint, &inputs, &case.parents)
        }

        fn path(&self, name: &str) -> PathBuf {
            Path::new(self.dir.path()).join(name)
        }
    }

    #[test]
    fn unchanged_inputs_give_no_reason() {
        assert_eq!(Case::after(|_| ()), []);
        // Rewritten with the same bytes, and a mode that packs the same.
        assert_eq!(
            Case::after(|case| fs::write(case.path("a"), "1").unwrap()),
            []
        );
    }

    #[test]
    fn every_changed_input_is_named() {
        let executable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        assert_eq!(
            Case::after(|case| case.dockerfile = "FROM y"),
            [Reason::DockerfileChanged(Vec::new())]
        );
        // What it is rendered from is no reason unless it is seen.
        assert_eq!(Case::after(|case| case.variable = "2"), []);
        assert_eq!(
            Case::after(|case| (case.dockerfile, case.variable) = ("FROM y", "2")),
            [Reason::DockerfileChanged(vec!["tag".to_owned()])]
        );
        let changed = [Reason::FileChanged("a".to_owned())];
        assert_eq!(
            Case::after(|case| fs::write(case.path("a"), "2").unwrap()),
            changed
        );
        assert_eq!(
            Case::after(|case| fs::set_permissions(case.path("a"), executable.clone()).unwrap()),
            changed
        );
        assert_eq!(
            Case::after(|case| fs::rename(case.path("a"), case.path("b")).unwrap()),
            [
                Reason::FileAdded("b".to_owned()),
                Reason::FileRemoved("a".to_owned())
            ]
        );
        let arguments = |case: &mut Case| {
            case.options
                .build_args
                .insert("K".to_owned(), "V".to_owned());
        };
        assert_eq!(
            Case::after(arguments),
            [Reason::BuildArgsChanged(vec!["K".to_owned()])]
        );
        assert_eq!(
            Case::after(|case| case.options.squash = true),
            [Reason::OptionsChanged]
        );
    }

    #[test]
    fn a_build_argument_cannot_be_guessed_from_the_labels() {
        let mut case = Case::new();
        let argument = ("TOKEN".to_owned(), "secret".to_owned());
        case.options.build_args.extend([argument]);
        let labels_of = |case: &Case| {
            let (fingerprint, inputs) = case.state();
            labels(&fingerprint, &inputs, &case.parents)
        };
        let ours = labels_of(&case);
        // Somebody who has the image, the tree and the right guess, and not the key.
        case.key = DigestKey::random().unwrap();
        let guessed = labels_of(&case);
        assert_ne!(ours[FINGERPRINT_LABEL], guessed[FINGERPRINT_LABEL]);
        let inputs = |labels: &BTreeMap<String, String>| parse::<Inputs>(labels, INPUTS_LABEL);
        let (ours, guessed) = (inputs(&ours).unwrap(), inputs(&guessed).unwrap());
        assert_ne!(ours.build_args, guessed.build_args);
        assert_ne!(ours.arguments["TOKEN"], guessed.arguments["TOKEN"]);
        assert_ne!(ours.rendered_from["tag"], guessed.rendered_from["tag"]);
    }

    #[test]
    fn another_host_compares_files_and_not_build_arguments() {
        let other_key = |case: &mut Case| case.key = DigestKey::random().unwrap();
        assert_eq!(Case::after(other_key), []);
        let other_dockerfile = |case: &mut Case| {
            other_key(case);
            case.dockerfile = "FROM y";
        };
        assert_eq!(
            Case::after(other_dockerfile),
            [Reason::DockerfileChanged(Vec::new())]
        );
        let mut case = Case::new();
        let argument = ("K".to_owned(), "V".to_owned());
        case.options.build_args.extend([argument]);
        let (then_fingerprint, then) = case.state();
        let labels = labels(&then_fingerprint, &then, &case.parents);
        other_key(&mut case);
        let (fingerprint, inputs) = case.state();
        assert_eq!(
            compare(&labels, &fingerprint, &inputs, &case.parents),
            [Reason::OtherKey]
        );
    }

    #[test]
    fn parents_count_by_id_and_by_fingerprint() {
        let id = |case: &mut Case| {
            for parent in case.parents.values_mut() {
                parent.id = "sha256:2".to_owned();
            }
        };
        let changed = [Reason::ParentChanged("ns/base:1".to_owned())];
        assert_eq!(Case::after(id), changed);
        let fingerprint = |case: &mut Case| {
            for parent in case.parents.values_mut() {
                parent.fingerprint = "g".to_owned();
            }
        };
        assert_eq!(Case::after(fingerprint), changed);
        let base = |case: &mut Case| {
            for parent in case.parents.values_mut() {
                parent.is_ours = false;
                parent.id = "sha256:2".to_owned();
            }
        };
        assert_eq!(
            Case::after(base),
            [Reason::BaseImageChanged("ns/base:1".to_owned())]
        );
    }

    #[test]
    fn unknown_parents_of_an_image_are_not_compared_by_id() {
        let mut case = Case::new();
        let base = Parent {
            fingerprint: String::new(),
            id: String::new(),
            is_ours: false,
        };
        case.parents.insert("debian:trixie".to_owned(), base);
        for parent in case.parents.values_mut() {
            parent.id = String::new();
        }
        let labels_of = |case: &Case| {
            let (fingerprint, inputs) = case.state();
            labels(&fingerprint, &inputs, &case.parents)
        };
        let recorded = labels_of(&case);
        let reasons = |case: &mut Case| {
            case.parents = as_recorded(&recorded, case.parents.clone());
            let (fingerprint, inputs) = case.state();
            compare(&recorded, &fingerprint, &inputs, &case.parents)
        };
        for parent in case.parents.values_mut() {
            parent.id = "sha256:9".to_owned();
            if !parent.is_ours {
                parent.fingerprint = "sha256:9".to_owned();
            }
        }
        assert_eq!(reasons(&mut case), []);
        for parent in case.parents.values_mut().filter(|parent| parent.is_ours) {
            parent.fingerprint = "g".to_owned();
        }
        assert!(
            reasons(&mut case).contains(&Reason::ParentChanged("ns/base:1".to_owned())),
            "a parent of other inputs"
        );
    }

    #[test]
    fn an_image_without_our_labels_was_not_built_here() {
        let case = Case::new();
        let (fingerprint, inputs) = case.state();
        let reasons = compare(&BTreeMap::new(), &fingerprint, &inputs, &case.parents);
        assert_eq!(reasons, [Reason::NotBuiltHere]);
    }

    #[test]
    fn an_empty_directory_counts() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("a");
        fs::create_dir_all(image.join("conf/d")).unwrap();
        fs::create_dir_all(dir.path().join("ab")).unwrap();
        fs::write(image.join("Dockerfile.j2"), "FROM x").unwrap();
        let key = DigestKey::random().unwrap();
        let state = || {
            let tree = crate::Tree::open(dir.path(), &[]).unwrap();
            let mut context = Context::read("FROM x".to_owned(), tree.context("a")).unwrap();
            for name in tree.empty_directories("a") {
                context.add_directory(name);
            }
            assert!(context.has("conf"));
            let inputs = Inputs::new(
                &context,
                &BuildConfig::new(dir.path()).unwrap(),
                &key,
                std::iter::empty(),
            );
            (
                fingerprint(&context, &inputs, std::iter::empty()),
                inputs,
                context.directories().clone(),
            )
        };
        let (before, then, directories) = state();
        assert_eq!(directories.into_iter().collect::<Vec<_>>(), ["conf/d"]);
        fs::create_dir(image.join("more")).unwrap();
        fs::write(image.join("conf/d/file"), "").unwrap();
        let (after, now, directories) = state();
        assert_eq!(directories.into_iter().collect::<Vec<_>>(), ["more"]);
        assert_ne!(before, after);
        let added = |name: &str| Reason::FileAdded(name.to_owned());
        let gone = Reason::FileRemoved("conf/d/".to_owned());
        assert_eq!(
            now.changes(&then),
            [added("conf/d/file"), added("more/"), gone]
        );
    }

    #[test]
    fn file_names_and_bytes_cannot_be_mistaken_for_one_another() {
        let with = |name: &str, bytes: &str| {
            let case = Case::new();
            fs::remove_file(case.path("a")).unwrap();
            fs::write(case.path(name), bytes).unwrap();
            case.state().0
        };
        assert_ne!(with("ab", "c"), with("a", "bc"));
    }
}
