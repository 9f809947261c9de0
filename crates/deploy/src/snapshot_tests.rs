//! Tests of going back to a deployment that succeeded.

use std::path::Path;
use std::sync::Arc;

use slipway_engine::{Engine, Images as _};
use slipway_service::Step;
use slipway_test_support::FakeEngine;

use crate::{Declarations, DeployError, Deployment, Events, KeyFiles, Options, RoleSource};

/// A deployment in a directory of its own, on an engine in memory.
struct Site {
    directory: tempfile::TempDir,
    engine: Arc<FakeEngine>,
}

impl Site {
    fn new() -> Site {
        let site = Site {
            directory: tempfile::tempdir().unwrap(),
            engine: Arc::new(FakeEngine::with_image("ns/i")),
        };
        site.build("1111");
        site
    }

    /// Three deployments, each with an image of its own.
    async fn with_three_deployments() -> Site {
        let site = Site::new();
        for (command, image) in [
            ("up, one", "1111"),
            ("up, two", "2222"),
            ("up, three", "3333"),
        ] {
            site.build(image);
            site.deploy(command, 5).await.unwrap();
        }
        site
    }

    /// Makes the reference mean another image. The one before loses its name.
    fn build(&self, digits: &str) {
        let id = format!("sha256:{digits}");
        self.engine.set_image("ns/i", &id);
        self.engine.set_nameless_image(&id);
    }

    fn options(&self) -> Options {
        Options {
            root: self.directory.path().join("root"),
            ..Options::default()
        }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine) as Arc<dyn Engine>
    }

    /// Deploys a container with this command, and keeps the deployment if it succeeds.
    async fn deploy(&self, command: &str, keep: usize) -> Result<(), DeployError> {
        let service = self.directory.path().join("a.yaml");
        let text = format!(
            "service_name: a\nconfig_settings: {{a::word: '{command}'}}\ndocker_config:\n  step_1:\n    \
             a: {{image: ns/i, command: [{command}], detach: {}}}\n",
            command.starts_with("up")
        );
        std::fs::write(&service, text).unwrap();
        let hiera = self.directory.path().join("hiera.yaml");
        std::fs::write(&hiera, format!("a_password: 'of {command}'\n")).unwrap();
        let source = RoleSource {
            declarations: Declarations::Services(vec![service]),
            role: "R".to_owned(),
            hiera: vec![hiera],
            keys: KeyFiles::default(),
        };
        let deployment = Deployment::of_services(&source, &self.options(), Events::ignore())?;
        let deployment = deployment.connect(self.engine())?;
        deployment.deploy(&steps()).await?;
        deployment.keep_snapshot(keep).await
    }

    async fn roll_back(&self, keep: usize) -> Result<(), DeployError> {
        let rollback = Deployment::of_snapshot("R", &self.options(), Events::ignore())?;
        let deployment = rollback.connect(self.engine()).await?;
        deployment.deploy(&steps()).await?;
        deployment.keep_snapshot(keep).await
    }

    /// Rolls back on an engine that is lost after this many changes.
    async fn roll_back_without_success(&self, changes: usize) {
        self.engine.lose_after(Some(changes));
        assert!(self.roll_back(5).await.is_err());
        self.engine.lose_after(None);
    }

    fn snapshots(&self) -> usize {
        let directory = self.directory.path().join("root/var/lib/slipway/snapshots");
        let names = std::fs::read_dir(directory).unwrap();
        names
            .filter(|name| is_snapshot(&name.as_ref().unwrap().path()))
            .count()
    }

    /// Returns the id of the container's image.
    fn image_id(&self) -> String {
        self.engine.container("a").unwrap().image_id
    }
}

fn steps() -> Vec<Step> {
    Step::all().collect()
}

fn is_snapshot(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

#[tokio::test]
async fn after_a_failure_the_last_good_deployment_comes_back_with_its_image() {
    let site = Site::new();
    site.deploy("up, one", 3).await.unwrap();
    site.build("2222");
    assert!(site.deploy("exit, 3", 3).await.is_err());
    site.roll_back(3).await.unwrap();
    assert_eq!(site.image_id(), "sha256:1111");
    let image = site.engine.find_image("ns/i").await.unwrap().unwrap();
    assert_eq!(image.id, "sha256:1111");
    let hiera = site.directory.path().join("root/etc/puppet/hieradata");
    assert!(!hiera.exists() || !read_all(&hiera).contains("of exit"));
    assert_eq!(site.snapshots(), 1);
}

#[tokio::test]
async fn after_success_the_deployment_before_comes_back_and_then_the_one_before_that() {
    let site = Site::with_three_deployments().await;
    // The same once more is no other deployment.
    site.deploy("up, three", 5).await.unwrap();
    assert_eq!(site.snapshots(), 3);
    for (image, left) in [("2222", 2), ("1111", 1)] {
        site.roll_back(5).await.unwrap();
        assert_eq!(site.image_id(), format!("sha256:{image}"));
        assert_eq!(site.snapshots(), left);
    }
    let error = site.roll_back(5).await.unwrap_err();
    assert!(matches!(error, DeployError::NoSnapshot { .. }), "{error}");
}

#[tokio::test]
async fn a_rollback_that_fails_keeps_newer_snapshots_and_is_resumed() {
    let site = Site::with_three_deployments().await;
    // The first time the engine is lost when it has the image and the old container is gone.
    for changes in [2, 1] {
        site.roll_back_without_success(changes).await;
        assert_eq!(site.snapshots(), 3);
    }
    site.roll_back(5).await.unwrap();
    assert_eq!(site.image_id(), "sha256:2222");
    assert_eq!(site.snapshots(), 2);
}

#[tokio::test]
async fn a_deployment_after_a_failed_rollback_ends_it() {
    let site = Site::new();
    site.deploy("up, one", 5).await.unwrap();
    site.build("2222");
    site.deploy("up, two", 5).await.unwrap();
    site.roll_back_without_success(2).await;
    site.build("3333");
    assert!(site.deploy("exit, 3", 5).await.is_err());
    site.roll_back(5).await.unwrap();
    assert_eq!(site.image_id(), "sha256:2222");
    assert_eq!(site.snapshots(), 2);
}

#[tokio::test]
async fn only_so_many_are_kept() {
    let site = Site::new();
    for number in 1..=4 {
        site.build(&number.to_string());
        site.deploy(&format!("up, n{number}"), 2).await.unwrap();
        assert_eq!(site.snapshots(), number.min(2));
    }
    site.deploy("up, n4", 0).await.unwrap();
    assert_eq!(site.snapshots(), 0);
}

#[tokio::test]
async fn a_missing_image_is_named_before_anything_is_changed() {
    let site = Site::new();
    site.deploy("up, one", 3).await.unwrap();
    site.build("2222");
    site.deploy("up, two", 3).await.unwrap();
    site.engine.remove_nameless_image("sha256:1111");
    let error = site.roll_back(3).await.unwrap_err();
    assert!(
        matches!(error, DeployError::SnapshotImages { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("ns/i (sha256:1111)"), "{error}");
    assert_eq!(site.image_id(), "sha256:2222");
    assert_eq!(site.snapshots(), 2);
}

#[tokio::test]
async fn a_snapshot_of_another_role_is_refused() {
    let site = Site::new();
    site.deploy("up, one", 3).await.unwrap();
    site.deploy("up, two", 3).await.unwrap();
    let error = Deployment::of_snapshot("S", &site.options(), Events::ignore());
    let Err(DeployError::SnapshotOfRole { role }) = error else {
        panic!("not refused");
    };
    assert_eq!(role, "R");
}

fn read_all(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}
