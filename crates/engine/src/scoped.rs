//! A container that ends with the work that it is for.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::reader::Claim;
use crate::{ContainerSpec, Engine, Result};

/// The time that removing the container of abandoned work may take.
const REMOVAL: Duration = Duration::from_secs(5);

/// A container that is removed when this is dropped, as an interrupt does.
#[derive(Debug)]
pub struct ScopedContainer {
    engine: Arc<dyn Engine>,
    id: String,
    is_here: bool,
    claim: Option<Claim>,
}

impl ScopedContainer {
    /// Creates a container that is never started, to read an image's files through it. Removes those
    /// that killed processes left.
    ///
    /// # Errors
    /// The image is missing, the engine fails, or the lock file of the container cannot be made.
    pub async fn of_image(engine: &Arc<dyn Engine>, image: &str) -> Result<ScopedContainer> {
        let claim = Claim::new(engine.as_ref()).await?;
        let spec = ContainerSpec {
            image: image.to_owned(),
            command: Some(vec!["true".to_owned()]),
            network_mode: Some("none".to_owned()),
            ..ContainerSpec::default()
        };
        let id = engine.create_container(claim.name(), &spec).await?;
        let mut container = ScopedContainer::new(engine, id);
        container.claim = Some(claim);
        Ok(container)
    }

    /// Takes ownership of a new container.
    pub fn new(engine: &Arc<dyn Engine>, id: String) -> ScopedContainer {
        ScopedContainer {
            engine: Arc::clone(engine),
            id,
            is_here: true,
            claim: None,
        }
    }

    /// Returns the engine's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Removes the container.
    ///
    /// # Errors
    /// The engine fails; the container may still exist.
    pub async fn remove(mut self) -> Result<()> {
        let removed = self.engine.remove_container(&self.id).await;
        self.is_here = false;
        if let (Ok(()), Some(claim)) = (&removed, self.claim.take()) {
            claim.end();
        }
        removed
    }

    /// Keeps the container, and returns its id.
    pub fn keep(mut self) -> String {
        self.is_here = false;
        self.id.clone()
    }
}

impl Drop for ScopedContainer {
    fn drop(&mut self) {
        let (true, Ok(runtime)) = (self.is_here, Handle::try_current()) else {
            return;
        };
        // Only in this runtime may a thread wait. In others the container stays.
        if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
            let removed = tokio::time::timeout(REMOVAL, self.engine.remove_container(&self.id));
            let removed = tokio::task::block_in_place(|| runtime.block_on(removed));
            if let (Ok(Ok(())), Some(claim)) = (removed, self.claim.take()) {
                claim.end();
            }
        }
    }
}
