//! The engine's own command line for a container's config, for people to try things with.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_service::{ContainerConfig, ContainerKeys};

/// What the command is made from.
pub struct EngineCommand<'a> {
    /// `docker` or `podman`.
    pub program: &'a str,
    /// The container's name in the engine.
    pub name: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub config: &'a ContainerConfig,
    /// The environment is in this file rather than on the command line.
    pub env_file: Option<&'a str>,
}

impl EngineCommand<'_> {
    /// The words of the command line, options in the order in which paunch gives them.
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
        match self.env_file {
            Some(file) => words.one("--env-file", &Some(file)),
            None => environment(keys, &mut words),
        }
        paunchs(keys, &mut words);
        composes(keys, &mut words);
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
    fn flag(&mut self, option: &str, given: bool) {
        if given {
            self.0.push(option.to_owned());
        }
    }

    fn one(&mut self, option: &str, value: &Option<impl ToString>) {
        let value = value.as_ref();
        self.0
            .extend(value.map(|value| format!("{option}={}", value.to_string())));
    }

    fn each(&mut self, option: &str, values: impl IntoIterator<Item = impl ToString>) {
        let values = values.into_iter();
        self.0
            .extend(values.map(|value| format!("{option}={}", value.to_string())));
    }
}

fn environment(keys: &ContainerKeys, words: &mut Words) {
    words.each("--env-file", &keys.env_file);
    for variable in &keys.environment {
        let setting = match &variable.value {
            Some(value) => format!("{}={value}", variable.name),
            None => variable.name.clone(),
        };
        words.each("--env", [setting]);
    }
}

/// The keys that paunch has.
fn paunchs(keys: &ContainerKeys, words: &mut Words) {
    words.flag("--rm", keys.remove);
    words.flag("--interactive", keys.interactive || keys.stdin_open);
    words.flag("--tty", keys.tty);
    words.one("--net", &keys.net);
    words.one("--ipc", &keys.ipc);
    words.one("--pid", &keys.pid);
    words.one("--uts", &keys.uts);
    let limits = keys.ulimit.iter().chain(&keys.ulimits);
    let limits = limits.map(|limit| format!("{}={}:{}", limit.name, limit.soft, limit.hard));
    words.each("--ulimit", limits);
    if let Some(check) = &keys.healthcheck {
        match check.test.split_first() {
            Some((kind, _)) if kind == "NONE" => words.flag("--no-healthcheck", true),
            Some((_, script)) => words.each("--health-cmd", [script.join(" ")]),
            None => {}
        }
        words.one("--health-interval", &check.interval.map(seconds));
        words.one("--health-timeout", &check.timeout.map(seconds));
        words.one("--health-retries", &check.retries);
        words.one("--health-start-period", &check.start_period.map(seconds));
    }
    words.flag("--privileged=true", keys.privileged);
    words.one("--restart", &keys.restart);
    words.one("--user", &keys.user);
    words.each("--group-add", &keys.group_add);
    let mounts = keys.volumes.iter().map(|mount| {
        let mut parts: Vec<&str> = mount.source.iter().map(String::as_str).collect();
        parts.push(&mount.target);
        let options = mount.options.join(",");
        parts.extend(Some(options.as_str()).filter(|options| !options.is_empty()));
        parts.join(":")
    });
    words.each("--volume", mounts);
    words.each("--volumes-from", &keys.volumes_from);
    words.each(
        "--log-opt",
        keys.log_tag.iter().map(|tag| format!("tag={tag}")),
    );
    words.one("--cpu-shares", &keys.cpu_shares);
    words.one("--memory", &keys.mem_limit);
    words.one("--memory-swap", &keys.memswap_limit);
    words.one("--memory-swappiness", &keys.mem_swappiness);
    words.each("--security-opt", &keys.security_opt);
    words.one("--stop-signal", &keys.stop_signal);
    words.one("--hostname", &keys.hostname);
    words.each("--add-host", &keys.extra_hosts);
    let cpus = keys.cpuset_cpus.as_ref().filter(|cpus| *cpus != "all");
    words.one("--cpuset-cpus", &cpus);
    words.one(
        "--stop-timeout",
        &keys.stop_grace_period.map(|t| t.as_secs()),
    );
    words.each("--cap-add", &keys.cap_add);
    words.each("--cap-drop", &keys.cap_drop);
}

/// The keys that Compose has beyond paunch's.
fn composes(keys: &ContainerKeys, words: &mut Words) {
    let pairs = |map: &BTreeMap<String, String>| -> Vec<String> {
        map.iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    };
    words.one("--pids-limit", &keys.pids_limit);
    words.one("--cgroup-parent", &keys.cgroup_parent);
    words.one("--cpu-quota", &keys.cpu_quota);
    let devices = keys.devices.iter();
    words.each(
        "--device",
        devices.map(|device| format!("{}:{}:{}", device.host, device.inside, device.permissions)),
    );
    words.each("--dns", &keys.dns);
    words.each("--dns-search", &keys.dns_search);
    words.one("--domainname", &keys.domainname);
    // The option takes one word; the others begin the command.
    if let Some(entry) = &keys.entrypoint {
        words.one("--entrypoint", &entry.words().first());
    }
    words.each("--expose", &keys.expose);
    words.flag("--init", keys.init);
    words.each("--label", pairs(&keys.labels));
    words.one("--log-driver", &keys.log_driver);
    words.each("--log-opt", pairs(&keys.log_opt));
    words.one("--memory-reservation", &keys.mem_reservation);
    let ports = keys.ports.iter().map(|port| {
        let host = port.host.map(|port| port.to_string()).unwrap_or_default();
        match port.address {
            Some(ip) if ip.is_ipv6() => format!("[{ip}]:{host}:{}", port.inside),
            Some(ip) => format!("{ip}:{host}:{}", port.inside),
            None if host.is_empty() => port.inside.to_string(),
            None => format!("{host}:{}", port.inside),
        }
    });
    words.each("--publish", ports);
    words.flag("--read-only", keys.read_only);
    words.one("--shm-size", &keys.shm_size);
    words.each("--sysctl", pairs(&keys.sysctls));
    let tmpfs = keys
        .tmpfs
        .iter()
        .map(|(path, options)| match options.as_str() {
            "" => path.clone(),
            options => format!("{path}:{options}"),
        });
    words.each("--tmpfs", tmpfs);
    words.one("--workdir", &keys.working_dir);
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

/// A word as a shell takes it.
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
