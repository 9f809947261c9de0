//! The behaviours of a Kolla release's Python code.
//!
//! Slipway does not run that code; it looks for what the code says. Each behaviour is known by a
//! piece of text in the file that has it, so a point release that takes one up early, or a
//! distributor's patched copy, is treated as what it is. The releases that brought them:
//!
//! | behaviour | since | known by |
//! |---|---|---|
//! | `env` in templates | 6 | `env=os.environ` in the worker |
//! | `rm -rf /var/lib/apt/lists/*` after installing | 6 | that text in `methods.py` |
//! | the package cache may stay (`clean_package_cache`) | 8 | that name in `methods.py` |
//! | CentOS 8 beside CentOS 7 | 9 only | `base = 'centos8'` in the worker |
//! | `handle_repos`, one name per repository | 10 | `def handle_repos` in `methods.py` |
//! | `dnf` installs what `rpm_setup_config` names; `yum` before | 10 | `dnf -y install` in the worker |
//! | `--template-only` drops images that were not asked for | 10 | `shutil.rmtree(image.path)` in `build.py` |
//! | `apt-get --error-on=any update` | 12 | `--error-on=any` in `methods.py` |
//! | a user's `repos.yaml` in place of the release's | 12 | `repos_yaml` in `methods.py` |
//! | apt repositories as `.sources` files | 13 | `.sources` in `methods.py` |
//! | their `arch` | 14 | `Architectures:` in `methods.py` |
//! | another section for CentOS Stream 9 | 14 only | `centos9` in `methods.py` and the worker |
//! | another `repos.yaml` for Ubuntu 24.04 | 18 only | `repos-noble.yaml` in `methods.py` |
//! | another `repos.yaml` for EL 10 | 20 only | `repos-el10.yaml` in `methods.py` |
//! | `raise_error` | 20 | `def raise_error` in `methods.py` |
//! | a `patches` directory in every context | 20 | `create_patch_files` in `build.py` |
//! | sections by package type, `.repo` files | 21 | `DNF_REPO` in `methods.py` |
//! | a user's `repos.yaml` over the release's, apt repositories that the distribution has | 23, and its branch before | `def _build_repo_list` in `methods.py` |
//! | `org.opencontainers.image` labels | 22 | `oci_labels` in the worker |
//! | labels of Kolla's own source and revision | 22 | `_get_scm_labels` in the worker |
//! | a `build-date` label | 23 | `'build-date'` in `tasks.py` |
//! | `ARG`s for pip's options | 23 | `PIP_INDEX_URL` in the worker |
//!
//! The variables that templates see are the keys of the dictionary in the worker that holds them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::error::Result;
use crate::place::Place;
use crate::python::Module;

/// A release's behaviours. The default is that of the images Slipway comes with: the newest.
#[derive(Clone, Debug)]
pub struct Release {
    /// The names that templates see; all that are known when `None`.
    pub variables: Option<BTreeSet<String>>,
    /// Templates see `env`.
    pub has_env: bool,
    /// The form of package installation.
    pub install: Install,
    /// The form of `handle_repos`, where there is one.
    pub repos: Option<Repos>,
    /// The release's own `repos.yaml` files.
    pub repos_files: ReposFiles,
    /// Templates can call `raise_error`.
    pub has_raise_error: bool,
    /// The command that installs a package of `rpm_setup_config`.
    pub rpm_installer: &'static str,
    /// `--template-only` leaves out images that were not asked for.
    pub drops_unmatched: bool,
    /// Every context has a directory of patches.
    pub has_patches: bool,
    /// Pip's options become `ARG`s.
    pub has_pip_args: bool,
    /// The labels that images get beside those of their Dockerfiles.
    pub labels: Labels,
    /// CentOS 8 is a distribution of its own in tables.
    pub has_centos8: bool,
    /// CentOS Stream 9 is a distribution of its own in tables.
    pub has_centos9: bool,
}

/// The labels that images get beside those of their Dockerfiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Title, description, version and the like (`org.opencontainers.image.…`).
    pub has_oci: bool,
    /// The source and the revision of Kolla itself are among them.
    pub has_provenance: bool,
    /// `build-date`.
    pub has_build_date: bool,
}

impl Default for Labels {
    fn default() -> Self {
        Labels {
            has_oci: true,
            has_provenance: false,
            has_build_date: true,
        }
    }
}

/// The forms of `debian_package_install`.
#[derive(Clone, Copy, Debug)]
pub struct Install {
    /// Any error of `apt-get update` ends it.
    pub stops_on_errors: bool,
    /// The package lists are removed.
    pub removes_lists: bool,
    /// It has an option that keeps the cache.
    pub may_keep_cache: bool,
}

