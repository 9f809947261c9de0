//! JSON Schemas of the files that people and templates write: service definitions, containers by name,
//! and docker-puppet's lists. Editors complete and check files by them.
//!
//! A schema accepts every file that is read without an error. It cannot express all that reading
//! checks, such as whether two keys go together.

use serde_json::{Map, Value, json};

use crate::Key;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns the JSON Schema of a service definition, as [`crate::Service`] reads it.
///
/// ```
/// let schema = slipway_service::service_schema();
/// assert_eq!(schema["required"], serde_json::json!(["service_name"]));
/// ```
pub fn service_schema() -> Value {
    let settings = json!({"type": ["object", "null"], "description": "Hiera data by key."});
    let tasks = |description: &str| {
        json!({
            "type": ["array", "null"],
            "description": format!("{description} Ansible runs them, Slipway does not."),
        })
    };
    let scripts = json!({
        "type": ["object", "null"],
        "additionalProperties": {"$ref": "#/$defs/script"},
    });
    root(
        "Service definition",
        json!({
            "type": "object",
            "required": ["service_name"],
            "additionalProperties": false,
            "properties": {
                "service_name": {"type": "string", "description": "The service's name, unique in a role."},
                "config_settings": settings,
                "service_config_settings": {
                    "type": ["object", "null"],
                    "description": "Hiera data for other services, by their names.",
                    "additionalProperties": settings,
                },
                "puppet_config": {
                    "anyOf": [{"$ref": "#/$defs/puppet_config"}, {"type": "null"}],
                    "description": "The config volume of the service.",
                },
                "kolla_config": {
                    "type": ["object", "null"],
                    "description": "config.json files by their path on the host.",
                    "additionalProperties": {"type": "object", "required": ["command"]},
                },
                "docker_config": {
                    "type": ["object", "null"],
                    "description": "Containers by step and name.",
                    "patternProperties": {"^step_[1-5]$": {"$ref": "#/$defs/containers"}},
                    "additionalProperties": false,
                },
                "docker_config_scripts": scripts,
                "container_config_scripts": scripts,
                "step_config": text_or_list("Puppet manifest for the host itself."),
                "docker_puppet_tasks": {
                    "type": ["object", "null"],
                    "description": "Puppet runs on the bootstrap node after a step's containers.",
                    "patternProperties": {"^step_[1-5]$": {"anyOf": [
                        {"$ref": "#/$defs/puppet_config"},
                        {"type": "array", "items": {"$ref": "#/$defs/puppet_config"}},
                        {"type": "null"},
                    ]}},
                    "additionalProperties": false,
                },
                "host_prep_tasks": tasks("Tasks that prepare the host."),
                "external_deploy_tasks": tasks("Tasks on the host that runs Ansible, in each step of a deployment."),
                "update_tasks": tasks("Tasks of a minor update."),
                "post_update_tasks": tasks("Tasks after a minor update."),
                "external_update_tasks": tasks("Tasks on the host that runs Ansible, after a minor update."),
                "pre_upgrade_rolling_tasks": tasks("Tasks before an upgrade, on one node after the other."),
                "upgrade_batch_tasks": tasks("Tasks of an upgrade, on one node after the other."),
                "upgrade_tasks": tasks("Tasks of an upgrade."),
                "post_upgrade_tasks": tasks("Tasks after an upgrade."),
                "external_upgrade_tasks": tasks("Tasks on the host that runs Ansible, after an upgrade."),
                "fast_forward_upgrade_tasks": tasks("Tasks of an upgrade over several releases."),
                "fast_forward_post_upgrade_tasks": tasks("Tasks after an upgrade over several releases."),
                "metadata": {"description": "Free-form data about the service."},
            },
            "$defs": {
                "puppet_config": puppet_config(),
                "containers": containers(),
                "container": container(),
                "script": {
                    "type": "object",
                    "required": ["content"],
                    "additionalProperties": false,
                    "properties": {
                        "content": {"type": ["string", "null"], "description": "The text."},
                        "mode": {
                            "type": ["string", "integer"],
                            "description": "The file mode in octal; 0600 if it is missing.",
                        },
                    },
                },
            },
        }),
    )
}

/// Returns the JSON Schema of containers by name, which `slipway apply` and paunch read.
pub fn containers_schema() -> Value {
    let mut schema = containers();
    schema["$defs"] = json!({"container": container()});
    root("Containers by name", schema)
}

