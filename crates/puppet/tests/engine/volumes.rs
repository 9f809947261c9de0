//! Config volumes on a real engine with a real Puppet.

use std::time::Duration;

use crate::common::{Deployment, entry, mode, outcomes};
use serde_json::json;
use slipway_puppet::{Hashes, Settings};
use slipway_service::{ConfigVolume, PuppetConfig};

/// A manifest as they were written for docker-puppet.
const ONE: &str = r#"
noop_resource('cron')
cron { 'never': command => '/bin/true', user => root }
package { 'nginx': ensure => latest, tag => 'file' }
-> service { 'nginx': ensure => running, tag => 'file' }
-> user { 'nobody-yet': ensure => present, groups => ['adm'], tag => 'file' }
-> file { '/etc/one.conf': content => "value=${lookup('one::value')}\n", mode => '0640', group => 'mail' }
file { '/var/www': ensure => directory }
-> file { '/var/www/link': ensure => link, target => '../one' }
file { '/tmp/elsewhere': content => 'x' }
notify { 'untagged': }
"#;

const MORE: &str = r#"ini_setting { 'a': path => '/etc/more.ini', section => 's', setting => 'k', value => $facts['networking']['hostname'], tag => 'extra' }"#;

const TWO: &str = r#"
concat { '/etc/two.conf': }
concat::fragment { 'first': target => '/etc/two.conf', content => "step=${lookup('step')} ${lookup('two::value', undef, undef, 'none')}\n" }
"#;

fn hiera(one: &str) -> serde_json::Value {
    json!({"one::value": "<%{lookup('inner')}>", "inner": one, "one::password": "sesame-open", "unused": 1})
}

fn entries() -> Vec<PuppetConfig> {
    let mut more = entry("one", MORE);
    more.puppet_tags = "ini_setting".to_owned();
    vec![entry("one", ONE), entry("two", TWO), more]
}

pub async fn the_second_run_generates_only_changed_volumes() {
    let deployment = Deployment::new().await;
    let paths = deployment.paths();
    let report = deployment
        .puppet(hiera("a"))
        .generate(entries())
        .await
        .unwrap();
    let first = ("changed", "not done before");
    assert_eq!(
        outcomes(&report),
        [first, first],
        "{}",
        deployment.heard.all()
    );

    // What the manifests say is there, and as they say.
    assert_eq!(deployment.generated("one/etc/one.conf"), "value=<a>\n");
    assert!(deployment.generated("one/etc/more.ini").contains("k = "));
    assert_eq!(deployment.generated("two/etc/two.conf"), "step=6 none\n");
    let one = paths.generated().join("one");
    assert_eq!(mode(&one.join("etc/one.conf")), 0o640);
    assert_eq!(
        std::fs::read_link(one.join("var/www/link"))
            .unwrap()
            .to_str(),
        Some("../one")
    );
    assert!(!one.join("etc/passwd").exists(), "Puppet did not write it");
    assert!(!one.join("etc/puppet").exists());
    assert!(
        !one.join("tmp").exists(),
        "not among the archived directories"
    );
    let full = paths.config_data().join("one");
    assert!(full.join("etc/passwd").exists() && full.join("etc/one.conf").exists());
    assert!(
        !std::fs::read_to_string(full.join("etc/passwd"))
            .unwrap()
            .contains("nobody-yet")
    );
    assert!(
        !full.join("etc/nginx").exists(),
        "packages are the image's business"
    );
    assert!(
        !full.join("etc/puppet/hieradata").exists(),
        "it holds every password"
    );
    assert!(!deployment.holds("var/lib/config-data", "sesame-open"));
    assert_eq!(deployment.containers().await, 0);

    // The hash goes to the containers that mount the volume.
    let mount = format!("{}/:/src:ro", one.display());
    let hash = Hashes::of(&paths).for_mounts([mount.as_str()]);
    assert_eq!(hash, report.runs[0].hash);

    // Nothing changed: nothing runs.
    let report = deployment
        .puppet(hiera("a"))
        .generate(entries())
        .await
        .unwrap();
    let same = ("skipped", "unchanged");
    assert_eq!(outcomes(&report), [same, same]);
    assert_eq!(report.runs[0].hash, hash);

    // A key nobody asked for, and one that `one` asked for by way of another.
    let mut unused = hiera("a");
    unused["unused"] = json!(2);
    let report = deployment.puppet(unused).generate(entries()).await.unwrap();
    assert_eq!(outcomes(&report), [same, same]);
    let report = deployment
        .puppet(hiera("b"))
        .generate(entries())
        .await
        .unwrap();
    assert_eq!(
        outcomes(&report),
        [("changed", "hiera key inner changed"), same]
    );
    assert_eq!(deployment.generated("one/etc/one.conf"), "value=<b>\n");
    assert_ne!(Hashes::of(&paths).for_mounts([mount.as_str()]), hash);

    // A key that was looked for and not there counts when it comes.
    let mut found = hiera("b");
    found["two::value"] = json!("some");
    let report = deployment
        .puppet(found.clone())
        .generate(entries())
        .await
        .unwrap();
    assert_eq!(
        outcomes(&report),
        [same, ("changed", "hiera key two::value changed")]
    );

    // A result that somebody changed is generated again, and is as it was.
    let file = paths.generated().join("two/etc/two.conf");
    let hash = report.runs[1].hash.clone();
    std::fs::write(&file, "by hand").unwrap();
    let report = deployment.puppet(found).generate(entries()).await.unwrap();
    let (word, why) = outcomes(&report)[1];
    assert!(
        word == "same" && why.contains("was changed by hand"),
        "{word} {why}"
    );
    assert_eq!(deployment.generated("two/etc/two.conf"), "step=6 some\n");
    assert_eq!(report.runs[1].hash, hash, "the same content, the same hash");
}

