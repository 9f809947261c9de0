//! The effects of runs on each other.

use crate::common::{Deployment, entry, outcomes};
use serde_json::json;
use slipway_puppet::{Outcome, Report, Settings};

fn one_by_one(deployment: &Deployment) -> Settings {
    Settings {
        process_count: 1,
        ..deployment.settings()
    }
}

fn all_changed(report: &Report) -> bool {
    outcomes(report).iter().all(|(word, _)| *word == "changed")
}

pub async fn a_run_finds_nothing_of_the_one_before() {
    let deployment = Deployment::new().await;
    // Everything that a manifest may do to its surroundings, by a program that stays.
    let greedy = r"
      $leave = 'touch /etc/left /tmp/left /dev/left /dev/shm/left; echo left >>/etc/hosts; rm /etc/issue'
      generate('/bin/sh', '-c', $leave)
      generate('/bin/sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo')
      file { '/etc/greedy': content => 'x' }
    ";
    let clean = r"
      $look = 'ls /etc/left /tmp/left /dev/left /dev/shm/left 2>/dev/null; grep left /etc/hosts; ls /etc/issue; grep -l sleep /proc/[0-9]*/comm; true'
      file { '/etc/found': content => generate('/bin/sh', '-c', $look) }
    ";
    let puppet = deployment.puppet_with(json!({}), one_by_one(&deployment));
    let entries = vec![entry("a", greedy), entry("b", clean), entry("c", clean)];
    let report = puppet.generate(entries).await.unwrap();
    assert!(all_changed(&report), "{report:?}");
    assert_eq!(deployment.generated("b/etc/found"), "/etc/issue\n");
    assert_eq!(deployment.generated("c/etc/found"), "/etc/issue\n");
    assert_eq!(deployment.containers().await, 0);
}

pub async fn a_run_that_kills_all_it_can_harms_no_other() {
    let deployment = Deployment::new().await;
    let good = "file { '/etc/good': content => 'x' }";
    // Two at once: one kills whatever it sees, again and again, while the other works.
    let killer = "generate('/bin/sh', '-c', 'trap : TERM; kill -9 -1; kill -9 1; true')";
    let entries = vec![
        entry("killer", killer),
        entry("one", &format!("generate('/bin/sleep', '2')\n{good}")),
        entry("two", good),
        entry("three", good),
    ];
    let settings = Settings {
        process_count: 2,
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(json!({}), settings);
    let report = puppet.generate(entries).await.unwrap();
    let words: Vec<&str> = outcomes(&report).iter().map(|(word, _)| *word).collect();
    assert_eq!(words, ["failed", "changed", "changed", "changed"]);
    let Outcome::Failed(failure) = &report.runs[0].outcome else {
        panic!("{report:?}");
    };
    let said = failure.to_string();
    assert!(said.contains("killed by signal 9"), "{said}");
    assert_eq!(deployment.containers().await, 0);
}

pub async fn a_hanging_run_is_ended_and_the_next_one_starts() {
    let deployment = Deployment::new().await;
    let settings = Settings {
        timeout: std::time::Duration::from_secs(45),
        ..one_by_one(&deployment)
    };
    let puppet = deployment.puppet_with(json!({}), settings);
    let entries = vec![
        entry("one", "generate('/bin/sleep', '1000')"),
        entry("two", "file { '/etc/good': content => 'x' }"),
        entry("three", "file { '/etc/good': content => 'x' }"),
    ];
    let report = puppet.generate(entries).await.unwrap();
    let words: Vec<&str> = outcomes(&report).iter().map(|(word, _)| *word).collect();
    assert_eq!(words, ["failed", "changed", "changed"], "{report:?}");
    let error = report.into_result().unwrap_err().to_string();
    assert!(error.contains("did not end within 45 s"), "{error}");
    assert_eq!(deployment.containers().await, 0);
}

pub async fn compiled_code_is_kept_for_the_next_run_and_changes_no_result() {
    let deployment = Deployment::new().await;
    let manifest = r"
      file { '/etc/same': content => String($facts['os']), mode => '0640', group => 'mail' }
      cron { 'same': command => '/bin/true', user => root }
      user { 'nobody-new': ensure => present }
      package { 'never': ensure => latest, provider => 'pip' }
      notify { lookup('x'): }
    ";
    let settings = Settings {
        force: true,
        ..one_by_one(&deployment)
    };
    let puppet = deployment.puppet_with(json!({"x": "y"}), settings);
    let mut hashes = Vec::new();
    for _ in 0..3 {
        let report = puppet.generate(vec![entry("one", manifest)]).await.unwrap();
        hashes.push(report.into_result().unwrap().runs[0].hash.clone());
        let kept = deployment.paths().puppet_state().join("compiled");
        let kept: Vec<_> = std::fs::read_dir(kept)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kept.len(), 1);
        match hashes.len() {
            // Whatever is in it, a run goes on without it.
            2 => std::fs::write(kept[0].path(), "no code").unwrap(),
            _ => assert!(kept[0].metadata().unwrap().len() > 1 << 20),
        }
    }
    assert!(hashes[0].is_some());
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}
