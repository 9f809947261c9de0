//! An upstream Kolla on disk: its templates, and what its own files say about them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use indexmap::IndexMap;
use serde_json::Value;
use slipway_suggest::nearest;

use crate::base::Base;
use slipway_files::AtPath;

use crate::error::{Error, Result};
use crate::place::Place;
use crate::provenance::Provenance;
use crate::python::{Expression, Module, Names};
use crate::release::Release;
use crate::users::User;

/// A Kolla: a checkout of its source, or the prefix it is installed under.
///
/// Everything that differs between releases, and between point releases, is read from the files
/// that came with it: users, default sources and profiles, distributions and their tags,
/// repositories, unbuildable images, version. What its Python code does is known here by what the
/// code says, in one table.
///
/// ```no_run
/// let kolla = slipway_kolla_release::Kolla::open("/opt/kolla-venv")?;
/// println!("{} builds on {}", kolla.version(), kolla.bases().join(", "));
/// # Ok::<(), slipway_kolla_release::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kolla {
    place: Place,
    version: String,
    commit: Option<String>,
    provenance: Provenance,
    constants: Names,
    options: BTreeMap<String, Value>,
    profiles: IndexMap<String, Vec<String>>,
    users: BTreeMap<String, User>,
    sources: IndexMap<String, DefaultSource>,
    unbuildable: BTreeMap<String, BTreeSet<String>>,
    typed: BTreeSet<String>,
    worker: Module,
    release: Release,
    tag_is_composed: bool,
}

/// The default source of an image, which the configuration can change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultSource {
    /// `url`, `git` or `local`.
    pub kind: Option<String>,
    /// An address or path, with `$name` references to options.
    pub location: Option<String>,
    /// The git commit, tag or branch.
    pub reference: Option<String>,
    /// True when it is used.
    pub enabled: bool,
    /// The value of `${version}` in the location.
    pub version: Option<String>,
    /// Checksums by architecture.
    pub sha256: BTreeMap<String, String>,
}

impl Kolla {
    /// Reads the Kolla in a directory: a source checkout, the prefix of an installation such as a
    /// virtualenv, or a directory that `pip install --target` filled.
    pub fn open(directory: impl AsRef<Path>) -> Result<Kolla> {
        let place = Place::find(directory.as_ref())?;
        let config = place.module("common/config.py")?;
        let worker = place.first_module(&["image/kolla_worker.py", "image/build.py"])?;
        let build = place.text("image/build.py")?;
        let constants = config.constants();
        let version = crate::version::version(&place)?;
        let commit = crate::version::commit(&place)?;
        let release = Release::read(&place, &worker, &build)?;
        let provenance = match release.labels.has_provenance {
            true => crate::provenance::read(&place)?,
            false => Provenance::default(),
        };
        let options = ["_CLI_OPTS", "_BASE_OPTS"]
            .iter()
            .flat_map(|list| defaults(&config, list, &constants))
            .collect();
        let profiles = defaults(&config, "_PROFILE_OPTS", &constants)
            .map(|(name, images)| (name, strings(&images)))
            .collect();
        let tag =
            options_of(&config, "_CLI_OPTS").find(|option| option.first_argument() == Some("tag"));
        Ok(Kolla {
            tag_is_composed: tag.is_some_and(|option| option.argument("default").is_none()),
            users: users(&place, &constants)?,
            sources: sources(&place, &constants)?,
            unbuildable: unbuildable(&place)?,
            typed: typed(&build),
            release,
            version,
            commit,
            provenance,
            constants,
            options,
            profiles,
            worker,
            place,
        })
    }

    /// The directory of its templates.
    pub fn templates(&self) -> &Path {
        &self.place.templates
    }

    /// Its version, such as `23.0.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The value of `kolla_version` in templates: the commit of a checkout in releases that show
    /// it, the version otherwise.
    pub fn shown_version(&self) -> &str {
        self.commit.as_deref().unwrap_or(&self.version)
    }

