//! The typed configuration of a build.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use slipway_kolla_release::{Base, Kolla, UserChange};
use slipway_oslo_config::{ConfigError, ConfigFiles, Settings};

use super::SCHEMA;
use crate::ImageSources;
use crate::error::Result;

/// The options of rendering and building images.
///
/// The first part has one field for each of kolla-build's options, named as its key, and is read
/// from the command line, the environment and files by [`Configuration::load`]; see
/// [`OPTIONS`](super::OPTIONS) for their meanings and defaults. An option without a field, or a field
/// without an option, is an error of every run. The second part is not kolla-build's.
///
/// ```
/// let mut config = slipway_image::BuildConfig::new("images")?;
/// config.tag = Some("2025.1".to_owned());
/// assert_eq!(config.reference("keystone"), "slipway/keystone:2025.1");
/// # Ok::<(), slipway_image::Error>(())
/// ```
///
/// [`Configuration::load`]: super::Configuration::load
#[derive(Clone, Deserialize)]
pub struct BuildConfig {
    /// Patterns of image names; all images when empty.
    pub regex: Vec<String>,
    /// Profiles that select images where there are no patterns.
    #[serde(rename = "profile")]
    pub profiles: Vec<String>,
    /// Leave out images that have children in the tree.
    pub skip_parents: bool,
    /// Leave out images whose reference the engine has.
    pub skip_existing: bool,
    /// Also build the images that cannot be built according to the Kolla.
    pub enable_unbuildable: bool,
    /// Images whose failure does not fail the build.
    pub allowed_to_fail: Vec<String>,

    /// The distribution.
    #[serde(deserialize_with = "parsed")]
    pub base: Base,
    /// The image that `base` is built from; the distribution's own when `None`.
    pub base_image: Option<String>,
    /// The tag of that image; the distribution's current one when `None`.
    pub base_tag: Option<String>,
    /// The architecture, as `uname -m` prints it.
    pub base_arch: String,
    /// The architecture's name in Debian.
    pub debian_arch: Option<String>,
    /// Install OpenStack from packages or sources, in releases of Kolla that have a choice.
    pub install_type: Option<String>,
    /// Template overrides. The first extends `parent_template`; further ones are read as if
    /// appended to it.
    #[serde(rename = "template_override")]
    pub template_overrides: Vec<PathBuf>,
    /// Further trees laid over the first, in order; a file replaces one of the same path.
    #[serde(rename = "docker_dir")]
    pub docker_dirs: Vec<PathBuf>,
    /// Directory of patches, one directory for each image.
    pub patches_path: Option<String>,
    /// Directory that local sources are relative to.
    pub locals_base: String,
    /// Address of OpenStack's tarballs.
    pub tarballs_base: String,
    /// The OpenStack release.
    pub openstack_release: String,
    /// Its name in package repositories.
    #[serde(deserialize_with = "or_empty")]
    pub openstack_release_codename: String,
    /// The branch of sources; made from the release when `None`.
    pub openstack_branch: Option<String>,
    /// The same with a slash; made from the release when `None`.
    pub openstack_branch_slashed: Option<String>,
    /// Package repositories laid over the tree's `repos.yaml`.
    #[serde(deserialize_with = "path")]
    pub repos_yaml: Option<PathBuf>,
    /// `.rpm` and `.repo` files or addresses installed first, on distributions that have them.
    pub rpm_setup_config: Vec<String>,
    /// A file that becomes the base image's `sources.list`.
    #[serde(deserialize_with = "path")]
    pub apt_sources_list: Option<PathBuf>,
    /// A file that becomes the base image's `apt_preferences`.
    #[serde(deserialize_with = "path")]
    pub apt_preferences: Option<PathBuf>,
    /// The package manager; the distribution's when `None`.
    pub distro_package_manager: Option<String>,
    /// The package type, `deb` or `rpm`; the distribution's when `None`.
    pub base_package_type: Option<String>,
    /// Start containers through dumb-init.
    pub use_dumb_init: bool,
    /// Put the healthcheck scripts into the images.
    pub docker_healthchecks: bool,
    /// Leave no package cache behind.
    pub clean_package_cache: bool,
    /// Index of Python packages.
    pub pip_index_url: Option<String>,
    /// Host that pip trusts.
    pub pip_trusted_host: Option<String>,
    /// Further index of Python packages.
    pub pip_extra_index_url: Option<String>,

    /// The kind of engine; any when `None`.
    pub engine: Option<String>,
    /// Address of Podman's socket.
    pub podman_base_url: String,
    /// `ARG` values for every image.
    pub build_args: BTreeMap<String, String>,
    /// Network of `RUN` instructions; the engine's default when `None`.
    pub network_mode: Option<String>,
    /// `os/arch` of the images; the engine's own when `None`.
    pub platform: Option<String>,
    /// Build with BuildKit, where the engine is Docker.
    pub buildkit: bool,
    /// The engine may reuse its cached layers.
    pub cache: bool,
    /// Pull a distribution's image, or a skipped parent, that the engine does not have.
    pub pull: bool,
    /// One layer per image.
    pub squash: bool,
    /// Leave the containers of failed instructions.
    pub keep: bool,
    /// Images that are built at once.
    pub threads: usize,
    /// Retries of a build after the engine or the network failed. An instruction that failed for
    /// another reason is not tried again: it fails the same way.
    pub retries: usize,
    /// The time that a download may stand still.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Duration,

