//! What a build is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use slipway_kolla_release::{Base, Kolla, UserChange};

use crate::ImageSources;
use crate::error::Result;

/// Everything that decides what is rendered and built. The names and meanings are kolla-build's.
///
/// ```
/// let options = slipway_image::Options { tag: Some("2025.1".to_owned()), ..slipway_image::Options::new("images") };
/// assert_eq!(options.reference("keystone"), "slipway/keystone:2025.1");
/// ```
#[derive(Clone)]
pub struct Options {
    /// The tree of templates: the folder that holds `base/Dockerfile.j2`, `macros.j2`, ….
    pub tree: PathBuf,
    /// `--kolla`: the Kolla that the tree is of, from which everything comes that is not said
    /// here.
    pub kolla: Option<Arc<Kolla>>,
    /// `--docker-dir`: further trees laid over the first, in order; a file replaces one of the
    /// same path.
    pub docker_dirs: Vec<PathBuf>,
    /// `--base`: the distribution.
    pub base: Base,
    /// `--type`: how OpenStack is installed, in releases of Kolla that have a choice.
    pub install_type: Option<String>,
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
    /// `--tag`: the tag given to images. What the Kolla makes it, or `latest`, when `None`.
    pub tag: Option<String>,
    /// `--image-name-prefix`: put in front of every image's name. Releases of Kolla that have
    /// install types put `<base>-<type>-` there when it is empty.
    pub image_name_prefix: String,
    /// `--infra-rename`: in releases of Kolla that have it, name images that are of no install
    /// type `<base>-infra-…`.
    pub infra_rename: bool,
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
    /// Accounts that a configuration changes or adds, by name without `-user`.
    pub users: BTreeMap<String, UserChange>,
    /// `apt_sources_list`: a file that becomes the base image's `sources.list`.
    pub apt_sources_list: Option<PathBuf>,
    /// `apt_preferences`: a file that becomes the base image's `apt_preferences`.
    pub apt_preferences: Option<PathBuf>,
    /// `pip_index_url`, `pip_trusted_host` and `pip_extra_index_url`: those that are there become
    /// `ARG`s of every image.
    pub pip: Pip,
    /// Overrides the distribution's package manager.
    pub distro_package_manager: Option<String>,
    /// Overrides the distribution's package type, `deb` or `rpm`.
    pub base_package_type: Option<String>,
    /// `.rpm` and `.repo` files or addresses installed first, on distributions that have them.
    pub rpm_setup_config: Vec<String>,
    /// `--repos-yaml`: package repositories laid over the tree's `repos.yaml`.
    pub repos_yaml: Option<PathBuf>,
    /// `--patches-path`: a folder of patches, one folder for each image.
    pub patches_path: Option<String>,
    /// `--openstack-release`.
    pub openstack_release: String,
    /// `--openstack-release-codename`.
    pub openstack_release_codename: String,
    /// `--openstack-branch`; made from the release when `None`.
    pub openstack_branch: Option<String>,
    /// `--openstack-branch-slashed`; made from the release when `None`.
    pub openstack_branch_slashed: Option<String>,
    /// What templates see as `kolla_version`.
    pub kolla_version: String,
    /// What templates see as `env`: the environment of the build's caller.
    pub env: BTreeMap<String, String>,
    /// The regular expressions that select images by name: an image is built when one of them
    /// matches anywhere in its name, and so are its parents. All images when empty.
    pub regex: Vec<String>,
    /// `--enable-unbuildable`: build also what the Kolla says cannot be built.
    pub enable_unbuildable: bool,
    /// `--skip-parents`: do not build images that have children in the tree.
    pub skip_parents: bool,
    /// `--skip-existing`: do not build images whose reference the engine knows.
    pub skip_existing: bool,
    /// Build every selected image, whatever the engine already has.
    pub force: bool,
    /// `--nocache` makes this false: whether the engine may reuse its cached layers.
    pub cache: bool,
    /// `--nopull` makes this false: whether a base distribution image, or a skipped parent, that
    /// the engine does not have is pulled.
    pub pull: bool,
    /// `--pull`: pull the base distribution's images even where the engine has them.
    pub pull_anew: bool,
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
    /// `--retries`: how often a build is tried again after the engine or the network failed. An
    /// instruction that failed for another reason is not tried again: it fails the same way.
    pub retries: usize,
    /// Sources, plugins and additions, by image.
    pub sources: BTreeMap<String, ImageSources>,
    /// Where downloaded archives of known digest are kept; nowhere when `None`.
    pub source_cache: Option<PathBuf>,
    /// `--timeout`: how long a download may stand still.
    pub timeout: Duration,
    /// How long an instruction may say nothing; as long as it likes when `None`.
    pub build_timeout: Option<Duration>,
    /// `--buildkit`: build with BuildKit, where the engine is Docker.
    pub buildkit: bool,
    /// `--keep`: leave the containers of failed steps.
    pub keep: bool,
    /// `--push`: push images when they are there.
    pub push: bool,
    /// `--push-threads`: how many images are pushed at once.
    pub push_threads: usize,
    /// The file with the key of the hashes of build arguments in labels. Without one, each run has
    /// a key of its own, and builds images with build arguments again.
    pub key_file: Option<PathBuf>,
    /// `--logs-dir`: a folder for one log per image.
    pub logs_dir: Option<PathBuf>,
    /// The command that builds with these options, for messages that say how to repeat it for one
    /// image, which is put behind it.
    pub command: String,
    /// Files that do not come from the tree: image → name in its context → file on disk. Used
    /// where the image's Dockerfile copies that name and the tree does not have it.
    pub supplied: BTreeMap<String, BTreeMap<String, PathBuf>>,
}

