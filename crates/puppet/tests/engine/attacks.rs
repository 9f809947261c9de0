//! A hostile image: it can harm its own config volume, and nothing else.
//!
//! The image's `puppet` is a shell script of the attacker, so each manifest here is a script that
//! runs as the first process of the run's container. With `DOCKER_HOST` at Podman's socket, the same
//! tests attack Podman.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::common::{Deployment, entry, outcomes};
use serde_json::json;
use slipway_puppet::{Outcome, Puppet, Report, Settings};
use slipway_service::PuppetConfig;

const IMAGE: &str = "slipway-test/hostile-puppet:1";
const DOCKERFILE: &str = include_str!("../../../../tests/support/scripted-puppet.Dockerfile");

struct Attack {
    deployment: Deployment,
    /// Outside of the deployment's root: nothing may change here.
    outside: tempfile::TempDir,
}

impl Attack {
    async fn new() -> Attack {
        let deployment = Deployment::new().await;
        if deployment.engine.find_image(IMAGE).await.unwrap().is_none() {
            slipway_test_support::build_image(deployment.engine.as_ref(), IMAGE, DOCKERFILE).await;
        }
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("precious"), "host").unwrap();
        Attack {
            deployment,
            outside,
        }
    }

    fn entry(&self, volume: &str, script: &str) -> PuppetConfig {
        let script = script.replace("OUTSIDE", &self.outside.path().display().to_string());
        PuppetConfig {
            config_image: IMAGE.to_owned(),
            ..entry(volume, &script)
        }
    }

    fn puppet(&self) -> Puppet {
        let settings = Settings {
            process_count: 2,
            force: true,
            ..self.deployment.settings()
        };
        self.deployment.puppet_with(json!({}), settings)
    }

    /// Runs an attack beside an innocent volume, and checks that only the attacker's is harmed.
    async fn run(&self, script: &str) -> Report {
        self.attack(script, |_| {}).await
    }

    async fn attack(&self, script: &str, change: impl FnOnce(&mut PuppetConfig)) -> Report {
        let mut hostile = self.entry("hostile", script);
        change(&mut hostile);
        let innocent = self.entry("innocent", "echo good >/etc/good");
        let report = self
            .puppet()
            .generate(vec![hostile, innocent])
            .await
            .unwrap();
        assert_ne!(outcomes(&report)[1].0, "failed", "{report:?}");
        assert_eq!(self.deployment.generated("innocent/etc/good"), "good\n");
        let outside: Vec<_> = std::fs::read_dir(self.outside.path()).unwrap().collect();
        assert_eq!(outside.len(), 1, "{outside:?}");
        let precious = self.outside.path().join("precious");
        assert_eq!(std::fs::read_to_string(precious).unwrap(), "host");
        assert_eq!(self.deployment.containers().await, 0);
        let staging = self.deployment.paths().staging();
        assert_eq!(
            std::fs::read_dir(staging).unwrap().count(),
            0,
            "nothing is left"
        );
        report
    }

    /// Runs an attack that is refused, for this reason.
    async fn refused(&self, script: &str, reason: &str) {
        let report = self.run(script).await;
        let Outcome::Failed(failure) = &report.runs[0].outcome else {
            panic!("it was accepted: {report:?}");
        };
        let said = failure.to_string();
        assert!(said.contains(reason), "{reason} is not in {said}");
        let volume = self.deployment.paths().generated().join("hostile");
        assert!(!volume.exists(), "nothing of it is put in place");
    }
}

/// Returns a script that runs `script` once Slipway's own has copied the result out: the attacker's
/// `find` does it, and prints the list of changed files.
fn instead(script: &str) -> String {
    format!(
        "cat >/tmp/attack <<'ATTACK'\n\
         rm -rf /slipway/out/full; mkdir -p /slipway/out/full/etc; echo good >/slipway/out/full/etc/x\n\
         {script}\n\
         exit 0\n\
         ATTACK\n\
         printf '#!/bin/sh\\n. /tmp/attack\\n' >/tmp/find; chmod 755 /tmp/find\n\
         cp /tmp/find $(command -v find)"
    )
}

pub async fn links_in_the_result_lead_nowhere() {
    let attack = Attack::new().await;
    // As on the host, the link leads outside; in the container, there is no such directory.
    let script = instead(
        "rm -rf /slipway/out/full/etc; ln -s OUTSIDE /slipway/out/full/etc\n\
         printf 'etc\\0etc/precious\\0../../../x\\0/etc/shadow\\0'",
    );
    let report = attack.run(&script).await;
    assert_eq!(outcomes(&report)[0].0, "changed", "{report:?}");
    let etc = attack.deployment.paths().generated().join("hostile/etc");
    assert_eq!(std::fs::read_link(&etc).unwrap(), attack.outside.path());
    // Again, over the link that is in place now.
    attack.run(&script).await;
    attack
        .refused_as_a_tree("rm -rf /slipway/out/full; ln -s OUTSIDE /slipway/out/full")
        .await;
    attack
        .refused_as_a_tree(
            "rm -rf /slipway/out/touched; ln -s OUTSIDE/precious /slipway/out/touched",
        )
        .await;
    for name in ["lookups", "facts.json", "compiled"] {
        let script =
            format!("rm -rf /slipway/out/{name}; ln -s OUTSIDE/precious /slipway/out/{name}");
        attack.refused_as_a_tree(&script).await;
    }
}

