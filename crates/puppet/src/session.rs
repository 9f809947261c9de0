//! What the runs of one invocation share.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use slipway_files::Lock;
use slipway_redact::Redactor;
use slipway_service::Hiera;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::error::{At, Failure, PuppetError, Result};
use crate::events::Event;
use crate::files;
use crate::input::hiera::{CONTAINER_LEVEL, to_json};
use crate::input::merge::Run;
use crate::plan::state::State;
use crate::puppet::Puppet;
use crate::run::container::{self, Container, OUT};
use crate::run::facts::{FACTS, sees_what_others_see};
use crate::run::fork::pool::Pool;
use crate::run::module;
use crate::run::transcript::Transcript;
use crate::settings::{Isolation, processors};
use crate::volume::tree;

/// One invocation at work on one deployment; no other is.
pub struct Session<'a> {
    pub puppet: &'a Puppet,
    pub state: State,
    hostname: String,
    etc_puppet: String,
    host_modules: String,
    /// One for each run that may go on at once.
    pub places: Semaphore,
    /// Containers that have Puppet loaded.
    pub pool: Pool,
    /// `None` for one that only looks.
    lock: Option<Lock>,
}

impl<'a> Session<'a> {
    /// Takes the lock, clears away what a killed run left behind, and puts in place what every
    /// run needs.
    pub async fn begin(puppet: &'a Puppet) -> Result<Session<'a>> {
        let settings = &puppet.settings;
        let paths = &settings.paths;
        files::private_dir(&paths.puppet_state())?;
        let path = paths.puppet_state().join("lock");
        let lock = match settings.wait {
            true => {
                let waiting = |holder: &str| {
                    let holder = holder.to_owned();
                    puppet.events.send(Event::Waiting { holder });
                };
                Lock::take(&path, waiting).await?
            }
            false => Lock::try_take(&path)?,
        };
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
        Session::with(puppet, State::open(paths)?, Some(lock))
    }

    /// Only looks: nothing is written, and no lock is needed.
    pub fn look(puppet: &'a Puppet) -> Result<Session<'a>> {
        Session::with(puppet, State::read(&puppet.settings.paths)?, None)
    }

    /// Whether nothing may be written.
    pub fn only_looks(&self) -> bool {
        self.lock.is_none()
    }

    fn with(puppet: &'a Puppet, state: State, lock: Option<Lock>) -> Result<Session<'a>> {
        let settings = &puppet.settings;
        let modules = settings.host_modules.as_deref();
        Ok(Session {
            puppet,
            state,
            hostname: hostname()?,
            etc_puppet: etc_puppet(&settings.paths.puppet_etc(), settings.check_mode)?,
            host_modules: modules.map(listing).transpose()?.unwrap_or_default(),
            places: Semaphore::new(settings.process_count.max(1)),
            pool: Pool::expecting(std::iter::empty(), 0),
            lock,
        })
    }

    /// Digests of what every run is made from, hiera aside.
    pub fn inputs(
        &self,
        manifest: &str,
        more: &[(&'static str, &str)],
    ) -> BTreeMap<String, String> {
        let module = module::digest();
        let hiera = self.puppet.hiera.decided_by().unwrap_or_default();
        let host = format!("{} {}", self.hostname, processors());
        let shared = [
            ("the manifest", manifest),
            (
                "Slipway",
                concat!(
                    env!("CARGO_PKG_VERSION"),
                    include_str!("run/run.sh"),
                    include_str!("run/puppet.rb"),
                    include_str!("run/fork/loaded.rb")
                ),
            ),
            ("Slipway's Puppet module", &module),
            ("the deployment's /etc/puppet", &self.etc_puppet),
            ("hiera's configuration", hiera),
            ("the host's Puppet modules", &self.host_modules),
            ("the host", &host),
        ];
        self.state
            .inputs(shared.into_iter().chain(more.iter().copied()))
    }

    /// Runs Puppet for an image; gives the folder that holds what came out, and how long it took.
    pub async fn in_container(
        &self,
        run: &Run,
        image_id: &str,
        first: &Hiera,
        options: ContainerOptions,
    ) -> Result<(TempDir, Duration), Failure> {
        let facts = self.facts(run, image_id, options.net_host);
        match facts.as_deref() {
            Some(facts) if self.may_fork(run, options.net_host) => {
                if let Some(done) = self.forked(run, image_id, first, &options, facts).await? {
                    return Ok(done);
                }
            }
            _ => {}
        }
        let redactor = self.puppet.secrets(&run.manifest).redactor();
        let mut transcript = self.transcript(run, &options, &redactor)?;
        let staging = self.stage(run, first, &options, facts.as_deref())?;
        let container = self.container(run, image_id, &options, staging.path());
        let took = container
            .run(&self.puppet.engine, &self.places, &mut transcript)
            .await?;
        if let Some(facts) = &facts {
            self.keep_facts(staging.path(), facts)?;
        }
        Ok((staging, took))
    }

    /// Whether a run may be a fork. What sees another world has a container of its own.
    pub fn may_fork(&self, run: &Run, net_host: bool) -> bool {
        let settings = &self.puppet.settings;
        let forks = settings.isolation == Isolation::Fork && !settings.keep_failed;
        forks && sees_what_others_see(run, net_host)
    }

    pub fn container<'b>(
        &'b self,
        run: &'b Run,
        image_id: &'b str,
        options: &ContainerOptions,
        staging: &'b Path,
    ) -> Container<'b> {
        Container {
            run,
            image_id,
            settings: &self.puppet.settings,
            staging,
            net_host: options.net_host,
            hostname: &self.hostname,
        }
    }

    pub fn transcript<'b>(
        &'b self,
        run: &'b Run,
        options: &ContainerOptions,
        redactor: &'b Redactor,
    ) -> Result<Transcript<'b>> {
        Transcript::begin(
            self.puppet.settings.paths.logs(),
            &options.log,
            run.volume.as_str(),
            redactor,
            &self.puppet.events,
        )
    }

    /// A folder beside the volumes with what a run is given.
    pub fn stage(
        &self,
        run: &Run,
        first: &Hiera,
        options: &ContainerOptions,
        facts: Option<&Path>,
    ) -> Result<TempDir> {
        let folder = self.puppet.settings.paths.staging();
        let staging = tempfile::Builder::new()
            .prefix(&format!("{}.", run.volume))
            .tempdir_in(&folder)
            .at("make a folder in", &folder)?;
        let (input, output) = (staging.path().join("in"), staging.path().join("out"));
        files::private_dir(&input)?;
        files::private_dir(&output)?;
        let puppet = self.puppet;
        // On one line with the manifest's first, so that Puppet's line numbers stay right.
        let manifest = format!("include slipway::packages; {}\n", run.manifest);
        let put = |name: &str, content: &[u8]| -> Result<()> {
            let path = input.join(name);
            files::create(&path)?.write_all(content).at("write", &path)
        };
        for (script, text) in Container::SCRIPTS {
            put(script, text.as_bytes())?;
        }
        put("config.pp", manifest.as_bytes())?;
        put("tags", run.puppet_tags.as_bytes())?;
        put(&format!("{CONTAINER_LEVEL}.json"), &to_json(first))?;
        if let Some(Ok(facts)) = facts.map(std::fs::read) {
            put(FACTS, &facts)?;
        }
        if !options.net_host {
            put("hostname", self.hostname.as_bytes())?;
        }
        if puppet.hiera.decided_by().is_none() {
            let hiera = puppet.hiera.recording_config(
                CONTAINER_LEVEL,
                Path::new("/etc/puppet/hieradata"),
                &Path::new(OUT).join("lookups"),
            );
            put("hiera.yaml", &hiera)?;
        } else if puppet.settings.check_mode {
            put("check-mode", &[])?;
        }
        if options.archive {
            put("archive", &[])?;
        }
        Ok(staging)
    }

    /// Removes the containers that are there in the end: those that have Puppet loaded, and those
    /// that could not be removed when an engine was away. What stays, the next run removes.
    pub async fn clear_away(&self) {
        let mut cleared = self.pool.close().await.map_err(PuppetError::from);
        if !self.puppet.settings.keep_failed {
            cleared = cleared.and(self.remove_strays().await);
        }
        if let Err(error) = cleared {
            let text = format!("containers are left for the next run to remove: {error}");
            self.puppet.events.send(Event::Warning { text });
        }
    }

    /// Removes containers that earlier runs left behind.
    pub async fn remove_strays(&self) -> Result<()> {
        container::remove_strays(&*self.puppet.engine, &self.puppet.settings.paths).await
    }
}

/// How a run in a container differs from others.
pub struct ContainerOptions {
    /// Brings out the files.
    pub archive: bool,
    /// The host's network.
    pub net_host: bool,
    /// The log file's name.
    pub log: String,
}

/// The host's name, without its domain: what TripleO knows a node by.
///
/// # Errors
/// When the kernel does not tell.
pub fn hostname() -> Result<String> {
    let path = "/proc/sys/kernel/hostname";
    let name = std::fs::read_to_string(path).at("read", path)?;
    Ok(name.trim().split('.').next().unwrap_or_default().to_owned())
}

/// Tells one content of the deployment's `/etc/puppet` from another, hiera aside.
fn etc_puppet(folder: &Path, check_mode: bool) -> Result<String> {
    let mut entries = Vec::new();
    let found = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        found => found.at("read", folder)?,
    };
    for entry in found {
        let path = entry.at("read", folder)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_hiera = name == "hieradata" || name.starts_with("hiera.yaml");
        if of_hiera || name == "ssl" || name == "check-mode" && !check_mode {
            continue;
        }
        let content = match path.is_dir() {
            true => tree::hash(&path)?.exact,
            false => hex::encode(Sha256::digest(std::fs::read(&path).at("read", &path)?)),
        };
        entries.push(format!("{name} {content}"));
    }
    entries.sort();
    Ok(entries.join("\n"))
}

/// Tells one content of a folder of modules from another without reading it: some are large.
fn listing(folder: &Path) -> Result<String> {
    let mut entries = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(next) = pending.pop() {
        let found = match std::fs::read_dir(&next) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            found => found.at("read", &next)?,
        };
        for entry in found {
            let path = entry.at("read", &next)?.path();
            // Modules are often links to where a package has them.
            let Ok(metadata) = path.metadata() else {
                continue;
            };
            let (size, time) = (metadata.len(), (metadata.mtime(), metadata.mtime_nsec()));
            entries.push(format!("{} {size} {time:?}", path.display()));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    entries.sort();
    Ok(hex::encode(Sha256::digest(entries.join("\n"))))
}

/// Tells one set of a host's Puppet modules from another without reading them all.
pub fn modules_of_the_host(folders: &[std::path::PathBuf]) -> String {
    let mut entries: Vec<String> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| {
            let metadata = std::fs::metadata(entry.path()).ok()?;
            Some(format!("{} {}", entry.path().display(), metadata.mtime()))
        })
        .collect();
    entries.sort();
    entries.join("\n")
}
