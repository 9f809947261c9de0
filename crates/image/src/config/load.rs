//! Loads the typed configuration from the command line, the environment and files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use slipway_kolla_release::Kolla;
use slipway_oslo_config::{
    CommandLine, ConfigError, ConfigFiles, OptionDef, Place, Settings, Support, Value,
};

use super::{BuildConfig, OPTIONS, PROFILES, SCHEMA, debian_arch, sources, users};
use crate::error::Result;

const DEFAULT: &str = "DEFAULT";

/// The variables that become build arguments, in upper and lower case.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"];

/// The options that become build arguments.
const PIP: [&str; 3] = ["pip_index_url", "pip_trusted_host", "pip_extra_index_url"];

/// The origins of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Options on the command line.
    pub command_line: CommandLine,
    /// The environment: `OS_<GROUP>__<OPTION>` are options, proxies become build arguments, and
    /// templates see all of it.
    pub environment: BTreeMap<String, String>,
    /// Configuration files.
    pub files: ConfigFiles,
    /// The upstream Kolla to build from.
    pub kolla: Option<Arc<Kolla>>,
    /// The tree to build from, without a Kolla.
    pub tree: PathBuf,
    /// The treatment of what nothing reads.
    pub unknown: Unknown,
}

/// The treatment of keys and sections that nothing reads, and of patterns that match no image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// An error: a mistyped key is found at once.
    #[default]
    Refused,
    /// A warning: kolla-build continues too.
    PassedOver,
}

/// A configuration, with what is needed to check it against the images of a tree.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The typed configuration.
    pub build: BuildConfig,
    /// Settings that have no effect, each with its place and the reason.
    pub warnings: Vec<String>,
    settings: Settings,
    unknown: Unknown,
}

impl Configuration {
    /// Reads a configuration.
    ///
    /// ```
    /// use slipway_image::config::{Configuration, Request};
    /// use slipway_oslo_config::ConfigFiles;
    ///
    /// let text = "[DEFAULT]\nnamespace = team\nmaintainer = ${namespace}@example.org\n";
    /// let request = Request {
    ///     files: ConfigFiles::from_text("kolla-build.conf".as_ref(), text)?,
    ///     tree: "images".into(),
    ///     ..Request::default()
    /// };
    /// let configuration = Configuration::load(request)?;
    /// assert_eq!(configuration.build.maintainer, "team@example.org");
    /// # Ok::<(), slipway_image::Error>(())
    /// ```
    pub fn load(request: Request) -> Result<Configuration> {
        let Request {
            command_line,
            environment,
            files,
            kolla,
            tree,
            unknown,
        } = request;
        let options = environment
            .iter()
            .filter(|(name, _)| name.starts_with("OS_"));
        let options = options.map(|(name, text)| (name.clone(), text.clone()));
        let mut settings = Settings::new(SCHEMA, command_line, options.collect(), files);
        let mut warnings = Vec::new();
        let tree = match &kolla {
            Some(kolla) => {
                release_defaults(kolla, &mut settings);
                if unknown == Unknown::PassedOver {
                    pass_over(kolla, &mut settings, &mut warnings);
                }
                check_base(kolla, &settings)?;
                kolla.templates().to_owned()
            }
            None => tree,
        };
        computed_defaults(&mut settings)?;
        // The default of the tag follows from other options, and options may refer to the tag.
        let untagged = BuildConfig::read(&settings, tree.clone(), kolla.clone())?;
        settings.set_default(DEFAULT, "tag", untagged.tag());
        let mut build = BuildConfig::read(&settings, tree, kolla)?;
        check_support(&settings, &build, unknown, &mut warnings)?;
        check_combinations(&settings, &build)?;
        build.strict = unknown == Unknown::Refused;
        if !build.strict {
            warnings.extend(missing_patches(&settings, &build));
        }
        build.requested = build.regex.clone();
        build.regex = patterns(&settings, &build)?;
        build.users = users::read(&settings)?;
        build.sources = sources::read(&settings, build.kolla.as_deref());
        add_build_args(&mut build, &environment);
        build.env = environment;
        Ok(Configuration {
            build,
            warnings,
            settings,
            unknown,
        })
    }

