//! From the command line and configuration files to what the image crate is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use slipway_image::config::{PROFILES, SCHEMA};
use slipway_image::{Options, Pip};
use slipway_kolla_release::{Kolla, UserChange};
use slipway_oslo_config::{ConfigFiles, Locations, Settings, Value};

use crate::cli;
use crate::exit::bad_input;
use crate::output::Output;
use crate::share;

/// Options that nothing here can do, with why.
const CANNOT: [(&str, &str); 2] = [
    (
        "buildkit_builder",
        "BuildKit is reached through the engine itself, not through a builder of docker buildx",
    ),
    (
        "shell_completion",
        "there is no such script; slipway completions prints one for slipway itself",
    ),
];

/// Options that nothing here needs, with why.
const NEEDLESS: [(&str, &str); 2] = [
    ("squash_tmp_dir", "the engine squashes, not docker-squash"),
    ("squash_cleanup", "the engine squashes, not docker-squash"),
];

/// Options that say what templates see or do, where the Kolla's release has them.
const OF_TEMPLATES: [&str; 9] = [
    "base_package_type",
    "clean_package_cache",
    "distro_package_manager",
    "docker-healthchecks",
    "infra-rename",
    "openstack-release-codename",
    "repos-yaml",
    "rpm_setup_config",
    "use-dumb-init",
];

/// Reads the configuration, and gives it with the defaults: those of the Kolla that was named, or
/// of the images that come with Slipway.
pub fn settings(asked: &cli::Build) -> anyhow::Result<(Settings, Options)> {
    let locations = Locations::of("kolla", "kolla-build", |name| std::env::var_os(name));
    let files = ConfigFiles::read(&asked.options.config, &locations).map_err(bad_input)?;
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("OS_"))
        .collect();
    let mut settings = Settings::new(SCHEMA, asked.options.options.clone(), environment, files);
    let defaults = match &asked.kolla {
        Some(folder) => of_kolla(folder, &mut settings)?,
        None => Options::new(share::find("images").map_err(bad_input)?),
    };
    settings.set_default("DEFAULT", "base", defaults.base.name());
    settings.set_default("DEFAULT", "namespace", &defaults.namespace);
    settings.set_default("DEFAULT", "tag", defaults.tag());
    settings.set_default("DEFAULT", "maintainer", &defaults.maintainer);
    settings.set_default("DEFAULT", "openstack_release", &defaults.openstack_release);
    settings.set_default(
        "DEFAULT",
        "openstack_release_codename",
        &defaults.openstack_release_codename,
    );
    settings.set_default("DEFAULT", "base_arch", &defaults.base_arch);
    let arch = settings.text("base_arch").map_err(bad_input)?;
    let arch = arch.as_deref().unwrap_or_default();
    settings.set_default("DEFAULT", "debian_arch", debian_arch(arch));
    let release = settings.text("openstack_release").map_err(bad_input)?;
    let of_kolla = defaults.kolla.as_ref();
    let of_kolla = of_kolla.and_then(|kolla| kolla.default("openstack-branch")?.as_str());
    let branch = of_kolla.map_or_else(|| branch(&release.unwrap_or_default()), str::to_owned);
    settings.set_default(
        "DEFAULT",
        "openstack_branch_slashed",
        branch.replace('-', "/"),
    );
    settings.set_default("DEFAULT", "openstack_branch", branch);
    Ok((settings, defaults))
}