    /// The source and the revision of the Kolla itself, in releases that label images with them.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The distributions it builds on.
    pub fn bases(&self) -> Vec<&str> {
        match self.constants.get("BASE_OS_DISTRO") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The install types it takes (`--type`). Release 15 takes one and ignores it; later ones have
    /// none.
    pub fn install_types(&self) -> Vec<&str> {
        match self.constants.get("INSTALL_TYPE_CHOICES") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// True when images differ by install type: when templates see it.
    pub fn has_types(&self) -> bool {
        let variables = self.release.variables.as_ref();
        variables.is_some_and(|names| names.contains("install_type"))
    }

    /// The default of one of its options, by the option's name (`namespace`, `openstack-release`);
    /// `None` where it has no such option, or the default is made when it runs.
    pub fn default(&self, option: &str) -> Option<&Value> {
        self.options.get(option).filter(|value| !value.is_null())
    }

    /// True when it has an option of this name.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// Its profiles: name → patterns of image names.
    pub fn profiles(&self) -> &IndexMap<String, Vec<String>> {
        &self.profiles
    }

    /// Its users, by name without `-user`.
    pub fn users(&self) -> &BTreeMap<String, User> {
        &self.users
    }

    /// Its images' default sources, by section.
    pub fn sources(&self) -> &IndexMap<String, DefaultSource> {
        &self.sources
    }

    /// The behaviours of its Python code.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// True when its version is the tag given to images; from release 23 on it is put together from
    /// the OpenStack release and the distribution.
    pub fn tags_with_version(&self) -> bool {
        !self.tag_is_composed
    }

    /// The default of an option that is a string.
    pub fn text_default(&self, option: &str) -> Option<String> {
        self.default(option)?.as_str().map(str::to_owned)
    }

    /// The default of an option that is a list of strings; empty where there is none.
    pub fn list_default(&self, option: &str) -> Vec<String> {
        self.default(option).map(strings).unwrap_or_default()
    }

    /// A distribution's image and its tag.
    pub fn base_image(&self, base: &str) -> Option<(String, String)> {
        match self.constants.get("DEFAULT_BASE_TAGS")?.get(base)? {
            Value::String(tag) => Some((base.to_owned(), tag.clone())),
            both => Some((
                both.get("name")?.as_str()?.to_owned(),
                both.get("tag")?.as_str()?.to_owned(),
            )),
        }
    }

    /// A distribution's release, as templates see it: a number or code name in older releases,
    /// `PRETTY_NAME` in later ones.
    pub fn distribution(&self, table: &str, base: &str) -> Option<String> {
        let name = self.constants.get(table)?.get(base)?.as_str()?;
        Some(name.to_owned())
    }

    /// The attributes that its worker sets from these options (`conf.base`, …), as `self.…`.
    pub fn worker(&self, conf: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        match self.worker.method("KollaWorker", "__init__") {
            Some(function) => function.run(conf),
            None => conf,
        }
    }

    /// The name that tables of images and repositories have for a distribution. Two releases
    /// tell a distribution's new version from its old one.
    pub fn section(&self, base: Base, tag: &str) -> &'static str {
        match base {
            Base::Centos if self.release.has_centos9 && tag.starts_with("stream9") => "centos9",
            Base::Centos if self.release.has_centos8 && tag.starts_with('8') => "centos8",
            other => other.name(),
        }
    }

    /// Images that cannot be built with all of these tags: the distribution, the install type,
    /// the architecture.
    pub fn unbuildable(&self, tags: &[&str]) -> BTreeSet<&str> {
        self.unbuildable
            .iter()
            .filter(|(key, _)| key.split('+').all(|tag| tags.contains(&tag)))
            .flat_map(|(_, images)| images.iter().map(String::as_str))
            .collect()
    }

    /// Images that are of an install type, as are all their children.
    pub fn typed_images(&self) -> &BTreeSet<String> {
        &self.typed
    }

    /// A distribution that it builds on.
    pub fn check_base(&self, base: &str) -> Result<()> {
        self.check("--base", base, &self.bases())
    }

    /// An install type that it has for this distribution. Releases that have no types install
    /// from source.
    pub fn check_type(&self, install_type: &str, base: &str) -> Result<()> {
        let is_red_hat = ["centos", "oraclelinux", "rhel"].contains(&base);
        let mut types = self.install_types();
        types.retain(|name| is_red_hat || !["rdo", "rhos"].contains(name));
        if types.is_empty() {
            types.push("source");
        }
        self.check("--type", install_type, &types)
    }

    fn check(&self, option: &'static str, value: &str, known: &[&str]) -> Result<()> {
        if known.contains(&value) {
            return Ok(());
        }
        Err(Error::NotInKolla {
            version: self.version.clone(),
            option,
            value: value.to_owned(),
            known: known.join(", "),
            nearest: nearest(value, known.iter().copied()).map(str::to_owned),
        })
    }
}

fn options_of<'m>(config: &'m Module, list: &str) -> impl Iterator<Item = &'m Expression> {
    let options = config.assigned(list).map_or(&[][..], |list| list.items());
    options.iter()
}