    /// Checks the files against the names that a section may have sources of. Returns what is
    /// passed over, each with its place.
    pub fn check(&self, images: &[&str]) -> Result<Vec<String>> {
        let is_known = |section: &str| super::is_known_section(section, images);
        let mut unknown = self.settings.unknown(is_known, images).into_iter();
        let warnings = match self.unknown {
            Unknown::PassedOver => unknown.map(|error| error.to_string()).collect(),
            Unknown::Refused => match unknown.next() {
                Some(error) => return Err(error.into()),
                None => Vec::new(),
            },
        };
        self.settings.check_values(is_known)?;
        Ok(warnings)
    }

    /// Returns the settings that the configuration was read from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// Makes a Kolla's defaults those of the settings.
fn release_defaults(kolla: &Kolla, settings: &mut Settings) {
    for (name, images) in kolla.profiles() {
        settings.set_default_items(PROFILES, name, images.clone());
    }
    for (section, source) in kolla.sources() {
        sources::set_defaults(settings, section, source);
    }
    let options = OPTIONS.iter().filter(|option| option.has_release_default);
    for option in options {
        let default = match kolla.default(option.name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Array(_)) => {
                let items = kolla.list_default(option.name);
                settings.set_default_items(DEFAULT, &option.key(), items);
                continue;
            }
            Some(other) => other.to_string(),
            // Templates of a release without the option do not know it.
            None if option.support == Support::WhereReleased && option.default.is_some() => {
                String::new()
            }
            None => continue,
        };
        settings.set_default(DEFAULT, &option.key(), default);
    }
}

/// Ignores what files and the environment say of options that the release does not have, as its
/// kolla-build does.
fn pass_over(kolla: &Kolla, settings: &mut Settings, warnings: &mut Vec<String>) {
    let options = OPTIONS.iter().filter(|option| is_unreleased(option, kolla));
    for option in options {
        let key = option.key();
        settings.pass_over(&key);
        let set = settings.place_in_files(&key);
        warnings.extend(set.map(|place| {
            let version = kolla.shown_version();
            format!("{place}: unknown option {key}: Kolla {version} has no such option")
        }));
    }
}

fn is_unreleased(option: &OptionDef, kolla: &Kolla) -> bool {
    // oslo.config's own options are in no release's list.
    !kolla.has_option(option.name) && !matches!(option.support, Support::Refused(_))
}

fn check_base(kolla: &Kolla, settings: &Settings) -> Result<()> {
    match settings.get("base")? {
        Value::Text(base) => Ok(kolla.check_base(&base)?),
        _ => Ok(()),
    }
}

/// Sets the defaults that follow from other options.
fn computed_defaults(settings: &mut Settings) -> Result<()> {
    if let Value::Text(arch) = settings.get("base_arch")? {
        settings.set_default(DEFAULT, "debian_arch", debian_arch(&arch));
    }
    if settings.default("openstack_branch").is_none() {
        let branch = match settings.get("openstack_release")? {
            Value::Text(release) if release == "master" => release,
            Value::Text(release) => format!("stable-{release}"),
            _ => String::new(),
        };
        settings.set_default(DEFAULT, "openstack_branch", branch);
    }
    let branch = settings.default("openstack_branch").unwrap_or_default();
    let slashed = branch.replace('-', "/");
    settings.set_default(DEFAULT, "openstack_branch_slashed", slashed);
    Ok(())
}