    /// The part of an image's reference before its name.
    pub namespace: String,
    /// Put in front of the namespace.
    pub registry: Option<String>,
    /// The tag of the images; the Kolla's, or `latest`, when `None`.
    pub tag: Option<String>,
    /// Put in front of every image's name. Releases of Kolla that have install types put
    /// `<base>-<type>-` there when it is empty.
    pub image_name_prefix: String,
    /// Name images that are of no install type `<base>-infra-…`, in releases of Kolla that have it.
    pub infra_rename: bool,
    /// Text of the maintainer label.
    pub maintainer: String,
    /// Push images when they are there.
    pub push: bool,
    /// Images that are pushed at once.
    pub push_threads: usize,
    /// Render only.
    pub template_only: bool,
    /// Directory of the rendered tree.
    pub work_dir: Option<PathBuf>,
    /// List images only.
    pub list_images: bool,
    /// List dependencies only.
    pub list_dependencies: bool,
    /// File for the graph of images.
    pub save_dependency: Option<PathBuf>,
    /// Form of the summary: `json` or `none`.
    pub format: String,
    /// File for the summary.
    pub summary_json_file: Option<PathBuf>,
    /// Print the result of each image at the end.
    pub summary: bool,
    /// A directory for one log per image.
    #[serde(deserialize_with = "path")]
    pub logs_dir: Option<PathBuf>,
    /// Print more detail.
    pub debug: bool,
    /// Do not print the output of builds.
    pub quiet: bool,

    /// The tree of templates: the directory that holds `base/Dockerfile.j2`, `macros.j2`, ….
    #[serde(skip)]
    pub tree: PathBuf,
    /// The upstream Kolla that the tree belongs to, which has defaults and behaviours of its own.
    #[serde(skip)]
    pub kolla: Option<Arc<Kolla>>,
    /// The variable `kolla_version` of templates.
    #[serde(skip)]
    pub kolla_version: String,
    /// The variable `env` of templates: the environment of the build's caller.
    #[serde(skip)]
    pub env: BTreeMap<String, String>,
    /// Accounts that a configuration changes or adds, by name without `-user`.
    #[serde(skip)]
    pub users: BTreeMap<String, UserChange>,
    /// Sources, plugins and additions, by image.
    #[serde(skip)]
    pub sources: BTreeMap<String, ImageSources>,
    /// Directory that keeps downloaded archives of known digest; none when `None`.
    #[serde(skip)]
    pub source_cache: Option<PathBuf>,
    /// The time that an instruction may print nothing; 4 hours when `None`.
    #[serde(skip)]
    pub build_timeout: Option<Duration>,
    /// Pull the distribution's images even where the engine has them.
    #[serde(skip)]
    pub pull_always: bool,
    /// Build only images that match a pattern. Their parents are pulled, or taken from the engine.
    #[serde(skip)]
    pub no_parents: bool,
    /// Build every selected image, also unchanged ones.
    #[serde(skip)]
    pub force: bool,
    /// The patterns among `regex` that a user wrote. Those of a release's own profiles may match
    /// nothing.
    #[serde(skip)]
    pub requested: Vec<String>,
    /// The file with the key of the hashes of build arguments in labels. Without one, each run has
    /// a key of its own, and builds images with build arguments again.
    #[serde(skip)]
    pub key_file: Option<PathBuf>,
    /// Patterns that match no image are an error.
    #[serde(skip)]
    pub strict: bool,
    /// The command that builds with this configuration, for messages that say how to repeat it for
    /// one image, whose pattern is appended.
    #[serde(skip)]
    pub command: String,
    /// Images that are built only when a pattern matches them.
    #[serde(skip)]
    pub on_request: BTreeSet<String>,
    /// Files that do not come from the tree: image → name in its context → file on disk. Used
    /// where the image's Dockerfile copies that name, or a directory above it, and the tree does not
    /// have it.
    #[serde(skip)]
    pub supplied: BTreeMap<String, BTreeMap<String, PathBuf>>,
}

impl BuildConfig {
    /// Returns the defaults, for the tree in this directory.
    pub fn new(tree: impl Into<PathBuf>) -> Result<BuildConfig> {
        let files = ConfigFiles::default();
        let settings = Settings::new(SCHEMA, BTreeMap::new(), BTreeMap::new(), files);
        Ok(BuildConfig::read(&settings, tree.into(), None)?)
    }

