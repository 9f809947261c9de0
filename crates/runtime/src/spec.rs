//! From a container's declared configuration to what the engine makes.
//!
//! Key by key this does what paunch 7.0.4 does with docker, where paunch leaves the work to the
//! docker command: env files are read, sizes and times parsed, and CPUs isolated on the host kept
//! out, before the engine is asked for anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use slipway_redact::Secrets;
use slipway_service::{ContainerConfig, ContainerKeys, EnvVar};

use slipway_engine::{
    Bind, ContainerSpec, DeviceSpec, ExecSpec, HealthcheckSpec, PortSpec, RestartPolicy, UlimitSpec,
};

/// A file that a container's configuration names and that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key} {}: {reason}", path.display())]
pub struct SpecError {
    /// The key that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What a container takes from the host it is made on, beside its configuration.
pub struct Host {
    /// Environment variables passed on by name.
    environment: BTreeMap<String, String>,
    /// The CPUs that containers may use where the kernel isolates some (`isolcpus`).
    cpus: Option<String>,
}

impl Host {
    /// This host.
    pub fn current() -> Host {
        let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Host {
            environment: std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            cpus: usable_cpus(&command_line, &status),
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("cpus", &self.cpus)
            .finish_non_exhaustive()
    }
}

/// Where the kernel isolates CPUs, those this process may run on, one by one: `0,1,4`.
fn usable_cpus(command_line: &str, status: &str) -> Option<String> {
    if !command_line.contains("isolcpus") {
        return None;
    }
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cpus = Vec::new();
    for range in line.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        cpus.extend((first..=last).map(|cpu| cpu.to_string()));
    }
    Some(cpus.join(","))
}

/// What to make a container from.
///
/// # Errors
/// An env file or seccomp profile cannot be read.
pub fn container_spec(
    config: &ContainerConfig,
    labels: BTreeMap<String, String>,
    host: &Host,
) -> Result<ContainerSpec, SpecError> {
    let keys = config.keys();
    let mut all_labels = keys.labels.clone();
    all_labels.extend(labels);
    let mounts = || keys.volumes.iter();
    Ok(ContainerSpec {
        image: keys.image.clone().unwrap_or_default(),
        command: keys
            .command
            .as_ref()
            .map(|command| command.words().to_vec()),
        entrypoint: keys.entrypoint.as_ref().map(|entry| entry.words().to_vec()),
        env: environment(keys, host)?,
        user: keys.user.clone(),
        group_add: keys.group_add.clone(),
        working_dir: keys.working_dir.clone(),
        hostname: keys.hostname.clone(),
        domainname: keys.domainname.clone(),
        labels: all_labels,
        binds: mounts().filter_map(bind).collect(),
        anonymous_volumes: mounts()
            .filter(|mount| mount.source.is_none())
            .map(|mount| mount.target.clone())
            .collect(),
        volumes_from: keys.volumes_from.clone(),
        tmpfs: keys.tmpfs.clone(),
        devices: keys.devices.iter().map(device).collect(),
        read_only: keys.read_only,
        exposed_ports: keys.expose.iter().map(ToString::to_string).collect(),
        published_ports: keys.ports.iter().map(port).collect(),
        dns: keys.dns.clone(),
        dns_search: keys.dns_search.clone(),
        sysctls: keys.sysctls.clone(),
        init: keys.init,
        cgroup_parent: keys.cgroup_parent.clone(),
        network_mode: keys.net.clone(),
        ipc_mode: keys.ipc.clone(),
        pid_mode: keys.pid.clone(),
        uts_mode: keys.uts.clone(),
        extra_hosts: keys.extra_hosts.clone(),
        privileged: keys.privileged,
        cap_add: keys.cap_add.iter().map(|name| capability(name)).collect(),
        cap_drop: keys.cap_drop.iter().map(|name| capability(name)).collect(),
        security_opt: security_options(keys)?,
        ulimits: keys
            .ulimit
            .iter()
            .chain(&keys.ulimits)
            .map(ulimit)
            .collect(),
        restart: Some(restart_policy(keys.restart.as_deref().unwrap_or("no"))),
        healthcheck: keys.healthcheck.as_ref().map(healthcheck),
        stop_signal: keys.stop_signal.clone(),
        stop_timeout: keys.stop_grace_period,
        attach: keys.is_one_shot(),
        tty: keys.tty,
        interactive: keys.interactive || keys.stdin_open,
        // A container whose end is waited for must still be there to be asked for its exit code;
        // it is removed after that.
        auto_remove: keys.remove && !keys.is_one_shot(),
        cpu_shares: keys.cpu_shares,
        cpuset_cpus: match keys.cpuset_cpus.as_deref() {
            Some("all") => None,
            Some(cpus) => Some(cpus.to_owned()),
            None => host.cpus.clone(),
        },
        memory: keys.mem_limit,
        memory_swap: keys.memswap_limit,
        memory_swappiness: keys.mem_swappiness,
        pids_limit: keys.pids_limit,
        cpu_quota: keys.cpu_quota,
        memory_reservation: keys.mem_reservation,
        shm_size: keys.shm_size,
        log_driver: keys.log_driver.clone(),
        log_options: log_options(keys),
    })
}

fn log_options(keys: &ContainerKeys) -> BTreeMap<String, String> {
    let mut options = keys.log_opt.clone();
    options.extend(
        keys.log_tag
            .iter()
            .map(|tag| ("tag".to_owned(), tag.clone())),
    );
    options
}

/// What to run in the container that an exec action names, without that name.
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

/// The secrets in the environment that configurations give, also by env files, as far as those can
/// be read.
pub fn secrets<'a>(configs: impl IntoIterator<Item = &'a ContainerConfig>, host: &Host) -> Secrets {
    let mut secrets = Secrets::default();
    for keys in configs.into_iter().map(ContainerConfig::keys) {
        let files = keys.env_file.iter();
        let mut settings: Vec<String> = files
            .filter_map(|file| env_file(file, host).ok())
            .flatten()
            .collect();
        settings.extend(keys.environment.iter().map(|v| setting_or_name(v, host)));
        secrets.environment(settings.iter().map(String::as_str));
    }
    secrets
}