/// An architecture as Debian calls it.
fn debian_arch(arch: &str) -> &'static str {
    match arch {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

/// The branch of an OpenStack release.
fn branch(release: &str) -> String {
    match release {
        "master" => release.to_owned(),
        _ => format!("stable-{release}"),
    }
}

/// The defaults of a Kolla for the distribution that was asked for.
fn of_kolla(folder: &Path, settings: &mut Settings) -> anyhow::Result<Options> {
    let kolla = Arc::new(Kolla::open(folder).map_err(bad_input)?);
    for (name, images) in kolla.profiles() {
        settings.set_default(PROFILES, name, images.join(","));
    }
    for (section, source) in kolla.sources() {
        super::sources::set_defaults(settings, section, source);
    }
    for option in ["tarballs-base", "retries", "threads", "network_mode"] {
        if let Some(default) = kolla.default(option) {
            let text = default
                .as_str()
                .map_or_else(|| default.to_string(), str::to_owned);
            settings.set_default("DEFAULT", &option.replace('-', "_"), text);
        }
    }
    let base = settings.text("base").map_err(bad_input)?;
    let mut defaults = Options::of(Arc::clone(&kolla), base.as_deref()).map_err(bad_input)?;
    // The tag may be made of these.
    let given = |key: &str| settings.text(key).map_err(bad_input);
    if let Some(release) = given("openstack_release")? {
        defaults.openstack_release = release;
    }
    defaults.base_tag = given("base_tag")?;
    Ok(defaults)
}

/// What the image crate is asked for.
pub fn options(
    asked: &cli::Build,
    settings: &Settings,
    defaults: Options,
    output: &Output,
) -> anyhow::Result<Options> {
    refuse_what_cannot_be(settings, output)?;
    for key in ["type", "infra_rename"] {
        if defaults.kolla.is_none() && settings.is_given(key) {
            let place = settings.place("DEFAULT", key);
            let place = place.map(|place| place.to_string()).unwrap_or_default();
            let why = "means nothing to the images that come with Slipway; it goes with --kolla";
            return Err(bad_input(anyhow!("{place}: {key} {why}")));
        }
    }
    if let Some(kolla) = &defaults.kolla {
        for option in OF_TEMPLATES.iter().filter(|name| !kolla.has_option(name)) {
            let key = &option.replace('-', "_");
            if !settings.is_given(key) {
                continue;
            }
            let place = settings.place("DEFAULT", key);
            let place = place.map(|place| place.to_string()).unwrap_or_default();
            output.warning(&format!(
                "{place}: {key} changes nothing: Kolla {} has no such option",
                kolla.shown_version()
            ));
        }
    }
    let path = |key: &str| -> anyhow::Result<Option<PathBuf>> {
        let text = settings.text(key).map_err(bad_input)?;
        Ok(text.filter(|text| !text.is_empty()).map(PathBuf::from))
    };
    let text = |key: &str| settings.text(key).map_err(bad_input);
    let list = |key: &str| settings.list(key).map_err(bad_input);
    let flag = |key: &str| settings.flag(key).map_err(bad_input);
    let number = |key: &str| -> anyhow::Result<usize> {
        let number = settings.number(key).map_err(bad_input)?;
        Ok(number
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or_default())
    };
    let mut options = defaults;
    options.source_cache = source_cache();
    options.timeout = Duration::from_secs(number("timeout")? as u64);
    // Kolla's default would end what compiles for long.
    options.build_timeout = settings.is_given("timeout").then_some(options.timeout);
    options.buildkit = flag("buildkit")?;
    options.keep = flag("keep")?;
    options.push = flag("push")?;
    options.push_threads = number("push_threads")?.max(1);
    options.base = text("base")?
        .unwrap_or_default()
        .parse()
        .map_err(|error: slipway_kolla_release::UnknownBase| bad_input(error))?;
    options.install_type = text("type")?.or(options.install_type);
    options.infra_rename = flag("infra_rename")?;
    options.enable_unbuildable = flag("enable_unbuildable")?;
    options.base_image = text("base_image")?;
    options.base_tag = text("base_tag")?;
    options.base_arch = text("base_arch")?.unwrap_or(options.base_arch);
    options.namespace = text("namespace")?.unwrap_or(options.namespace);
    options.registry = text("registry")?;
    options.tag = text("tag")?;
    options.image_name_prefix = text("image_name_prefix")?.unwrap_or_default();
    options.maintainer = text("maintainer")?.unwrap_or(options.maintainer);
    options.docker_dirs = list("docker_dir")?.into_iter().map(PathBuf::from).collect();
    options.template_overrides = list("template_override")?
        .into_iter()
        .map(PathBuf::from)
        .collect();
    options.patches_path = text("patches_path")?;
    options.repos_yaml = path("repos_yaml")?;
    if settings.is_given("rpm_setup_config") {
        options.rpm_setup_config = list("rpm_setup_config")?;
    }
    options.distro_package_manager = text("distro_package_manager")?;
    options.base_package_type = text("base_package_type")?;
    options.openstack_release = text("openstack_release")?.unwrap_or(options.openstack_release);
    options.openstack_release_codename =
        text("openstack_release_codename")?.unwrap_or(options.openstack_release_codename);
    // Their defaults are the templates' own.
    let given = |key: &str| match settings.is_given(key) {
        true => text(key),
        false => Ok(None),
    };
    options.openstack_branch = given("openstack_branch")?;
    options.openstack_branch_slashed = given("openstack_branch_slashed")?;
    options.users = users(settings)?;
    options.apt_sources_list = path("apt_sources_list")?;
    options.apt_preferences = path("apt_preferences")?;
    options.pip = Pip {
        index_url: text("pip_index_url")?,
        trusted_host: text("pip_trusted_host")?,
        extra_index_url: text("pip_extra_index_url")?,
    };
    options.use_dumb_init = flag("use_dumb_init")?;
    options.docker_healthchecks = flag("docker_healthchecks")?;
    options.clean_package_cache = flag("clean_package_cache")?;
    options.env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    options.regex = patterns(settings)?;
    options.skip_parents = flag("skip_parents")?;
    options.skip_existing = flag("skip_existing")?;
    options.force = asked.rebuild;
    options.cache = flag("cache")?;
    options.pull = flag("pull")?;
    options.pull_anew = options.pull && settings.is_given("pull");
    options.build_args = build_args(settings)?;
    options.network_mode = text("network_mode")?;
    options.platform = text("platform")?;
    options.squash = flag("squash")?;
    options.threads = number("threads")?.max(1);
    options.retries = number("retries")?;
    options.logs_dir = path("logs_dir")?;
    let state = slipway_files::state_directory().ok();
    options.key_file = state.map(|state| state.join("image-key"));
    if options.kolla.is_some() {
        return Ok(options); // It has its own script.
    }
    let set_configs = share::kolla_set_configs().map_err(bad_input)?;
    let name = "kolla_set_configs".to_owned();
    options.supplied = BTreeMap::from([("base".to_owned(), BTreeMap::from([(name, set_configs)]))]);
    Ok(options)
}

/// Where archives of known digest are kept from one run to the next.
fn source_cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    Some(cache.or_else(home)?.join("slipway/sources"))
}