impl Attack {
    /// Runs an attack that must not be accepted, for whatever reason.
    async fn refused_as_a_tree(&self, script: &str) {
        let report = self.run(&instead(script)).await;
        assert_eq!(outcomes(&report)[0].0, "failed", "{script}: {report:?}");
    }
}

pub async fn devices_sockets_and_pipes_are_refused() {
    let attack = Attack::new().await;
    // Podman's containers may make no devices: a pipe will do.
    for make in [
        "mknod /slipway/out/full/etc/d c 1 5 || mkfifo /slipway/out/full/etc/d",
        "mkfifo /slipway/out/full/etc/p",
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"/slipway/out/full/etc/s\"))'",
    ] {
        let reason = "a config volume holds only files, directories and symlinks";
        attack.refused(&instead(make), reason).await;
    }
    for pipe in ["touched", "lookups", "facts.json", "compiled"] {
        let script = format!("rm -f /slipway/out/{pipe}; mkfifo /slipway/out/{pipe}");
        attack.refused_as_a_tree(&script).await;
    }
}

pub async fn results_without_end_are_refused() {
    let attack = Attack::new().await;
    let full = "/slipway/out/full/etc";
    for (make, reason) in [
        (format!("truncate -s 3G {full}/sparse"), "files exceed"),
        (
            format!("perl -e 'for (1..201000) {{ open F, \">{full}/$_\" }}'"),
            "exceeds 200000 entries",
        ),
        (
            format!("perl -e 'chdir \"{full}\"; for (1..100) {{ mkdir \"d\"; chdir \"d\" }}'"),
            "deeper than 64",
        ),
        (
            format!(
                "perl -e 'chdir \"{full}\"; $d = \"d\" x 200; for (1..50) {{ mkdir $d; chdir $d }}'"
            ),
            "too long",
        ),
        (
            "truncate -s 100M /slipway/out/touched".to_owned(),
            "larger than",
        ),
        (
            "truncate -s 100M /slipway/out/compiled".to_owned(),
            "larger than",
        ),
        (
            "truncate -s 100M /slipway/out/lookups".to_owned(),
            "larger than",
        ),
        (
            "truncate -s 100M /slipway/out/facts.json".to_owned(),
            "larger than",
        ),
    ] {
        attack.refused(&instead(&make), reason).await;
    }
}

/// A script that attacks the kernel's settings, mounts and other runs from a running container.
const ESCAPES: &str = r#"
mkdir -p /etc/result
try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name" >>/etc/result/escaped; fi; }
echo none >/etc/result/escaped
try sysctl sh -c 'echo x >/proc/sys/kernel/core_pattern'
try input sh -c 'echo x >/slipway/in/config.pp'
try modules sh -c 'echo x >/slipway/modules/slipway/x'
try compiled sh -c '[ -e /slipway/compiled ] && echo x >>/slipway/compiled'
try remount mount -o remount,rw /slipway/in
try mount mount -t tmpfs tmpfs /mnt
try unmount umount /proc/sys
try namespace sh -c 'unshare -m true'
try outside ls OUTSIDE
for process in /proc/[0-9]*; do cat $process/comm; done | grep -v -e sh -e cat -e grep -e puppet -e run.sh >/etc/result/others
touch /etc/result/done
"#;

pub async fn a_running_image_reaches_nothing_of_the_host() {
    let attack = Attack::new().await;
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    attack
        .run(&instead("echo code >/slipway/out/compiled"))
        .await;
    let report = attack.run(ESCAPES).await;
    assert_eq!(outcomes(&report)[0].0, "changed", "{report:?}");
    let kept = attack.deployment.paths().puppet_state().join("compiled");
    let kept = std::fs::read_dir(kept).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read(kept.path()).unwrap(), b"code\n");
    let result = |name: &str| {
        attack
            .deployment
            .generated(&format!("hostile/etc/result/{name}"))
    };
    assert_eq!(result("escaped"), "none\n");
    assert_eq!(result("others"), "", "no process of anybody else is seen");
    // Its own view of the mounts is its own affair.
    attack
        .run("mv /slipway /gone; mkdir -p /slipway/out; ln -s /proc/sys /slipway/world; sleep 1")
        .await;
    let now = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    assert_eq!(now, pattern);
}

