//! Helpers of tests against a real engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use slipway_engine::{ConnectOptions, ContainerSpec, Engine, connect};

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
