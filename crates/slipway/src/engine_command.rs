//! The engine's own command line for a container's config, to try the container by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_service::{ContainerConfig, ContainerKeys, Key, PublishedPort};

/// The inputs of the command.
pub struct EngineCommand<'a> {
    /// `docker` or `podman`.
    pub program: &'a str,
    /// The container's name in the engine.
    pub name: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub config: &'a ContainerConfig,
    /// The file that has the environment, if the command line must not show it.
    pub env_file: Option<&'a str>,
}

impl EngineCommand<'_> {
    /// Returns the words of the command line, with options in paunch's order.
    pub fn words(&self) -> Vec<String> {
        let keys = self.config.keys();
        let mut words = Words(vec![
            self.program.to_owned(),
            "run".to_owned(),
            "--name".to_owned(),
            self.name.to_owned(),
        ]);
        for (label, value) in self.labels {
            words.0.push("--label".to_owned());
            words.0.push(format!("{label}={value}"));
        }
        words.flag("--detach=true", keys.detach != Some(false));
        for key in in_order() {
            option(key, keys, self.env_file, &mut words);
        }
        words.0.push(keys.image.clone().unwrap_or_default());
        let entry = keys.entrypoint.iter().flat_map(|entry| entry.words());
        words.0.extend(entry.skip(1).cloned());
        let command = keys.command.as_ref();
        words
            .0
            .extend(command.into_iter().flat_map(|c| c.words().to_vec()));
        words.0
    }
}

struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, option: &str, is_set: bool) {
        if is_set {
            self.0.push(option.to_owned());
        }
    }

    fn option(&mut self, option: &str, value: &Option<impl ToString>) {
        let value = value.as_ref();
        self.0
            .extend(value.map(|value| format!("{option}={}", value.to_string())));
    }

    fn options(&mut self, option: &str, values: impl IntoIterator<Item = impl ToString>) {
        let values = values.into_iter();
        self.0
            .extend(values.map(|value| format!("{option}={}", value.to_string())));
    }
}

/// Paunch's keys, in the order in which paunch gives their options. The other keys follow.
const FIRST: [Key; 29] = [
    Key::Environment,
    Key::Remove,
    Key::Interactive,
    Key::Tty,
    Key::Net,
    Key::Ipc,
    Key::Pid,
    Key::Uts,
    Key::Ulimit,
    Key::Healthcheck,
    Key::Privileged,
    Key::Restart,
    Key::User,
    Key::GroupAdd,
    Key::Volumes,
    Key::VolumesFrom,
    Key::LogTag,
    Key::CpuShares,
    Key::MemLimit,
    Key::MemswapLimit,
    Key::MemSwappiness,
    Key::SecurityOpt,
    Key::StopSignal,
    Key::Hostname,
    Key::ExtraHosts,
    Key::CpusetCpus,
    Key::StopGracePeriod,
    Key::CapAdd,
    Key::CapDrop,
];

/// All keys, in the order of their options.
fn in_order() -> impl Iterator<Item = Key> {
    let others = Key::ALL.iter().copied();
    FIRST
        .into_iter()
        .chain(others.filter(|key| !FIRST.contains(key)))
}

