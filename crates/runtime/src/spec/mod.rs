//! The engine's request for a container, made from the container's declared configuration.
//!
//! Key by key this does what paunch 7.0.4 does with docker. What paunch leaves to the docker command
//! is done here, before the engine is asked for anything: env files are read, sizes and times
//! parsed, and CPUs isolated on the host kept out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use slipway_engine::{ContainerSpec, ExecSpec};
use slipway_redact::Secrets;
use slipway_service::{ContainerConfig, ContainerKeys, EnvVar, Key, RestartPolicy};

mod env_file;
mod host;

pub use host::Host;

/// A file that a container's configuration names and that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key} {}: {reason}", path.display())]
pub struct SpecError {
    /// The key that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The error in it.
    pub reason: String,
}

/// Makes the specification of a container.
///
/// # Errors
/// An env file or seccomp profile cannot be read.
pub fn container_spec(
    config: &ContainerConfig,
    labels: BTreeMap<String, String>,
    host: &Host,
) -> Result<ContainerSpec, SpecError> {
    let keys = config.keys();
    let mut spec = ContainerSpec {
        restart: Some(RestartPolicy::No),
        cpuset_cpus: host.usable_cpus().map(str::to_owned),
        ..ContainerSpec::default()
    };
    for key in Key::ALL {
        request(*key, keys, host, &mut spec)?;
    }
    spec.labels.extend(labels);
    Ok(spec)
}