pub async fn a_failure_is_explained_and_changes_nothing() {
    let deployment = Deployment::new().await;
    let good = "file { '/etc/x.conf': content => 'old' }";
    let puppet = deployment.puppet(hiera("a"));
    puppet
        .generate(vec![entry("one", good)])
        .await
        .unwrap()
        .into_result()
        .unwrap();

    let bad =
        "$x = lookup('one::password')\nfile { '/etc/x.conf': content => 'new' }\nfail(\"no ${x}\")";
    let mut no_image = entry("none", good);
    no_image.config_image = "localhost:1/slipway-test/absent:none".to_owned();
    let mut no_puppet = entry("bare", good);
    no_puppet.config_image = "debian:trixie".to_owned();
    let all = vec![entry("one", bad), no_image, entry("two", good), no_puppet];
    let report = puppet.generate(all).await.unwrap();
    let words: Vec<&str> = outcomes(&report)
        .into_iter()
        .map(|(word, _)| word)
        .collect();
    assert_eq!(words, ["failed", "failed", "changed", "failed"]);
    assert_eq!(deployment.generated("one/etc/x.conf"), "old");
    assert_eq!(deployment.containers().await, 0);

    let error = report.into_result().unwrap_err().to_string();
    for part in [
        "one: Puppet failed (exit code 1):",
        "no *** (file: manifest, line: 3, column: 1)",
        "manifest line 3: fail(\"no ${x}\")",
        "full log: ",
        "none: image localhost:1/slipway-test/absent:none is not here and could not be pulled",
        "bare: image debian:trixie has no Puppet in it",
    ] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert!(!error.contains("sesame") && !deployment.heard.all().contains("sesame"));
    let log = deployment.paths().logs().join("one.log");
    assert!(std::fs::read_to_string(&log).unwrap().contains("***"));
    assert_eq!(mode(&log), 0o600);
    assert!(!deployment.holds("var/log", "sesame-open"));
    assert!(!deployment.holds("var/lib/slipway", "sesame-open"));
}