/// The forms of `handle_repos`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repos {
    /// Each repository is one line of text.
    Lines,
    /// Those of apt are `.sources` files.
    Sources {
        /// They may be of one architecture.
        has_arch: bool,
    },
    /// Both kinds are files.
    Files,
    /// Files over those of the distribution, which `cleanup_repos` takes back where there is one.
    FilesWithCleanup,
}

/// The release's files of repositories.
#[derive(Clone, Debug, Default)]
pub struct ReposFiles {
    /// For every distribution without its own.
    pub common: Option<PathBuf>,
    /// For Ubuntu 24.04.
    pub noble: Option<PathBuf>,
    /// For CentOS Stream 10 and Rocky Linux 10.
    pub el10: Option<PathBuf>,
    /// A user's file is read.
    pub may_be_overridden: bool,
}

impl Default for Release {
    fn default() -> Self {
        Release {
            variables: None,
            has_env: true,
            install: Install {
                stops_on_errors: true,
                removes_lists: true,
                may_keep_cache: true,
            },
            repos: Some(Repos::FilesWithCleanup),
            repos_files: ReposFiles {
                may_be_overridden: true,
                ..ReposFiles::default()
            },
            has_raise_error: true,
            rpm_installer: "dnf",
            drops_unmatched: true,
            has_patches: false,
            has_pip_args: true,
            labels: Labels::default(),
            has_centos8: false,
            has_centos9: false,
        }
    }
}

impl Release {
    /// Recognises a release's behaviours in its files.
    pub(crate) fn read(place: &Place, worker: &Module, build: &str) -> Result<Release> {
        let methods = place.text("template/methods.py")?;
        let worker_text = match place.package.join("image/kolla_worker.py").is_file() {
            true => place.text("image/kolla_worker.py")?,
            false => build.to_owned(),
        };
        let tasks = place.optional_text("image/tasks.py")?.unwrap_or_default();
        let values = worker.method("KollaWorker", "create_dockerfiles");
        let file = |name: &str| {
            let path = place.package.join("template").join(name);
            (methods.contains(name) && path.is_file()).then_some(path)
        };
        Ok(Release {
            variables: values
                .and_then(|function| function.keys_of("values"))
                .map(|keys| keys.into_iter().collect()),
            has_env: worker_text.contains("env=os.environ"),
            install: Install {
                stops_on_errors: methods.contains("--error-on=any"),
                removes_lists: methods.contains("rm -rf /var/lib/apt/lists/*"),
                may_keep_cache: methods.contains("clean_package_cache"),
            },
            repos: repos(&methods),
            repos_files: ReposFiles {
                common: file("repos.yaml"),
                noble: file("repos-noble.yaml"),
                el10: file("repos-el10.yaml"),
                may_be_overridden: methods.contains("repos_yaml"),
            },
            has_raise_error: methods.contains("def raise_error"),
            rpm_installer: match worker_text.contains("dnf -y install") {
                true => "dnf",
                false => "yum",
            },
            drops_unmatched: build.contains("shutil.rmtree(image.path)"),
            has_patches: build.contains("create_patch_files"),
            has_pip_args: worker_text.contains("PIP_INDEX_URL"),
            labels: Labels {
                has_oci: worker_text.contains("oci_labels"),
                has_provenance: worker_text.contains("_get_scm_labels"),
                has_build_date: tasks.contains("'build-date'"),
            },
            has_centos8: worker_text.contains("base = 'centos8'"),
            has_centos9: methods.contains("centos9"),
        })
    }
}

fn repos(methods: &str) -> Option<Repos> {
    if !methods.contains("def handle_repos") {
        None
    } else if methods.contains("def _build_repo_list") {
        Some(Repos::FilesWithCleanup)
    } else if methods.contains("DNF_REPO") {
        Some(Repos::Files)
    } else if methods.contains(".sources") {
        Some(Repos::Sources {
            has_arch: methods.contains("Architectures:"),
        })
    } else {
        Some(Repos::Lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_repositories_is_told_by_the_code() {
        let form = |text: &str| repos(&format!("def handle_repos(\n{text}"));
        assert_eq!(repos("def other("), None);
        assert_eq!(form(""), Some(Repos::Lines));
        let sources = |has_arch| Some(Repos::Sources { has_arch });
        assert_eq!(form("{repo}.sources"), sources(false));
        assert_eq!(form(".sources Architectures:"), sources(true));
        assert_eq!(form(".sources DNF_REPO ="), Some(Repos::Files));
        // The branch of release 23 had it before `cleanup_repos`, indented.
        for text in [
            "    def _build_repo_list(data):",
            "def cleanup_repos(\ndef _build_repo_list(",
        ] {
            assert_eq!(
                form(&format!("DNF_REPO {text}")),
                Some(Repos::FilesWithCleanup)
            );
        }
    }
}