/// Adds one key to the request. Keys that belong together are added by the first of them.
fn request(
    key: Key,
    keys: &ContainerKeys,
    host: &Host,
    spec: &mut ContainerSpec,
) -> Result<(), SpecError> {
    match key {
        Key::Image => spec.image = keys.image.clone().unwrap_or_default(),
        Key::Command => spec.command = keys.command.as_ref().map(|words| words.words().to_vec()),
        Key::Entrypoint => {
            spec.entrypoint = keys.entrypoint.as_ref().map(|words| words.words().to_vec());
        }
        Key::Environment => spec.env = environment(keys, host)?,
        // Read together with `environment`.
        Key::EnvFile => {}
        Key::User => spec.user = keys.user.clone(),
        Key::GroupAdd => spec.group_add = keys.group_add.clone(),
        Key::WorkingDir => spec.working_dir = keys.working_dir.clone(),
        Key::Hostname => spec.hostname = keys.hostname.clone(),
        Key::Domainname => spec.domainname = keys.domainname.clone(),
        Key::Labels => spec.labels = keys.labels.clone(),
        Key::Volumes => spec.mounts = keys.volumes.clone(),
        Key::VolumesFrom => spec.volumes_from = keys.volumes_from.clone(),
        Key::Tmpfs => spec.tmpfs = keys.tmpfs.clone(),
        Key::Devices => spec.devices = keys.devices.clone(),
        Key::ReadOnly => spec.read_only = keys.read_only,
        Key::Expose => spec.exposed_ports = keys.expose.clone(),
        Key::Ports => spec.published_ports = keys.ports.clone(),
        Key::Dns => spec.dns = keys.dns.clone(),
        Key::DnsSearch => spec.dns_search = keys.dns_search.clone(),
        Key::Sysctls => spec.sysctls = keys.sysctls.clone(),
        Key::Init => spec.init = keys.init,
        Key::CgroupParent => spec.cgroup_parent = keys.cgroup_parent.clone(),
        Key::Net => spec.network_mode = keys.net.clone(),
        Key::Ipc => spec.ipc_mode = keys.ipc.clone(),
        Key::Pid => spec.pid_mode = keys.pid.clone(),
        Key::Uts => spec.uts_mode = keys.uts.clone(),
        Key::ExtraHosts => spec.extra_hosts = keys.extra_hosts.clone(),
        Key::Privileged => spec.privileged = keys.privileged,
        Key::CapAdd => spec.cap_add = keys.cap_add.iter().map(|name| capability(name)).collect(),
        Key::CapDrop => {
            spec.cap_drop = keys.cap_drop.iter().map(|name| capability(name)).collect();
        }
        Key::SecurityOpt => spec.security_opt = security_options(keys)?,
        Key::Ulimit => spec.ulimits.extend(keys.ulimit.iter().cloned()),
        Key::Ulimits => spec.ulimits.extend(keys.ulimits.iter().cloned()),
        Key::Restart => spec.restart = Some(keys.restart.unwrap_or(RestartPolicy::No)),
        Key::Healthcheck => spec.healthcheck = keys.healthcheck.clone(),
        Key::StopSignal => spec.stop_signal = keys.stop_signal.clone(),
        Key::StopGracePeriod => spec.stop_timeout = keys.stop_grace_period,
        Key::Detach => spec.attach = keys.is_one_shot(),
        Key::Tty => spec.tty = keys.tty,
        Key::Interactive => spec.interactive |= keys.interactive,
        Key::StdinOpen => spec.interactive |= keys.stdin_open,
        // A container whose end is waited for must still exist to be asked for its exit code; it is
        // removed after that.
        Key::Remove => spec.auto_remove = keys.remove && !keys.is_one_shot(),
        Key::CpuShares => spec.cpu_shares = keys.cpu_shares,
        Key::CpusetCpus => match keys.cpuset_cpus.as_deref() {
            Some("all") => spec.cpuset_cpus = None,
            Some(cpus) => spec.cpuset_cpus = Some(cpus.to_owned()),
            None => {}
        },
        Key::MemLimit => spec.memory = keys.mem_limit,
        Key::MemswapLimit => spec.memory_swap = keys.memswap_limit,
        Key::MemSwappiness => spec.memory_swappiness = keys.mem_swappiness,
        Key::MemReservation => spec.memory_reservation = keys.mem_reservation,
        Key::PidsLimit => spec.pids_limit = keys.pids_limit,
        Key::CpuQuota => spec.cpu_quota = keys.cpu_quota,
        Key::ShmSize => spec.shm_size = keys.shm_size,
        Key::LogDriver => spec.log_driver = keys.log_driver.clone(),
        Key::LogOpt => spec.log_options.extend(keys.log_opt.clone()),
        Key::LogTag => {
            let tag = keys.log_tag.iter();
            spec.log_options
                .extend(tag.map(|tag| ("tag".to_owned(), tag.clone())));
        }
        // The work that converging does, not the container.
        Key::Action | Key::StartOrder | Key::ExitCodes => {}
        // The container's systemd unit.
        Key::DependsOn | Key::SystemdExecFlags => {}
        // Recorded, and otherwise without effect, as with paunch.
        Key::ConfigVolume | Key::CheckInterval | Key::Test => {}
    }
    Ok(())
}

/// The command to run in the container that an exec action names, without that name.
pub fn exec_spec(config: &ContainerConfig, host: &Host) -> ExecSpec {
    let keys = config.keys();
    let words = keys
        .command
        .as_ref()
        .map_or(&[][..], |command| command.words());
    ExecSpec {
        command: words.iter().skip(1).cloned().collect(),
        user: keys.user.clone(),
        env: keys
            .environment
            .iter()
            .map(|v| setting_or_name(v, host))
            .collect(),
        privileged: keys.privileged,
    }
}

/// The secrets in the environment of these configurations, including that of their env files as far
/// as those can be read.
pub fn secrets<'a>(configs: impl IntoIterator<Item = &'a ContainerConfig>, host: &Host) -> Secrets {
    let mut secrets = Secrets::default();
    for keys in configs.into_iter().map(ContainerConfig::keys) {
        let files = keys.env_file.iter();
        let mut settings: Vec<String> = files
            .filter_map(|file| env_file::read(file, host).ok())
            .flatten()
            .collect();
        settings.extend(keys.environment.iter().map(|v| setting_or_name(v, host)));
        secrets.environment(settings.iter().map(String::as_str));
    }
    secrets
}