/// Returns the JSON Schema of docker-puppet's list of entries, which `slipway config --file` reads.
pub fn entries_schema() -> Value {
    // Conditions of templates leave empty values of other types behind.
    let text = json!({"type": ["string", "boolean", "null"]});
    let volumes = json!({
        "type": ["array", "string", "boolean", "null"],
        "items": {"type": ["string", "null"]},
    });
    root(
        "List of entries of docker-puppet.py",
        json!({
            "type": ["array", "null"],
            "items": {"anyOf": [
                {
                    "type": "array",
                    "description": "config_volume, puppet_tags, step_config, config_image, volumes, privileged",
                    "prefixItems": [text, text, text, text, volumes, {}],
                },
                {
                    "type": "object",
                    "properties": {
                        "config_volume": text,
                        "puppet_tags": text,
                        "step_config": text,
                        "config_image": text,
                        "volumes": volumes,
                        "privileged": {"description": "The run needs all privileges of the host."},
                    },
                },
                {"type": "null"},
            ]},
        }),
    )
}

/// Returns the schema with its dialect and title in front.
fn root(title: &str, schema: Value) -> Value {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), DIALECT.into());
    root.insert("title".to_owned(), title.into());
    if let Value::Object(keywords) = schema {
        root.extend(keywords);
    }
    Value::Object(root)
}

fn containers() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": {"$ref": "#/$defs/container"},
    })
}

fn puppet_config() -> Value {
    let text = |description: &str| json!({"type": ["string", "null"], "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "config_volume": text("The config volume for the result."),
            "puppet_tags": text_or_list("Puppet tags besides the usual ones, joined by commas."),
            "step_config": text_or_list("The manifest."),
            "config_image": text("The image that Puppet runs in."),
            "volumes": {
                "type": ["array", "null"],
                "items": {"type": ["string", "null"]},
                "description": "Volumes mounted for the run: source:target[:options].",
            },
            "privileged": {
                "type": ["boolean", "null"],
                "description": "The run needs all privileges of the host.",
            },
        },
    })
}

fn container() -> Value {
    let properties = Key::ALL
        .iter()
        .map(|key| (key.name().to_owned(), value_of(*key)));
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties.collect::<Map<_, _>>(),
    })
}

fn text_or_list(description: &str) -> Value {
    json!({
        "type": ["string", "array", "null"],
        "items": {"type": ["string", "null"]},
        "description": description,
    })
}

