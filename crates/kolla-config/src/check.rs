//! Checks of a config.json that need nothing else.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::config::{Config, ConfigFile, Created, Permission, parse_perm, user_group};
use crate::glob::{has_magic, matches};

/// The severity of a [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It works, but probably not as intended.
    Warning,
    /// A container that reads it fails or loses files.
    Error,
}

/// A problem and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The place in config.json, such as `config_files[0].dest`.
    pub path: String,
    /// The problem, and what to do about it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}: {}", self.path, self.message)
    }
}

/// Returns the problems of `config` that can be found without its container.
///
/// ```
/// let config: slipway_kolla_config::Config = serde_json::from_str(
///     r#"{"command": "true", "permissions": [{"path": "var/log", "owner": "root"}]}"#,
/// )?;
/// let findings = slipway_kolla_config::check(&config);
/// assert_eq!(findings[0].to_string(), "error: permissions[0].path: `var/log` is not an absolute path");
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.command(&config.command);
    for (index, file) in config.config_files.iter().flatten().enumerate() {
        findings.within(format!("config_files[{index}]"), |found| {
            found.config_file(file)
        });
    }
    findings.written_twice(config.config_files.as_deref().unwrap_or_default());
    findings.in_the_way_of_a_glob(config.config_files.as_deref().unwrap_or_default());
    for (section, entries) in [
        ("directories", &config.directories),
        ("files", &config.files),
    ] {
        for (index, created) in entries.iter().flatten().enumerate() {
            findings.within(format!("{section}[{index}]"), |found| {
                found.created(created)
            });
        }
    }
    for (index, permission) in config.permissions.iter().flatten().enumerate() {
        findings.within(format!("permissions[{index}]"), |found| {
            found.permission(permission)
        });
    }
    findings.found
}

#[derive(Default)]
struct Findings {
    entry: String,
    found: Vec<Finding>,
}

impl Findings {
    fn within(&mut self, entry: String, check: impl FnOnce(&mut Findings)) {
        self.entry = entry;
        check(self);
        self.entry.clear();
    }

    fn add(&mut self, severity: Severity, key: &str, message: impl Into<String>) {
        let separator = if self.entry.is_empty() || key.is_empty() {
            ""
        } else {
            "."
        };
        let path = format!("{}{separator}{key}", self.entry);
        self.found.push(Finding {
            severity,
            path,
            message: message.into(),
        });
    }

    fn error(&mut self, key: &str, message: impl Into<String>) {
        self.add(Severity::Error, key, message);
    }

    fn warning(&mut self, key: &str, message: impl Into<String>) {
        self.add(Severity::Warning, key, message);
    }

    fn command(&mut self, command: &str) {
        if command.trim().is_empty() {
            self.error(
                "command",
                "is empty: the container would have nothing to run",
            );
        } else if command.contains(['"', '\'']) {
            self.warning(
                "command",
                "has quotes, and no shell will read it: it is split at spaces, quotes are kept",
            );
        }
    }

    fn config_file(&mut self, file: &ConfigFile) {
        self.absolute("source", &file.source);
        self.absolute("dest", &file.dest);
        if has_magic(&file.dest) {
            self.warning(
                "dest",
                format!(
                    "`{}`: globs have no meaning here; the characters are taken as they are",
                    file.dest
                ),
            );
        }
        self.source_and_dest(file);
        self.properties(file);
        self.exclude(file.exclude.as_deref());
        for (key, given) in [
            ("exclude", file.exclude.is_some()),
            ("ignore_globs", file.ignore_globs.is_some()),
        ] {
            if given {
                self.warning(
                    key,
                    "Kolla's own kolla_set_configs refuses this key; only Slipway's knows it",
                );
            }
        }
    }

    /// Reports a copy that deletes its own source: without `merge` the destination is deleted first.
    fn source_and_dest(&mut self, file: &ConfigFile) {
        let (source, dest) = (file.source.trim_end_matches('/'), effective_dest(file));
        let dest = dest.trim_end_matches('/');
        if source == dest {
            self.error("dest", "is the source itself");
        } else if source
            .strip_prefix(dest)
            .is_some_and(|rest| rest.starts_with('/'))
            && !is_merge(file)
        {
            self.error(
                "dest",
                "holds the source, which would be deleted before it is copied; set `merge`",
            );
        } else if dest
            .strip_prefix(source)
            .is_some_and(|rest| rest.starts_with('/'))
            && !has_magic(source)
        {
            self.error("dest", "is inside of the source");
        } else if file.dest.chars().all(|c| c == '/') && has_magic(source) && !is_merge(file) {
            self.warning(
                "dest",
                "top-level directories such as /etc are deleted for those copied here; set `merge`",
            );
        }
    }

