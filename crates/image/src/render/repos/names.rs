//! Releases 10 to 20: a repository is a name that the distribution has, or one apt source.

use minijinja::{Error, State};

use super::{Repositories, Repository, invalid, text, write_commands};

/// Enables or disables repositories; those that are not in `repos.yaml` are passed over. Apt's
/// are `.sources` files when `has_arch` says whether these may be of one architecture, `.list`
/// files otherwise.
pub(super) fn handle(
    state: &State,
    all: &Repositories,
    names: &[String],
    mode: &str,
    has_arch: Option<bool>,
) -> Result<String, Error> {
    if !["enable", "disable"].contains(&mode) {
        return Err(invalid(format!(
            "handle_repos wants 'enable' or 'disable', not '{mode}'"
        )));
    }
    let (distro, arch) = (all.section, text(state, "base_arch"));
    let of_arch = all.in_use.get(&format!("{distro}-{arch}"));
    let Some(repositories) = of_arch.or_else(|| all.in_use.get(distro)) else {
        return Err(invalid(format!("repos.yaml has no section {distro}")));
    };
    let known = names
        .iter()
        .filter_map(|name| Some((name, repositories.get(name)?)));
    let commands: Vec<String> = match text(state, "base_package_type").as_str() {
        "rpm" => {
            let switches: String = known.filter_map(|(_, r)| switch(r, mode)).collect();
            match switches.is_empty() {
                true => Vec::new(),
                false => vec![format!("dnf config-manager {switches} || true")],
            }
        }
        "deb" if mode == "enable" => known
            .filter_map(|(name, repository)| match has_arch {
                None => line(repository, name),
                Some(has_arch) => source(repository, name, has_arch),
            })
            .collect(),
        _ => Vec::new(),
    };
    Ok(match commands.is_empty() {
        true => String::new(),
        false => format!("RUN {}", commands.join(" && ")),
    })
}

fn switch(repository: &Repository, mode: &str) -> Option<String> {
    match repository {
        Repository::Line(name) => Some(format!(" --{mode} {name}")),
        Repository::Keys(_) => None,
    }
}

fn line(repository: &Repository, name: &str) -> Option<String> {
    match repository {
        Repository::Line(line) => Some(format!(
            "echo \"{line}\" >/etc/apt/sources.list.d/{name}.list"
        )),
        Repository::Keys(_) => None,
    }
}

fn source(repository: &Repository, name: &str, has_arch: bool) -> Option<String> {
    let key = |key: &str| repository.require(key, name).ok();
    let mut lines = vec![
        format!("Uris: {}", key("url")?),
        format!("Components: {}", key("component")?),
        "Types: deb".to_owned(),
        format!("Suites: {}", key("suite")?),
        format!("Signed-By: /etc/kolla/apt-keys/{}", key("gpg_key")?),
    ];
    if let Some(arch) = repository.get("arch").filter(|_| has_arch) {
        lines.push(format!("Architectures: {arch}"));
    }
    let file = format!("/etc/apt/sources.list.d/{name}.sources");
    Some(write_commands(&lines, &file))
}
