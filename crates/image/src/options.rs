//! What a build is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::Base;

/// Everything that decides what is rendered and built. The names and meanings are kolla-build's.
///
/// ```
/// let options = image::Options { tag: "2025.1".to_owned(), ..image::Options::new("images") };
/// assert_eq!(options.reference("keystone"), "slipway/keystone:2025.1");
/// ```
#[derive(Clone)]
pub struct Options {
    /// The tree of templates: the folder that holds `base/Dockerfile.j2`, `macros.j2`, ….
    pub tree: PathBuf,
    /// `--docker-dir`: further trees laid over the first, in order; a file replaces one of the
    /// same path.
    pub docker_dirs: Vec<PathBuf>,
    /// `--base`: the distribution.
    pub base: Base,
    /// `--base-image`: the image `base` starts from. The distribution's own by default.
    pub base_image: Option<String>,
    /// `--base-tag`: that image's tag. The distribution's current one by default.
    pub base_tag: Option<String>,
    /// `--base-arch`: the architecture, as `uname -m` says it.
    pub base_arch: String,
    /// `--registry`: put in front of the namespace.
    pub registry: Option<String>,
    /// `--namespace`: the part of an image's reference before its name.
    pub namespace: String,
    /// `--tag`: the tag given to images.
    pub tag: String,
    /// `--image-name-prefix`: put in front of every image's name.
    pub image_name_prefix: String,
    /// `--template-override`: files whose `set`s and blocks change the templates. The first
    /// extends `parent_template`; further ones are read as if appended to it.
    pub template_overrides: Vec<PathBuf>,
    /// Text of the maintainer label.
    pub maintainer: String,
    /// `--use-dumb-init`: start containers through dumb-init.
    pub use_dumb_init: bool,
    /// `--docker-healthchecks`: put the healthcheck scripts into the images.
    pub docker_healthchecks: bool,
    /// Leave no package cache behind.
    pub clean_package_cache: bool,
    /// Overrides the distribution's package manager.
    pub distro_package_manager: Option<String>,
    /// Overrides the distribution's package type, `deb` or `rpm`.
    pub base_package_type: Option<String>,
    /// `.rpm` and `.repo` files or addresses installed first, on distributions that have them.
    pub rpm_setup_config: Vec<String>,
    /// `--repos-yaml`: package repositories laid over the tree's `repos.yaml`.
    pub repos_yaml: Option<PathBuf>,
    /// `--patches-path`, which templates see as `patches_path`.
    pub patches_path: Option<String>,
    /// `--openstack-release`.
    pub openstack_release: String,
    /// `--openstack-release-codename`.
    pub openstack_release_codename: String,
    /// What templates see as `kolla_version`.
    pub kolla_version: String,
    /// What templates see as `env`: the environment of the build's caller.
    pub env: BTreeMap<String, String>,
    /// The regular expressions that select images by name: an image is built when one of them
    /// matches anywhere in its name, and so are its parents. All images when empty.
    pub regex: Vec<String>,
    /// `--skip-parents`: do not build images that have children in the tree.
    pub skip_parents: bool,
    /// `--skip-existing`: do not build images whose reference the engine knows.
    pub skip_existing: bool,
    /// Build every selected image, whatever the engine already has.
    pub force: bool,
    /// `--nocache` makes this false: whether the engine may reuse its cached layers.
    pub cache: bool,
    /// `--nopull` makes this false: whether a base distribution image that the engine does not
    /// have is pulled.
    pub pull: bool,
    /// `--build-args`: `ARG` values for every image.
    pub build_args: BTreeMap<String, String>,
    /// `--network_mode` of `RUN` steps; the engine's default when `None`.
    pub network_mode: Option<String>,
    /// `--platform`: `os/arch` when it is not the engine's own.
    pub platform: Option<String>,
    /// `--squash`: one layer per image.
    pub squash: bool,
    /// `--threads`: how many images the engine builds at once.
    pub threads: usize,
    /// `--retries`: how often a build is tried again after the *engine* failed. A failed
    /// instruction is never tried again: it fails the same way.
    pub retries: usize,
    /// `--logs-dir`: a folder for one log per image.
    pub logs_dir: Option<PathBuf>,
    /// Files that do not come from the tree: image → name in its context → file on disk. Used
    /// where the image's Dockerfile copies that name and the tree does not have it.
    pub supplied: BTreeMap<String, BTreeMap<String, PathBuf>>,
}

impl Options {
    /// The defaults, for the tree in this folder.
    pub fn new(tree: impl Into<PathBuf>) -> Self {
        Options {
            tree: tree.into(),
            docker_dirs: Vec::new(),
            base: Base::default(),
            base_image: None,
            base_tag: None,
            base_arch: std::env::consts::ARCH.to_owned(),
            registry: None,
            namespace: "slipway".to_owned(),
            tag: "latest".to_owned(),
            image_name_prefix: String::new(),
            template_overrides: Vec::new(),
            maintainer: "Slipway".to_owned(),
            use_dumb_init: true,
            docker_healthchecks: true,
            clean_package_cache: true,
            distro_package_manager: None,
            base_package_type: None,
            rpm_setup_config: Vec::new(),
            repos_yaml: None,
            patches_path: None,
            openstack_release: "2025.1".to_owned(),
            openstack_release_codename: "Epoxy".to_owned(),
            kolla_version: env!("CARGO_PKG_VERSION").to_owned(),
            env: BTreeMap::new(),
            regex: Vec::new(),
            skip_parents: false,
            skip_existing: false,
            force: false,
            cache: true,
            pull: true,
            build_args: BTreeMap::new(),
            network_mode: None,
            platform: None,
            squash: false,
            threads: 8,
            retries: 3,
            logs_dir: None,
            supplied: BTreeMap::new(),
        }
    }

    /// The namespace with its registry, as templates see it.
    pub fn full_namespace(&self) -> String {
        match &self.registry {
            Some(registry) if !registry.is_empty() => format!("{registry}/{}", self.namespace),
            _ => self.namespace.clone(),
        }
    }

    /// The full reference of an image of the tree.
    pub fn reference(&self, image: &str) -> String {
        format!(
            "{}/{}{image}:{}",
            self.full_namespace(),
            self.image_name_prefix,
            self.tag
        )
    }

    /// The reference of the distribution's image that the build starts from.
    pub fn base_reference(&self) -> String {
        format!("{}:{}", self.base_image(), self.base_tag())
    }

    pub(crate) fn base_image(&self) -> &str {
        self.base_image
            .as_deref()
            .unwrap_or_else(|| self.base.default_image())
    }

    pub(crate) fn base_tag(&self) -> &str {
        self.base_tag
            .as_deref()
            .unwrap_or_else(|| self.base.default_tag())
    }
}

/// Shows neither the environment nor build arguments: both carry passwords.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tree", &self.tree)
            .field("docker_dirs", &self.docker_dirs)
            .field("base", &self.base_reference())
            .field("reference", &self.reference("*"))
            .field("template_overrides", &self.template_overrides)
            .field("regex", &self.regex)
            .finish_non_exhaustive()
    }
}