/// Adds the options of one key. Keys that share an option are added by the first of them.
fn option(key: Key, keys: &ContainerKeys, env_file: Option<&str>, words: &mut Words) {
    match key {
        Key::Environment => match env_file {
            Some(file) => words.option("--env-file", &Some(file)),
            None => environment(keys, words),
        },
        // Given with `environment`.
        Key::EnvFile => {}
        Key::Remove => words.flag("--rm", keys.remove),
        Key::Interactive => words.flag("--interactive", keys.interactive || keys.stdin_open),
        // The same option as `interactive`.
        Key::StdinOpen => {}
        Key::Tty => words.flag("--tty", keys.tty),
        Key::Net => words.option("--net", &keys.net),
        Key::Ipc => words.option("--ipc", &keys.ipc),
        Key::Pid => words.option("--pid", &keys.pid),
        Key::Uts => words.option("--uts", &keys.uts),
        Key::Ulimit => {
            let limits = keys.ulimit.iter().chain(&keys.ulimits);
            words.options(
                "--ulimit",
                limits.map(|limit| format!("{}={}:{}", limit.name, limit.soft, limit.hard)),
            );
        }
        // Given with `ulimit`.
        Key::Ulimits => {}
        Key::Healthcheck => healthcheck(keys, words),
        Key::Privileged => words.flag("--privileged=true", keys.privileged),
        Key::Restart => words.option("--restart", &keys.restart),
        Key::User => words.option("--user", &keys.user),
        Key::GroupAdd => words.options("--group-add", &keys.group_add),
        Key::Volumes => words.options("--volume", &keys.volumes),
        Key::VolumesFrom => words.options("--volumes-from", &keys.volumes_from),
        Key::LogTag => {
            let tag = keys.log_tag.iter();
            words.options("--log-opt", tag.map(|tag| format!("tag={tag}")));
        }
        Key::CpuShares => words.option("--cpu-shares", &keys.cpu_shares),
        Key::MemLimit => words.option("--memory", &keys.mem_limit),
        Key::MemswapLimit => words.option("--memory-swap", &keys.memswap_limit),
        Key::MemSwappiness => words.option("--memory-swappiness", &keys.mem_swappiness),
        Key::SecurityOpt => words.options("--security-opt", &keys.security_opt),
        Key::StopSignal => words.option("--stop-signal", &keys.stop_signal),
        Key::Hostname => words.option("--hostname", &keys.hostname),
        Key::ExtraHosts => words.options("--add-host", &keys.extra_hosts),
        Key::CpusetCpus => {
            let cpus = keys.cpuset_cpus.as_ref().filter(|cpus| *cpus != "all");
            words.option("--cpuset-cpus", &cpus);
        }
        Key::StopGracePeriod => {
            let grace = keys.stop_grace_period.map(|grace| grace.as_secs());
            words.option("--stop-timeout", &grace);
        }
        Key::CapAdd => words.options("--cap-add", &keys.cap_add),
        Key::CapDrop => words.options("--cap-drop", &keys.cap_drop),
        Key::PidsLimit => words.option("--pids-limit", &keys.pids_limit),
        Key::CgroupParent => words.option("--cgroup-parent", &keys.cgroup_parent),
        Key::CpuQuota => words.option("--cpu-quota", &keys.cpu_quota),
        Key::Devices => {
            let devices = keys.devices.iter();
            words.options(
                "--device",
                devices.map(|device| {
                    format!("{}:{}:{}", device.host, device.inside, device.permissions)
                }),
            );
        }
        Key::Dns => words.options("--dns", &keys.dns),
        Key::DnsSearch => words.options("--dns-search", &keys.dns_search),
        Key::Domainname => words.option("--domainname", &keys.domainname),
        // The option takes one word; the others begin the command.
        Key::Entrypoint => {
            let entry = keys.entrypoint.as_ref();
            words.option(
                "--entrypoint",
                &entry.and_then(|entry| entry.words().first()),
            );
        }
        Key::Expose => words.options("--expose", &keys.expose),
        Key::Init => words.flag("--init", keys.init),
        Key::Labels => words.options("--label", pairs(&keys.labels)),
        Key::LogDriver => words.option("--log-driver", &keys.log_driver),
        Key::LogOpt => words.options("--log-opt", pairs(&keys.log_opt)),
        Key::MemReservation => words.option("--memory-reservation", &keys.mem_reservation),
        Key::Ports => words.options("--publish", keys.ports.iter().map(published)),
        Key::ReadOnly => words.flag("--read-only", keys.read_only),
        Key::ShmSize => words.option("--shm-size", &keys.shm_size),
        Key::Sysctls => words.options("--sysctl", pairs(&keys.sysctls)),
        Key::Tmpfs => {
            let mounts = keys.tmpfs.iter();
            words.options(
                "--tmpfs",
                mounts.map(|(path, options)| match options.as_str() {
                    "" => path.clone(),
                    options => format!("{path}:{options}"),
                }),
            );
        }
        Key::WorkingDir => words.option("--workdir", &keys.working_dir),
        // Before and after all options.
        Key::Detach | Key::Image | Key::Command => {}
        // Nothing of the engine's.
        Key::Action
        | Key::StartOrder
        | Key::ExitCodes
        | Key::ConfigVolume
        | Key::CheckInterval
        | Key::Test
        | Key::DependsOn
        | Key::SystemdExecFlags => {}
    }
}

fn environment(keys: &ContainerKeys, words: &mut Words) {
    words.options("--env-file", &keys.env_file);
    for variable in &keys.environment {
        let setting = match &variable.value {
            Some(value) => format!("{}={value}", variable.name),
            None => variable.name.clone(),
        };
        words.options("--env", [setting]);
    }
}

fn healthcheck(keys: &ContainerKeys, words: &mut Words) {
    let Some(check) = &keys.healthcheck else {
        return;
    };
    match check.test.split_first() {
        Some((kind, _)) if kind == "NONE" => words.flag("--no-healthcheck", true),
        Some((_, script)) => words.options("--health-cmd", [script.join(" ")]),
        None => {}
    }
    words.option("--health-interval", &check.interval.map(seconds));
    words.option("--health-timeout", &check.timeout.map(seconds));
    words.option("--health-retries", &check.retries);
    words.option("--health-start-period", &check.start_period.map(seconds));
}

fn published(port: &PublishedPort) -> String {
    let host = port.host.map(|port| port.to_string()).unwrap_or_default();
    match port.address {
        Some(ip) if ip.is_ipv6() => format!("[{ip}]:{host}:{}", port.inside),
        Some(ip) => format!("{ip}:{host}:{}", port.inside),
        None if host.is_empty() => port.inside.to_string(),
        None => format!("{host}:{}", port.inside),
    }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<String> {
    map.iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

/// Quotes a word for a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_key_has_its_option() {
        let text = "
image: i
command: [sh, -c, 'a b']
entrypoint: [nice, '-n']
environment: {A: 1}
healthcheck: {test: a b, interval: 1m30s}
volumes: ['/a:/b:ro', /c]
ports: ['127.0.0.1::80', '8080:81/udp']
tmpfs: [/run, '/t:size=1m']
ulimits: {nofile: 5}
cpuset_cpus: all
remove: true
";
        let config = ContainerConfig::parse(Path::new("c"), text).unwrap();
        let labels = [("x".to_owned(), "y".to_owned())].into();
        let command = EngineCommand {
            program: "docker",
            name: "n",
            labels: &labels,
            config: &config,
            env_file: None,
        };
        assert_eq!(
            command.words().join(" "),
            "docker run --name n --label x=y --detach=true --env=A=1 --rm --ulimit=nofile=5:5 \
             --health-cmd=a b --health-interval=90s --volume=/a:/b:ro --volume=/c \
             --entrypoint=nice --publish=127.0.0.1::80/tcp --publish=8080:81/udp --tmpfs=/run \
             --tmpfs=/t:size=1m i -n sh -c a b"
        );
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--env=A=1"), "--env=A=1");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
