//! Moves the host paths of a container's configuration.

use std::cell::Cell;

use serde_json::Value;

use super::{ContainerConfig, Key};

impl ContainerConfig {
    /// Moves every host path that the configuration uses. `place` gets each absolute path and
    /// returns the one to use instead.
    ///
    /// # Errors
    /// An error of `place`; the paths that it refuses stay.
    pub fn relocate<E>(&mut self, place: impl Fn(&str) -> Result<String, E>) -> Result<(), E> {
        let refused = Cell::new(None);
        let place = |path: &str| {
            place(path).unwrap_or_else(|error| {
                refused.set(Some(error));
                path.to_owned()
            })
        };
        for key in Key::ALL {
            match host_paths(*key) {
                HostPaths::None => {}
                HostPaths::File => self.relocate_files(*key, &place),
                HostPaths::MountSource => self.relocate_mounts(*key, &place),
            }
        }
        refused.into_inner().map_or(Ok(()), Err)
    }

    fn relocate_files(&mut self, key: Key, place: &impl Fn(&str) -> String) {
        let moved = |path: &str| match path.starts_with('/') {
            true => place(path),
            false => path.to_owned(),
        };
        edit_strings(self.declared.get_mut(key.name()), moved);
        for path in &mut self.keys.env_file {
            *path = moved(path);
        }
    }

    fn relocate_mounts(&mut self, key: Key, place: &impl Fn(&str) -> String) {
        let moved = |text: &str| match text.split_once(':') {
            Some((source, rest)) if source.starts_with('/') => format!("{}:{rest}", place(source)),
            _ => text.to_owned(),
        };
        edit_strings(self.declared.get_mut(key.name()), moved);
        for volume in &mut self.keys.volumes {
            if let Some(source) = volume.source.as_mut().filter(|s| s.starts_with('/')) {
                *source = place(source);
            }
        }
    }
}

/// The host paths in a key's value, which `config_data` records where they have been moved to.
enum HostPaths {
    None,
    /// Each string is the path of a file.
    File,
    /// Each string is a mount, `source:target[:options]`.
    MountSource,
}

fn host_paths(key: Key) -> HostPaths {
    match key {
        Key::EnvFile => HostPaths::File,
        Key::Volumes => HostPaths::MountSource,
        Key::Image
        | Key::Action
        | Key::StartOrder
        | Key::ExitCodes
        | Key::Command
        | Key::Detach
        | Key::Environment
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
        | Key::SystemdExecFlags => HostPaths::None,
    }
}

/// Edits a string, or every string of a list.
fn edit_strings(value: Option<&mut Value>, edit: impl Fn(&str) -> String) {
    let items = match value {
        Some(Value::Array(items)) => items.as_mut_slice(),
        Some(single) => std::slice::from_mut(single),
        None => return,
    };
    for item in items {
        if let Value::String(text) = item {
            *text = edit(text);
        }
    }
}
