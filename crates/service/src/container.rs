//! A container's configuration as it was declared.
//!
//! The keys and what they mean are those of paunch 7.0.4 with docker. The declaration itself is
//! kept too, in its order and its forms, because a running container's label records it and a later
//! run compares the two.
//!
//! Differences from paunch:
//!
//! * A key that is not known, or whose value is of the wrong type, is an error. paunch ignores it,
//!   or docker fails half-way. Called as paunch, Slipway warns of unknown keys and continues
//!   ([`UnknownKeys::PassedOver`]).
//! * `stop_grace_period` may be a text such as `1m30s`; paunch hands docker a fraction, which it
//!   refuses. Times of a healthcheck may be plain seconds.
//! * The strings `"true"` and `"false"`, which Heat makes of booleans, are booleans; paunch
//!   takes any text that is not empty for true.
//! * `start_order` and `exit_codes` may be written as strings or as numbers with a zero fraction
//!   (`"1"`, `1.0`); paunch compares strings with numbers, and never finds them equal.
//! * Podman runs a healthcheck as the container's user. paunch had systemd run it, as root.
//! * `pids_limit` counts, and a healthcheck has `start_period`; paunch has the one for podman only
//!   and not the other. A healthcheck's `test` may be a list in the engine's form.
//! * Of what paunch left to do, these keys of Compose's first version count: `cgroup_parent`,
//!   `cpu_quota`, `devices`, `dns`, `dns_search`, `domainname`, `entrypoint`, `expose`, `labels`,
//!   `log_driver`, `log_opt`, `mem_reservation`, `ports`, `read_only`, `shm_size`,
//!   `stdin_open`, `ulimits` and `working_dir`; and of later ones `init`, `sysctls` and `tmpfs`.
//!   paunch records them and does nothing about them.
//! * `depends_on` and `systemd_exec_flags` are for the units of containers that systemd starts.
//!   `check_interval` is accepted and recorded, and changes nothing: the healthcheck has an interval.
//!   So is a `test` that stands outside of a healthcheck, as TripleO 8 has one.

use std::cell::Cell;
use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

mod compose;
mod keys;
mod tolerant;
mod values;

pub use compose::{Device, Port, PublishedPort};
pub use keys::{Action, ContainerKeys, Healthcheck, Key};
pub use tolerant::{Tolerated, UnknownKeys};
pub use values::{Command, EnvVar, RestartPolicy, Ulimit, VolumeMount};

/// The configuration of one container: checked keys, and the declaration that they come from.
///
/// ```
/// use slipway_service::ContainerConfig;
///
/// let mut keystone: ContainerConfig = serde_json::from_str(r#"{
///     "image": "kolla/keystone:1",
///     "net": "host",
///     "volumes": ["/var/lib/kolla:/var/lib/kolla:ro"],
///     "environment": ["KOLLA_CONFIG_STRATEGY=COPY_ALWAYS"]
/// }"#)?;
/// keystone.relocate(|path| Ok::<_, std::convert::Infallible>(format!("/try{path}"))).unwrap();
/// keystone.set_env("TRIPLEO_CONFIG_HASH", "12ab");
///
/// assert_eq!(keystone.keys().volumes[0].source.as_deref(), Some("/try/var/lib/kolla"));
/// assert_eq!(keystone.declared()["environment"][1], "TRIPLEO_CONFIG_HASH=12ab");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// `Debug` shows the image and the names of the keys: environment and commands carry passwords.
#[derive(Clone, PartialEq)]
pub struct ContainerConfig {
    declared: Map<String, Value>,
    keys: ContainerKeys,
}

impl ContainerConfig {
    /// Checks a declaration.
    ///
    /// # Errors
    /// Names the key and what is wrong with it.
    pub fn new(declared: Map<String, Value>) -> Result<ContainerConfig, serde_json::Error> {
        serde_json::from_value(Value::Object(declared))
    }

    /// Reads one container's configuration from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line and key.
    pub fn parse(path: &Path, text: &str) -> crate::Result<ContainerConfig> {
        Ok(ContainerConfig::parse_with(path, text, UnknownKeys::Refused)?.value)
    }

    /// Reads configurations by container name from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line, container and key.
    pub fn parse_all(path: &Path, text: &str) -> crate::Result<IndexMap<String, ContainerConfig>> {
        Ok(ContainerConfig::parse_all_with(path, text, UnknownKeys::Refused)?.value)
    }

