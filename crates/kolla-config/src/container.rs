//! Checks of a config.json against its container: the mounts and the image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use slipway_suggest::{hint, nearest};

use crate::check::{Finding, Severity};
use crate::config::{Config, ConfigFile, user_group};
use crate::fs::{Links, Root};
use crate::glob::{has_magic, matches};

/// The directory for mounts. Images have nothing of their own in it.
const MOUNTED: &str = "/var/lib/kolla/config_files";

/// The container that reads a config.json, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct ContainerContext {
    /// Its mounts; `None` when they are not known.
    pub mounts: Option<Vec<Mount>>,
    /// Its image; `None` when it is not known.
    pub image: Option<Image>,
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The path in the container.
    pub target: String,
    /// The source, when it is on this host.
    pub host: Option<PathBuf>,
}

/// The known facts of an image.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// The users in its `/etc/passwd`.
    pub users: BTreeSet<String>,
    /// The groups in its `/etc/group`.
    pub groups: BTreeSet<String>,
    /// Its PATH.
    pub search: Vec<String>,
    /// The result of each lookup of [`image_paths`]: true when the path exists or the glob has a match.
    /// A path that is not in this map was not looked up.
    pub present: BTreeMap<String, bool>,
}

/// Returns the paths and globs that [`check_in`] looks up in an image with this PATH.
///
/// ```
/// let config: slipway_kolla_config::Config = serde_json::from_str(r#"{"command": "httpd -D FOREGROUND"}"#)?;
/// let search = vec!["/usr/sbin".to_owned(), "/usr/bin".to_owned()];
/// let paths: Vec<_> = slipway_kolla_config::image_paths(&config, &search).into_iter().collect();
/// assert_eq!(paths, ["/usr/bin/httpd", "/usr/sbin/httpd"]);
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn image_paths(config: &Config, search: &[String]) -> BTreeSet<String> {
    let sources = config
        .config_files
        .iter()
        .flatten()
        .map(|file| &file.source);
    let paths = config
        .permissions
        .iter()
        .flatten()
        .map(|permission| &permission.path);
    sources
        .chain(paths)
        .cloned()
        .chain(programs(&config.command, search))
        .filter(|path| path.starts_with('/'))
        .collect()
}

/// Returns the paths at which a command's program may be.
fn programs(command: &str, search: &[String]) -> Vec<String> {
    match command.split_whitespace().next() {
        Some(program) if program.contains('/') => vec![program.to_owned()],
        Some(program) => search
            .iter()
            .map(|dir| format!("{}/{program}", dir.trim_end_matches('/')))
            .collect(),
        None => Vec::new(),
    }
}

/// Returns the directory that a glob starts from: its components before the first with a wildcard. A
/// plain path has none.
pub fn glob_start(pattern: &str) -> Option<&str> {
    let magic = pattern.find(['*', '?', '['])?;
    let end = pattern[..magic].rfind('/')?;
    Some(&pattern[..end.max(1)])
}

/// Tells whether a path matches a glob, component by component.
///
/// ```
/// assert_eq!(slipway_kolla_config::glob_start("/etc/apache2/*.d/a.conf"), Some("/etc/apache2"));
/// assert!(slipway_kolla_config::glob_matches("/etc/apache2/*.d/a.conf", "/etc/apache2/conf.d/a.conf"));
/// assert!(!slipway_kolla_config::glob_matches("/etc/apache2/*", "/etc/apache2/conf.d/a.conf"));
/// ```
pub fn glob_matches(pattern: &str, path: &str) -> bool {
    components(pattern).count() == components(path).count() && may_hold(path, pattern)
}

/// Returns the problems of `config` in this container, beyond those that [`crate::check`] finds.
///
/// ```
/// use slipway_kolla_config::{Mount, ContainerContext, check_in};
///
/// let config: slipway_kolla_config::Config = serde_json::from_str(r#"{
///     "command": "true",
///     "config_files": [{
///         "source": "/var/lib/kolla/config_files/src-tls/*", "dest": "/", "merge": true, "preserve_properties": true
///     }]
/// }"#)?;
/// let mount = Mount { target: "/var/lib/kolla/config_files/src".to_owned(), host: None };
/// let context = ContainerContext { mounts: Some(vec![mount]), image: None };
/// let findings = check_in(&config, &context);
/// assert_eq!(
///     findings[0].to_string(),
///     "error: config_files[0].source: `/var/lib/kolla/config_files/src-tls/*` is in nothing that is mounted \
///      (under /var/lib/kolla/config_files: src)",
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn check_in(config: &Config, context: &ContainerContext) -> Vec<Finding> {
    let mut checks = Checks {
        config,
        context,
        found: Vec::new(),
    };
    checks.command();
    checks.sources();
    checks.owners();
    checks.permissions();
    checks.found
}

