//! The version of a Kolla: from its package's metadata, or from git, as pbr derives it.

use std::fs;
use std::path::{Path, PathBuf};

use slipway_git::Repository;

use slipway_files::AtPath;

use crate::error::{Error, Result};
use crate::place::Place;

/// The version without its marks of a development or pre-release version, which is what Kolla
/// shows: `23.0.1` for `23.0.1.dev12`.
pub(crate) fn version(place: &Place) -> Result<String> {
    let site = place.package.parent().unwrap_or(Path::new("."));
    for file in metadata(site)? {
        let text = slipway_files::read_input(&file).at(&file)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Version:"));
        if let Some(version) = line.map(str::trim) {
            let parsed = Version::parse(version);
            return Ok(parsed.map_or_else(|| version.to_owned(), |version| version.brief()));
        }
    }
    let repository = place.checkout.as_deref().and_then(Repository::at);
    let version = repository.and_then(|repository| of_repository(&repository));
    version.ok_or_else(|| Error::NoKolla {
        directory: site.to_owned(),
        reason: "neither PKG-INFO, an .egg-info or .dist-info directory nor git says which \
                 version it is; clone it with git, or install it with pip"
            .to_owned(),
    })
}

/// The short commit of a checkout, in releases whose templates are shown it.
pub(crate) fn commit(place: &Place) -> Result<Option<String>> {
    if !place.text("version.py")?.contains("git_info") {
        return Ok(None);
    }
    let repository = place.checkout.as_deref().and_then(Repository::at);
    Ok(repository.and_then(|repository| repository.ask(&["rev-parse", "--short", "HEAD"])))
}

/// The files that may tell the version, best first.
fn metadata(site: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![site.join("PKG-INFO")];
    for directory in metadata_directories(site)? {
        files.extend([directory.join("METADATA"), directory.join("PKG-INFO")]);
    }
    files.retain(|file| file.is_file());
    Ok(files)
}

/// The directories of the package's metadata, sorted.
pub(crate) fn metadata_directories(site: &Path) -> Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(site).at(site)? {
        let path = entry.at(site)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "kolla.egg-info" || (name.starts_with("kolla-") && name.ends_with("-info")) {
            directories.push(path);
        }
    }
    directories.sort();
    Ok(directories)
}

/// The version after the last commit that has a version for a tag: that version, incremented as
/// the commits since then ask for. Without such a tag, it counts from 0.
fn of_repository(repository: &Repository) -> Option<String> {
    let log = ["-c", "log.showSignature=false", "log"];
    let decorated = [&log[..], &["--decorate=full", "--format=%D"]].concat();
    let mut count: usize = 0;
    let mut last = None;
    for refs in repository.lines(&decorated)? {
        let tags = tags(&refs).filter_map(|tag| Some((Version::parse(tag)?, tag.to_owned())));
        last = tags.max();
        if last.is_some() {
            break;
        }
        count += 1;
    }
    let Some((version, tag)) = last else {
        // The commits behind the first one.
        let distance = count.checked_sub(1)?;
        let increment = increment(repository, &log, "HEAD");
        return Some(Version::default().after(distance, increment).brief());
    };
    let since = format!("refs/tags/{tag}..HEAD");
    let increment = increment(repository, &log, &since);
    Some(version.after(count, increment).brief())
}

/// The tags among a commit's references: `HEAD -> refs/heads/x, tag: refs/tags/1.0`.
fn tags(refs: &str) -> impl Iterator<Item = &str> {
    refs.split(", ")
        .filter_map(|name| name.strip_prefix("tag: refs/tags/"))
}

/// The part of a version that commits since then increment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Increment {
    #[default]
    Patch,
    Minor,
    Major,
}

/// The largest increment that a `Sem-Ver:` line of the commits asks for.
fn increment(repository: &Repository, log: &[&str], range: &str) -> Increment {
    let messages = repository.lines(&[log, &["--format=%B", range]].concat());
    let lines = messages.unwrap_or_default();
    let symbols = lines.iter().filter_map(|line| {
        let line = line.trim().to_lowercase();
        Some(line.strip_prefix("sem-ver:")?.to_owned())
    });
    let largest = symbols.flat_map(|symbols| {
        let increments = symbols.split(',').map(|symbol| match symbol.trim() {
            "api-break" => Increment::Major,
            "feature" | "deprecation" => Increment::Minor,
            _ => Increment::Patch,
        });
        increments.max()
    });
    largest.max().unwrap_or_default()
}

/// A version as pbr reads it. A pre-release comes before its release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: [u64; 3],
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Alpha, beta or release candidate.
    PreRelease,
    Release,
}