/// What sections `[<name>-user]` say.
fn users(settings: &Settings) -> anyhow::Result<BTreeMap<String, UserChange>> {
    let sections = settings.sections().into_iter();
    let users = sections.filter_map(|section| Some((section, section.strip_suffix("-user")?)));
    let id = |section: &str, key: &str| -> anyhow::Result<Option<u32>> {
        let value = settings.get_in(section, key).map_err(bad_input)?;
        let Value::Int(id) = value else {
            return Ok(None);
        };
        let place = settings.place(section, key).map(|place| place.to_string());
        let id = u32::try_from(id).map_err(|_| {
            let place = place.unwrap_or_default();
            bad_input(anyhow!(
                "{place}: {key} = {id} is no number of a user or group"
            ))
        });
        id.map(Some)
    };
    users
        .map(|(section, name)| {
            let group = settings.get_in(section, "group").map_err(bad_input)?;
            let change = UserChange {
                uid: id(section, "uid")?,
                gid: id(section, "gid")?,
                group: match group {
                    Value::Text(group) => Some(group),
                    _ => None,
                },
            };
            Ok((name.to_owned(), change))
        })
        .collect()
}

fn refuse_what_cannot_be(settings: &Settings, output: &Output) -> anyhow::Result<()> {
    let place = |key: &str| {
        let place = settings.place("DEFAULT", key);
        place.map(|place| place.to_string()).unwrap_or_default()
    };
    for (key, why) in CANNOT {
        if settings.is_given(key) {
            return Err(bad_input(anyhow!(
                "{}: {key} cannot be honoured: {why}",
                place(key)
            )));
        }
    }
    let flag = |key: &str| settings.flag(key).map_err(bad_input);
    if flag("buildkit")? && flag("squash")? {
        let why = "BuildKit cannot make one layer of an image: leave out one of the two";
        return Err(bad_input(anyhow!("--buildkit and --squash: {why}")));
    }
    let platform = settings.text("platform").map_err(bad_input)?;
    if platform.is_some_and(|platform| platform.contains(',')) {
        let why = "several platforms at once cannot be honoured; build each by itself";
        return Err(bad_input(anyhow!("{}: {why}", place("platform"))));
    }
    for (key, why) in NEEDLESS {
        if settings.is_given(key) {
            output.warning(&format!("{}: {key} changes nothing: {why}", place(key)));
        }
    }
    Ok(())
}

