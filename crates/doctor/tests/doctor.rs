//! Checks of machines whose files are in a directory, and of an engine in memory.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::symlink;
use std::sync::Arc;

use slipway_doctor::{
    Check, Host, Needs, Status, Subject, check_engine, check_machine, check_needs,
};
use slipway_engine::Engine;
use slipway_puppet::Hieradata;
use slipway_service::{Role, Service};
use slipway_test_support::FakeEngine;

/// A machine with these files.
fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let host = Host::at(directory.path());
    (directory, host)
}

#[track_caller]
fn of(checks: &[Check], subject: Subject) -> &Check {
    checks
        .iter()
        .find(|check| check.subject == subject)
        .unwrap()
}

#[track_caller]
fn on_machine(files: &[(&str, &str)], subject: Subject) -> Check {
    let (_kept, host) = host(files);
    of(&check_machine(&host, "/".as_ref()), subject).clone()
}

#[test]
fn a_time_service_keeps_the_clock() {
    let clock = |files: &[(&str, &str)]| on_machine(files, Subject::Clock);
    assert_eq!(
        clock(&[("/proc/7/comm", "chronyd\n")]).found,
        "chronyd runs"
    );
    assert_eq!(
        clock(&[("/run/systemd/timesync/synchronized", "")]).status,
        Status::Good
    );
    assert_eq!(clock(&[("/proc/7/comm", "bash\n")]).status, Status::Warning);
}

#[test]
fn selinux_is_a_warning_where_it_enforces() {
    let selinux = |text| on_machine(&[("/sys/fs/selinux/enforce", text)], Subject::Selinux);
    assert_eq!(selinux("1").status, Status::Warning);
    assert_eq!(selinux("0").status, Status::Good);
    assert_eq!(on_machine(&[], Subject::Selinux).found, "not enabled");
}

#[test]
fn a_machine_without_systemd_is_a_warning() {
    assert_eq!(on_machine(&[], Subject::Systemd).status, Status::Warning);
    let with = on_machine(&[("/run/systemd/system/x", "")], Subject::Systemd);
    assert_eq!(with.status, Status::Good);
}

const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0        0 77 1 0 100 0 0 10 0
   1: 0100007F:1388 0100007F:9C40 01 00000000:00000000 00:00000000 00000000   0        0 78 1 0 100 0 0 10 0
";

/// Checks the ports 3306 and 5000 where process 9, of a control group, listens on 3306.
async fn ports(group: &str) -> Check {
    let files = [
        ("/proc/net/tcp", TABLE),
        ("/proc/9/comm", "mariadbd\n"),
        ("/proc/9/cgroup", group),
        ("/proc/9/fd/0", ""),
    ];
    let (kept, host) = host(&files);
    symlink("socket:[77]", kept.path().join("proc/9/fd/3")).unwrap();
    let needs = Needs {
        ports: [(3306, "db_port".to_owned()), (5000, "api_port".to_owned())].into(),
        ..Needs::default()
    };
    let engine: Arc<dyn Engine> = Arc::new(FakeEngine::with_image("a"));
    let checks = check_needs(&host, &engine, &needs).await;
    of(&checks, Subject::Ports).clone()
}

#[tokio::test]
async fn a_program_that_listens_on_a_port_is_named_and_a_container_is_not() {
    let check = ports("0::/system.slice/mariadb.service\n").await;
    assert_eq!(check.status, Status::Warning);
    assert_eq!(check.found, "3306 is used by mariadbd (process 9)");
    assert!(check.advice.unwrap().ends_with("db_port"));
    let check = ports("0::/system.slice/docker-0123.scope\n").await;
    assert_eq!(check.status, Status::Good, "{check:?}");
}

#[tokio::test]
async fn images_and_the_hosts_puppet_are_checked() {
    let needs = Needs {
        config_images: ["missing".to_owned()].into(),
        has_host_manifest: true,
        ..Needs::default()
    };
    let engine: Arc<dyn Engine> = Arc::new(FakeEngine::with_image("there"));
    let (_kept, empty) = host(&[]);
    let checks = check_needs(&empty, &engine, &needs).await;
    assert_eq!(of(&checks, Subject::Puppet).status, Status::Warning);
    assert_eq!(of(&checks, Subject::HostPuppet).status, Status::Failed);
    assert_eq!(
        of(&checks, Subject::Registry).found,
        "no image names a registry"
    );

    let (_kept, with) = host(&[("/opt/puppetlabs/bin/puppet", "")]);
    let checks = check_needs(&with, &engine, &needs).await;
    assert_eq!(
        of(&checks, Subject::HostPuppet).found,
        "/opt/puppetlabs/bin/puppet"
    );
}

#[tokio::test]
async fn an_old_engine_is_a_warning() {
    let checks = check_engine(&FakeEngine::with_image("a")).await;
    assert_eq!(
        of(&checks, Subject::Engine).status,
        Status::Warning,
        "{checks:?}"
    );
    assert_eq!(of(&checks, Subject::StorageDriver).found, "overlay2");
    assert_eq!(of(&checks, Subject::Cgroups).status, Status::Good);
}

#[test]
fn ports_come_from_hiera_and_from_published_ports() {
    let service = Service::parse(
        "a.yaml".as_ref(),
        "
service_name: a
config_settings:
  a::api::port: 5000
  a::import: 99
  a_listen:
    options: {b_port: '3306', portly: 7}
docker_config:
  step_1:
    web: {image: registry.example.org/a, ports: ['8080:80']}
step_config: 'notice(1)'
",
    );
    let role = Role::merge("R", vec![service.unwrap()]).unwrap();
    let mut hiera = Hieradata::new(role.hiera());
    hiera.add("h.yaml".as_ref(), "a::api::port: 5001").unwrap();
    let needs = Needs::of(&role, &hiera);
    let ports: Vec<(u16, &str)> = needs
        .ports
        .iter()
        .map(|(port, key)| (*port, key.as_str()))
        .collect();
    let expected = [
        (3306, "a_listen"),
        (5001, "a::api::port"),
        (8080, "the container web"),
    ];
    assert_eq!(ports, expected);
    assert!(needs.has_host_manifest);
    assert_eq!(needs.images, ["registry.example.org/a".to_owned()].into());
}