struct Checks<'a> {
    config: &'a Config,
    context: &'a ContainerContext,
    found: Vec<Finding>,
}

impl Checks<'_> {
    fn add(&mut self, severity: Severity, path: String, message: String) {
        self.found.push(Finding {
            severity,
            path,
            message,
        });
    }

    fn files(&self) -> impl Iterator<Item = (usize, &ConfigFile)> {
        self.config.config_files.iter().flatten().enumerate()
    }

    /// Returns the mounts that may hold a match of `pattern`, or that lie below one.
    fn mounted(&self, pattern: &str) -> Vec<&Mount> {
        let mounts = self.context.mounts.iter().flatten();
        mounts
            .filter(|mount| may_hold(&mount.target, pattern))
            .collect()
    }

    fn in_image(&self, pattern: &str) -> Option<bool> {
        self.context.image.as_ref()?.present.get(pattern).copied()
    }

    fn image_name(&self) -> &str {
        self.context
            .image
            .as_ref()
            .map_or("the image", |image| &image.name)
    }

    /// Tells whether an entry may create `path` before it is needed.
    fn may_be_made(&self, path: &str) -> bool {
        let below = |dir: &str| Path::new(path).starts_with(dir.trim_end_matches('/'));
        let created = [&self.config.directories, &self.config.files];
        let mut created = created.into_iter().flatten().flatten();
        self.files().any(|(_, file)| below(&file.dest))
            || created
                .any(|created| Path::new(&created.path).starts_with(path) || below(&created.path))
    }

    fn command(&mut self) {
        let Some(image) = &self.context.image else {
            return;
        };
        let programs = programs(&self.config.command, &image.search);
        let missing = !programs.is_empty()
            && programs.iter().all(|program| {
                self.in_image(program) == Some(false)
                    && self.mounted(program).is_empty()
                    && !self.may_be_made(program)
            });
        if missing {
            let program = self
                .config
                .command
                .split_whitespace()
                .next()
                .unwrap_or_default();
            let message = format!("`{program}` is not in {}", self.image_name());
            // Without its mounts, the rest of the container is not known.
            let severity = match self.context.mounts {
                Some(_) => Severity::Error,
                None => Severity::Warning,
            };
            self.add(severity, "command".to_owned(), message);
        }
    }

    fn sources(&mut self) {
        let mut found = Vec::new();
        for (index, file) in self.files() {
            if let Some((severity, message)) = self.source(file) {
                // A missing optional source is not an error, but worth a warning.
                let severity = match file.optional {
                    Some(true) => Severity::Warning,
                    _ => severity,
                };
                found.push((severity, format!("config_files[{index}].source"), message));
            }
        }
        for (severity, path, message) in found {
            self.add(severity, path, message);
        }
    }

    fn source(&self, file: &ConfigFile) -> Option<(Severity, String)> {
        let source = &file.source;
        let mounted = self.mounted(source);
        if !mounted.is_empty() {
            let matches_nothing = |mount: &&Mount| nothing_in(mount, source);
            let dirs: Option<Vec<String>> = mounted.iter().map(matches_nothing).collect();
            let message = format!("`{source}` matches nothing in {}", dirs?.join(" or "));
            return (file.optional != Some(true)).then_some((Severity::Warning, message));
        }
        let for_mounts = Path::new(source).starts_with(MOUNTED);
        match (self.in_image(source), &self.context.mounts) {
            (Some(true), _) => None,
            (Some(false), None) if for_mounts => None,
            (Some(false), None) => {
                let message = format!(
                    "`{source}` is not in {}; it must be mounted",
                    self.image_name()
                );
                Some((Severity::Warning, message))
            }
            (Some(false), Some(_)) => {
                let message = format!(
                    "`{source}` is neither in {} nor in anything that is mounted",
                    self.image_name()
                );
                Some((Severity::Error, message))
            }
            (None, Some(mounts)) if for_mounts => {
                let message = format!("`{source}` is in nothing that is mounted {}", list(mounts));
                Some((Severity::Error, message))
            }
            (None, _) => None,
        }
    }

    fn owners(&mut self) {
        let Some(image) = &self.context.image else {
            return;
        };
        let files = self
            .files()
            .filter(|(_, file)| file.preserve_properties != Some(true));
        let files = files.filter_map(|(index, file)| {
            Some((format!("config_files[{index}]"), file.owner.as_ref()?))
        });
        let created = [
            ("directories", &self.config.directories),
            ("files", &self.config.files),
        ];
        let created = created.into_iter().flat_map(|(section, entries)| {
            let entries = entries.iter().flatten().enumerate();
            entries.map(move |(index, created)| (format!("{section}[{index}]"), &created.owner))
        });
        let permissions = self.config.permissions.iter().flatten().enumerate();
        let permissions = permissions
            .map(|(index, permission)| (format!("permissions[{index}]"), &permission.owner));
        let mut found = Vec::new();
        for (entry, owner) in files.chain(created).chain(permissions) {
            let (user, group) = user_group(owner);
            for (kind, name, known) in [
                ("user", user, &image.users),
                ("group", group, &image.groups),
            ] {
                if !known.contains(name) {
                    let nearest = hint(nearest(name, known.iter().map(String::as_str)));
                    let message =
                        format!("`{owner}`: {} has no {kind} `{name}`{nearest}", image.name);
                    found.push((format!("{entry}.owner"), message));
                }
            }
        }
        for (path, message) in found {
            self.add(Severity::Error, path, message);
        }
    }

    fn permissions(&mut self) {
        let mut found = Vec::new();
        for (index, permission) in self.config.permissions.iter().flatten().enumerate() {
            let path = &permission.path;
            if permission.optional != Some(true)
                && self.context.mounts.is_some()
                && self.in_image(path) == Some(false)
                && self.mounted(path).is_empty()
                && !self.may_be_made(path)
            {
                let message = format!(
                    "`{path}` is neither in {}, nor mounted, nor made by this config",
                    self.image_name()
                );
                found.push((format!("permissions[{index}].path"), message));
            }
        }
        for (path, message) in found {
            self.add(Severity::Warning, path, message);
        }
    }
}