    fn properties(&mut self, file: &ConfigFile) {
        let preserve = file.preserve_properties == Some(true);
        for (key, value) in [("owner", &file.owner), ("perm", &file.perm)] {
            match (value, preserve) {
                (None, false) => self.error(
                    "",
                    format!(
                        "has no `{key}`; give `owner` and `perm`, or set `preserve_properties`"
                    ),
                ),
                (Some(_), true) => {
                    self.warning(key, "is without effect together with `preserve_properties`")
                }
                _ => {}
            }
        }
        self.owner(file.owner.as_deref());
        self.perm(file.perm.as_deref());
    }

    fn created(&mut self, created: &Created) {
        self.absolute("path", &created.path);
        if has_magic(&created.path) {
            self.error(
                "path",
                format!(
                    "`{}` is a glob; only plain paths can be created",
                    created.path
                ),
            );
        }
        self.owner(Some(&created.owner));
        self.perm(Some(&created.perm));
        self.recursion(created.recurse, created.exclude.as_deref());
    }

    fn permission(&mut self, permission: &Permission) {
        self.absolute("path", &permission.path);
        self.owner(Some(&permission.owner));
        self.perm(permission.perm.as_deref());
        self.recursion(permission.recurse, permission.exclude.as_deref());
    }

    fn absolute(&mut self, key: &str, path: &str) {
        if !path.starts_with('/') {
            self.error(key, format!("`{path}` is not an absolute path"));
        } else if path.contains('\0') {
            self.error(key, "has a NUL character, which no path can have");
        } else if path.split('/').any(|name| name == "..") {
            self.error(
                key,
                format!("`{path}` goes up with `..`; write the path that is meant"),
            );
        }
    }

    fn owner(&mut self, owner: Option<&str>) {
        let Some(owner) = owner else { return };
        let (user, group) = user_group(owner);
        if user.is_empty() || group.contains(':') {
            self.error(
                "owner",
                format!("`{owner}` is neither `user` nor `user:group`"),
            );
        } else if [user, group]
            .iter()
            .any(|name| name.bytes().all(|b| b.is_ascii_digit()))
        {
            self.warning(
                "owner",
                format!("`{owner}` is looked up by name; numeric ids are not understood"),
            );
        }
    }

    fn perm(&mut self, perm: Option<&str>) {
        if let Some(perm) = perm.filter(|perm| parse_perm(perm).is_none()) {
            self.error(
                "perm",
                format!("`{perm}` is not a mode of three or four octal digits, such as 0600"),
            );
        }
    }

    fn recursion(&mut self, recurse: Option<bool>, exclude: Option<&[String]>) {
        self.exclude(exclude);
        let patterns = exclude.unwrap_or_default().len();
        if patterns > 0 && recurse != Some(true) {
            self.warning("exclude", "is without effect without `recurse`");
        } else if patterns > 1 {
            self.warning(
                "exclude",
                "leaves out only what all of its patterns match; join alternatives with `|`",
            );
        }
    }

    fn exclude(&mut self, exclude: Option<&[String]>) {
        for (index, pattern) in exclude.unwrap_or_default().iter().enumerate() {
            if let Err(error) = crate::exclude::pattern(pattern) {
                self.error(
                    &format!("exclude[{index}]"),
                    format!("`{pattern}` is not a regular expression: {error}"),
                );
            }
        }
    }

    fn written_twice(&mut self, files: &[ConfigFile]) {
        let mut first = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            let dest = effective_dest(file);
            // The destinations of a glob's matches are not known here.
            if dest.ends_with('/') {
                continue;
            }
            let earlier = *first.entry(dest.clone()).or_insert(index);
            if earlier != index && !is_merge(file) {
                let message = format!("`{dest}` is written by config_files[{earlier}] already");
                self.within(format!("config_files[{index}]"), |found| {
                    found.error("dest", message)
                });
            }
        }
    }

    /// Warns of a glob that may match a file name that another entry writes: the later entry wins.
    fn in_the_way_of_a_glob(&mut self, files: &[ConfigFile]) {
        for (index, glob) in files.iter().enumerate() {
            let name = split(&glob.source).1;
            if !glob.dest.ends_with('/') || !has_magic(name) || is_merge(glob) {
                continue;
            }
            let same_name = |file: &ConfigFile| {
                let dest = effective_dest(file);
                let (dir, written) = split(&dest);
                dir == glob.dest.trim_end_matches('/') && matches(name, written.as_bytes())
            };
            let others = files
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            let others = others.filter(|(_, file)| same_name(file));
            for (other, file) in others {
                let message = format!(
                    "`{}` may bring `{}`, which config_files[{other}] writes too",
                    glob.source,
                    effective_dest(file)
                );
                self.within(format!("config_files[{index}]"), |found| {
                    found.warning("source", message);
                });
            }
        }
    }
}

/// Splits a path into directory and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn is_merge(file: &ConfigFile) -> bool {
    file.merge == Some(true)
}