/// Returns the schema of a key's value, in the forms that reading accepts.
fn value_of(key: Key) -> Value {
    /// A string, or what Python writes as one.
    const TEXT: [&str; 4] = ["string", "number", "boolean", "null"];
    let text = |description: &str| json!({"type": TEXT, "description": description});
    let switch = |description: &str| {
        json!({
            "anyOf": [
                {"type": ["boolean", "null"]},
                {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])?$"},
            ],
            "description": description,
        })
    };
    let number = |description: &str| {
        json!({
            "anyOf": [
                {"type": ["number", "null"]},
                {"type": "string", "pattern": "^\\s*([+-]?[0-9]+)?\\s*$"},
            ],
            "description": description,
        })
    };
    let list = |description: &str| json!({"type": ["array", "null"], "description": description});
    let list_or_one = |description: &str| {
        json!({
            "type": ["array", "string", "number", "boolean", "null"],
            "description": description,
        })
    };
    let pairs = |description: &str| json!({"type": ["object", "array", "null"], "description": description});
    let words = |description: &str| {
        json!({
            "type": ["string", "array", "null"],
            "items": {"type": ["string", "number", "boolean"]},
            "description": description,
        })
    };
    match key {
        Key::Image => text("Reference of the image; every action but exec needs one."),
        Key::Action => json!({
            "enum": ["run", "exec", null],
            "description": "run makes a container; exec runs a command in the container that the \
                            command's first word names.",
        }),
        Key::StartOrder => number("Low numbers first; equal ones together."),
        Key::ExitCodes => list("Exit codes that mean success."),
        Key::Command => words("The command: words, or a string that is split at whitespace."),
        Key::Detach => switch("The container runs in the background [default: true]."),
        Key::Environment => pairs("Environment: a list of NAME=value, or a mapping."),
        Key::EnvFile => list_or_one("Files of environment variables on the host."),
        Key::Healthcheck => healthcheck(),
        Key::Interactive => switch("Standard input is kept open."),
        Key::Tty => switch("The container has a terminal."),
        Key::Net => text("Network."),
        Key::Ipc => text("IPC namespace."),
        Key::Pid => text("PID namespace."),
        Key::Uts => text("UTS namespace."),
        Key::Privileged => switch("The container has all privileges of the host."),
        Key::Restart => json!({
            "anyOf": [
                {"type": "null"},
                {"const": false},
                {"type": "string", "pattern": "^(no|always|unless-stopped|on-failure(:[0-9]+)?)?$"},
            ],
            "description": "Restart policy: no, always, unless-stopped or on-failure[:times].",
        }),
        Key::Remove => switch("The container is removed when it has ended."),
        Key::User => text("User, or user:group."),
        Key::GroupAdd => list("Supplementary groups."),
        Key::Volumes => list("Mounts: source:target[:options]."),
        Key::VolumesFrom => list("Containers whose volumes are mounted too."),
        Key::LogTag => text("Tag for the engine's log driver."),
        Key::CpuShares => number("Relative CPU weight."),
        Key::MemLimit => text("Memory limit: bytes, or a size such as 512m."),
        Key::MemswapLimit => text("Limit of memory and swap together; -1 is unlimited."),
        Key::MemSwappiness => number("Swappiness, 0 to 100."),
        Key::SecurityOpt => list_or_one("Security options."),
        Key::StopSignal => text("Signal that stops the container."),
        Key::StopGracePeriod => text("Time between that signal and SIGKILL, such as 30s."),
        Key::Hostname => text("Host name inside."),
        Key::ExtraHosts => list("host:ip entries of /etc/hosts."),
        Key::CpusetCpus => text("CPUs that the container may use; all is no limit."),
        Key::CapAdd => list("Capabilities that are added."),
        Key::CapDrop => list("Capabilities that are dropped."),
        Key::Ulimit => list("Resource limits: name=soft[:hard]."),
        Key::PidsLimit => number("Number of processes."),
        Key::CgroupParent => text("Parent of the container's control group."),
        Key::CpuQuota => number("Microseconds of CPU time in each scheduler period."),
        Key::Devices => list("Devices of the host: host[:inside][:rwm]."),
        Key::Dns => list_or_one("Name servers."),
        Key::DnsSearch => list_or_one("Search domains."),
        Key::Domainname => text("Domain name inside."),
        Key::Entrypoint => words("Program that gets the command as its arguments."),
        Key::Expose => list("Ports that other containers may use: port[/protocol]."),
        Key::Init => switch("A small first process reaps others."),
        Key::Labels => pairs("Labels."),
        Key::LogDriver => text("Log driver."),
        Key::LogOpt => pairs("Options of the log driver."),
        Key::MemReservation => text("Soft memory limit."),
        Key::Ports => list("Published ports: [[address:]host-port:]port[/protocol]."),
        Key::ReadOnly => switch("The root file system is read-only."),
        Key::ShmSize => text("Size of /dev/shm."),
        Key::StdinOpen => switch("Standard input is kept open; Compose's name for interactive."),
        Key::Sysctls => pairs("Kernel settings of the container's namespaces."),
        Key::Tmpfs => list_or_one("File systems in memory: path[:options]."),
        Key::Ulimits => json!({
            "type": ["object", "null"],
            "additionalProperties": {"anyOf": [
                {"type": "integer"},
                {"type": "object", "required": ["soft", "hard"]},
            ]},
            "description": "Resource limits, by name.",
        }),
        Key::WorkingDir => text("Working directory of the command."),
        Key::ConfigVolume => text("Config volume that an exec belongs to."),
        Key::CheckInterval => text("Has no effect, as with paunch."),
        Key::Test => json!({"description": "Has no effect, as with paunch."}),
        Key::DependsOn => list("systemd units that the container's own unit wants."),
        Key::SystemdExecFlags => json!({
            "type": ["object", "null"],
            "description": "Settings of the container's systemd unit.",
        }),
    }
}

fn healthcheck() -> Value {
    let time = json!({"type": ["string", "number", "boolean", "null"]});
    json!({
        "type": ["object", "null"],
        "description": "The check by which the engine finds out that the container is healthy.",
        "additionalProperties": false,
        "properties": {
            "test": {"description": "A shell command, or a list as the engine's API has it."},
            "interval": time,
            "timeout": time,
            "retries": {"type": ["integer", "string", "null"]},
            "start_period": time,
        },
    })
}