impl Default for Version {
    fn default() -> Self {
        Version {
            numbers: [0; 3],
            stage: Stage::Release,
        }
    }
}

impl Version {
    /// Parses `1.2.3`, `1.2.3.0rc1`, `1.2.3.dev4` and shorter ones; `None` for any other tag, such
    /// as `2024.1-eom`.
    fn parse(text: &str) -> Option<Version> {
        let text = text.trim_start_matches(['v', 'V']).replace('-', ".");
        let mut parts = text.split('.').peekable();
        let mut version = Version::default();
        let mut count = 0;
        while let Some(number) = parts.peek().and_then(|part| part.parse::<u64>().ok()) {
            match version.numbers.get_mut(count) {
                Some(place) => *place = number,
                // An old form of development versions.
                None => return Some(version),
            }
            count += 1;
            parts.next();
        }
        if count == 0 {
            return None;
        }
        for part in parts {
            let word = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let number = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let word = &word[..word.len() - number.len()];
            number.parse::<u64>().ok()?;
            match word {
                "a" | "b" | "rc" => version.stage = Stage::PreRelease,
                "dev" | "post" => {}
                _ => return None,
            }
        }
        Some(version)
    }

    /// The version some commits later. What follows a pre-release is the next pre-release.
    fn after(mut self, commits: usize, increment: Increment) -> Version {
        let [major, minor, patch] = &mut self.numbers;
        if commits == 0 {
            return self;
        }
        match increment {
            Increment::Major => (*major, *minor, *patch) = (*major + 1, 0, 0),
            Increment::Minor => (*minor, *patch) = (*minor + 1, 0),
            Increment::Patch if self.stage == Stage::PreRelease => {}
            Increment::Patch => *patch += 1,
        }
        self
    }

    /// `1.2.3`
    fn brief(&self) -> String {
        self.numbers.map(|number| number.to_string()).join(".")
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn versions_are_read_as_pbr_reads_them() {
        let brief = |text| Some(Version::parse(text)?.brief());
        for (text, expected) in [
            ("23.0.0", "23.0.0"),
            ("22.0.0.0rc1", "22.0.0"),
            ("23.0.1.dev12", "23.0.1"),
            ("1.0", "1.0.0"),
            ("v2", "2.0.0"),
            ("0.10.1.3.g83bef74", "0.10.1"),
        ] {
            assert_eq!(brief(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["2024.1-eom", "yoga-em", "nothing", "", "1.0.x"] {
            assert_eq!(brief(text), None, "{text}");
        }
        assert!(Version::parse("22.0.0.0rc1") < Version::parse("22.0.0"));
    }

    /// A repository with one empty commit for each message, tagged where a tag is given.
    fn repository(commits: &[(&str, &str)]) -> (tempfile::TempDir, Repository) {
        let dir = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let status = Command::new("git")
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap())
                .env("HOME", dir.path())
                .args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-C"])
                .arg(dir.path())
                .args(arguments)
                .status();
            assert!(status.unwrap().success(), "{arguments:?}");
        };
        git(&["init", "-q"]);
        for (message, tag) in commits {
            git(&["commit", "-q", "--allow-empty", "-m", message]);
            if !tag.is_empty() {
                git(&["tag", tag]);
            }
        }
        let repository = Repository::at(dir.path()).unwrap();
        (dir, repository)
    }

    #[test]
    fn checkouts_of_every_kind_have_a_version() {
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[("a", "23.0.0")], "23.0.0"),
            (&[("a", "23.0.0"), ("b", "")], "23.0.1"),
            // The branch for development, which begins at a release candidate.
            (&[("a", "22.0.0.0rc1"), ("b", "")], "22.0.0"),
            (
                &[("a", "22.0.0.0rc1"), ("b\n\nSem-Ver: feature", "")],
                "22.1.0",
            ),
            (
                &[("a", "1.2.3"), ("b\n\nsem-ver: bugfix, api-break", "")],
                "2.0.0",
            ),
            // The end of an unmaintained branch.
            (&[("a", "18.8.0"), ("b", "2024.1-eom")], "18.8.1"),
            // A clone of depth 1, and one without tags.
            (&[("a", "")], "0.0.0"),
            (&[("a", ""), ("b", "")], "0.0.1"),
        ];
        for (commits, expected) in cases {
            let (_dir, repository) = repository(commits);
            let version = of_repository(&repository);
            assert_eq!(version.as_deref(), Some(expected), "{commits:?}");
        }
    }
}