pub async fn a_run_that_hangs_is_ended() {
    let deployment = Deployment::new().await;
    let settings = Settings {
        timeout: Duration::from_secs(6),
        keep_failed: true,
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(hiera("a"), settings);
    let report = puppet
        .generate(vec![entry("one", "generate('/bin/sleep', '100')")])
        .await
        .unwrap();
    let error = report.into_result().unwrap_err().to_string();
    assert!(error.contains("did not end within 6 s"), "{error}");
    assert_eq!(deployment.containers().await, 1, "kept to be looked at");
    let puppet = deployment.puppet(hiera("a"));
    puppet
        .generate(vec![entry("one", "notice('x')")])
        .await
        .unwrap()
        .into_result()
        .unwrap();
    assert_eq!(deployment.containers().await, 0);
}

pub async fn a_killed_run_leaves_the_old_volume_and_the_next_one_is_right() {
    let deployment = Deployment::new().await;
    let manifest = |text: &str, seconds: u32| {
        let text = format!(
            "file {{ '/etc/x.conf': content => '{text}' }}\ngenerate('/bin/sleep', '{seconds}')"
        );
        vec![entry("one", &text)]
    };
    let puppet = deployment.puppet(hiera("a"));
    puppet
        .generate(manifest("old", 0))
        .await
        .unwrap()
        .into_result()
        .unwrap();

    // What is dropped on a runtime of one thread cannot clean up, like what is killed.
    let (kill, killed) = tokio::sync::oneshot::channel::<()>();
    let slow = deployment.puppet(hiera("a"));
    let entries = manifest("never", 60);
    let run = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::select! {
                report = slow.generate(entries) => panic!("it ended: {report:?}"),
                _ = killed => {}
            }
        });
    });
    deployment.until_one_runs().await;
    kill.send(()).unwrap();
    run.join().unwrap();
    assert_eq!(deployment.generated("one/etc/x.conf"), "old");
    assert_eq!(
        deployment.containers().await,
        1,
        "nobody was there to remove it"
    );

    let report = puppet
        .generate(manifest("new", 0))
        .await
        .unwrap()
        .into_result()
        .unwrap();
    assert_eq!(outcomes(&report), [("changed", "the manifest changed")]);
    assert_eq!(deployment.generated("one/etc/x.conf"), "new");
    assert_eq!(deployment.containers().await, 0);
    let staging = deployment.paths().config_data().join(".staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}

pub async fn an_interrupted_run_removes_its_container() {
    // Of their own, and one that has Puppet loaded for both.
    for process_count in [2, 1] {
        let deployment = Deployment::new().await;
        let settings = Settings {
            process_count,
            ..deployment.settings()
        };
        let slow = deployment.puppet_with(hiera("a"), settings);
        let entries = ["one", "two"].map(|name| entry(name, "generate('/bin/sleep', '60')"));
        let run = tokio::spawn(async move { slow.generate(entries.into()).await });
        deployment.until_one_runs().await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        assert_eq!(deployment.containers().await, 0);
    }
}

pub async fn runs_exclude_each_other_and_generate_only_the_requested_volume() {
    let deployment = Deployment::new().await;
    let only = Settings {
        config_volume: ConfigVolume::new("two").ok(),
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(hiera("a"), only);
    let report = puppet.generate(entries()).await.unwrap();
    assert_eq!(report.runs.len(), 1);
    assert_eq!(report.runs[0].name, "two");

    let slow = deployment.puppet(hiera("a"));
    let run = tokio::spawn(async move {
        slow.generate(vec![entry("one", "generate('/bin/sleep', '60')")])
            .await
    });
    while deployment.containers().await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let impatient = Settings {
        wait: false,
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(hiera("a"), impatient);
    let refusal = puppet.generate(entries()).await.unwrap_err().to_string();
    assert!(
        refusal.contains(&format!("process {}", std::process::id())),
        "{refusal}"
    );
    run.abort();
    run.await.unwrap_err();
    let puppet = deployment.puppet(hiera("a"));
    puppet
        .generate(vec![entry("one", "notice('x')")])
        .await
        .unwrap()
        .into_result()
        .unwrap();
}

pub async fn a_password_file_in_use_is_kept_but_counts() {
    let deployment = Deployment::new().await;
    let manifest = "file { '/root/.my.cnf': content => lookup('inner'), mode => '0600' }";
    let run = async |password: &str| {
        let puppet = deployment.puppet(hiera(password));
        puppet
            .generate(vec![entry("mysql", manifest)])
            .await
            .unwrap()
            .into_result()
            .unwrap()
    };
    let first = run("first").await;
    // The service changes it when it has taken the password over.
    let file = deployment.paths().generated().join("mysql/root/.my.cnf");
    std::fs::write(&file, "first, by the service").unwrap();
    assert_eq!(outcomes(&run("first").await), [("skipped", "unchanged")]);
    let second = run("second").await;
    assert_eq!(
        deployment.generated("mysql/root/.my.cnf"),
        "first, by the service"
    );
    assert_ne!(first.runs[0].hash, second.runs[0].hash);
    assert_eq!(outcomes(&run("second").await), [("skipped", "unchanged")]);
}
