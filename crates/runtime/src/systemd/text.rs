//! The text of a unit.

use slipway_service::{ContainerKeys, Key};

use super::PREFIX;

const NOTE: &str = "# Written by slipway, and again when the container is made anew.";

/// The container that a unit of ours starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) managed_by: String,
    pub(crate) config_id: String,
    /// The container's id.
    pub(crate) id: String,
}

impl Owner {
    pub(super) fn note(&self) -> String {
        let Owner {
            managed_by,
            config_id,
            id,
        } = self;
        let lines = [
            ("managed_by", managed_by),
            ("config_id", config_id),
            ("container", id),
        ]
        // JSON escapes line ends.
        .map(|(key, value)| format!("# {key}: {}\n", serde_json::json!(value)));
        format!("{NOTE}\n{}", lines.concat())
    }

    pub(super) fn read(text: &str) -> Option<Owner> {
        let mut lines = text.lines().skip_while(|line| *line != NOTE).skip(1);
        let mut value = |key: &str| {
            let line = lines.next()?.strip_prefix(&format!("# {key}: "))?;
            serde_json::from_str::<String>(line).ok()
        };
        Some(Owner {
            managed_by: value("managed_by")?,
            config_id: value("config_id")?,
            id: value("container")?,
        })
    }
}

/// Returns the text of a unit: Podman's, with the container's name in place of its id, and with the
/// settings of the container's keys.
pub(super) fn with_keys(generated: &str, unit: &str, keys: &ContainerKeys) -> String {
    let container = unit.strip_prefix(PREFIX).unwrap_or(unit);
    let container = container.strip_suffix(".service").unwrap_or(container);
    let settings: Vec<(&str, String)> = Key::ALL
        .iter()
        .flat_map(|key| unit_settings(*key, keys))
        .collect();
    let mut text = String::new();
    let mut line = |line: &str| {
        // Each line of a value would be a setting.
        text.push_str(&line.replace(['\n', '\r'], " "));
        text.push('\n');
    };
    let lines = generated.lines().skip_while(|line| line.starts_with('#'));
    for generated in lines {
        match generated.starts_with("Description=") {
            true => line(&format!("Description={container} container")),
            false => line(generated),
        }
        let added = settings.iter().filter(|(section, _)| *section == generated);
        added.for_each(|(_, setting)| line(setting));
    }
    text
}

/// Returns the lines that a key adds to a unit, each with its section.
fn unit_settings(key: Key, keys: &ContainerKeys) -> Vec<(&'static str, String)> {
    match key {
        Key::DependsOn => {
            let units = keys.depends_on.iter();
            let names = units.map(|unit| unit.strip_suffix(".service").unwrap_or(unit));
            names
                .map(|name| ("[Unit]", format!("Wants={name}.service")))
                .collect()
        }
        Key::SystemdExecFlags => {
            let flags = keys.systemd_exec_flags.iter().flatten();
            flags
                .map(|(name, value)| {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    ("[Service]", format!("{name}={value}"))
                })
                .collect()
        }
        // Podman's generator gets these as options.
        Key::Restart | Key::StopGracePeriod => Vec::new(),
        // The container has them.
        Key::Image
        | Key::Action
        | Key::StartOrder
        | Key::ExitCodes
        | Key::Command
        | Key::Detach
        | Key::Environment
        | Key::EnvFile
        | Key::Healthcheck
        | Key::Interactive
        | Key::Tty
        | Key::Net
        | Key::Ipc
        | Key::Pid
        | Key::Uts
        | Key::Privileged
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
        | Key::Test => Vec::new(),
    }
}