    /// The checked keys.
    pub fn keys(&self) -> &ContainerKeys {
        &self.keys
    }

    /// The declaration, in its order.
    pub fn declared(&self) -> &Map<String, Value> {
        &self.declared
    }

    /// The declaration as text for the `config_data` label, byte for byte what Python's
    /// `json.dumps` writes, which is what paunch puts there.
    pub fn config_data(&self) -> String {
        slipway_pyvalue::json::dumps(&Value::Object(self.declared.clone()))
    }

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

    /// Sets an environment variable, in the form in which the environment is declared.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let declared = self
            .declared
            .entry("environment")
            .or_insert_with(|| Value::Array(Vec::new()));
        if declared.is_null() {
            *declared = Value::Array(Vec::new());
        }
        match declared {
            Value::Object(map) => {
                map.insert(name.to_owned(), Value::from(value));
            }
            Value::Array(list) => {
                list.retain(|item| {
                    item.as_str()
                        .is_none_or(|text| values::env_name(text) != name)
                });
                list.push(Value::from(format!("{name}={value}")));
            }
            _ => {}
        }
        let environment = &mut self.keys.environment;
        environment.retain(|variable| variable.name != name);
        environment.push(EnvVar {
            name: name.to_owned(),
            value: Some(value.to_owned()),
        });
        if self
            .declared
            .get("environment")
            .is_some_and(Value::is_object)
        {
            self.keys.environment.sort_by(|a, b| a.name.cmp(&b.name));
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

impl<'de> Deserialize<'de> for ContainerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unknown = UnknownKeys::Refused;
        deserializer.deserialize_map(ConfigVisitor { unknown })
    }
}

struct ConfigVisitor {
    unknown: UnknownKeys,
}

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = ContainerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container's configuration (a mapping)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContainerConfig, A::Error> {
        let mut declared = Map::new();
        let mut effective = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            // Checked while the reader is still at this key, so that its error has the key's place.
            let (value, part) = map.next_value_seed(Checked {
                key: &key,
                unknown: self.unknown,
            })?;
            effective.extend(part.map(|part| (key.clone(), part)));
            declared.insert(key, value);
        }
        let keys: ContainerKeys =
            serde_json::from_value(Value::Object(effective)).map_err(de::Error::custom)?;
        keys.check().map_err(de::Error::custom)?;
        Ok(ContainerConfig { declared, keys })
    }
}

/// Reads one key's value, and the part of it that has an effect, and checks that part.
struct Checked<'a> {
    key: &'a str,
    unknown: UnknownKeys,
}

impl<'de> DeserializeSeed<'de> for Checked<'_> {
    type Value = (Value, Option<Value>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if values::has_nul(&value) {
            return Err(de::Error::custom("a NUL character is in it"));
        }
        let Some(part) = tolerant::effective(self.unknown, self.key, &value) else {
            return Ok((value, None));
        };
        let alone = Value::Object(Map::from_iter([(self.key.to_owned(), part.clone())]));
        match serde_json::from_value::<ContainerKeys>(alone) {
            Ok(_) => Ok((value, Some(part))),
            Err(why) => Err(de::Error::custom(why)),
        }
    }
}

impl Serialize for ContainerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.declared.serialize(serializer)
    }
}

