//! One invocation that works on one deployment.

use std::path::PathBuf;
use std::time::Duration;

use slipway_files::Lock;
use slipway_service::Hiera;
use tokio::sync::Semaphore;

use crate::error::{Failure, Result};
use crate::events::Event;
use crate::files::{self, Staging};
use crate::input::merge::Run;
use crate::plan::Planner;
use crate::plan::state::State;
use crate::puppet::Puppet;
use crate::run::cache::{self, Cached, Caches};
use crate::run::container::{self, Container};
use crate::run::module;
use crate::run::staging;
use crate::run::transcript::Transcript;

/// Holds the deployment's lock: no other invocation is at work on it.
pub struct Session<'a> {
    /// Decides which runs are due.
    pub planner: Planner<'a>,
    /// One permit for each run at a time.
    places: Semaphore,
    _lock: Lock,
}

/// The options of a run.
pub struct RunOptions {
    /// Copies out the files that Puppet wrote.
    pub archive: bool,
    /// Uses the host's network.
    pub net_host: bool,
    /// The log file's name.
    pub log: String,
}

impl<'a> Session<'a> {
    /// Takes the lock, removes the remains of killed runs, and writes the files that every run needs.
    pub async fn begin(puppet: &'a Puppet) -> Result<Session<'a>> {
        let lock = lock(puppet).await?;
        let settings = &puppet.settings;
        let paths = &settings.paths;
        remove_unfinished(puppet)?;
        module::install(paths)?;
        puppet.hiera.write(paths)?;
        files::private_dir(paths.config_data())?;
        files::private_dir(&paths.generated())?;
        let staging = paths.staging();
        if files::is_filled(&staging)? {
            // Puppet in a container that a killed run left behind may still be writing there.
            container::remove_strays(&*puppet.engine, paths).await?;
        }
        files::remove(&staging)?;
        files::private_dir(&staging)?;
        files::private_dir(&paths.replaced())?;
        let state = State::open(paths)?;
        for kind in Cached::ALL {
            cache::remove_unused(&state.directory(kind.directory()));
        }
        Ok(Session {
            planner: Planner::new(puppet, state)?,
            places: Semaphore::new(settings.process_count.max(1)),
            _lock: lock,
        })
    }

    /// Runs Puppet in a container of an image. The container is gone when this returns; the
    /// directory holds its output. Also returns the time it took.
    pub async fn run_container(
        &self,
        run: &Run,
        image_id: &str,
        first: &Hiera,
        options: &RunOptions,
    ) -> Result<(Staging, Duration), Failure> {
        let puppet = self.planner.puppet;
        let caches = Caches::of(&self.planner, run, image_id, options.net_host);
        let redactor = puppet.secrets(&run.manifest).redactor();
        let mut transcript = Transcript::begin(
            puppet.settings.paths.logs(),
            &options.log,
            run.volume.as_str(),
            &redactor,
            &puppet.events,
        )?;
        let facts = caches.facts();
        let staging = staging::prepare(&self.planner, run, first, options, facts.as_deref())?;
        let container = Container {
            run,
            image_id,
            settings: &puppet.settings,
            staging: staging.path(),
            code: caches.code(),
            net_host: options.net_host,
            hostname: &self.planner.hostname,
        };
        let took = container
            .run(&puppet.engine, &self.places, &mut transcript)
            .await?;
        caches.keep(&staging.path().join("out"))?;
        Ok((staging, took))
    }

    /// Removes the containers that could not be removed while an engine was away. The next run
    /// removes what stays.
    pub async fn clear_away(&self) {
        let puppet = self.planner.puppet;
        if puppet.settings.keep_failed {
            return;
        }
        if let Err(error) = self.remove_strays().await {
            let text = format!("containers are left for the next run to remove: {error}");
            puppet.events.send(Event::Warning { text });
        }
    }

    /// Removes the containers that earlier runs left.
    pub async fn remove_strays(&self) -> Result<()> {
        let puppet = self.planner.puppet;
        container::remove_strays(&*puppet.engine, &puppet.settings.paths).await
    }
}

async fn lock(puppet: &Puppet) -> Result<Lock> {
    let state = puppet.settings.paths.puppet_state();
    files::private_dir(&state)?;
    let path = state.join("lock");
    if !puppet.settings.wait {
        return Ok(Lock::try_take(&path)?);
    }
    let waiting = |holder: &str| {
        let holder = holder.to_owned();
        puppet.events.send(Event::Waiting { holder });
    };
    Ok(Lock::take(&path, waiting).await?)
}

/// Removes files and directories that killed runs were about to put in place.
fn remove_unfinished(puppet: &Puppet) -> Result<()> {
    let paths = &puppet.settings.paths;
    let state = paths.puppet_state();
    for prefix in [module::UNFINISHED, staging::HOST_PREFIX] {
        for path in starting_with(&state, prefix) {
            files::remove(&path)?;
        }
    }
    let mut directories = vec![
        paths.config_data().to_owned(),
        paths.generated(),
        paths.hieradata(),
        paths.puppet_etc(),
        state.clone(),
    ];
    directories.extend(State::kinds(paths).map(|kind| state.join(kind)));
    for directory in directories {
        if directory.is_dir() {
            use crate::error::At as _;
            slipway_files::remove_unfinished(&directory).at("clear", directory)?;
        }
    }
    Ok(())
}

fn starting_with(directory: &std::path::Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()).filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().starts_with(prefix.as_bytes())
    });
    names.map(|entry| entry.path()).collect()
}
