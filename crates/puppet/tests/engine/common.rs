//! A deployment to try things on: a real engine, a real Puppet, a root of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use slipway_engine::{ConnectOptions, ContainerState, ContainerSummary, Engine, connect};
use slipway_puppet::{Event, Events, Hieradata, Outcome, Paths, Puppet, Report, Settings};
use slipway_service::{ConfigVolume, PuppetConfig};
use slipway_test_support::build_image;

/// Puppet and Debian's modules on the project's base image; kept between runs of the tests.
pub const IMAGE: &str = "slipway-test/puppet-modules:trixie";
const DOCKERFILE: &str = include_str!("../../../../tests/support/puppet.Dockerfile");

static BUILDING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A root of its own, and an engine with the image.
pub struct Deployment {
    pub root: tempfile::TempDir,
    pub engine: Arc<dyn Engine>,
    pub heard: Arc<Heard>,
}

/// Every event, as text.
#[derive(Default)]
pub struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Deployment {
    pub async fn new() -> Deployment {
        let engine = connect(&ConnectOptions::default())
            .await
            .expect("these tests need a container engine: run scripts/engine");
        // Tests run beside one another: the first builds the image, the others wait for it.
        let building = BUILDING.lock().await;
        if engine.find_image(IMAGE).await.unwrap().is_none() {
            build_image(engine.as_ref(), IMAGE, DOCKERFILE).await;
        }
        drop(building);
        Deployment {
            root: tempfile::tempdir().unwrap(),
            engine,
            heard: Arc::default(),
        }
    }

    pub fn paths(&self) -> Paths {
        Paths::new(self.root.path()).unwrap()
    }

    pub fn settings(&self) -> Settings {
        Settings::new(self.paths())
    }

    /// Events that are collected as text.
    pub fn events(&self) -> Events<Event> {
        let heard = self.heard.clone();
        Events::new(move |event| heard.0.lock().unwrap().push(format!("{event:?}")))
    }

    pub fn puppet(&self, hiera: Value) -> Puppet {
        self.puppet_with(hiera, self.settings())
    }

    pub fn puppet_with(&self, hiera: Value, settings: Settings) -> Puppet {
        let hiera = Hieradata::new(hiera.as_object().unwrap().clone());
        Puppet::new(self.engine.clone(), settings, hiera, self.events())
    }

    /// The text of a generated file.
    pub fn generated(&self, path: &str) -> String {
        let path = self.paths().generated().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The number of containers of this deployment's runs.
    pub async fn containers(&self) -> usize {
        self.list().await.len()
    }

    /// Waits until a container of this deployment's runs is at work.
    pub async fn until_one_runs(&self) {
        let is_running = |container: &ContainerSummary| container.state == ContainerState::Running;
        while !self.list().await.iter().any(is_running) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn list(&self) -> Vec<ContainerSummary> {
        let label = format!("slipway.puppet.root={}", self.root.path().display());
        self.engine.list_containers(&[label]).await.unwrap()
    }

    /// Returns true when any file below a directory of the root has a text.
    pub fn holds(&self, directory: &str, text: &str) -> bool {
        fn search(path: &Path, text: &str) -> bool {
            if path.is_dir() {
                let mut entries = std::fs::read_dir(path).unwrap();
                return entries.any(|entry| search(&entry.unwrap().path(), text));
            }
            let content = std::fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&content).contains(text)
        }
        search(&self.root.path().join(directory), text)
    }
}

pub fn entry(volume: &str, manifest: &str) -> PuppetConfig {
    PuppetConfig {
        config_volume: Some(ConfigVolume::new(volume).unwrap()),
        step_config: manifest.to_owned(),
        config_image: IMAGE.to_owned(),
        ..PuppetConfig::default()
    }
}

/// Each run's outcome in one word, and why.
pub fn outcomes(report: &Report) -> Vec<(&str, &str)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Skipped => "skipped",
        Outcome::Same => "same",
        Outcome::Changed => "changed",
        _ => "failed",
    };
    report
        .runs
        .iter()
        .map(|run| (word(&run.outcome), run.why.as_str()))
        .collect()
}

pub fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}