impl fmt::Debug for ContainerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.declared.keys().collect();
        f.debug_struct("ContainerConfig")
            .field("image", &self.keys.image)
            .field("declares", &keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn config(text: &str) -> ContainerConfig {
        ContainerConfig::parse(Path::new("c.yaml"), text).unwrap()
    }

    fn refusal(text: &str) -> String {
        let parsed = ContainerConfig::parse(Path::new("c.yaml"), text);
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read() {
        let config = config(
            "image: i\naction: run\nstart_order: 2\nexit_codes: [0, 6]\ncommand: sleep  9\n\
             detach: false\nenvironment: {B: 1, A: true, C: ''}\nenv_file: /e\n\
             healthcheck: {test: /check, interval: 30s, timeout: 5, retries: '3'}\n\
             interactive: true\ntty: 'True'\nnet: host\nipc: host\npid: host\nuts: host\n\
             privileged: false\nrestart: on-failure:3\nremove: true\nuser: 0\ngroup_add: [1]\n\
             volumes: ['/a:/b:ro,z', '', 'data:/d', '/anon']\nvolumes_from: [x]\nlog_tag: t\n\
             cpu_shares: 5\nmem_limit: 1g\nmemswap_limit: -1\nmem_swappiness: 60\n\
             security_opt: label=disable\nstop_signal: SIGINT\nstop_grace_period: 1m\n\
             hostname: h\nextra_hosts: ['a:1.2.3.4']\ncpuset_cpus: all\ncap_add: [X]\n\
             cap_drop: [Y]\nulimit: ['nofile=1:2']\npids_limit: 7\ncheck_interval: 10\n\
             test: /bin/check\n\
             cgroup_parent: /p\ncpu_quota: 50000\ndevices: ['/dev/null:/dev/x:r']\ndns: 1.1.1.1\n\
             dns_search: [a.b]\ndomainname: d\nentrypoint: [sh, -c]\nexpose: [80]\ninit: true\n\
             labels: {a: 1}\nlog_driver: json-file\nlog_opt: {max-size: 1m}\nmem_reservation: 1m\n\
             ports: ['8080:80']\nread_only: true\nshm_size: 1m\n\
             stdin_open: true\nsysctls: [net.core.somaxconn=5]\ntmpfs: /run:size=1m\n\
             ulimits: {nproc: 5}\nworking_dir: /w\n",
        );
        let keys = config.keys();
        assert!(keys.is_one_shot() && keys.accepts_exit_code(6) && !keys.accepts_exit_code(1));
        assert_eq!(keys.command.as_ref().unwrap().words(), ["sleep", "9"]);
        let environment: Vec<_> = keys
            .environment
            .iter()
            .map(|v| (v.name.as_str(), v.value.as_deref()))
            .collect();
        assert_eq!(
            environment,
            [("A", Some("True")), ("B", Some("1")), ("C", None)]
        );
        let check = keys.healthcheck.as_ref().unwrap();
        assert_eq!(check.test, ["CMD-SHELL", "/check"]);
        assert_eq!(check.interval, Some(Duration::from_secs(30)));
        assert_eq!((check.retries, keys.user.as_deref()), (Some(3), Some("0")));
        assert_eq!(keys.volumes.len(), 3);
        assert_eq!(keys.volumes[0].options, ["ro", "z"]);
        assert_eq!(keys.volumes[2].source, None);
        assert_eq!(keys.mem_limit, Some(1 << 30));
        assert_eq!(keys.ulimit[0].hard, 2);
        assert_eq!(keys.stop_grace_period, Some(Duration::from_secs(60)));
        assert_eq!(keys.devices[0].permissions, "r");
        assert_eq!(keys.sysctls["net.core.somaxconn"], "5");
        assert_eq!(keys.tmpfs["/run"], "size=1m");
        assert_eq!((keys.ulimits[0].soft, keys.shm_size), (5, Some(1 << 20)));
    }

    #[test]
    fn whole_numbers_are_read_in_any_form() {
        for text in ["start_order: 1", "start_order: '1'", "start_order: 1.0"] {
            assert_eq!(config(&format!("image: i\n{text}\n")).keys().start_order, 1);
        }
        assert_eq!(config("image: i\nstart_order:\n").keys().start_order, 0);
        for text in ["[0, 6]", "['0', '6']", "[0.0, 6.0]"] {
            let config = config(&format!("image: i\nexit_codes: {text}\n"));
            assert_eq!(config.keys().exit_codes, [0, 6]);
        }
        for (text, words) in [
            (
                "start_order: 1.5",
                "start_order: expected a whole number, found 1.5",
            ),
            (
                "start_order: soon",
                "start_order: expected a whole number, found a string",
            ),
            (
                "start_order: [1]",
                "start_order: expected a whole number, found a list",
            ),
            (
                "exit_codes: 0",
                "exit_codes: expected a list of exit codes, found a number",
            ),
            (
                "exit_codes: [x]",
                "exit_codes: expected a whole number, found a string",
            ),
            ("environment: ['=x']", "environment: a variable has no name"),
        ] {
            let message = refusal(&format!("image: i\n{text}\n"));
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn errors_name_their_line() {
        assert_eq!(
            refusal("image: i\nenviroment: []\n"),
            "c.yaml:2:1: enviroment: unknown key; did you mean `environment`?"
        );
        assert_eq!(
            refusal("image: i\nhealthcheck:\n  intervall: 3s\n"),
            "c.yaml:3:3: healthcheck.intervall: unknown key; did you mean `interval`?"
        );
        let wrong = [
            (
                "image: i\nprivileged: 3\n",
                "privileged: expected true or false, found a number",
            ),
            (
                "image: i\nvolumes: [a]\n",
                "volumes: `a`: the path inside must be absolute",
            ),
            (
                "image: i\nvolumes: [./a:/b]\n",
                "must be an absolute path or a volume's name",
            ),
            (
                "image: i\nhealthcheck: [[x]]\n",
                "healthcheck: expected a mapping, found a list",
            ),
            (
                "image: i\nenvironment: {PASSWORD: \"hunter\\02\"}\n",
                "environment: a NUL character is in it",
            ),
            (
                "image: i\nrestart: often\n",
                "restart: `often`: expected no, always",
            ),
            (
                "image: i\nulimit: [nofile]\n",
                "ulimit: `nofile`: expected name=soft[:hard]",
            ),
            (
                "image: i\nstop_grace_period: soon\n",
                "`soon`: expected a time",
            ),
            (
                "image: i\naction: start\n",
                "unknown variant `start`, expected `run` or `exec`",
            ),
            (
                "image: i\nports: [http]\n",
                "ports: `http`: expected [[address:]host-port:]port",
            ),
            (
                "image: i\nulimits: [nofile=1]\n",
                "ulimits: expected a mapping such as",
            ),
            ("net: host\n", "`image` is missing"),
            ("action: exec\ncommand: [it]\n", "must name the container"),
        ];
        for (text, words) in wrong {
            let message = refusal(text);
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_wrong_environment_value_is_not_shown() {
        let message = refusal("image: i\nenvironment: {PASSWORD: [hunter2]}\n");
        assert!(message.contains("PASSWORD") && !message.contains("hunter2"));
    }

    #[test]
    fn a_missing_set_is_not_an_empty_one() {
        let all = |text: &str| ContainerConfig::parse_all(Path::new("s.yaml"), text);
        assert!(all("{}").unwrap().is_empty());
        for text in ["", "# none\n", "~", "---\n"] {
            let message = all(text).unwrap_err().to_string();
            assert!(message.starts_with("s.yaml: nothing in it"), "{message}");
        }
    }

    #[test]
    fn the_label_has_the_text_that_python_writes() {
        let config = config(
            "image: i\ncommand: [sh, -c, \"echo 'ü😀' \\\"q\\\"\\n\"]\nuser: 0\nprivileged: false\nexit_codes: []\n",
        );
        assert_eq!(
            config.config_data(),
            r#"{"image": "i", "command": ["sh", "-c", "echo '\u00fc\ud83d\ude00' \"q\"\n"], "user": 0, "privileged": false, "exit_codes": []}"#
        );
    }

    #[test]
    fn environment_is_set_in_its_own_form_and_replaced_not_doubled() {
        let mut map = config("image: i\nenvironment: {Z: 1}\n");
        map.set_env("A", "2");
        assert_eq!(map.declared()["environment"]["A"], "2");
        assert_eq!(map.keys().environment[0].name, "A");

        let mut list = config("image: i\nenvironment: [H=1, A=1]\n");
        list.set_env("H", "2");
        assert_eq!(
            list.declared()["environment"],
            serde_json::json!(["A=1", "H=2"])
        );
        let mut none = config("image: i\n");
        none.set_env("H", "2");
        assert_eq!(none.declared()["environment"], serde_json::json!(["H=2"]));

        for changed in [map, list, none] {
            let again = ContainerConfig::new(changed.declared().clone()).unwrap();
            assert!(again == changed, "keys and declaration agree");
        }
    }

    #[test]
    fn relocation_moves_host_paths_only() {
        let mut config =
            config("image: i\nvolumes: ['/a:/a:ro', 'data:/d', '/anon', '']\nenv_file: [/e]\n");
        config
            .relocate(|path| Ok::<_, std::convert::Infallible>(format!("/root{path}")))
            .unwrap();
        assert_eq!(
            config.declared()["volumes"],
            serde_json::json!(["/root/a:/a:ro", "data:/d", "/anon", ""])
        );
        assert_eq!(config.keys().env_file, ["/root/e"]);
        let again = ContainerConfig::new(config.declared().clone()).unwrap();
        assert!(again == config, "keys and declaration agree");
    }

    #[test]
    fn debug_shows_no_values() {
        let config = config("image: i\nenvironment: {PASSWORD: hunter2}\n");
        let shown = format!("{config:?}");
        assert!(shown.contains("environment") && !shown.contains("hunter2"));
    }
}