/// Env files first, then the environment itself, in the docker command's order.
fn environment(keys: &ContainerKeys, host: &Host) -> Result<Vec<String>, SpecError> {
    let mut settings = Vec::new();
    for file in &keys.env_file {
        settings.extend(env_file::read(file, host)?);
    }
    settings.extend(keys.environment.iter().map(|v| setting_or_name(v, host)));
    Ok(settings)
}

/// `NAME=value`. A name that has no value here either stands alone: it removes the variable that
/// the image may set.
fn setting_or_name(variable: &EnvVar, host: &Host) -> String {
    let value = variable.value.as_deref();
    match value.or_else(|| host.variable(&variable.name)) {
        Some(value) => format!("{}={value}", variable.name),
        None => variable.name.clone(),
    }
}

/// A capability by its full name.
fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    match name.starts_with("CAP_") || name == "ALL" {
        true => name,
        false => format!("CAP_{name}"),
    }
}

/// Returns the security options. The configuration names the file of a seccomp profile; the engine
/// gets its content, without whitespace.
fn security_options(keys: &ContainerKeys) -> Result<Vec<String>, SpecError> {
    let inline = |option: &String| {
        let profile = option
            .strip_prefix("seccomp=")
            .or(option.strip_prefix("seccomp:"));
        match profile.filter(|profile| !matches!(*profile, "unconfined" | "builtin")) {
            Some(file) => Ok(format!("seccomp={}", seccomp_profile(file)?)),
            None => Ok(option.clone()),
        }
    };
    keys.security_opt.iter().map(inline).collect()
}

fn seccomp_profile(file: &str) -> Result<String, SpecError> {
    let error = |reason: String| SpecError {
        key: Key::SecurityOpt.name(),
        path: file.into(),
        reason,
    };
    let text = slipway_files::read_input(file).map_err(|why| error(why.to_string()))?;
    let profile: Result<serde_json::Value, _> = serde_json::from_str(&text);
    let profile = profile.map_err(|why| error(format!("not a seccomp profile: {why}")))?;
    Ok(profile.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn host() -> Host {
        Host::with(&[("HOME", "/h")], Some("0,1"))
    }

    fn spec(text: &str) -> Result<ContainerSpec, SpecError> {
        let config = ContainerConfig::parse(Path::new("c"), text).unwrap();
        container_spec(&config, BTreeMap::new(), &host())
    }

    #[test]
    fn environment_comes_from_files_then_keys_then_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        std::fs::write(&file, "# a comment\nA=1\n\nHOME\nUNSET\n").unwrap();
        let text = format!(
            "image: i\nenv_file: {}\nenvironment: [B=2, UNSET]\n",
            file.display()
        );
        assert_eq!(spec(&text).unwrap().env, ["A=1", "HOME=/h", "B=2", "UNSET"]);
        let missing = spec("image: i\nenv_file: /nowhere\n").unwrap_err();
        assert!(missing.to_string().starts_with("env_file /nowhere: "));
    }

    #[test]
    fn isolated_cpus_stay_isolated_unless_all_are_wanted() {
        let cpus = |text| spec(text).unwrap().cpuset_cpus;
        assert_eq!(cpus("image: i\n").as_deref(), Some("0,1"));
        assert_eq!(cpus("image: i\ncpuset_cpus: all\n"), None);
        assert_eq!(cpus("image: i\ncpuset_cpus: 3\n").as_deref(), Some("3"));
    }

    #[test]
    fn restart_policies() {
        let policy = |text: &str| {
            spec(&format!("image: i\nrestart: {text}\n"))
                .unwrap()
                .restart
        };
        assert_eq!(
            policy("on-failure:3"),
            Some(RestartPolicy::OnFailure(Some(3)))
        );
        assert_eq!(policy("unless-stopped"), Some(RestartPolicy::UnlessStopped));
        assert_eq!(policy("false"), Some(RestartPolicy::No));
    }

    #[test]
    fn the_engine_does_not_remove_containers_that_are_waited_for() {
        assert!(spec("image: i\nremove: true\n").unwrap().auto_remove);
        assert!(
            !spec("image: i\nremove: true\ndetach: false\n")
                .unwrap()
                .auto_remove
        );
    }
}
