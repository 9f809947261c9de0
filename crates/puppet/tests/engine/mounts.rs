//! Containers that mount a config volume while it is generated again.

use crate::common::{Deployment, entry};
use serde_json::json;
use slipway_puppet::Settings;
use slipway_service::VolumeMount;

/// A container of the test's own that mounts a path, and is removed at the end.
struct Reader<'a> {
    deployment: &'a Deployment,
    id: String,
}

impl Reader<'_> {
    async fn of<'a>(deployment: &'a Deployment, path: &str) -> Reader<'a> {
        let mut spec = slipway_test_support::shell("sleep 300");
        spec.mounts = vec![VolumeMount {
            source: Some(deployment.root.path().join(path).display().to_string()),
            target: "/v".to_owned(),
            options: vec!["ro".to_owned()],
        }];
        let name = slipway_test_support::unique("slipway-puppet-reader");
        let id = deployment
            .engine
            .create_container(&name, &spec)
            .await
            .unwrap();
        deployment.engine.start_container(&id).await.unwrap();
        Reader { deployment, id }
    }

    /// Reads a file as the container sees it, through its first process.
    async fn read(&self, path: &str) -> std::io::Result<String> {
        let found = self
            .deployment
            .engine
            .find_container(&self.id)
            .await
            .unwrap();
        let pid = found.unwrap().pid.unwrap();
        std::fs::read_to_string(format!("/proc/{pid}/root/v/{path}"))
    }

    async fn remove(self) {
        self.deployment
            .engine
            .remove_container(&self.id)
            .await
            .unwrap();
    }
}

async fn generate(deployment: &Deployment, manifest: &str) -> String {
    let settings = Settings {
        force: true,
        ..deployment.settings()
    };
    let puppet = deployment.puppet_with(json!({}), settings);
    let report = puppet
        .generate(vec![entry("swift", manifest)])
        .await
        .unwrap();
    let report = report.into_result().unwrap();
    report.runs[0].hash.clone().unwrap()
}

fn replaced(deployment: &Deployment) -> usize {
    std::fs::read_dir(deployment.paths().replaced())
        .unwrap()
        .count()
}

pub async fn a_mounted_tree_stays_whole_for_as_long_as_its_container_runs() {
    let deployment = Deployment::new().await;
    let manifest = |ring: &str| {
        format!(
            "file {{ ['/etc/swift', '/etc/swift/sub']: ensure => directory }}\n\
             file {{ ['/etc/swift/object.ring.gz', '/etc/swift/sub/x']: content => '{ring}' }}"
        )
    };
    let first = generate(&deployment, &manifest("1")).await;
    let whole = Reader::of(&deployment, "var/lib/config-data/swift").await;
    let part = Reader::of(
        &deployment,
        "var/lib/config-data/puppet-generated/swift/etc/swift/sub",
    )
    .await;
    let mut hashes = vec![first];
    for ring in ["2", "3", "4"] {
        let hash = generate(&deployment, &manifest(ring)).await;
        assert!(!hashes.contains(&hash), "a changed ring changes the hash");
        hashes.push(hash);
        assert_eq!(whole.read("etc/swift/object.ring.gz").await.unwrap(), "1");
        assert!(whole.read("etc/passwd").await.is_ok());
        assert_eq!(part.read("x").await.unwrap(), "1");
        assert_eq!(deployment.generated("swift/etc/swift/object.ring.gz"), ring);
    }
    assert_eq!(
        replaced(&deployment),
        2,
        "the mounted one, and the last one"
    );
    whole.remove().await;
    part.remove().await;
    generate(&deployment, &manifest("4")).await;
    assert_eq!(replaced(&deployment), 0);
}

pub async fn a_change_that_does_not_count_leaves_the_mounted_tree_in_place() {
    let deployment = Deployment::new().await;
    // Puppet writes the time into a crontab.
    let manifest = "cron { 'never': command => '/bin/true', user => root }";
    let first = generate(&deployment, manifest).await;
    let reader = Reader::of(&deployment, "var/lib/config-data/puppet-generated/swift").await;
    let crontab = "var/spool/cron/crontabs/root";
    let before = reader.read(crontab).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(generate(&deployment, manifest).await, first);
    assert_eq!(replaced(&deployment), 0);
    assert_eq!(reader.read(crontab).await.unwrap(), before);
    // It is the tree in place that the container sees.
    let place = deployment.paths().generated().join("swift");
    std::fs::write(place.join("seen"), "now").unwrap();
    assert_eq!(reader.read("seen").await.unwrap(), "now");
    reader.remove().await;
}
