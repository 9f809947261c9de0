//! The keys of a configuration that changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use slipway_service::{ContainerConfig, EnvVar, Key};

use super::digest::DigestKey;
use super::labels::{self, label};
use slipway_engine::ContainerSummary;

/// The difference between the configuration that a container's label records and the one now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Nothing changed.
    None,
    /// These keys did; variables of the environment one by one.
    Keys(Vec<String>),
    /// The label is missing or unreadable.
    Unknown,
}

pub(super) fn difference(
    container: &ContainerSummary,
    config: &ContainerConfig,
    key: Option<&DigestKey>,
) -> Difference {
    let digests = label(container, labels::CONFIG_DIGEST);
    match (label(container, labels::CONFIG_DATA), digests, key) {
        (Some(recorded), ..) => from_data(recorded, config),
        (None, Some(recorded), Some(key)) => from_digests(recorded, &key.digests(config)),
        (None, ..) => Difference::Unknown,
    }
}

fn from_digests(recorded: &str, now: &BTreeMap<String, String>) -> Difference {
    let Ok(then) = serde_json::from_str::<BTreeMap<String, String>>(recorded) else {
        return Difference::Unknown;
    };
    let mut keys: Vec<String> = then
        .keys()
        .chain(now.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|key| then.get(*key) != now.get(*key))
        .cloned()
        .collect();
    // Which variables changed says more than that the environment did.
    if keys.iter().any(|key| key.starts_with("environment.")) {
        keys.retain(|key| key != "environment");
    }
    match keys.is_empty() {
        true => Difference::None,
        false => Difference::Keys(keys),
    }
}

fn from_data(recorded: &str, config: &ContainerConfig) -> Difference {
    if recorded == config.config_data() {
        return Difference::None;
    }
    let Ok(old) = serde_json::from_str::<Map<String, Value>>(recorded) else {
        return Difference::Unknown;
    };
    let new = config.declared();
    if old.is_empty() && !new.is_empty() {
        return Difference::Unknown;
    }
    let keys: Vec<String> = old
        .keys()
        .chain(new.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .flat_map(|key| changed_parts(key, old.get(key), new.get(key)))
        .collect();
    if keys.is_empty() {
        Difference::None
    } else {
        Difference::Keys(keys)
    }
}

fn changed_parts(key: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<String> {
    match Key::by_name(key).map(compared) {
        Some(Compared::ByVariable) => changed_variables(key, old, new),
        // A key that only the recorded configuration has may be one of a later version.
        Some(Compared::Whole) | None => vec![key.to_owned()],
    }
}

/// The way in which two values of a key are compared.
enum Compared {
    Whole,
    /// Variable by variable: the name of one that changed says more than that some did.
    ByVariable,
}

fn compared(key: Key) -> Compared {
    match key {
        Key::Environment => Compared::ByVariable,
        Key::Image
        | Key::Action
        | Key::StartOrder
        | Key::ExitCodes
        | Key::Command
        | Key::Detach
        | Key::EnvFile
        | Key::Healthcheck
        | Key::Interactive
        | Key::Tty
        | Key::Net
        | Key::Ipc
        | Key::Pid
        | Key::Uts
        | Key::Privileged
        | Key::Restart
        | Key::Remove
        | Key::User
        | Key::GroupAdd
        | Key::Volumes
        | Key::VolumesFrom
        | Key::LogTag
        | Key::CpuShares
        | Key::MemLimit
        | Key::MemswapLimit
        | Key::MemSwappiness
        | Key::SecurityOpt
        | Key::StopSignal
        | Key::StopGracePeriod
        | Key::Hostname
        | Key::ExtraHosts
        | Key::CpusetCpus
        | Key::CapAdd
        | Key::CapDrop
        | Key::Ulimit
        | Key::PidsLimit
        | Key::CgroupParent
        | Key::CpuQuota
        | Key::Devices
        | Key::Dns
        | Key::DnsSearch
        | Key::Domainname
        | Key::Entrypoint
        | Key::Expose
        | Key::Init
        | Key::Labels
        | Key::LogDriver
        | Key::LogOpt
        | Key::MemReservation
        | Key::Ports
        | Key::ReadOnly
        | Key::ShmSize
        | Key::StdinOpen
        | Key::Sysctls
        | Key::Tmpfs
        | Key::Ulimits
        | Key::WorkingDir
        | Key::ConfigVolume
        | Key::CheckInterval
        | Key::Test
        | Key::DependsOn
        | Key::SystemdExecFlags => Compared::Whole,
    }
}

fn changed_variables(key: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<String> {
    let (old, new) = (variables(old), variables(new));
    let names: Vec<String> = old
        .keys()
        .chain(new.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| format!("environment.{name}"))
        .collect();
    // Another order or form, with the same variables.
    if names.is_empty() {
        return vec![key.to_owned()];
    }
    names
}

pub(super) fn variables(environment: Option<&Value>) -> BTreeMap<String, String> {
    match environment {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(k, v)| (k.clone(), v.to_string()))
            .collect(),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(EnvVar::from)
            .map(|v| (v.name, Value::from(v.value).to_string()))
            .collect(),
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn changed(recorded: &str, now: &str) -> Difference {
        let config = ContainerConfig::parse(Path::new("c"), now).unwrap();
        from_data(recorded, &config)
    }

    #[test]
    fn order_and_spacing_of_the_label_do_not_count() {
        let recorded = r#"{"net":"host","image":"i"}"#;
        assert_eq!(changed(recorded, "image: i\nnet: host\n"), Difference::None);
    }

    #[test]
    fn changed_variables_are_named_without_their_values() {
        let recorded = r#"{"image": "i", "environment": ["A=1", "HASH=x"], "tty": true}"#;
        assert_eq!(
            changed(recorded, "image: i\nenvironment: [A=1, HASH=y]\n"),
            Difference::Keys(vec!["environment.HASH".to_owned(), "tty".to_owned()])
        );
    }

    #[test]
    fn a_label_that_cannot_be_read_is_unknown() {
        assert_eq!(changed("{'image':", "image: i\n"), Difference::Unknown);
        assert_eq!(changed("{}", "image: i\n"), Difference::Unknown);
    }
}
