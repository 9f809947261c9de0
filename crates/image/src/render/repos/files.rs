//! Release 21 and later: each repository becomes a file in the image.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use minijinja::{Error, State};

use super::{File, Repositories, Repository, invalid, missing, text, write_commands};
use slipway_kolla_release::Repos;

/// The directory that holds the replaced files while an image is built.
const BACKUP: &str = "/tmp/kolla-repos-backup";

/// The repositories of one distribution and architecture.
pub(super) struct Platform {
    is_rpm: bool,
    /// True when repositories can be for the build alone (release 23).
    has_cleanup: bool,
    codename: String,
    repositories: IndexMap<String, Repository>,
    defaults: IndexMap<String, Repository>,
    is_overridden: bool,
}

impl Platform {
    pub(super) fn of(state: &State, all: &Repositories) -> Platform {
        let text = |name| text(state, name);
        let (package_type, distro) = (text("base_package_type"), text("base_distro"));
        let sections = [
            package_type.clone(),
            distro.clone(),
            format!("{distro}-{}", text("base_arch")),
        ];
        Platform {
            is_rpm: package_type == "rpm",
            codename: text("openstack_release_codename").to_lowercase(),
            has_cleanup: has_cleanup(all),
            repositories: flatten(&all.in_use, &sections, has_cleanup(all)),
            defaults: flatten(&all.defaults, &sections, has_cleanup(all)),
            is_overridden: all.is_overridden,
        }
    }

