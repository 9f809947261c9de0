//! Reading definitions and merging them, and every way in which that is refused.

#![allow(clippy::unwrap_used)] // A test ends at the first surprise.

use std::path::Path;

use slipway_service::{ConfigVolume, Role, Service, ServiceError, Step, load_dir};

const KEYSTONE: &str = r#"
service_name: keystone
config_settings:
  keystone::token_expiration: 3600
service_config_settings:
  mysql:
    keystone::db::mysql::password: abcd
    hosts: [a]
puppet_config:
  config_volume: keystone
  puppet_tags: [keystone_config, keystone_domain_config]
  step_config:
    - "noop_resource('keystone_user')"
    - null
    - include keystone
  config_image: &image kolla/keystone
  volumes: ["", null, "/a:/b:ro"]
docker_config:
  step_2: null
  step_3:
    keystone: &keystone
      image: *image
      net: host
    keystone_db_sync:
      <<: *keystone
      user: root
docker_puppet_tasks:
  step_3:
    config_volume: keystone_init_tasks
    step_config: include keystone
    config_image: *image
host_prep_tasks:
  - {name: logs, file: {path: /var/log/keystone}}
upgrade_tasks:
  - {name: shared}
metadata: {anything: [goes]}
"#;

fn parse(text: &str) -> Result<Service, ServiceError> {
    Service::parse(Path::new("x.yaml"), text)
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_definition_is_read_whole() {
    let service = parse(KEYSTONE).unwrap();
    let puppet = service.puppet_config.unwrap();
    assert_eq!(
        puppet.config_volume,
        Some(ConfigVolume::new("keystone").unwrap())
    );
    assert_eq!(puppet.puppet_tags, "keystone_config,keystone_domain_config");
    assert_eq!(
        puppet.step_config,
        "noop_resource('keystone_user')\ninclude keystone"
    );
    assert_eq!(puppet.volumes, ["/a:/b:ro"]);
    let step = Step::new(3).unwrap();
    let sync = serde_json::to_value(&service.docker_config[&step].0["keystone_db_sync"]).unwrap();
    assert_eq!(sync["image"], "kolla/keystone");
    assert_eq!(sync["user"], "root");
    assert_eq!(service.docker_puppet_tasks[&step].len(), 1);
    assert!(service.docker_config[&Step::new(2).unwrap()].0.is_empty());
}

#[test]
fn a_service_may_generate_no_config() {
    let service = parse("service_name: a\npuppet_config: {config_volume: '', step_config: ''}\n");
    assert_eq!(service.unwrap().puppet_config.unwrap().config_volume, None);
}

#[test]
fn errors_name_file_line_key_and_the_right_value() {
    assert_eq!(
        refusal("service_name: a\npuppet_config:\n  config_image: i\n  step_confg: x\n"),
        "x.yaml:4:3: puppet_config.step_confg: unknown key; did you mean `step_config`?"
    );
    assert_eq!(
        refusal("service_name: a\ndocker_config:\n  step_6: {}\n"),
        "x.yaml:3:3: docker_config.step_6: `step_6` is not a step: steps are step_1 to step_5"
    );
    assert_eq!(
        refusal("service_name: a\nconfig_settings: [1]\n"),
        "x.yaml:2:1: config_settings: expected a map, found a list"
    );
    assert_eq!(
        refusal(
            "service_name: a\ndocker_puppet_tasks:\n  step_2:\n    - {config_image: i}\n    - {priviledged: true}\n"
        ),
        "x.yaml:5:8: docker_puppet_tasks.step_2[1].priviledged: unknown key; did you mean `privileged`?"
    );
    assert_eq!(
        refusal("service_name: a\nzzz: 1\n"),
        "x.yaml:2:1: zzz: unknown key; known here: service_name, config_settings, \
         service_config_settings, puppet_config, kolla_config, docker_config, docker_config_scripts, container_config_scripts, step_config, \
         docker_puppet_tasks, host_prep_tasks, external_deploy_tasks, update_tasks, post_update_tasks, \
         external_update_tasks, pre_upgrade_rolling_tasks, upgrade_batch_tasks, upgrade_tasks, post_upgrade_tasks, \
         external_upgrade_tasks, fast_forward_upgrade_tasks, fast_forward_post_upgrade_tasks, metadata"
    );
}

#[test]
fn values_in_wrong_places_are_not_shown() {
    let wrong = [
        "hunter2",
        "config_settings: hunter2\nservice_name: a\n",
        "service_name: a\nconfig_settings: 'x, expected hunter2 \"`'\n",
        "service_name: a\nservice_config_settings: {b: hunter2}\n",
        "service_name: a\nkolla_config: {/a: hunter2}\n",
        "service_name: a\nkolla_config: {/a: {command: {b: hunter2}}}\n",
        "service_name: a\npuppet_config: hunter2\n",
        "service_name: a\npuppet_config: {config_volume: a, step_config: {b: hunter2}}\n",
        "service_name: a\npuppet_config: {config_volume: a, privileged: hunter2}\n",
        "service_name: a\ndocker_config: {step_1: hunter2}\n",
        "service_name: a\ndocker_config: {step_1: {c: hunter2}}\n",
        "service_name: a\ndocker_config: {step_1: {c: {image: [hunter2]}}}\n",
        "service_name: a\ndocker_config: {step_1: {c: {image: i, environment: hunter2}}}\n",
        "service_name: a\nhost_prep_tasks: hunter2\n",
    ];
    for text in wrong {
        let message = refusal(text);
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn deep_nesting_is_refused_at_once() {
    assert_eq!(
        refusal(&"{\"a\":".repeat(100_000)),
        "x.yaml:1:502: nested too deeply: more than 100 levels"
    );
}

#[test]
fn config_json_is_checked_where_it_is_declared() {
    let refusal = refusal(
        "service_name: a\nkolla_config:\n  /a.json:\n    command: x\n    config_files:\n      - {source: /a, dest: b, preserve_properties: true}\n",
    );
    assert!(
        refusal.starts_with("x.yaml:6:22: kolla_config./a.json.config_files[0].dest: "),
        "{refusal}"
    );
}

#[test]
fn names_that_are_not_safe_in_a_path_are_refused() {
    for name in [
        "../../etc",
        "a/b",
        ".",
        "..",
        ".staging",
        "a\\nb",
        "a b",
        "puppet-generated",
    ] {
        let text = format!("service_name: a\npuppet_config:\n  config_volume: \"{name}\"\n");
        let refusal = refusal(&text);
        assert!(
            refusal.starts_with("x.yaml:3:3: puppet_config.config_volume: ")
                && refusal.contains("cannot name a config volume"),
            "{refusal}"
        );
    }
}

#[test]
fn broken_yaml_is_placed() {
    assert_eq!(
        refusal("service_name: a\nstep_config: [\n"),
        "x.yaml:3:1: while parsing a node, did not find expected node content"
    );
    let twice = refusal("service_name: a\nservice_name: b\n");
    assert!(
        twice.contains("duplicate") && twice.contains("service_name"),
        "{twice}"
    );
    assert_eq!(refusal("{}"), "x.yaml: missing field `service_name`");
    assert!(refusal("service_name: ' '\n").starts_with("x.yaml:1:1: service_name: is empty"));
}

#[test]
fn a_role_is_its_services_together() {
    let mysql = "service_name: mysql\nconfig_settings: {hosts: [z], mysql::port: 3306}\n\
                 step_config: include one\nupgrade_tasks: [{name: shared}]\n\
                 puppet_config: {config_volume: mysql, step_config: a, config_image: i}\n";
    let other = "service_name: other\nstep_config: include two\n\
                 service_config_settings: {mysql: {hosts: [a, b]}, absent: {never: 1}}\n";
    let services = [KEYSTONE, mysql, other].map(|text| parse(text).unwrap());
    let role = Role::merge("Controller", services.to_vec()).unwrap();
    assert_eq!(role.service_names, ["keystone", "mysql", "other"]);
    assert_eq!(role.step_config, "include one\ninclude two");
    assert_eq!(role.upgrade_tasks.len(), 1, "the same task only once");
    assert_eq!(role.puppet_config.len(), 2);
    assert_eq!(role.metadata.len(), 1);
    let hiera = role.hiera();
    assert_eq!(
        hiera["hosts"],
        serde_json::json!(["a", "b"]),
        "given settings win, and join"
    );
    assert_eq!(hiera["keystone::token_expiration"], 3600);
    assert_eq!(hiera["keystone::db::mysql::password"], "abcd");
    assert!(
        !hiera.contains_key("never"),
        "its service is not in this role"
    );
    assert!(!format!("{role:?}").contains("abcd"));
}

#[test]
fn services_that_fight_are_refused() {
    let two = |a: &str, b: &str| {
        let services = vec![parse(a).unwrap(), parse(b).unwrap()];
        Role::merge("r", services).unwrap_err().to_string()
    };
    assert_eq!(
        two(
            "service_name: a\ndocker_config: {step_1: {c: {image: i}}}\n",
            "service_name: b\ndocker_config: {step_1: {c: {image: i}}}\n",
        ),
        "services `a` and `b` both declare container `c` in step_1: rename one of them"
    );
    assert_eq!(
        two(
            "service_name: a\nkolla_config: {/x.json: {command: a}}\n",
            "service_name: b\nkolla_config: {/x.json: {command: b}}\n",
        ),
        "services `a` and `b` both declare kolla_config `/x.json`, with different content"
    );
    assert_eq!(
        two(
            "service_name: a\ndocker_config_scripts: {x.sh: {content: a}}\n",
            "service_name: b\ndocker_config_scripts: {x.sh: {content: b}}\n",
        ),
        "services `a` and `b` both declare the script `x.sh`, with different content"
    );
    assert_eq!(
        two("service_name: a\n", "service_name: a\n"),
        "service `a` is defined twice"
    );
}

#[test]
fn a_directory_is_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let empty = load_dir(directory.path()).unwrap_err().to_string();
    assert!(empty.starts_with("no service definitions in "), "{empty}");
    for (file, name) in [("b.yaml", "second"), ("a.yml", "first"), ("c.txt", "no: [")] {
        std::fs::write(
            directory.path().join(file),
            format!("service_name: {name}\n"),
        )
        .unwrap();
    }
    let services = load_dir(directory.path()).unwrap();
    let names: Vec<&str> = services
        .iter()
        .map(|service| service.service_name.as_str())
        .collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(load_dir(&directory.path().join("b.yaml")).unwrap().len(), 1);
    std::fs::write(directory.path().join("d.yaml"), "service_name: first\n").unwrap();
    let twice = load_dir(directory.path()).unwrap_err().to_string();
    assert!(
        twice.contains("d.yaml:1:1: service_name: service `first` is already defined"),
        "{twice}"
    );
    let missing = load_dir(&directory.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("cannot read") && missing.contains("none"),
        "{missing}"
    );
}
