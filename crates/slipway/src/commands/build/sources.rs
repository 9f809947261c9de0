//! Sources, plugins and additions: the sections of the configuration that describe them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use slipway_image::config::PROFILES;
use slipway_image::{ImageSources, Source, SourceKind};
use slipway_kolla_release::{DefaultSource, Kolla};
use slipway_oslo_config::{Settings, Value};

use crate::exit::bad_input;

/// Makes what a Kolla says of a source the default of its section.
pub fn set_defaults(settings: &mut Settings, section: &str, source: &DefaultSource) {
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

/// The sources of all images, by image.
pub fn sources(
    settings: &Settings,
    kolla: Option<&Kolla>,
) -> anyhow::Result<BTreeMap<String, ImageSources>> {
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
        let Some(source) = source(settings, &section)? else {
            continue;
        };
        if let Some((image, _)) = section.split_once("-plugin-") {
            sources
                .entry(image.to_owned())
                .or_default()
                .plugins
                .push(source);
        } else if let Some((image, _)) = section.split_once("-additions-") {
            sources
                .entry(image.to_owned())
                .or_default()
                .additions
                .push(source);
        } else {
            sources.entry(section).or_default().own = Some(source);
        }
    }
    Ok(sources)
}

/// What a section says; `None` when it says nothing of where from, or that it is not used.
fn source(settings: &Settings, section: &str) -> anyhow::Result<Option<Source>> {
    let get = |key: &str| settings.get_in(section, key).map_err(bad_input);
    let text = |key: &str| -> anyhow::Result<Option<String>> {
        Ok(match get(key)? {
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
    if get("enabled")? == Value::Bool(false) {
        return Ok(None);
    }
    let Some(location) = text("location")? else {
        let place = settings.place(section, "type");
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        return Err(bad_input(anyhow!(
            "{place}source {section} has no location"
        )));
    };
    Ok(Some(Source {
        name: section.to_owned(),
        kind,
        location,
        reference: text("reference")?,
        sha256: digest(settings, section)?,
    }))
}

/// The digest that a section says for the architecture that is built for.
fn digest(settings: &Settings, section: &str) -> anyhow::Result<Option<String>> {
    let Value::Dict(digests) = settings.get_in(section, "sha256").map_err(bad_input)? else {
        return Ok(None);
    };
    let arch = settings.text("debian_arch").map_err(bad_input)?;
    let arch = arch.unwrap_or_default();
    let found = digests.iter().find(|(name, _)| *name == arch);
    match found {
        Some((_, digest)) => Ok(Some(digest.clone())),
        None if digests.is_empty() => Ok(None),
        None => {
            let place = settings.place(section, "sha256");
            let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
            let known: Vec<&str> = digests.iter().map(|(name, _)| name.as_str()).collect();
            Err(bad_input(anyhow!(
                "{place}source {section} has no sha256 for {arch}, only for {}",
                known.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_image::config::SCHEMA;
    use slipway_oslo_config::ConfigFiles;

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
        let all = sources(&settings, None).unwrap();
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
}
