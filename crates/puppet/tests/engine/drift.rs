//! Plans before a run, and the report of drift after it.

use std::path::Path;

use crate::common::{Deployment, entry};
use slipway_puppet::{Change, Hieradata, Puppet, Settings};

const MANIFEST: &str = r#"
$literal_password = 'in-the-manifest'
file { '/etc/a.conf': content => "x=${lookup('x')}\npassword=${lookup('a::password')}\nb=${literal_password}\n" }
"#;

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Hiera as somebody else has written it, with one level by a fact.
fn present(deployment: &Deployment, x: &str) -> Hieradata {
    let etc = deployment.paths().puppet_etc();
    let levels = "[{name: host, path: \"%{facts.hostname}.json\"}, {name: all, path: all.yaml}]";
    let config = format!(
        "version: 5\ndefaults: {{datadir: hieradata, data_hash: yaml_data}}\nhierarchy: {levels}\n"
    );
    write(&etc.join("hiera.yaml"), &config);
    let data = format!("x: {x}\na::password: sesame-open\nunused: {x}\n");
    write(&etc.join("hieradata/all.yaml"), &data);
    Hieradata::present(&etc).unwrap()
}

pub async fn what_would_run_and_what_would_change_is_told_and_not_done() {
    let deployment = Deployment::new().await;
    let entries = || vec![entry("one", MANIFEST)];
    let puppet = |x: &str, settings: Settings| {
        let hiera = present(&deployment, x);
        let engine = deployment.engine.clone();
        Puppet::new(engine, settings, hiera, deployment.events())
    };
    let due = async |x: &str| {
        let planned = puppet(x, deployment.settings()).plan(entries()).await;
        planned.unwrap().remove(0).why
    };
    assert_eq!(due("1").await.as_deref(), Some("not done before"));
    assert!(
        !deployment.paths().puppet_state().exists(),
        "a plan leaves nothing"
    );

    let report = puppet("1", deployment.settings()).generate(entries()).await;
    let run = report.unwrap().into_result().unwrap().runs.remove(0);
    let changed: Vec<&str> = run
        .changed_files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(changed, ["etc", "etc/a.conf"]);
    assert_eq!(due("1").await, None);
    assert_eq!(due("2").await.as_deref(), Some("hiera key x changed"));

    // A trial shows what would change, and no secret: neither hiera's nor the manifest's.
    let trial = Settings {
        no_archive: true,
        diff: true,
        ..deployment.settings()
    };
    let report = puppet("2", trial).generate(entries()).await.unwrap();
    let run = report.into_result().unwrap().runs.remove(0);
    assert_eq!(run.changed_files.len(), 1);
    assert_eq!(run.changed_files[0].change, Change::Changed);
    let diff = run.diff.unwrap();
    for line in [
        "--- a/etc/a.conf",
        "+++ b/etc/a.conf",
        "-x=1",
        "+x=2",
        " password=***",
        " b=***",
    ] {
        assert!(
            diff.lines().any(|found| found == line),
            "{line} is not in {diff}"
        );
    }
    let before = "x=1\npassword=sesame-open\nb=in-the-manifest\n";
    assert_eq!(deployment.generated("one/etc/a.conf"), before);
    assert!(deployment.heard.all().contains("+x=2"));

    // A failing line is shown without the text it gives to a password.
    let failing = "$password = 'in-the-manifest' + 1";
    let report = puppet("1", deployment.settings())
        .generate(vec![entry("two", failing)])
        .await
        .unwrap();
    let error = report.into_result().unwrap_err().to_string();
    assert!(error.contains("$password = '***' + 1"), "{error}");
    assert!(!error.contains("in-the-manifest"), "{error}");

    // Hand edits are drift.
    std::fs::write(deployment.paths().generated().join("one/etc/a.conf"), "").unwrap();
    let why = due("1").await.unwrap();
    assert!(why.contains("was changed by hand"), "{why}");
}