/// Refuses options that cannot be honoured, and warns of those that have no effect.
fn check_support(
    settings: &Settings,
    build: &BuildConfig,
    unknown: Unknown,
    warnings: &mut Vec<String>,
) -> Result<()> {
    for option in OPTIONS {
        let key = option.key();
        let Some(place) = settings.place(DEFAULT, &key) else {
            continue;
        };
        let rejected = |message: String| ConfigError::Rejected {
            place: place.clone(),
            key: key.clone(),
            message,
        };
        match (option.support, &build.kolla) {
            (Support::Refused(reason), _) => {
                return Err(rejected(format!("not available: {reason}")).into());
            }
            (Support::Ignored(reason), _) => {
                warnings.push(rejected(format!("has no effect: {reason}")).to_string());
            }
            (Support::WhereReleased, Some(kolla)) if !kolla.has_option(option.name) => {
                let version = kolla.shown_version();
                let message = format!("has no effect: Kolla {version} has no such option");
                warnings.push(rejected(message).to_string());
            }
            (Support::WhereReleased, None) if option.releases.last.is_some() => {
                let message = "has no effect on the images that come with Slipway; \
                               use it with --kolla";
                let error = rejected(message.to_owned());
                match unknown {
                    Unknown::Refused => return Err(error.into()),
                    Unknown::PassedOver => warnings.push(error.to_string()),
                }
            }
            (Support::Full | Support::WhereReleased, _) => {}
        }
    }
    Ok(())
}

/// Refuses options that exclude one another.
fn check_combinations(settings: &Settings, build: &BuildConfig) -> Result<()> {
    let rejected = |key: &str, message: &str| ConfigError::Rejected {
        place: settings
            .place(DEFAULT, key)
            .unwrap_or_else(|| Place::Default(key.to_owned())),
        key: key.to_owned(),
        message: message.to_owned(),
    };
    if build.buildkit && build.squash {
        let message = "BuildKit cannot squash an image into one layer: leave out --squash or \
                       --buildkit";
        return Err(rejected("squash", message).into());
    }
    let platform = build.platform.as_deref().unwrap_or_default();
    if platform.contains(',') {
        let message = "several platforms at once are not supported: build each by itself";
        return Err(rejected("platform", message).into());
    }
    Ok(())
}

/// Returns a warning where the directory of patches is missing, which `slipway build` refuses.
fn missing_patches(settings: &Settings, build: &BuildConfig) -> Option<String> {
    let path = build
        .patches_path
        .as_deref()
        .filter(|path| !path.is_empty())?;
    let place = settings.place(DEFAULT, "patches_path")?;
    let is_there = std::path::Path::new(path).is_dir();
    (!is_there)
        .then(|| format!("{place}: patches_path: missing directory {path}; nothing is patched"))
}

/// Returns the requested patterns, or else those of the requested profiles.
fn patterns(settings: &Settings, build: &BuildConfig) -> Result<Vec<String>> {
    if !build.regex.is_empty() {
        return Ok(build.regex.clone());
    }
    let mut patterns = Vec::new();
    for profile in &build.profiles {
        match settings.get_in(PROFILES, profile)? {
            Value::List(images) if !images.is_empty() => patterns.extend(images),
            _ => return Err(unknown_profile(settings, profile).into()),
        }
    }
    Ok(patterns)
}

fn unknown_profile(settings: &Settings, profile: &str) -> ConfigError {
    let known: Vec<String> = settings.keys(PROFILES).into_iter().collect();
    let known = match known.as_slice() {
        [] => "the configuration has no section [profiles]".to_owned(),
        names => format!("known profiles: {}", names.join(", ")),
    };
    ConfigError::Rejected {
        place: settings
            .place(DEFAULT, "profile")
            .unwrap_or_else(|| Place::Default("profile".to_owned())),
        key: "profile".to_owned(),
        message: format!("unknown profile {profile}; {known}"),
    }
}

/// Adds proxies of the environment and pip's indices to the build arguments.
fn add_build_args(build: &mut BuildConfig, environment: &BTreeMap<String, String>) {
    let args = &mut build.build_args;
    for name in PROXIES {
        for name in [name.to_owned(), name.to_lowercase()] {
            if let Some(value) = environment.get(&name) {
                args.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    let values = [
        &build.pip_index_url,
        &build.pip_trusted_host,
        &build.pip_extra_index_url,
    ];
    for (key, value) in PIP.into_iter().zip(values) {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            args.entry(key.to_uppercase())
                .or_insert_with(|| value.clone());
        }
    }
}