pub async fn a_process_that_stays_is_ended_before_the_result_is_read() {
    let attack = Attack::new().await;
    // It goes on exchanging a directory for a link that leads outside, and holds `out` open.
    let script = instead(
        "mkdir /slipway/out/full/etc/sub; echo good >/slipway/out/full/etc/sub/precious\n\
         printf 'etc/sub/precious\\0'\n\
         (trap '' TERM HUP; cd /slipway/out/full/etc; while :; do\n\
            mv sub was; ln -s OUTSIDE sub; rm sub; mv was sub; done) </dev/null >/dev/null 2>&1 &\n\
         sleep 1",
    );
    for _ in 0..3 {
        let report = attack.run(&script).await;
        let word = outcomes(&report)[0].0;
        assert!(["changed", "same", "failed"].contains(&word), "{report:?}");
    }
    // Nothing of it goes on.
    let volume = attack.deployment.paths().config_data().join("hostile");
    if let Ok(before) = inodes(&volume.join("etc")) {
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(inodes(&volume.join("etc")).unwrap(), before);
    }
}

fn inodes(directory: &Path) -> std::io::Result<Vec<(PathBuf, u64, i64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        found.push((path, metadata.ino(), metadata.ctime_nsec()));
    }
    found.sort();
    Ok(found)
}

pub async fn an_image_misleads_no_other_image() {
    let attack = Attack::new().await;
    let poison =
        "echo '{\"poisoned\":true}' >/slipway/out/facts.json; echo poison >/slipway/out/compiled";
    let report = attack.run(&instead(poison)).await;
    assert_eq!(outcomes(&report)[0].0, "changed", "{report:?}");
    // Another image starts with neither.
    let look = "file { '/etc/f': content => \"${facts['poisoned']}\" }";
    let puppet = attack.deployment.puppet(json!({}));
    let report = puppet.generate(vec![entry("other", look)]).await.unwrap();
    report.into_result().unwrap();
    assert_eq!(attack.deployment.generated("other/etc/f"), "");
}

pub async fn a_tree_in_place_is_read_without_following_its_links() {
    let attack = Attack::new().await;
    attack
        .run("echo 1 >/etc/x; mkdir -p /root; echo 1 >/root/.my.cnf")
        .await;
    // A service that has the volume mounted for writing can do this.
    let generated = attack.deployment.paths().generated().join("hostile");
    let full = attack.deployment.paths().config_data().join("hostile");
    for tree in [&generated, &full] {
        std::fs::remove_dir_all(tree.join("root")).unwrap();
        std::os::unix::fs::symlink(attack.outside.path(), tree.join("root")).unwrap();
        std::fs::remove_file(tree.join("etc/x")).unwrap();
        std::os::unix::fs::symlink(attack.outside.path().join("precious"), tree.join("etc/x"))
            .unwrap();
    }
    let settings = Settings {
        diff: true,
        ..attack.deployment.settings()
    };
    let puppet = attack.deployment.puppet_with(json!({}), settings);
    let script = "echo 2 >/etc/x; mkdir -p /root; echo 2 >/root/.my.cnf";
    let report = puppet
        .generate(vec![attack.entry("hostile", script)])
        .await
        .unwrap();
    let report = report.into_result().unwrap();
    let diff = report.runs[0].diff.as_deref().unwrap();
    assert!(!diff.contains("\n-host\n"), "{diff}");
    let precious = attack.outside.path().join("precious");
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "host");
    assert_eq!(attack.deployment.generated("hostile/etc/x"), "2\n");
    let volume = std::fs::symlink_metadata(generated.join("root")).unwrap();
    assert!(volume.is_dir());
}

pub async fn other_modes_contain_it_as_well() {
    let attack = Attack::new().await;
    // With a mount, with the host's network, and with containers that are kept.
    let data = tempfile::tempdir().unwrap();
    let mount = format!("{}:/data:rw", data.path().display());
    let links = instead(
        "rm -rf /slipway/out/full/etc; ln -s OUTSIDE /slipway/out/full/etc\n\
         printf 'etc\\0etc/precious\\0'",
    );
    attack
        .attack(&links, |hostile| hostile.volumes = vec![mount])
        .await;
    let settings = Settings {
        net_host: true,
        force: true,
        keep_failed: true,
        ..attack.deployment.settings()
    };
    let puppet = attack.deployment.puppet_with(json!({}), settings);
    let fails = instead("mkfifo /slipway/out/full/etc/p");
    let entries = vec![attack.entry("one", &links), attack.entry("two", &fails)];
    let report = puppet.generate(entries).await.unwrap();
    let words: Vec<&str> = outcomes(&report).iter().map(|(word, _)| *word).collect();
    assert_eq!(words, ["changed", "failed"]);
    let precious = attack.outside.path().join("precious");
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "host");
}