/// What pip is told in builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pip {
    /// `pip_index_url`.
    pub index_url: Option<String>,
    /// `pip_trusted_host`.
    pub trusted_host: Option<String>,
    /// `pip_extra_index_url`.
    pub extra_index_url: Option<String>,
}

impl Options {
    /// The defaults, for the tree in this folder.
    pub fn new(tree: impl Into<PathBuf>) -> Self {
        Options {
            tree: tree.into(),
            kolla: None,
            install_type: None,
            infra_rename: false,
            users: BTreeMap::new(),
            apt_sources_list: None,
            apt_preferences: None,
            pip: Pip::default(),
            openstack_branch: None,
            openstack_branch_slashed: None,
            enable_unbuildable: false,
            docker_dirs: Vec::new(),
            base: Base::default(),
            base_image: None,
            base_tag: None,
            base_arch: std::env::consts::ARCH.to_owned(),
            registry: None,
            namespace: "slipway".to_owned(),
            tag: None,
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
            pull_anew: false,
            build_args: BTreeMap::new(),
            network_mode: None,
            platform: None,
            squash: false,
            threads: 8,
            retries: 3,
            sources: BTreeMap::new(),
            source_cache: None,
            timeout: Duration::from_secs(120),
            build_timeout: None,
            buildkit: false,
            keep: false,
            push: false,
            push_threads: 1,
            key_file: None,
            logs_dir: None,
            command: "slipway build".to_owned(),
            supplied: BTreeMap::new(),
        }
    }

    /// The defaults of a Kolla, for one of the distributions it builds on, or its own choice.
    pub fn of(kolla: Arc<Kolla>, base: Option<&str>) -> Result<Self> {
        let text = |option| kolla.text_default(option);
        let base = match base {
            Some(base) => base.to_owned(),
            None => text("base").unwrap_or_else(|| Base::default().to_string()),
        };
        kolla.check_base(&base)?;
        let defaults = Options::new(kolla.templates());
        Ok(Options {
            base: base.parse().map_err(slipway_kolla_release::Error::from)?,
            install_type: text("type").filter(|_| !kolla.install_types().is_empty()),
            namespace: text("namespace").unwrap_or(defaults.namespace),
            maintainer: text("maintainer").unwrap_or(defaults.maintainer),
            openstack_release: text("openstack-release").unwrap_or(defaults.openstack_release),
            openstack_release_codename: text("openstack-release-codename").unwrap_or_default(),
            kolla_version: kolla.shown_version().to_owned(),
            rpm_setup_config: kolla.list_default("rpm_setup_config"),
            kolla: Some(kolla),
            ..defaults
        })
    }

