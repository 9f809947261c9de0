//! A run as a fork of a Puppet that is loaded already.

pub mod filesystem;
pub mod loaded;
pub mod pool;

use std::path::Path;
use std::time::{Duration, Instant};

use slipway_service::{ConfigVolume, Hiera};
use tempfile::TempDir;

use crate::error::Failure;
use crate::events::Event;
use crate::files;
use crate::input::merge::Run;
use crate::run::fork::loaded::{Ended, FIND_FACTS, Loaded};
use crate::run::fork::pool::Next;
use crate::session::{ContainerOptions, Session};

impl Session<'_> {
    /// Runs Puppet in a container that has it loaded; `None` where that cannot be done, and a
    /// container of the run's own is to do it.
    pub async fn forked(
        &self,
        run: &Run,
        image_id: &str,
        first: &Hiera,
        options: &ContainerOptions,
        facts: &Path,
    ) -> Result<Option<(TempDir, Duration)>, Failure> {
        let image = run.config_image.as_str();
        if !self.pool.forks(image) {
            return Ok(None);
        }
        // Never closed: there always is a place in the end.
        let place = self.places.acquire().await;
        let loaded = match self.pool.next(image, self.places.available_permits()) {
            Next::Apart => return Ok(None),
            Next::Use(loaded) => *loaded,
            Next::Start => match self.load(run, image_id, first, options, facts).await? {
                Ok(loaded) => loaded,
                Err(why) => {
                    self.refuse(image, &why);
                    return Ok(None);
                }
            },
        };
        let redactor = self.puppet.secrets(&run.manifest).redactor();
        let mut transcript = self.transcript(run, options, &redactor)?;
        let staging = self.stage(run, first, options, Some(facts))?;
        let container = self.container(run, image_id, options, staging.path());
        let mut loaded = loaded;
        let begun = Instant::now();
        let limit = self.puppet.settings.timeout;
        let running = loaded.run(staging.path(), &mut transcript);
        let ended = tokio::time::timeout(limit, running).await;
        let took = begun.elapsed();
        let (code, again) = match ended {
            // What timed out is still going on, and ends with its container.
            Err(_) => (None, None),
            Ok(Err(failure)) => {
                self.end(image, loaded).await?;
                return Err(failure);
            }
            Ok(Ok(Ended::With(code))) => (Some(code), Some(())),
            Ok(Ok(Ended::Last(code))) => (Some(code), None),
            Ok(Ok(Ended::Impossible(why))) => {
                // So it would be for every other run.
                self.end(image, loaded).await?;
                self.refuse(image, &why);
                return Ok(None);
            }
            Ok(Ok(Ended::Lost(why))) => {
                // As with an engine's hiccup, the run itself may be all right.
                self.end(image, loaded).await?;
                let text = format!(
                    "{}: {why}; once more, in a container of its own",
                    run.volume
                );
                self.puppet.events.send(Event::Warning { text });
                return Ok(None);
            }
        };
        let spare = match again {
            Some(()) => self.pool.put_back(image, loaded),
            None => Some(loaded),
        };
        drop(place);
        if let Some(spare) = spare {
            self.end(image, spare).await?;
        }
        container.outcome(code, &transcript)?;
        self.keep_facts(staging.path(), facts)?;
        Ok(Some((staging, took)))
    }

    async fn end(&self, image: &str, loaded: Loaded) -> Result<(), Failure> {
        self.pool.gone(image);
        Ok(loaded.remove().await?)
    }

    fn refuse(&self, image: &str, why: &str) {
        if self.pool.refuse(image, why) {
            self.puppet.events.send(Event::NotShared {
                image: image.to_owned(),
                reason: why.to_owned(),
            });
        }
    }

    /// Starts a container that has Puppet loaded for a run and others like it, and sees to it that
    /// facts are known, where they can be; or says why it cannot be had.
    async fn load(
        &self,
        run: &Run,
        image_id: &str,
        first: &Hiera,
        options: &ContainerOptions,
        facts: &Path,
    ) -> Result<Result<Loaded, String>, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Err(
                "only root can put file systems into containers".to_owned()
            ));
        }
        let image = run.config_image.as_str();
        self.puppet.events.send(Event::Loading {
            subject: run.volume.as_str().to_owned(),
        });
        if let Some(idle) = self.pool.idle_besides(image) {
            idle.remove().await?;
        }
        let Ok(volume) = ConfigVolume::new("puppet-loaded") else {
            return Ok(Err("its name is not one".to_owned()));
        };
        let nothing = Run {
            volume,
            manifest: String::new(),
            ..run.clone()
        };
        let staging = self.stage(&nothing, first, options, Some(facts))?;
        let finds = match facts.exists() {
            true => None,
            false => Some(self.pool.facts(image)),
        };
        if let Some(Ok(_)) = &finds {
            files::create(&staging.path().join("in").join(FIND_FACTS))?;
        }
        let container = self.container(&nothing, image_id, options, staging.path());
        let (name, spec) = (container.name(), container.spec(&["loaded"]));
        let loaded = Loaded::start(&self.puppet.engine, &name, &spec, staging).await;
        match (&loaded, finds) {
            (Ok(loaded), Some(Ok(_known))) => self.keep_facts(loaded.staging.path(), facts)?,
            // Whoever looks for them drops its end when it has found them, or given up.
            (Ok(_), Some(Err(mut known))) => drop(known.changed().await),
            _ => {}
        }
        Ok(loaded)
    }
}
