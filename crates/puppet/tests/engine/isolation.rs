//! What runs that share a loaded Puppet see of each other, and what becomes of those that cannot.

use crate::common::{Deployment, entry, outcomes};
use serde_json::json;
use slipway_engine::ContainerState;
use slipway_puppet::{Isolation, Outcome, Report, Settings};

/// One at a time, so that all of an image are forks of the same process.
fn one_by_one(deployment: &Deployment) -> Settings {
    Settings {
        process_count: 1,
        ..deployment.settings()
    }
}

fn all_changed(report: &Report) -> bool {
    outcomes(report).iter().all(|(word, _)| *word == "changed")
}

/// Whether Puppet can be loaded once for several runs here at all.
fn is_possible(deployment: &Deployment) -> bool {
    !deployment.heard.all().contains("NotShared")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finds_nothing_of_the_one_before() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_kills_all_it_can_harms_no_other() {
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
    assert!(said.contains("ended by signal 9"), "{said}");
    assert_eq!(deployment.containers().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_no_more_rights_than_in_a_container_of_its_own() {
    let deployment = Deployment::new().await;
    let look = r"
      $look = 'grep -E ^Cap /proc/self/status; cat /proc/1/environ | tr \\\\0 \\\\n | grep -c ^PATH=; ls /proc/1/root >/dev/null 2>&1 && echo out; true'
      file { '/etc/rights': content => generate('/bin/sh', '-c', $look) }
    ";
    let rights = async |isolation: Isolation| {
        let settings = Settings {
            isolation,
            force: true,
            ..one_by_one(&deployment)
        };
        let puppet = deployment.puppet_with(json!({}), settings);
        let entries = vec![entry("one", look), entry("two", look)];
        puppet
            .generate(entries)
            .await
            .unwrap()
            .into_result()
            .unwrap();
        deployment.generated("one/etc/rights")
    };
    let sets = |text: &str| -> Vec<u64> {
        text.lines()
            .filter_map(|line| line.strip_prefix("Cap")?.split_once(":\t"))
            .map(|(_, digits)| u64::from_str_radix(digits, 16).unwrap())
            .collect()
    };
    let forked = rights(Isolation::Fork).await;
    let own = rights(Isolation::Container).await;
    assert_eq!((sets(&forked).len(), sets(&own).len()), (5, 5), "{forked}");
    for (forked, own) in sets(&forked).iter().zip(sets(&own)) {
        assert_eq!(forked & !own, 0, "{forked:x} is more than {own:x}");
    }
    assert!(
        forked.contains("\n1\n"),
        "its container's environment: {forked}"
    );
    if is_possible(&deployment) {
        assert!(!forked.contains("out"), "it can leave its root: {forked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loaded_puppet_that_is_killed_costs_no_volume() {
    let deployment = Deployment::new().await;
    let slow = "generate('/bin/sleep', '4')\nfile { '/etc/slow': content => 'x' }";
    let puppet = deployment.puppet_with(json!({}), one_by_one(&deployment));
    let run = tokio::spawn(async move {
        let entries = vec![entry("one", slow), entry("two", slow)];
        puppet.generate(entries).await
    });
    let log = deployment.paths().logs().join("one.log");
    while !log.exists() && !run.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for container in deployment.list().await {
        if container.name.contains("puppet-loaded") && container.state == ContainerState::Running {
            deployment
                .engine
                .remove_container(&container.id)
                .await
                .unwrap();
        }
    }
    let report = run.await.unwrap().unwrap();
    assert!(all_changed(&report), "{report:?}");
    assert_eq!(deployment.generated("one/etc/slow"), "x");
    if is_possible(&deployment) {
        let heard = deployment.heard.all();
        assert!(heard.contains("in a container of its own"), "{heard}");
    }
    assert_eq!(deployment.containers().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_hangs_is_ended_and_the_next_goes_on() {
    let deployment = Deployment::new().await;
    let settings = Settings {
        timeout: std::time::Duration::from_secs(10),
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
    assert_eq!(words, ["failed", "changed", "changed"]);
    let error = report.into_result().unwrap_err().to_string();
    assert!(error.contains("did not end within 10 s"), "{error}");
    assert_eq!(deployment.containers().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_make_the_same() {
    let deployment = Deployment::new().await;
    let manifest = r"
      file { '/etc/same': content => String($facts['os']), mode => '0640', group => 'mail' }
      cron { 'same': command => '/bin/true', user => root }
      notify { lookup('x'): }
    ";
    let mut hashes = Vec::new();
    for isolation in [Isolation::Container, Isolation::Fork] {
        let settings = Settings {
            isolation,
            force: true,
            ..one_by_one(&deployment)
        };
        let puppet = deployment.puppet_with(json!({"x": "y"}), settings);
        let entries = vec![entry("one", manifest), entry("two", manifest)];
        let report = puppet.generate(entries).await.unwrap();
        hashes.push(report.runs[0].hash.clone());
    }
    assert!(hashes[0].is_some());
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn puppet_is_loaded_only_where_another_run_goes_on_with_it() {
    let deployment = Deployment::new().await;
    let generate = async |at_once: usize, texts: [&str; 3]| {
        let settings = Settings {
            process_count: at_once,
            ..deployment.settings()
        };
        let puppet = deployment.puppet_with(json!({}), settings);
        let manifest = |text: &str| {
            format!(
                "file {{ '/etc/first': content => file('/proc/1/comm') }}\n\
                 file {{ '/etc/text': content => '{text}' }}"
            )
        };
        let names = ["a", "b", "c"];
        let entries = names.iter().zip(texts);
        let entries = entries.map(|(name, text)| entry(name, &manifest(text)));
        let report = puppet.generate(entries.collect()).await.unwrap();
        report.into_result().unwrap();
        names.map(|name| deployment.generated(&format!("{name}/etc/first")))
    };
    let shared = generate(1, ["1"; 3]).await;
    if is_possible(&deployment) {
        assert_eq!(shared, ["ruby\n"; 3]);
    }
    let one_changed = generate(1, ["1", "2", "1"]).await;
    assert_eq!(one_changed[1], "sh\n");
    assert_eq!([&one_changed[0], &one_changed[2]], [&shared[0], &shared[2]]);
    let all_at_once = generate(3, ["3"; 3]).await;
    assert_eq!(all_at_once, ["sh\n"; 3]);
}

/// A folder with another file system than the machine's, for as long as this is there.
struct Overlaid<'a>(&'a std::path::Path);

impl<'a> Overlaid<'a> {
    fn over(folder: &'a std::path::Path, parts: &std::path::Path) -> Overlaid<'a> {
        let [lower, upper, work] = ["lower", "upper", "work"].map(|name| parts.join(name));
        for part in [&lower, &upper, &work] {
            std::fs::create_dir(part).unwrap();
        }
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            work.display()
        );
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "overlay", "-o", &options, "overlay"]);
        let status = mount.arg(folder).status().unwrap();
        assert!(status.success(), "this test mounts, and needs root");
        Overlaid(folder)
    }
}

impl Drop for Overlaid<'_> {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
        assert!(umount.is_ok_and(|status| status.success()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_mounted_each_has_a_container_and_it_is_said_once() {
    let deployment = Deployment::new().await;
    let parts = tempfile::tempdir().unwrap();
    // Layers cannot be written to layers.
    let _overlaid = Overlaid::over(deployment.root.path(), parts.path());
    let good = "file { '/etc/good': content => 'x' }";
    let entries = ["one", "two", "three"].map(|name| entry(name, good));
    let puppet = deployment.puppet_with(json!({}), one_by_one(&deployment));
    let report = puppet.generate(entries.into()).await.unwrap();
    assert!(all_changed(&report), "{report:?}");
    let heard = deployment.heard.all();
    assert_eq!(heard.matches("NotShared").count(), 1, "{heard}");
    assert!(!heard.contains("Warning {"), "{heard}");
    assert_eq!(deployment.containers().await, 0);
}