/// Returns the path that is written: a `dest` with a trailing slash gets the source's name.
fn effective_dest(file: &ConfigFile) -> String {
    let name = file.source.rsplit('/').next().unwrap_or_default();
    if file.dest.ends_with('/') && !has_magic(name) {
        format!("{}{name}", file.dest)
    } else {
        file.dest.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(entries: &str) -> Vec<String> {
        let config: Config =
            serde_json::from_str(&format!(r#"{{"command": "true", {entries}}}"#)).unwrap();
        check(&config).iter().map(Finding::to_string).collect()
    }

    fn file(keys: &str) -> Vec<String> {
        findings(&format!(r#""config_files": [{{{keys}}}]"#))
    }

    #[test]
    fn real_config_files_have_no_errors() {
        let keys = r#""source": "/var/lib/kolla/config_files/src/*", "dest": "/", "merge": true, "preserve_properties": true"#;
        assert_eq!(file(keys), Vec::<String>::new());
        let keys = r#""source": "/src/a.conf", "dest": "/etc/a/", "owner": "a:b", "perm": "0600""#;
        assert_eq!(file(keys), Vec::<String>::new());
        let entries = r#""permissions": [{"path": "/var/log/*", "owner": "a", "recurse": true, "exclude": ["^/x|^/y"]}]"#;
        assert_eq!(findings(entries), Vec::<String>::new());
    }

    #[test]
    fn a_file_without_owner_and_perm_is_an_error() {
        let found = file(r#""source": "/a", "dest": "/b""#);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("error: config_files[0]: has no `owner`"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn paths_owners_and_perms_are_checked() {
        let found = file(r#""source": "a", "dest": "/b/../c", "owner": ":x", "perm": "0689""#);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].contains("config_files[0].source: `a` is not an absolute path"));
        assert!(found[1].contains("config_files[0].dest: `/b/../c` goes up"));
        assert!(found[2].contains("config_files[0].owner: `:x` is neither"));
        assert!(found[3].contains("config_files[0].perm: `0689` is not a mode"));
    }

    #[test]
    fn a_source_that_would_be_lost_is_an_error() {
        for (source, dest) in [
            ("/etc/a", "/etc/a"),
            ("/etc/a/b", "/etc/a"),
            ("/etc/a", "/etc/"),
            ("/a", "/a/b"),
        ] {
            let keys =
                format!(r#""source": "{source}", "dest": "{dest}", "preserve_properties": true"#);
            assert!(
                file(&keys)[0].starts_with("error: config_files[0].dest"),
                "{source} {dest}"
            );
        }
    }

    #[test]
    fn a_destination_written_twice_is_an_error_unless_merged() {
        let twice = |merge| {
            findings(&format!(
                r#""config_files": [
                    {{"source": "/x/a", "dest": "/etc/", "preserve_properties": true}},
                    {{"source": "/y/a", "dest": "/etc/a", "preserve_properties": true, "merge": {merge}}}]"#
            ))
        };
        assert_eq!(
            twice(false),
            ["error: config_files[1].dest: `/etc/a` is written by config_files[0] already"]
        );
        assert_eq!(twice(true), Vec::<String>::new());
    }

    #[test]
    fn created_paths_may_not_be_globs() {
        let found = findings(r#""directories": [{"path": "/a*", "owner": "a", "perm": "0755"}]"#);
        assert!(
            found[0].contains("directories[0].path: `/a*` is a glob"),
            "{found:?}"
        );
    }

    #[test]
    fn patterns_are_compiled() {
        let found = findings(
            r#""permissions": [{"path": "/a", "owner": "a", "recurse": true, "exclude": ["("]}]"#,
        );
        assert!(
            found[0].contains("permissions[0].exclude[0]: `(` is not a regular expression"),
            "{found:?}"
        );
    }

    #[test]
    fn an_empty_command_is_an_error_and_quotes_a_warning() {
        let check = |command: &str| {
            let config = serde_json::from_value(serde_json::json!({ "command": command })).unwrap();
            check(&config)
                .iter()
                .map(|finding| finding.severity)
                .collect::<Vec<_>>()
        };
        assert_eq!(check(" "), [Severity::Error]);
        assert_eq!(check("sh -c 'a b'"), [Severity::Warning]);
        assert_eq!(check("httpd -DFOREGROUND"), []);
    }

    #[test]
    fn a_glob_that_may_overlap_another_entry_is_a_warning() {
        let both = |name: &str| {
            findings(&format!(
                r#""config_files": [
                    {{"source": "/src/*.conf", "dest": "/etc/a/", "owner": "root", "perm": "0600"}},
                    {{"source": "/other/{name}", "dest": "/etc/a/", "owner": "root", "perm": "0600"}}
                ]"#
            ))
        };
        assert_eq!(
            both("b.conf"),
            [
                "warning: config_files[0].source: `/src/*.conf` may bring `/etc/a/b.conf`, which config_files[1] writes too"
            ]
        );
        assert!(both("b.json").is_empty());
    }
}