    /// The namespace with its registry, as templates see it.
    pub fn full_namespace(&self) -> String {
        match &self.registry {
            Some(registry) if !registry.is_empty() => format!("{registry}/{}", self.namespace),
            _ => self.namespace.clone(),
        }
    }

    /// The tag given to images.
    pub fn tag(&self) -> String {
        let kolla = || self.kolla.as_ref();
        match (&self.tag, kolla()) {
            (Some(tag), _) => tag.clone(),
            (None, None) => "latest".to_owned(),
            (None, Some(kolla)) if kolla.tags_with_version() => kolla.version().to_owned(),
            (None, Some(_)) => {
                let (release, base) = (&self.openstack_release, self.base);
                format!("{release}-{base}-{}", self.base_tag())
            }
        }
    }

    /// What stands before every image's name.
    pub fn image_prefix(&self) -> String {
        match self.metatype() {
            Some((install_type, _)) if self.image_name_prefix.is_empty() => {
                format!("{}-{install_type}-", self.base)
            }
            _ => self.image_name_prefix.clone(),
        }
    }

    /// The reference of an image that is of no install type, where such have names of their own.
    pub(crate) fn infra_reference(&self, image: &str) -> Option<String> {
        let prefix = self.infra_prefix()?;
        let (namespace, tag) = (self.full_namespace(), self.tag());
        Some(format!("{namespace}/{prefix}{image}:{tag}"))
    }

    /// What stands before the names of such images.
    pub(crate) fn infra_prefix(&self) -> Option<String> {
        let kolla = self.kolla.as_ref().filter(|_| self.infra_rename)?;
        let has_it = kolla.has_option("infra-rename") && self.metatype().is_some();
        has_it.then(|| format!("{}-infra-", self.base))
    }

    /// The install type as templates see it, and where its packages come from; `None` where the
    /// Kolla has no install types.
    pub(crate) fn metatype(&self) -> Option<(&str, &'static str)> {
        let has_types = self.kolla.as_ref().is_some_and(|k| k.has_types());
        Some(match self.install_type.as_deref().filter(|_| has_types)? {
            "binary" | "rdo" => ("binary", "rdo"),
            "rhos" => ("binary", "rhos"),
            other => (other, "mixed"),
        })
    }

    /// The full reference of an image of the tree.
    pub fn reference(&self, image: &str) -> String {
        format!(
            "{}/{}{image}:{}",
            self.full_namespace(),
            self.image_prefix(),
            self.tag()
        )
    }

    /// The reference of the distribution's image that the build starts from.
    pub fn base_reference(&self) -> String {
        format!("{}:{}", self.base_image(), self.base_tag())
    }

    pub(crate) fn base_image(&self) -> String {
        let of_kolla = || Some(self.kolla.as_ref()?.base_image(self.base.name())?.0);
        let given = self.base_image.clone().filter(|image| !image.is_empty());
        given
            .or_else(of_kolla)
            .unwrap_or_else(|| self.base.default_image().to_owned())
    }

    pub(crate) fn base_tag(&self) -> String {
        let of_kolla = || Some(self.kolla.as_ref()?.base_image(self.base.name())?.1);
        let given = self.base_tag.clone();
        given
            .or_else(of_kolla)
            .unwrap_or_else(|| self.base.default_tag().to_owned())
    }

    /// What a Kolla's worker is told, as it names it.
    pub(crate) fn conf(&self) -> BTreeMap<String, Value> {
        let text = |value: &str| Value::String(value.to_owned());
        let install_type = self.install_type.as_deref().map_or(Value::Null, text);
        let both = ["conf", "self.conf"].into_iter().flat_map(|conf| {
            [
                (format!("{conf}.base"), text(self.base.name())),
                (format!("{conf}.base_tag"), text(&self.base_tag())),
                (format!("{conf}.base_arch"), text(&self.base_arch)),
                (format!("{conf}.install_type"), install_type.clone()),
            ]
        });
        both.collect()
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
