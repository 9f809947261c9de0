//! Helpers of tests against a real engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{StreamExt, stream};
use slipway_engine::{
    BuildRequest, ConnectOptions, ContainerSpec, Engine, Progress, TarStream, connect,
};

/// The image that every engine used for tests has.
pub const IMAGE: &str = "debian:trixie";

/// The engine under test.
pub async fn engine() -> Arc<dyn Engine> {
    connect(&ConnectOptions::default())
        .await
        .expect("these tests need a container engine; scripts/engine starts one")
}

/// A name that no other test, and no other run, uses.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{count}", std::process::id())
}

/// A container that runs `script`.
pub fn shell(script: &str) -> ContainerSpec {
    ContainerSpec {
        image: IMAGE.to_owned(),
        command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
        network_mode: Some("none".to_owned()),
        ..ContainerSpec::default()
    }
}

/// Returns a build context of these files.
pub fn context(files: &[(&str, &str)]) -> TarStream {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .expect("an archive in memory");
    }
    let bytes = archive.into_inner().expect("an archive in memory");
    stream::iter([Ok(bytes::Bytes::from(bytes))]).boxed()
}

/// Builds an image from a Dockerfile alone, on the host's network.
pub async fn build_image(engine: &dyn Engine, tag: &str, dockerfile: &str) {
    let request = BuildRequest {
        tags: vec![tag.to_owned()],
        dockerfile: "Dockerfile".to_owned(),
        network: Some("host".to_owned()),
        ..BuildRequest::default()
    };
    let context = context(&[("Dockerfile", dockerfile)]);
    let mut output = Vec::new();
    let mut is_built = false;
    let mut progress = engine
        .build_image(request, context)
        .await
        .expect("the build starts");
    while let Some(step) = progress.next().await {
        match step {
            Ok(Progress::Line(line)) => output.push(line),
            Ok(Progress::Transfer) => {}
            Ok(Progress::ImageId(_)) => is_built = true,
            Err(error) => panic!("{error}\n{}", output.join("\n")),
        }
    }
    assert!(is_built, "no image: {}", output.join("\n"));
}

/// Removes, when dropped, every container that carries a label, also when the test fails.
pub struct Sweep(pub String);

impl Drop for Sweep {
    fn drop(&mut self) {
        let label = self.0.clone();
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let engine = engine().await;
                for container in engine.list_containers(&[label]).await.unwrap_or_default() {
                    let _ = engine.remove_container(&container.id).await;
                }
            });
        });
        let _ = swept.join();
    }
}
