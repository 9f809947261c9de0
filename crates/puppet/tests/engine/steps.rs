//! The runs of a step: tasks in containers, and the host's manifest.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::common::{Deployment, IMAGE, entry, outcomes};
use serde_json::json;
use slipway_puppet::{Outcome, PuppetError, Settings};
use slipway_service::Step;

pub async fn tasks_run_once_for_the_same_inputs() {
    let deployment = Deployment::new().await;
    let data = deployment.root.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut task = entry(
        "init_tasks",
        "file { '/data/done': content => \"step ${lookup('step')} of ${lookup('name')}\" }",
    );
    task.volumes = vec![format!("{}:/data:rw", data.display())];
    let step = Step::new(2).unwrap();
    let run = async |name: &str, depends_on: &str, force: bool| {
        let settings = Settings {
            force,
            ..deployment.settings()
        };
        let puppet = deployment.puppet_with(json!({"name": name}), settings);
        let report = puppet
            .run_tasks(step, vec![task.clone()], depends_on)
            .await
            .unwrap();
        let report = report.into_result().unwrap();
        outcomes(&report)[0].1.to_owned()
    };
    let done = || std::fs::read_to_string(data.join("done")).unwrap();

    assert_eq!(run("x", "db 1", false).await, "not done before");
    assert_eq!(done(), "step 2 of x");
    std::fs::write(data.join("done"), "seen").unwrap();
    assert_eq!(run("x", "db 1", false).await, "unchanged");
    assert_eq!(done(), "seen");
    assert_eq!(run("x", "db 2", false).await, "what it depends on changed");
    assert_eq!(done(), "step 2 of x");
    assert_eq!(run("y", "db 2", false).await, "hiera key name changed");
    assert_eq!(run("y", "db 2", true).await, "forced");
    assert_eq!(done(), "step 2 of y");
    let volume = deployment.paths().config_data().join("init_tasks");
    assert!(!volume.exists(), "a task generates no volume");
}

/// A `puppet` command for hosts that have none: the same Puppet, in a container that sees the
/// deployment's root where the host does.
fn puppet_command(deployment: &Deployment) -> PathBuf {
    let root = deployment.root.path().display();
    let path = deployment.root.path().join("puppet");
    let text = format!(
        "#!/bin/sh\nexec docker run --rm --network none -v {root}:{root} {IMAGE} puppet \"$@\"\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub async fn the_hosts_manifest_is_applied_once_a_step() {
    let deployment = Deployment::new().await;
    let settings = Settings {
        host_puppet: Some(puppet_command(&deployment)),
        ..deployment.settings()
    };
    let manifest = "file { \"${lookup('slipway::root')}/made\": content => \"${lookup('step')} ${lookup('x')}\" }";
    let apply = async |step: u8, manifest: &str, x: &str| {
        let hiera = json!({"x": x, "slipway::root": "", "b::password": "sesame-open"});
        let puppet = deployment.puppet_with(hiera, settings.clone());
        puppet
            .apply_host_manifest(Step::new(step).unwrap(), manifest)
            .await
    };
    let made = || std::fs::read_to_string(deployment.root.path().join("made")).unwrap();

    let report = apply(1, manifest, "a").await.unwrap();
    assert!(matches!(report.outcome, Outcome::Changed), "{}", report.why);
    assert_eq!(made(), "1 a");
    let report = apply(1, manifest, "a").await.unwrap();
    assert!(matches!(report.outcome, Outcome::Skipped));
    assert_eq!(report.why, "unchanged");
    assert_eq!(
        apply(2, manifest, "a").await.unwrap().why,
        "not done before"
    );
    assert_eq!(made(), "2 a");
    assert_eq!(
        apply(2, manifest, "b").await.unwrap().why,
        "hiera key x changed"
    );
    assert_eq!(made(), "2 b");
    assert_eq!(
        apply(3, " \n", "b").await.unwrap().why,
        "no service has a host manifest"
    );

    let error = apply(2, "\nfail(lookup('b::password'))", "b")
        .await
        .unwrap_err();
    assert!(matches!(error, PuppetError::Failed { .. }));
    let error = error.to_string();
    assert!(
        error.starts_with("host step_2: Puppet failed (exit code 1):"),
        "{error}"
    );
    assert!(error.contains("*** (file: manifest, line: 2"), "{error}");
    assert!(!error.contains("sesame") && !deployment.holds("var/log", "sesame"));
}

pub async fn a_host_without_puppet_is_told_what_to_do() {
    let deployment = Deployment::new().await;
    let settings = Settings {
        host_puppet: Some(deployment.root.path().join("none")),
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(json!({}), settings);
    let error = puppet
        .apply_host_manifest(Step::FIRST, "notice('x')")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("apt-get install puppet"),
        "{error}"
    );
}

/// The module as Puppet's own parser sees it.
pub async fn our_module_is_valid() {
    let deployment = Deployment::new().await;
    let module = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("module");
    let output = std::process::Command::new("docker")
        .args(["run", "--rm", "--network", "none", "-v"])
        .arg(format!("{}:/m:ro", module.display()))
        .args([IMAGE, "sh", "-c"])
        .arg("puppet parser validate /m/slipway/manifests && find /m -name '*.rb' -exec ruby -wc {} +")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && !said.contains("warning"),
        "{said}"
    );
    assert_eq!(deployment.containers().await, 0);
}
