//! A tree in a directory of its own, and a namespace in the engine that is emptied at the end.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_engine::{ConnectOptions, Engine, connect};
use slipway_events::Events;
use slipway_image::{BuildConfig, Error, Event, ImageSet, Plan, Summary};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

pub struct Fixture {
    dir: tempfile::TempDir,
    pub options: BuildConfig,
    pub engine: Arc<dyn Engine>,
    pub seen: Arc<Seen>,
}

/// Events, in short.
#[derive(Default)]
pub struct Seen(Mutex<Vec<String>>);

impl Seen {
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn seen_event(&self, start: &str) -> Option<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().find(|event| event.starts_with(start)).cloned()
    }

    /// The first that was told and begins so, once it was.
    pub async fn wait_for(&self, start: &str) -> String {
        loop {
            if let Some(event) = self.seen_event(start) {
                return event;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Seen {
    fn add(&self, event: &Event) {
        let short = match event {
            Event::Started { decision } => format!("start {}: {}", decision.image, decision.why()),
            Event::Finished { image, .. } => format!("finish {image}"),
            Event::Skipped { decision } => format!("skip {}: {}", decision.image, decision.why()),
            Event::Failed { failure } => format!("fail {}", failure.image),
            Event::Retrying { image, error, .. } => format!("again {image}: {error}"),
            Event::ParentFailed { image, parent } => format!("{image} lacks {parent}"),
            _ => return,
        };
        self.0.lock().unwrap().push(short);
    }
}

impl Fixture {
    /// `base`, its children `left` and `right`, and `leaf` under `left`.
    pub async fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut options = BuildConfig::new(dir.path().join("images")).unwrap();
        options.namespace = format!("slipway-image-test-{}-{number}", std::process::id());
        // It becomes a label, by which all that was built here is found at the end.
        options.maintainer = options.namespace.clone();
        // Only with a key of its own can a later build say which input changed.
        options.key_file = Some(dir.path().join("key"));
        let fixture = Fixture {
            dir,
            options,
            engine: connect(&ConnectOptions::default()).await.unwrap(),
            seen: Arc::default(),
        };
        fixture.write(
            "images/base/Dockerfile.j2",
            // Named, so that no other fixture takes the layer away when it is emptied.
            "FROM {{ base_image }}:{{ base_distro_tag }}\nENV A=1 OF={{ namespace }}\n",
        );
        let child = |parent: &str| {
            format!(
                "FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}{parent}:{{{{ tag }}}}\n\
                 {{% set p = ['one'] %}}\nCOPY file /file-{{{{ image_name }}}}\n\
                 ENV P=\"{{{{ p | customizable('packages') | join(' ') }}}}\"\n"
            )
        };
        for (name, parent) in [("left", "base"), ("right", "base"), ("leaf", "left")] {
            fixture.write(&format!("images/{name}/Dockerfile.j2"), &child(parent));
            fixture.write(&format!("images/{name}/file"), name);
        }
        fixture
    }

    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn load(&self) -> Result<ImageSet, Error> {
        ImageSet::load(self.options.clone())
    }

    pub async fn build(&self) -> Result<Summary, Error> {
        let seen = Arc::clone(&self.seen);
        let events = Events::new(move |event| seen.add(&event));
        let built = self.load()?.build(Arc::clone(&self.engine), events).await;
        built.inspect(|summary| {
            // Shown where a test fails that did not mean it to.
            for failure in &summary.failures {
                eprintln!("{failure}");
            }
        })
    }

    pub async fn plan(&self) -> Plan {
        self.load().unwrap().plan(&*self.engine).await.unwrap()
    }

    /// The reasons a plan gives, in order of the images.
    pub async fn reasons(&self) -> Vec<String> {
        let plan = self.plan().await;
        plan.decisions
            .iter()
            .map(|decision| format!("{}: {}", decision.image, decision.why()))
            .collect()
    }

    pub fn reference(&self, image: &str) -> String {
        self.options.reference(image)
    }

    /// The number of containers of an image, those of `RUN` steps included.
    pub async fn containers_of(&self, image: &str) -> usize {
        let Some(id) = self.id(image).await else {
            return 0;
        };
        let containers = self.engine.list_containers(&[]).await.unwrap();
        containers
            .iter()
            .filter(|container| container.image_id == id)
            .count()
    }

    /// Waits until there is no container of an image any more.
    pub async fn no_container_of(&self, image: &str) {
        let gone = async {
            while self.containers_of(image).await > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone)
            .await
            .unwrap();
    }

    pub async fn id(&self, image: &str) -> Option<String> {
        Some(
            self.engine
                .find_image(&self.reference(image))
                .await
                .unwrap()?
                .id,
        )
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let engine = Arc::clone(&self.engine);
        let label = format!(
            "org.opencontainers.image.authors={}",
            self.options.maintainer
        );
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                // A connection belongs to the runtime it was made in.
                let engine = connect(&ConnectOptions::default()).await.unwrap_or(engine);
                empty(&*engine, &label).await;
            });
            std::io::Result::Ok(())
        });
        if !matches!(cleaned.join(), Ok(Ok(()))) {
            eprintln!("images of {} are left behind", self.options.namespace);
        }
    }
}

/// Removes all images that were built here, those that later ones replaced included. The container
/// of a build that was just dropped may hold one for a moment.
async fn empty(engine: &dyn Engine, label: &str) {
    let mut last = None;
    for _ in 0..50 {
        let images = engine
            .list_images(&[label.to_owned()])
            .await
            .unwrap_or_default();
        if images.is_empty() {
            return;
        }
        for image in images {
            let names = if image.tags.is_empty() {
                vec![image.id]
            } else {
                image.tags
            };
            for name in names {
                last = engine.remove_image(&name).await.err().or(last);
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    eprintln!("images with {label} are left behind: {last:?}");
}
