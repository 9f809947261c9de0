//! The sections that describe sources, plugins and additions.

use std::collections::{BTreeMap, BTreeSet};

use slipway_kolla_release::{DefaultSource, Kolla};
use slipway_oslo_config::{ConfigError, Settings, Value};

use super::PROFILES;
use crate::sources::{ImageSources, Source, SourceKind};

/// Makes a Kolla's source the default of its section.
pub(super) fn set_defaults(settings: &mut Settings, section: &str, source: &DefaultSource) {
    let mut set = |key: &str, text: Option<&str>| {
        if let Some(text) = text {
            settings.set_default(section, key, text);
        }
    };
    set("type", source.kind.as_deref());
    set("location", source.location.as_deref());
    set("reference", source.reference.as_deref());
    set("version", source.version.as_deref());
    set(
        "enabled",
        Some(if source.enabled { "true" } else { "false" }),
    );
    let digests = source
        .sha256
        .iter()
        .map(|(arch, digest)| format!("{arch}:{digest}"));
    let digests: Vec<String> = digests.collect();
    if !digests.is_empty() {
        set("sha256", Some(&digests.join(",")));
    }
}

/// Returns the sources of all images, by image. What is wrong with a section counts when an image
/// adds its source: sections of images that a tree does not have are no concern of it.
pub(super) fn read(settings: &Settings, kolla: Option<&Kolla>) -> BTreeMap<String, ImageSources> {
    let in_files = settings.sections().into_iter().map(str::to_lowercase);
    let defaults = kolla
        .into_iter()
        .flat_map(|kolla| kolla.sources().keys().cloned());
    let sections: BTreeSet<String> = in_files
        .chain(defaults)
        .filter(|section| section != PROFILES && !section.ends_with("-user"))
        .collect();
    let mut sources: BTreeMap<String, ImageSources> = BTreeMap::new();
    for section in sections {
        let source = match source(settings, &section) {
            Ok(Some(source)) => source,
            Ok(None) => continue,
            Err(error) => unusable(&section, error),
        };
        if let Some((image, _)) = section.split_once("-plugin-") {
            let image = sources.entry(image.to_owned()).or_default();
            image.plugins.push(source);
        } else if let Some((image, _)) = section.split_once("-additions-") {
            let image = sources.entry(image.to_owned()).or_default();
            image.additions.push(source);
        } else {
            sources.entry(section).or_default().own = Some(source);
        }
    }
    sources
}

fn unusable(section: &str, error: ConfigError) -> Source {
    Source {
        name: section.to_owned(),
        kind: SourceKind::Local,
        location: String::new(),
        reference: None,
        sha256: None,
        fault: Some(error.to_string()),
    }
}

/// Returns the source of a section; `None` when the section has no type or is disabled.
fn source(settings: &Settings, section: &str) -> Result<Option<Source>, ConfigError> {
    let text = |key: &str| -> Result<Option<String>, ConfigError> {
        Ok(match settings.get_in(section, key)? {
            Value::Text(text) => Some(text),
            _ => None,
        })
    };
    let kind = match text("type")?.as_deref() {
        Some("url") => SourceKind::Url,
        Some("git") => SourceKind::Git,
        Some("local") => SourceKind::Local,
        _ => return Ok(None),
    };
    if settings.get_in(section, "enabled")? == Value::Bool(false) {
        return Ok(None);
    }
    let location = text("location")?;
    let (sha256, missing) = digest(settings, section)?;
    let fault = match location {
        None => Some(placed(settings, section, "type", "it has no location")),
        Some(_) => missing,
    };
    Ok(Some(Source {
        name: section.to_owned(),
        kind,
        location: location.unwrap_or_default(),
        reference: text("reference")?,
        sha256,
        fault,
    }))
}

/// Returns a section's digest for the architecture that is built for, or what is wrong with it.
fn digest(
    settings: &Settings,
    section: &str,
) -> Result<(Option<String>, Option<String>), ConfigError> {
    let Value::Dict(digests) = settings.get_in(section, "sha256")? else {
        return Ok((None, None));
    };
    let arch = match settings.get("debian_arch")? {
        Value::Text(arch) => arch,
        _ => String::new(),
    };
    let found = digests.iter().find(|(name, _)| *name == arch);
    Ok(match found {
        Some((_, digest)) => (Some(digest.clone()), None),
        None if digests.is_empty() => (None, None),
        None => {
            let known: Vec<&str> = digests.iter().map(|(name, _)| name.as_str()).collect();
            let reason = format!("it has no sha256 for {arch}, only for {}", known.join(", "));
            (None, Some(placed(settings, section, "sha256", &reason)))
        }
    })
}

/// Returns a reason with the place of the key that it is about.
fn placed(settings: &Settings, section: &str, key: &str, reason: &str) -> String {
    match settings.place(section, key) {
        Some(place) => format!("{place}: {reason}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use slipway_oslo_config::ConfigFiles;

    use crate::config::SCHEMA;

    use super::*;

    #[test]
    fn sections_become_sources_of_their_images() {
        let text = "[DEFAULT]\ntarballs_base = http://t\ndebian_arch = amd64\n\
                    [nova-base]\ntype = url\nlocation = $tarballs_base/nova.tgz\nsha256 = amd64:ab,arm64:cd\n\
                    [nova-base-plugin-b]\ntype = git\nlocation = g\nreference = main\n\
                    [nova-base-plugin-a]\ntype = local\nlocation = /a\n\
                    [nova-base-additions-c]\ntype = local\nlocation = /c\nenabled = no\n\
                    [x-user]\nuid = 1\n";
        let files = ConfigFiles::from_text("k.conf".as_ref(), text).unwrap();
        let settings = Settings::new(SCHEMA, BTreeMap::new(), BTreeMap::new(), files);
        let all = read(&settings, None);
        let nova = &all["nova-base"];
        let own = nova.own.as_ref().unwrap();
        assert_eq!(
            (own.location.as_str(), own.sha256.as_deref()),
            ("http://t/nova.tgz", Some("ab"))
        );
        let plugins: Vec<&str> = nova.plugins.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(plugins, ["nova-base-plugin-a", "nova-base-plugin-b"]);
        assert!(nova.additions.is_empty() && all.len() == 1);
    }

    #[test]
    fn errors_of_a_source_belong_to_its_image() {
        let text = "[DEFAULT]\ndebian_arch = amd64\n[a]\ntype = git\n\
                    [b]\ntype = url\nlocation = x\nsha256 = arm64:1\n\
                    [c]\ntype = zip\n";
        let files = ConfigFiles::from_text("k.conf".as_ref(), text).unwrap();
        let settings = Settings::new(SCHEMA, BTreeMap::new(), BTreeMap::new(), files);
        let all = read(&settings, None);
        let fault = |image: &str| all[image].own.as_ref().unwrap().fault.clone().unwrap();
        assert_eq!(fault("a"), "k.conf:4: it has no location");
        assert_eq!(
            fault("b"),
            "k.conf:8: it has no sha256 for amd64, only for arm64"
        );
    }
}