/// Returns the mounts below the directory for mounts, for a message.
fn list(mounts: &[Mount]) -> String {
    let names: Vec<&str> = mounts
        .iter()
        .filter_map(|mount| mount.target.strip_prefix(MOUNTED)?.strip_prefix('/'))
        .filter(|name| !matches!(*name, "config.json" | "config.yaml"))
        .collect();
    match names[..] {
        [] => format!("(there is nothing under {MOUNTED})"),
        _ => format!("(under {MOUNTED}: {})", names.join(", ")),
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

/// Tells whether a mount at `target` may hold a match of `pattern`, or be below one.
fn may_hold(target: &str, pattern: &str) -> bool {
    components(target)
        .zip(components(pattern))
        .all(|(name, pattern)| name == pattern || matches(pattern, name.as_bytes()))
}

/// Returns the source of a mount that can be read and holds no match.
fn nothing_in(mount: &Mount, pattern: &str) -> Option<String> {
    let host = mount.host.as_ref()?;
    let depth = components(&mount.target).count();
    let rest: Vec<&str> = components(pattern).skip(depth).collect();
    // The pattern means the mount itself, or one of its parents.
    if rest.is_empty() || !host.is_dir() {
        return None;
    }
    let root = Root::open(host, Path::new("/")).ok()?;
    let found = root
        .glob(&format!("/{}", rest.join("/")), Links::Any)
        .ok()?;
    let shown = match has_magic(pattern) || found.is_empty() {
        true => host.display().to_string(),
        false => return None,
    };
    found.is_empty().then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(sections: serde_json::Value) -> Config {
        let mut config = json!({"command": "/usr/sbin/httpd -D FOREGROUND"});
        let sections = sections.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(sections);
        serde_json::from_value(config).unwrap()
    }

    fn source(source: &str, optional: bool) -> Config {
        config(json!({"config_files": [
            {"source": source, "dest": "/etc/a", "owner": "root", "perm": "0600", "optional": optional}
        ]}))
    }

    fn mounts(targets: &[&str]) -> ContainerContext {
        let mount = |target: &&str| Mount {
            target: (*target).to_owned(),
            host: None,
        };
        ContainerContext {
            mounts: Some(targets.iter().map(mount).collect()),
            image: None,
        }
    }

    fn image(present: &[(&str, bool)]) -> Image {
        Image {
            name: "kolla/httpd:1".to_owned(),
            users: ["root", "keystone"].map(str::to_owned).into(),
            groups: ["root", "kolla"].map(str::to_owned).into(),
            search: vec!["/usr/bin".to_owned()],
            present: present
                .iter()
                .map(|(path, is)| ((*path).to_owned(), *is))
                .collect(),
        }
    }

    fn found(config: &Config, context: &ContainerContext) -> Vec<String> {
        check_in(config, context)
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    #[test]
    fn a_source_that_no_mount_can_hold_is_an_error() {
        let around = mounts(&["/var/lib/kolla/config_files/src", "/etc/pki"]);
        for fine in [
            "/var/lib/kolla/config_files/src/*",
            "/var/lib/kolla/config_files/src/etc/a.conf",
            "/var/lib/kolla/config_files/*/etc",
            "/var/lib/kolla/config_files/s*/etc/*",
            "/var/lib/kolla/config_files",
            "/etc/other/of/the/image",
        ] {
            assert!(found(&source(fine, false), &around).is_empty(), "{fine}");
        }
        let findings = found(
            &source("/var/lib/kolla/config_files/src-ceph/", false),
            &around,
        );
        assert!(
            findings[0].starts_with("error: config_files[0].source"),
            "{findings:?}"
        );
        let findings = found(
            &source("/var/lib/kolla/config_files/src-ceph/", true),
            &around,
        );
        assert!(
            findings[0].starts_with("warning: config_files[0].source"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_glob_without_a_match_on_the_host_is_a_warning() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir(host.path().join("etc")).unwrap();
        let mount = Mount {
            target: "/var/lib/kolla/config_files/src".to_owned(),
            host: Some(host.path().to_owned()),
        };
        let around = ContainerContext {
            mounts: Some(vec![mount]),
            image: None,
        };
        assert!(found(&source("/var/lib/kolla/config_files/src/*", false), &around).is_empty());
        let findings = found(
            &source("/var/lib/kolla/config_files/src/etc/*", false),
            &around,
        );
        assert!(findings[0].contains("matches nothing in "), "{findings:?}");
        assert!(findings[0].starts_with("warning"), "{findings:?}");
        assert!(
            found(
                &source("/var/lib/kolla/config_files/src/etc/*", true),
                &around
            )
            .is_empty()
        );
    }

    #[test]
    fn missing_parts_of_the_image_are_reported() {
        let wanted = config(json!({
            "config_files": [
                {"source": "/opt/a", "dest": "/etc/a", "owner": "keystone:keystone", "perm": "0600"},
                {"source": "/opt/b", "dest": "/etc/b", "owner": "keystne:kolla", "perm": "0600"},
            ],
            "permissions": [
                {"path": "/var/log/keystone", "owner": "root"},
                {"path": "/etc/a", "owner": "root"},
                {"path": "/var/run/x*", "owner": "root", "optional": true},
            ],
        }));
        let around = ContainerContext {
            image: Some(image(&[
                ("/usr/sbin/httpd", false),
                ("/opt/a", false),
                ("/opt/b", true),
                ("/var/log/keystone", false),
                ("/etc/a", false),
                ("/var/run/x*", false),
            ])),
            ..mounts(&["/var/lib/kolla/config_files/src"])
        };
        assert_eq!(
            found(&wanted, &around),
            [
                "error: command: `/usr/sbin/httpd` is not in kolla/httpd:1",
                "error: config_files[0].source: `/opt/a` is neither in kolla/httpd:1 nor in anything that is mounted",
                "error: config_files[0].owner: `keystone:keystone`: kolla/httpd:1 has no group `keystone`",
                "error: config_files[1].owner: `keystne:kolla`: kolla/httpd:1 has no user `keystne`; did you mean keystone?",
                "warning: permissions[0].path: `/var/log/keystone` is neither in kolla/httpd:1, nor mounted, nor made by this config",
            ]
        );
    }

    #[test]
    fn a_command_may_be_copied_or_mounted() {
        let missing = |present: &[(&str, bool)], sections, targets: &[&str]| {
            let around = ContainerContext {
                image: Some(image(present)),
                ..mounts(targets)
            };
            found(&config(sections), &around)
        };
        let absent = [("/usr/sbin/httpd", false), ("/src/httpd", true)];
        assert_eq!(missing(&absent, json!({}), &[]).len(), 1);
        assert!(missing(&absent, json!({}), &["/usr/sbin"]).is_empty());
        let copied = json!({"config_files": [
            {"source": "/src/httpd", "dest": "/usr/sbin/httpd", "owner": "root", "perm": "0755"}
        ]});
        assert!(missing(&absent, copied, &[]).is_empty());
        assert!(missing(&[("/usr/sbin/httpd", true)], json!({}), &[]).is_empty());
    }
}