/// Env files first, then the environment itself, as the docker command has it.
fn environment(keys: &ContainerKeys, host: &Host) -> Result<Vec<String>, SpecError> {
    let mut settings = Vec::new();
    for file in &keys.env_file {
        settings.extend(env_file(file, host)?);
    }
    settings.extend(keys.environment.iter().map(|v| setting_or_name(v, host)));
    Ok(settings)
}

fn env_file(file: &str, host: &Host) -> Result<Vec<String>, SpecError> {
    let text = read("env_file", file)?;
    let lines = text.lines().map(str::trim_start);
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| setting(&EnvVar::from(line), host))
        .collect())
}

fn setting(variable: &EnvVar, host: &Host) -> Option<String> {
    let value = variable
        .value
        .as_ref()
        .or_else(|| host.environment.get(&variable.name))?;
    Some(format!("{}={value}", variable.name))
}

/// A name alone takes the variable away that an image may set. In an env file it means nothing.
fn setting_or_name(variable: &EnvVar, host: &Host) -> String {
    setting(variable, host).unwrap_or_else(|| variable.name.clone())
}

/// A capability by its full name.
fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    match name.starts_with("CAP_") || name == "ALL" {
        true => name,
        false => format!("CAP_{name}"),
    }
}

fn read(key: &'static str, file: &str) -> Result<String, SpecError> {
    std::fs::read_to_string(file).map_err(|why| SpecError {
        key,
        path: file.into(),
        reason: why.to_string(),
    })
}

fn bind(mount: &slipway_service::VolumeMount) -> Option<Bind> {
    Some(Bind {
        source: mount.source.clone()?,
        target: mount.target.clone(),
        options: mount.options.clone(),
    })
}

/// The engine wants a seccomp profile itself, without white space, where the configuration names
/// its file.
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
    let profile: Result<serde_json::Value, _> = serde_json::from_str(&read("security_opt", file)?);
    let profile = profile.map_err(|why| SpecError {
        key: "security_opt",
        path: file.into(),
        reason: format!("not a seccomp profile: {why}"),
    })?;
    Ok(profile.to_string())
}

fn device(device: &slipway_service::Device) -> DeviceSpec {
    DeviceSpec {
        host: device.host.clone(),
        inside: device.inside.clone(),
        permissions: device.permissions.clone(),
    }
}

fn port(port: &slipway_service::PublishedPort) -> PortSpec {
    PortSpec {
        inside: port.inside.to_string(),
        host_ip: port.address.map(|ip| ip.to_string()).unwrap_or_default(),
        host_port: port.host.map(|port| port.to_string()).unwrap_or_default(),
    }
}

fn ulimit(limit: &slipway_service::Ulimit) -> UlimitSpec {
    UlimitSpec {
        name: limit.name.clone(),
        soft: limit.soft,
        hard: limit.hard,
    }
}

fn restart_policy(policy: &str) -> RestartPolicy {
    match policy.split_once(':') {
        Some((_, times)) => RestartPolicy::OnFailure(times.parse().ok()),
        None => match policy {
            "always" => RestartPolicy::Always,
            "unless-stopped" => RestartPolicy::UnlessStopped,
            "on-failure" => RestartPolicy::OnFailure(None),
            _ => RestartPolicy::No,
        },
    }
}

fn healthcheck(check: &slipway_service::Healthcheck) -> HealthcheckSpec {
    HealthcheckSpec {
        test: check.test.clone(),
        interval: check.interval,
        timeout: check.timeout,
        retries: check.retries,
        start_period: check.start_period,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn host() -> Host {
        Host {
            environment: [("HOME".to_owned(), "/h".to_owned())].into(),
            cpus: Some("0,1".to_owned()),
        }
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
        assert_eq!(usable_cpus("ro quiet", "Cpus_allowed_list:\t0-3\n"), None);
        assert_eq!(
            usable_cpus("isolcpus=2", "Cpus_allowed_list:\t0-1,3\n").as_deref(),
            Some("0,1,3")
        );
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
    fn what_is_waited_for_is_not_removed_by_the_engine() {
        assert!(spec("image: i\nremove: true\n").unwrap().auto_remove);
        assert!(
            !spec("image: i\nremove: true\ndetach: false\n")
                .unwrap()
                .auto_remove
        );
    }
}
