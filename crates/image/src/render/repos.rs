//! Package repositories in images: `handle_repos` and `cleanup_repos`, as Kolla 23 has them.
//!
//! `repos.yaml` names repositories per package type, distribution and architecture. Templates
//! enable them by a short name and get the shell commands that write the repository's file.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use indexmap::IndexMap;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde::Deserialize;

use super::dialect::lookup;
use crate::error::{IoContext, Result};

/// Where files are kept that must not stay in the finished image.
const BACKUP: &str = "/tmp/kolla-repos-backup";

/// What `repos.yaml` says: section → repository → its keys.
type File = IndexMap<String, IndexMap<String, Repository>>;

/// What a section says of one repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
struct Repository(IndexMap<String, Scalar>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl Repository {
    /// A key's text; `None` also where Python would find it false.
    fn get(&self, key: &str) -> Option<String> {
        let text = match self.0.get(key)? {
            Scalar::Flag(false) | Scalar::Number(0) => return None,
            Scalar::Flag(true) => "True".to_owned(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text.clone(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// A key's text, which must be there and may be empty.
    fn require(&self, key: &str, repository: &str) -> Result<String, Error> {
        match self.0.get(key) {
            Some(Scalar::Text(text)) => Ok(text.clone()),
            Some(_) => self.get(key).ok_or_else(|| missing(key, repository)),
            None => Err(missing(key, repository)),
        }
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

fn missing(key: &str, repository: &str) -> Error {
    invalid(format!(
        "repository {repository} has no {key} in repos.yaml"
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// The repositories of a tree, and those a user laid over them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repositories {
    defaults: File,
    merged: File,
    is_overridden: bool,
}

impl Repositories {
    /// Reads the tree's file, where it has one, and the user's.
    pub(crate) fn read(tree: Option<&Path>, user: Option<&Path>) -> Result<Repositories> {
        let defaults = tree.map(parse).transpose()?.unwrap_or_default();
        let mut merged = defaults.clone();
        for (section, repositories) in user.map(parse).transpose()?.unwrap_or_default() {
            merged.entry(section).or_default().extend(repositories);
        }
        Ok(Repositories {
            defaults,
            merged,
            is_overridden: user.is_some(),
        })
    }

    /// Adds the functions to an environment.
    pub(crate) fn install(self, env: &mut Environment<'static>) {
        let shared = std::sync::Arc::new(self);
        let for_cleanup = std::sync::Arc::clone(&shared);
        env.add_function(
            "handle_repos",
            move |state: &State, names: Value, mode: String| {
                let names = match names.kind() {
                    ValueKind::Seq | ValueKind::Iterable => {
                        names.try_iter()?.map(|n| n.to_string()).collect()
                    }
                    other => {
                        return Err(invalid(format!(
                            "handle_repos wants a list of repositories, not a {other}"
                        )));
                    }
                };
                Platform::of(state, &shared).handle(names, &mode)
            },
        );
        env.add_function("cleanup_repos", move |state: &State| {
            Platform::of(state, &for_cleanup).cleanup()
        });
    }
}

fn parse(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).at(path)?;
    serde_yaml::from_str(&text).map_err(|error| crate::error::Error::Yaml {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// The repositories of one distribution and architecture.
struct Platform {
    is_rpm: bool,
    codename: String,
    repositories: IndexMap<String, Repository>,
    defaults: IndexMap<String, Repository>,
    is_overridden: bool,
}

impl Platform {
    fn of(state: &State, all: &Repositories) -> Platform {
        let text = |name| {
            lookup(state, name)
                .map(|value| value.to_string())
                .unwrap_or_default()
        };
        let (package_type, distro) = (text("base_package_type"), text("base_distro"));
        let sections = [
            package_type.clone(),
            distro.clone(),
            format!("{distro}-{}", text("base_arch")),
        ];
        Platform {
            is_rpm: package_type == "rpm",
            codename: text("openstack_release_codename").to_lowercase(),
            repositories: flatten(&all.merged, &sections),
            defaults: flatten(&all.defaults, &sections),
            is_overridden: all.is_overridden,
        }
    }

    fn handle(&self, names: Vec<String>, mode: &str) -> Result<String, Error> {
        if self.is_rpm && self.is_overridden {
            self.refuse_halves()?;
        }
        let mut commands = String::new();
        let mut kept = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let Some(repository) = self.repositories.get(name) else {
                return Err(invalid(format!(
                    "there is no repository {name} in repos.yaml"
                )));
            };
            let is_distros = repository.is("distro");
            let command = match (self.is_rpm, mode, is_distros) {
                (true, "enable", true) => config_manager("enable", repository, name)?,
                (true, "enable", false) => {
                    self.keep(repository, name, &mut kept) + &dnf_repository(repository, name)?
                }
                (true, "disable", true) => {
                    commands += &config_manager("disable", repository, name)?;
                    continue;
                }
                (false, "enable", false) => {
                    self.keep(repository, name, &mut kept) + &self.apt_source(repository, name)?
                }
                _ => continue,
            };
            commands += &command;
            if index + 1 < names.len() {
                commands += " && ";
            }
        }
        Ok(if commands.is_empty() {
            commands
        } else {
            format!("RUN {commands}")
        })
    }

    /// Overriding one of several repositories that share a file would lose the others.
    fn refuse_halves(&self) -> Result<(), Error> {
        let default = |name: &str| self.defaults.get(name);
        let is_replaced = |name: &str, repository: &Repository| {
            !repository.is("distro") && default(name).is_some_and(|old| old.is("distro"))
        };
        let replaced: BTreeSet<&str> = self
            .repositories
            .iter()
            .filter(|(name, repository)| is_replaced(name, repository))
            .map(|(name, _)| name.as_str())
            .collect();
        let files: BTreeSet<String> = replaced
            .iter()
            .filter_map(|name| default(name)?.get("file_group"))
            .collect();
        let lost: BTreeSet<&str> = self
            .repositories
            .iter()
            .filter(|(_, repository)| {
                let file = repository.get("file_group");
                repository.is("distro") && file.is_some_and(|file| files.contains(&file))
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if replaced.is_empty() || lost.is_empty() {
            return Ok(());
        }
        Err(invalid(format!(
            "repos.yaml overrides {replaced:?}, whose file also holds {lost:?}; override those too"
        )))
    }

    /// The file a repository is kept in by the distribution.
    fn file(&self, repository: &Repository, name: &str) -> String {
        let own = if self.is_rpm {
            format!("{name}.repo")
        } else {
            format!("{name}.sources")
        };
        if !self.is_rpm {
            return own;
        }
        let default = || self.defaults.get(name)?.get("file_group");
        repository.get("file_group").or_else(default).unwrap_or(own)
    }

    /// Saves what a repository that is only for the build replaces.
    fn keep(&self, repository: &Repository, name: &str, kept: &mut BTreeSet<String>) -> String {
        let file = self.file(repository, name);
        if !repository.is("build_only") || !kept.insert(file.clone()) {
            return String::new();
        }
        let (folder, mark) = (self.folder(), self.mark(&file));
        format!(
            "mkdir -p {BACKUP} && cp {folder}/{file} {BACKUP}/{file} 2>/dev/null || true \
             && touch {BACKUP}/{mark}.enabled && "
        )
    }

    /// What says that a file was replaced, whether or not there was one before.
    fn mark<'f>(&self, file: &'f str) -> &'f str {
        if self.is_rpm {
            file
        } else {
            file.strip_suffix(".sources").unwrap_or(file)
        }
    }

    fn folder(&self) -> &'static str {
        if self.is_rpm {
            "/etc/yum.repos.d"
        } else {
            "/etc/apt/sources.list.d"
        }
    }

    fn apt_source(&self, repository: &Repository, name: &str) -> Result<String, Error> {
        let key = repository.require("gpg_key", name)?;
        let key = if key.starts_with('/') {
            key
        } else {
            format!("/etc/kolla/apt-keys/{key}")
        };
        let suite = repository.require("suite", name)?;
        let suite = suite.replace("{openstack_release_codename}", &self.codename);
        let mut lines = vec![
            format!("Uris: {}", repository.require("url", name)?),
            format!("Components: {}", repository.require("component", name)?),
            "Types: deb".to_owned(),
            format!("Suites: {suite}"),
            format!("Signed-By: {key}"),
        ];
        if repository.is("trusted") {
            lines.push("Trusted: yes".to_owned());
        }
        if let Some(arch) = repository.get("arch") {
            lines.push(format!("Architectures: {arch}"));
        }
        Ok(written(
            &lines,
            &format!("/etc/apt/sources.list.d/{name}.sources"),
        ))
    }

    /// The commands that put back what the repositories that are only for the build replaced.
    fn cleanup(&self) -> String {
        let folder = self.folder();
        let mut commands = Vec::new();
        let mut restored = BTreeSet::new();
        for (name, repository) in &self.repositories {
            if !repository.is("build_only") || repository.is("distro") {
                continue;
            }
            let file = self.file(repository, name);
            let own = format!("{name}.repo");
            if self.is_rpm && file != own {
                commands.push(format!("rm -f {folder}/{own}"));
                if !restored.insert(file.clone()) {
                    continue;
                }
            }
            let mark = self.mark(&file);
            commands.push(format!(
                "[ -f {BACKUP}/{mark}.enabled ] && ( mv {BACKUP}/{file} {folder}/{file} 2>/dev/null \
                 || rm -f {folder}/{file} ) || true"
            ));
        }
        if commands.is_empty() {
            return String::new();
        }
        commands.push(format!("rm -rf {BACKUP}"));
        format!("RUN {}", commands.join(" \\\n    && "))
    }
}

/// The sections that apply, each refining the one before.
fn flatten(file: &File, sections: &[String]) -> IndexMap<String, Repository> {
    let mut found: IndexMap<String, Repository> = IndexMap::new();
    for (name, repository) in sections
        .iter()
        .filter_map(|section| file.get(section))
        .flatten()
    {
        match found.get_mut(name) {
            None => {
                found.insert(name.clone(), repository.clone());
            }
            Some(known) => {
                known.0.extend(repository.0.clone());
                let has_place = ["baseurl", "metalink", "mirrorlist", "url"];
                if has_place.iter().any(|key| known.0.contains_key(*key)) {
                    known.0.shift_remove("distro");
                }
            }
        }
    }
    found
}

fn config_manager(change: &str, repository: &Repository, name: &str) -> Result<String, Error> {
    Ok(format!(
        "dnf config-manager --{change} {} || true",
        repository.require("name", name)?
    ))
}

fn dnf_repository(repository: &Repository, name: &str) -> Result<String, Error> {
    let title = repository.require("name", name)?;
    let mut lines = vec![
        format!("[{title}]"),
        format!("name={title}"),
        "enabled=1".to_owned(),
    ];
    for key in ["gpgcheck", "repo_gpgcheck"] {
        if let Some(value) = repository.get(key) {
            lines.push(format!("{key}={value}"));
        }
    }
    let places = ["baseurl", "metalink", "mirrorlist"];
    let Some(place) = places
        .into_iter()
        .find(|key| repository.0.contains_key(*key))
    else {
        return Err(missing("baseurl, metalink or mirrorlist", name));
    };
    for (index, key) in repository.require("gpgkey", name)?.lines().enumerate() {
        lines.push(if index == 0 {
            format!("gpgkey={key}")
        } else {
            format!("       {key}")
        });
    }
    let address = repository.require(place, name)?;
    match place {
        "baseurl" => lines.extend(address.lines().map(|address| format!("baseurl={address}"))),
        other => lines.push(format!("{other}={address}")),
    }
    let file = format!("/etc/yum.repos.d/{name}.repo");
    Ok(format!(
        "grep -rlF '[{title}]' /etc/yum.repos.d/ 2>/dev/null | xargs -r rm -f && {}",
        written(&lines, &file)
    ))
}

/// The shell commands that write these lines to a file.
fn written(lines: &[String], file: &str) -> String {
    let mut commands = String::new();
    for (index, line) in lines.iter().enumerate() {
        let (joint, redirect) = if index == 0 {
            ("", ">")
        } else {
            (" && ", ">>")
        };
        // Writing to a String cannot fail.
        let _ = write!(commands, "{joint}echo '{line}' {redirect}{file}");
    }
    commands
}