    pub(super) fn handle(&self, names: &[String], mode: &str) -> Result<String, Error> {
        if self.is_rpm && self.is_overridden && self.has_cleanup {
            self.refuse_shared_files()?;
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
                (true, "enable", true) => {
                    config_manager("enable", repository, name)?
                        + &self.extra_addresses(repository, name)?
                }
                (true, "enable", false) => {
                    self.keep(repository, name, &mut kept)
                        + &self.dnf_repository(repository, name)?
                }
                (true, "disable", true) => {
                    commands += &config_manager("disable", repository, name)?;
                    continue;
                }
                (false, "enable", is_distros) if !(is_distros && self.has_cleanup) => {
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

    /// Refuses to replace one of several repositories that share a file: the others would be lost.
    fn refuse_shared_files(&self) -> Result<(), Error> {
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

    /// Returns the name of the file that the distribution keeps a repository in.
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

    /// Returns the commands that save the file that a build-only repository replaces.
    fn keep(&self, repository: &Repository, name: &str, kept: &mut BTreeSet<String>) -> String {
        let file = self.file(repository, name);
        if !self.has_cleanup || !repository.is("build_only") || !kept.insert(file.clone()) {
            return String::new();
        }
        let (directory, marker) = (self.directory(), self.marker(&file));
        format!(
            "mkdir -p {BACKUP} && cp {directory}/{file} {BACKUP}/{file} 2>/dev/null || true \
             && touch {BACKUP}/{marker}.enabled && "
        )
    }

    /// Returns the name of the marker of a replaced file. The marker exists even if there was no file.
    fn marker<'f>(&self, file: &'f str) -> &'f str {
        if self.is_rpm {
            file
        } else {
            file.strip_suffix(".sources").unwrap_or(file)
        }
    }

    fn directory(&self) -> &'static str {
        if self.is_rpm {
            "/etc/yum.repos.d"
        } else {
            "/etc/apt/sources.list.d"
        }
    }

    fn apt_source(&self, repository: &Repository, name: &str) -> Result<String, Error> {
        let key = repository.require("gpg_key", name)?;
        let key = if key.starts_with('/') && self.has_cleanup {
            key
        } else {
            format!("/etc/kolla/apt-keys/{key}")
        };
        let suite = repository.require("suite", name)?;
        let suite = match self.has_cleanup {
            true => suite.replace("{openstack_release_codename}", &self.codename),
            false => suite,
        };
        let mut lines = vec![
            format!("Uris: {}", repository.require("url", name)?),
            format!("Components: {}", repository.require("component", name)?),
            "Types: deb".to_owned(),
            format!("Suites: {suite}"),
            format!("Signed-By: {key}"),
        ];
        if repository.is("trusted") && self.has_cleanup {
            lines.push("Trusted: yes".to_owned());
        }
        if let Some(arch) = repository.get("arch") {
            lines.push(format!("Architectures: {arch}"));
        }
        Ok(write_commands(
            &lines,
            &format!("/etc/apt/sources.list.d/{name}.sources"),
        ))
    }

    fn dnf_repository(&self, repository: &Repository, name: &str) -> Result<String, Error> {
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
        let address = addresses(repository, name)?;
        if address.is_empty() && self.has_cleanup {
            return Err(missing("baseurl, metalink or mirrorlist", name));
        }
        for (index, key) in repository.require("gpgkey", name)?.lines().enumerate() {
            lines.push(if index == 0 {
                format!("gpgkey={key}")
            } else {
                format!("       {key}")
            });
        }
        lines.extend(address);
        let file = format!("/etc/yum.repos.d/{name}.repo");
        let before = match self.has_cleanup {
            true => {
                format!("grep -rlF '[{title}]' /etc/yum.repos.d/ 2>/dev/null | xargs -r rm -f && ")
            }
            false => String::new(),
        };
        Ok(before + &write_commands(&lines, &file))
    }

    /// Returns the commands with which releases 21 and 22 write the addresses even of a repository that
    /// the distribution already has.
    fn extra_addresses(&self, repository: &Repository, name: &str) -> Result<String, Error> {
        if self.has_cleanup {
            return Ok(String::new());
        }
        let lines = addresses(repository, name)?.into_iter();
        Ok(lines
            .map(|line| format!(" && echo '{line}' >>/etc/yum.repos.d/{name}.repo"))
            .collect())
    }

    /// Returns the commands that restore the files that build-only repositories replaced.
    pub(super) fn cleanup(&self) -> String {
        let directory = self.directory();
        let mut commands = Vec::new();
        let mut restored = BTreeSet::new();
        for (name, repository) in &self.repositories {
            if !repository.is("build_only") || repository.is("distro") {
                continue;
            }
            let file = self.file(repository, name);
            let own = format!("{name}.repo");
            if self.is_rpm && file != own {
                commands.push(format!("rm -f {directory}/{own}"));
                if !restored.insert(file.clone()) {
                    continue;
                }
            }
            let marker = self.marker(&file);
            commands.push(format!(
                "[ -f {BACKUP}/{marker}.enabled ] && ( mv {BACKUP}/{file} {directory}/{file} 2>/dev/null \
                 || rm -f {directory}/{file} ) || true"
            ));
        }
        if commands.is_empty() {
            return String::new();
        }
        commands.push(format!("rm -rf {BACKUP}"));
        format!("RUN {}", commands.join(" \\\n    && "))
    }
}

/// Merges the sections that apply, in order. With `refined`, the keys of a later section are added to
/// the repository of an earlier one; otherwise the later repository replaces it.
fn flatten(file: &File, sections: &[String], refined: bool) -> IndexMap<String, Repository> {
    let mut found: IndexMap<String, Repository> = IndexMap::new();
    let applying = sections.iter().filter_map(|section| file.get(section));
    for (name, repository) in applying.flatten() {
        match (found.get_mut(name), repository) {
            (Some(Repository::Keys(known)), Repository::Keys(more)) if refined => {
                known.extend(more.clone());
                let places = ["baseurl", "metalink", "mirrorlist", "url"];
                if places.iter().any(|key| known.contains_key(*key)) {
                    known.shift_remove("distro");
                }
            }
            _ => {
                found.insert(name.clone(), repository.clone());
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

/// Returns the lines with the addresses of a repository.
fn addresses(repository: &Repository, name: &str) -> Result<Vec<String>, Error> {
    let places = ["baseurl", "metalink", "mirrorlist"];
    let Some(place) = places.into_iter().find(|key| repository.key(key).is_some()) else {
        return Ok(Vec::new());
    };
    let address = repository.require(place, name)?;
    Ok(match place {
        "baseurl" => address
            .lines()
            .map(|line| format!("baseurl={line}"))
            .collect(),
        other => vec![format!("{other}={address}")],
    })
}

fn has_cleanup(all: &Repositories) -> bool {
    all.style == Some(Repos::FilesWithCleanup)
}