/// The regular expressions that were asked for, or else those of the profiles that were.
fn patterns(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let mut patterns = settings.list("regex").map_err(bad_input)?;
    if !patterns.is_empty() {
        return Ok(patterns);
    }
    for profile in settings.list("profile").map_err(bad_input)? {
        match settings.get_in(PROFILES, &profile).map_err(bad_input)? {
            Value::List(images) if !images.is_empty() => patterns.extend(images),
            _ => {
                let known: Vec<String> = settings.keys(PROFILES).into_iter().collect();
                let known = match known.as_slice() {
                    [] => "there is no section [profiles] in the configuration".to_owned(),
                    names => format!("there are {}", names.join(", ")),
                };
                return Err(bad_input(anyhow!("there is no profile {profile}; {known}")));
            }
        }
    }
    Ok(patterns)
}

/// Build arguments: those asked for, and proxies of the environment and pip's indices as well.
fn build_args(settings: &Settings) -> anyhow::Result<BTreeMap<String, String>> {
    let mut args = settings.pairs("build_args").map_err(bad_input)?;
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"] {
        for name in [name.to_owned(), name.to_lowercase()] {
            if let Ok(value) = std::env::var(&name) {
                args.entry(name).or_insert(value);
            }
        }
    }
    for key in ["pip_index_url", "pip_trusted_host", "pip_extra_index_url"] {
        let value = settings.text(key).map_err(bad_input)?;
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            args.entry(key.to_uppercase()).or_insert(value);
        }
    }
    Ok(args)
}

/// Names of images are checked by the engine only when one is built: better said before.
pub fn check_reference(options: &Options) -> anyhow::Result<()> {
    let is_name = |part: &str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(is_plain)
            && part.ends_with(is_plain)
            && part.chars().all(|c| is_plain(c) || "._-".contains(c))
    };
    if !options.namespace.split('/').all(is_name) {
        bail!(
            "'{}' is no namespace: it has lower-case letters, digits and . _ - between them",
            options.namespace
        );
    }
    if let Some(registry) = &options.registry {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._-:/[]".contains(c);
        if !registry.chars().all(is_part) {
            bail!("'{registry}' is no registry: it is a host, with its port where that is another");
        }
    }
    let is_tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let tag = &options.tag();
    if tag.is_empty() || tag.len() > 128 || tag.starts_with(['.', '-']) || !tag.chars().all(is_tag)
    {
        bail!("'{tag}' is no tag: it has up to 128 letters, digits and . _ -, not . or - in front");
    }
    let prefix = &options.image_name_prefix;
    if !prefix.is_empty() && !is_name(&format!("{prefix}x")) {
        bail!(
            "'{prefix}' cannot stand in front of an image's name: \
             it has lower-case letters, digits and . _ -"
        );
    }
    Ok(())
}
