//! Labels that describe an image: its title, version and date.

use std::collections::BTreeMap;

use slipway_kolla_release::Labels;

use crate::config::BuildConfig;

/// Returns the labels that the release adds to an image. Earlier releases leave all of them to the
/// templates.
pub(crate) fn oci_labels(options: &BuildConfig, name: &str) -> BTreeMap<String, String> {
    let kolla = options.kolla.as_deref();
    let puts = kolla.map_or_else(Labels::default, |kolla| kolla.release().labels);
    let mut labels = BTreeMap::new();
    let now = jiff::Timestamp::now();
    if puts.has_build_date {
        labels.insert("build-date".to_owned(), now.strftime("%Y%m%d").to_string());
    }
    if !puts.has_oci {
        return labels;
    }
    let mut put = |key: &str, value: &str| {
        labels.insert(format!("org.opencontainers.image.{key}"), value.to_owned());
    };
    put("title", name);
    put("description", &format!("OpenStack Kolla {name} image"));
    put("version", &options.tag());
    put("created", &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    put("authors", &options.maintainer);
    put("licenses", "Apache-2.0");
    if let Some(kolla) = kolla {
        put("url", "https://opendev.org/openstack/kolla");
        let provenance = kolla.provenance();
        if let Some(source) = &provenance.source {
            put("source", source);
        }
        if let Some(revision) = &provenance.revision {
            put("revision", revision);
        }
    }
    labels
}