/// The options of a list like `_CLI_OPTS` with their defaults, null where there is none.
fn defaults<'m>(
    config: &'m Module,
    list: &str,
    constants: &'m Names,
) -> impl Iterator<Item = (String, Value)> {
    options_of(config, list).filter_map(|option| {
        let default = option.argument("default");
        let value = default.and_then(|default| default.value(constants));
        Some((
            option.first_argument()?.to_owned(),
            value.unwrap_or_default(),
        ))
    })
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// `USERS`, of `users.py` or, up to release 14, of `config.py`.
fn users(place: &Place, config: &Names) -> Result<BTreeMap<String, User>> {
    let own = place.optional_module("common/users.py")?;
    let names = own.map(|module| module.constants());
    let table = names.as_ref().unwrap_or(config).get("USERS");
    let entries = table.and_then(Value::as_object).into_iter().flatten();
    Ok(entries
        .filter_map(|(section, entry)| {
            let name = section.strip_suffix("-user")?;
            let id = |key| u32::try_from(entry.get(key)?.as_u64()?).ok();
            let group = entry.get("group").and_then(Value::as_str);
            let user = User {
                uid: id("uid"),
                gid: id("gid"),
                group: group.unwrap_or(name).to_owned(),
            };
            Some((name.to_owned(), user))
        })
        .collect())
}

/// `SOURCES`, of `sources.yaml`, of `sources.py`, or of `config.py`: 23, 15 to 22, before.
fn sources(place: &Place, config: &Names) -> Result<IndexMap<String, DefaultSource>> {
    let path = place.package.join("common/sources.yaml");
    let table = if path.is_file() {
        let text = slipway_files::read_input(&path).at(&path)?;
        let sources = slipway_yaml::read_with(&text, slipway_yaml::Options::PYYAML);
        let sources = sources.map_err(|error| error.in_file(&path))?;
        Some(sources.into_value())
    } else {
        let own = place.optional_module("common/sources.py")?;
        let names = own.map(|module| module.constants());
        names.as_ref().unwrap_or(config).get("SOURCES").cloned()
    };
    let Some(Value::Object(table)) = table else {
        return Ok(IndexMap::new());
    };
    Ok(table
        .into_iter()
        .map(|(name, entry)| (name, source(&entry)))
        .collect())
}

fn source(entry: &Value) -> DefaultSource {
    let text = |key: &str| match entry.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let sums = entry.get("sha256").and_then(Value::as_object);
    DefaultSource {
        kind: text("type"),
        location: text("location"),
        reference: text("reference"),
        enabled: entry
            .get("enabled")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        version: text("version"),
        sha256: sums
            .into_iter()
            .flatten()
            .filter_map(|(arch, sum)| Some((arch.clone(), sum.as_str()?.to_owned())))
            .collect(),
    }
}

/// `UNBUILDABLE_IMAGES`, which releases 6 to 8 call `SKIPPED_IMAGES`.
fn unbuildable(place: &Place) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let module = place.first_module(&["image/unbuildable.py", "image/build.py"])?;
    let names = module.constants();
    let table = names
        .get("UNBUILDABLE_IMAGES")
        .or(names.get("SKIPPED_IMAGES"));
    let entries = table.and_then(Value::as_object).into_iter().flatten();
    Ok(entries
        .map(|(key, images)| (key.clone(), strings(images).into_iter().collect()))
        .collect())
}

/// `BINARY_SOURCE_IMAGES`, of releases 11 to 14.
fn typed(build: &str) -> BTreeSet<String> {
    let names = Module::read(build).constants();
    let images = names.get("BINARY_SOURCE_IMAGES").map(strings);
    images.into_iter().flatten().collect()
}
