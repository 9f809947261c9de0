//! Tests of container configurations.

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
        let reread = ContainerConfig::new(changed.declared().clone()).unwrap();
        assert!(reread == changed, "keys and declaration agree");
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
    let reread = ContainerConfig::new(config.declared().clone()).unwrap();
    assert!(reread == config, "keys and declaration agree");
}

#[test]
fn debug_shows_no_values() {
    let config = config("image: i\nenvironment: {PASSWORD: hunter2}\n");
    let shown = format!("{config:?}");
    assert!(shown.contains("environment") && !shown.contains("hunter2"));
}