    /// Returns the defaults of a Kolla, for one of the distributions it builds on, or its own
    /// choice.
    pub fn of(kolla: Arc<Kolla>, base: Option<&str>) -> Result<BuildConfig> {
        let command_line = base.map(|base| ("base".to_owned(), vec![base.to_owned()]));
        let request = super::Request {
            command_line: command_line.into_iter().collect(),
            kolla: Some(kolla),
            ..super::Request::default()
        };
        let mut config = super::Configuration::load(request)?.build;
        config.tag = None;
        Ok(config)
    }

    /// Reads the options; `settings` has the defaults of the Kolla.
    pub(super) fn read(
        settings: &Settings,
        tree: PathBuf,
        kolla: Option<Arc<Kolla>>,
    ) -> Result<BuildConfig, ConfigError> {
        let mut config: BuildConfig = settings.read()?;
        // The templates have defaults of their own, which depend on the release.
        if !settings.is_set("openstack_branch") {
            config.openstack_branch = None;
        }
        if !settings.is_set("openstack_branch_slashed") {
            config.openstack_branch_slashed = None;
        }
        // Kolla's default would end instructions that compile for long.
        config.build_timeout = settings.is_set("timeout").then_some(config.timeout);
        config.pull_always = config.pull && settings.is_set("pull");
        config.kolla_version = match &kolla {
            Some(kolla) => kolla.shown_version().to_owned(),
            None => env!("CARGO_PKG_VERSION").to_owned(),
        };
        config.command = "slipway build".to_owned();
        config.strict = true;
        config.tree = tree;
        config.kolla = kolla;
        Ok(config)
    }

    /// Returns the namespace with its registry, as templates see it.
    pub fn full_namespace(&self) -> String {
        match &self.registry {
            Some(registry) if !registry.is_empty() => format!("{registry}/{}", self.namespace),
            _ => self.namespace.clone(),
        }
    }

    /// Returns the tag of the images.
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

    /// Returns the prefix of every image's name.
    pub fn image_prefix(&self) -> String {
        match self.metatype() {
            Some((install_type, _)) if self.image_name_prefix.is_empty() => {
                format!("{}-{install_type}-", self.base)
            }
            _ => self.image_name_prefix.clone(),
        }
    }

    /// Returns the reference of an image that is of no install type, where such have names of their own.
    pub(crate) fn infra_reference(&self, image: &str) -> Option<String> {
        let prefix = self.infra_prefix()?;
        let (namespace, tag) = (self.full_namespace(), self.tag());
        Some(format!("{namespace}/{prefix}{image}:{tag}"))
    }

    /// Returns the prefix of such images' names.
    pub(crate) fn infra_prefix(&self) -> Option<String> {
        let kolla = self.kolla.as_ref().filter(|_| self.infra_rename)?;
        let has_it = kolla.has_option("infra-rename") && self.metatype().is_some();
        has_it.then(|| format!("{}-infra-", self.base))
    }

    /// Returns the install type as templates see it, and the origin of its packages; `None` where
    /// the Kolla has no install types.
    pub(crate) fn metatype(&self) -> Option<(&str, &'static str)> {
        let has_types = self.kolla.as_ref().is_some_and(|k| k.has_types());
        Some(match self.install_type.as_deref().filter(|_| has_types)? {
            "binary" | "rdo" => ("binary", "rdo"),
            "rhos" => ("binary", "rhos"),
            other => (other, "mixed"),
        })
    }

    /// Returns the full reference of an image of the tree.
    pub fn reference(&self, image: &str) -> String {
        format!(
            "{}/{}{image}:{}",
            self.full_namespace(),
            self.image_prefix(),
            self.tag()
        )
    }

    /// Returns the reference of the distribution's image that the build starts from.
    pub fn base_reference(&self) -> String {
        format!("{}:{}", self.base_image(), self.base_tag())
    }

    pub(crate) fn base_image(&self) -> String {
        let of_kolla = || Some(self.kolla.as_ref()?.base_image(self.base.name())?.0);
        self.base_image
            .clone()
            .filter(|image| !image.is_empty())
            .or_else(of_kolla)
            .unwrap_or_else(|| self.base.default_image().to_owned())
    }

    pub(crate) fn base_tag(&self) -> String {
        let of_kolla = || Some(self.kolla.as_ref()?.base_image(self.base.name())?.1);
        self.base_tag
            .clone()
            .or_else(of_kolla)
            .unwrap_or_else(|| self.base.default_tag().to_owned())
    }

    /// Returns the options that a Kolla's worker reads, by its names for them.
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
impl fmt::Debug for BuildConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildConfig")
            .field("tree", &self.tree)
            .field("docker_dirs", &self.docker_dirs)
            .field("base", &self.base_reference())
            .field("reference", &self.reference("*"))
            .field("template_overrides", &self.template_overrides)
            .field("regex", &self.regex)
            .finish_non_exhaustive()
    }
}

/// Parses a string as another type.
fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

/// Reads a path; an empty one counts as none.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(PathBuf::from))
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_its_field() {
        let config = BuildConfig::new("images").unwrap();
        assert_eq!((config.threads, config.retries), (8, 3));
        assert_eq!(config.base_reference(), "debian:trixie");
        assert_eq!(config.tag(), "latest");
    }
}
