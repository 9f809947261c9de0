//! The differences between two images.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use slipway_redact::one_line;

use crate::file::FileRecord;
use crate::package::PackageId;
use crate::read::Contents;

/// The packages and files that differ between two images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// By manager, name, architecture and location.
    pub packages: Vec<PackageDifference>,
    /// By path.
    pub files: Vec<FileDifference>,
}

/// A package with other versions in the second image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageDifference {
    /// The package.
    #[serde(flatten)]
    pub id: PackageId,
    /// The versions in the first image. RPM can install several at once.
    pub before: Vec<String>,
    /// The versions in the second image.
    pub after: Vec<String>,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// Its path, with the first slash.
    pub path: String,
    /// The difference.
    pub change: FileChange,
}

/// The difference of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// These of its attributes differ.
    Changed(Vec<Attribute>),
}

/// An attribute of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// Directory, file, symbolic link or device.
    Kind,
    /// Permission bits.
    Mode,
    /// User or group.
    Owner,
    /// Contents, or the target of a link.
    Contents,
}

impl Diff {
    /// Compares two images. Times of files do not count.
    pub fn new(before: &Contents, after: &Contents) -> Diff {
        Diff {
            packages: packages(before, after),
            files: files(before, after),
        }
    }

    /// True when nothing differs.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.files.is_empty()
    }
}

type Versions<'a> = BTreeMap<&'a PackageId, BTreeSet<&'a str>>;

fn versions(contents: &Contents) -> Versions<'_> {
    let mut versions = Versions::new();
    for package in &contents.packages {
        let of_package = versions.entry(&package.id).or_default();
        of_package.insert(package.version.as_str());
    }
    versions
}

fn packages(before: &Contents, after: &Contents) -> Vec<PackageDifference> {
    let (before, after) = (versions(before), versions(after));
    let ids: BTreeSet<&PackageId> = before.keys().chain(after.keys()).copied().collect();
    let differing = ids.into_iter().filter(|id| before.get(id) != after.get(id));
    let of = |versions: &Versions<'_>, id: &PackageId| {
        let versions = versions.get(id).into_iter().flatten();
        versions.map(|version| (*version).to_owned()).collect()
    };
    let difference = |id: &PackageId| PackageDifference {
        before: of(&before, id),
        after: of(&after, id),
        id: id.clone(),
    };
    differing.map(difference).collect()
}

fn files(before: &Contents, after: &Contents) -> Vec<FileDifference> {
    let paths: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let change = |path: &String| match (before.files.get(path), after.files.get(path)) {
        (Some(before), Some(after)) => {
            let attributes = attributes(before, after);
            (!attributes.is_empty()).then_some(FileChange::Changed(attributes))
        }
        (None, _) => Some(FileChange::Added),
        (_, None) => Some(FileChange::Removed),
    };
    let difference = |path: &String| {
        let change = change(path)?;
        let path = format!("/{path}");
        Some(FileDifference { path, change })
    };
    paths.into_iter().filter_map(difference).collect()
}

fn attributes(before: &FileRecord, after: &FileRecord) -> Vec<Attribute> {
    let same = [
        (Attribute::Kind, before.kind == after.kind),
        (Attribute::Mode, before.mode == after.mode),
        (Attribute::Owner, before.owner == after.owner),
        (
            Attribute::Contents,
            before.size == after.size && before.digest == after.digest,
        ),
    ];
    let differing = same.into_iter().filter(|(_, is_same)| !is_same);
    differing.map(|(attribute, _)| attribute).collect()
}

impl fmt::Display for PackageDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.id;
        write!(f, "{} {}", id.kind, one_line(&id.name))?;
        let places = [&id.architecture, &id.location];
        for place in places.into_iter().flatten() {
            write!(f, " {}", one_line(place))?;
        }
        let [before, after] = [&self.before, &self.after].map(|versions| versions.join(", "));
        match (one_line(&before), one_line(&after)) {
            (before, after) if before.is_empty() => write!(f, ": added {after}"),
            (before, after) if after.is_empty() => write!(f, ": removed {before}"),
            (before, after) => write!(f, ": {before} -> {after}"),
        }
    }
}

impl fmt::Display for FileDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = one_line(&self.path);
        match &self.change {
            FileChange::Added => write!(f, "{path}: added"),
            FileChange::Removed => write!(f, "{path}: removed"),
            FileChange::Changed(attributes) => {
                let names: Vec<&str> = attributes.iter().map(|a| a.name()).collect();
                write!(f, "{path}: {} changed", names.join(", "))
            }
        }
    }
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Attribute::Kind => "kind",
            Attribute::Mode => "mode",
            Attribute::Owner => "owner",
            Attribute::Contents => "contents",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FileKind;
    use crate::package::{Package, PackageKind};

    fn contents(packages: &[(PackageKind, &str, &str)], files: &[(&str, u32, u8)]) -> Contents {
        let package = |&(kind, name, version): &(PackageKind, &str, &str)| Package {
            id: PackageId {
                kind,
                name: name.to_owned(),
                architecture: None,
                location: None,
            },
            version: version.to_owned(),
            license: None,
        };
        let file = |&(path, mode, byte): &(&str, u32, u8)| {
            let record = FileRecord {
                kind: FileKind::File,
                mode,
                owner: (0, 0),
                size: 1,
                digest: [byte; 32],
            };
            (path.to_owned(), record)
        };
        Contents {
            packages: packages.iter().map(package).collect(),
            files: files.iter().map(file).collect(),
            ..Contents::default()
        }
    }

    #[test]
    fn every_difference_is_named() {
        use PackageKind::{Deb, Pip, Rpm};
        let before = contents(
            &[
                (Deb, "a", "1"),
                (Deb, "b", "1"),
                (Pip, "c", "1"),
                (Rpm, "k", "1"),
                (Rpm, "k", "2"),
            ],
            &[
                ("same", 1, 1),
                ("gone", 1, 1),
                ("mode", 1, 1),
                ("both", 1, 1),
            ],
        );
        let after = contents(
            &[
                (Deb, "a", "1"),
                (Deb, "b", "2"),
                (Rpm, "c", "1"),
                (Rpm, "k", "2"),
                (Rpm, "k", "3"),
            ],
            &[
                ("same", 1, 1),
                ("new", 1, 1),
                ("mode", 2, 1),
                ("both", 2, 2),
            ],
        );
        let diff = Diff::new(&before, &after);
        let packages: Vec<_> = diff.packages.iter().map(ToString::to_string).collect();
        let expected = [
            "deb b: 1 -> 2",
            "rpm c: added 1",
            "rpm k: 1, 2 -> 2, 3",
            "pip c: removed 1",
        ];
        assert_eq!(packages, expected);
        let files: Vec<_> = diff.files.iter().map(ToString::to_string).collect();
        let expected = [
            "/both: mode, contents changed",
            "/gone: removed",
            "/mode: mode changed",
            "/new: added",
        ];
        assert_eq!(files, expected);
        assert!(Diff::new(&before, &before).is_empty());
    }
}
