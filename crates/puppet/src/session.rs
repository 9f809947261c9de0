//! What the runs of one invocation share.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use runtime::lock::Lock;
use service::Hiera;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::container::{self, Container, OUT};
use crate::error::{At, Failure, Result};
use crate::events::Event;
use crate::hiera::{CONTAINER_LEVEL, to_json};
use crate::merge::Run;
use crate::module;
use crate::puppet::Puppet;
use crate::settings::processors;
use crate::state::State;
use crate::transcript::Transcript;
use crate::{files, tree};

/// One invocation at work on one deployment; no other is.
pub struct Session<'a> {
    pub puppet: &'a Puppet,
    pub state: State,
    hostname: String,
    etc_puppet: String,
    _lock: Lock,
}

impl<'a> Session<'a> {
    /// Takes the lock, clears away what a killed run left behind, and puts in place what every
    /// run needs.
    pub async fn begin(puppet: &'a Puppet) -> Result<Session<'a>> {
        let settings = &puppet.settings;
        let paths = &settings.paths;
        files::private_dir(&paths.state())?;
        let path = paths.state().join("lock");
        let lock = match settings.wait {
            true => {
                let waiting = |holder: &str| puppet.observer.event(&Event::Waiting { holder });
                Lock::take(&path, waiting).await?
            }
            false => Lock::try_take(&path)?,
        };
        module::install(paths)?;
        puppet.hiera.write(paths)?;
        files::private_dir(paths.config_data())?;
        files::private_dir(&paths.generated())?;
        files::remove(&paths.staging())?;
        files::private_dir(&paths.staging())?;
        files::private_dir(&paths.replaced())?;
        Ok(Session {
            puppet,
            state: State::open(paths)?,
            hostname: hostname()?,
            etc_puppet: etc_puppet(&paths.puppet_etc())?,
            _lock: lock,
        })
    }

    /// Digests of what every run is made from, hiera aside.
    pub fn inputs(
        &self,
        manifest: &str,
        more: &[(&'static str, &str)],
    ) -> BTreeMap<String, String> {
        let module = module::digest();
        let host = format!("{} {}", self.hostname, processors());
        let shared = [
            ("the manifest", manifest),
            (
                "Slipway",
                concat!(env!("CARGO_PKG_VERSION"), "\n", include_str!("run.sh")),
            ),
            ("Slipway's Puppet module", &module),
            ("the deployment's /etc/puppet", &self.etc_puppet),
            ("the host", &host),
        ];
        self.state
            .inputs(shared.into_iter().chain(more.iter().copied()))
    }

    /// Runs Puppet in a container; gives the folder that holds what came out.
    pub async fn in_container(
        &self,
        run: &Run,
        image_id: &str,
        first: &Hiera,
        options: ContainerOptions,
    ) -> Result<TempDir, Failure> {
        let puppet = self.puppet;
        let settings = &puppet.settings;
        let staging = self.stage(run, first, options.archive)?;
        let subject = run.volume.as_str();
        let mut transcript = Transcript::begin(
            &settings.paths.logs(),
            &options.log,
            subject,
            &puppet.redactor,
            &*puppet.observer,
        )?;
        let container = Container {
            run,
            image_id,
            paths: &settings.paths,
            staging: staging.path(),
            net_host: options.net_host,
            hostname: &self.hostname,
            timeout: settings.timeout,
            keep_failed: settings.keep_failed,
        };
        container.run(&*puppet.engine, &mut transcript).await?;
        Ok(staging)
    }

    /// A folder beside the volumes with what a run is given.
    fn stage(&self, run: &Run, first: &Hiera, archive: bool) -> Result<TempDir> {
        let folder = self.puppet.settings.paths.staging();
        let staging = tempfile::Builder::new()
            .prefix(&format!("{}.", run.volume))
            .tempdir_in(&folder)
            .at("make a folder in", &folder)?;
        let (input, output) = (staging.path().join("in"), staging.path().join("out"));
        files::private_dir(&input)?;
        files::private_dir(&output)?;
        let hiera = self.puppet.hiera.recording_config(
            CONTAINER_LEVEL,
            Path::new("/etc/puppet/hieradata"),
            &Path::new(OUT).join("lookups"),
        );
        // On one line with the manifest's first, so that Puppet's line numbers stay right.
        let manifest = format!("include slipway::packages; {}\n", run.manifest);
        let (script, text) = Container::SCRIPT;
        for (name, content) in [
            (script, text.as_bytes()),
            ("config.pp", manifest.as_bytes()),
            ("tags", run.puppet_tags.as_bytes()),
            ("hiera.yaml", &hiera),
            (&format!("{CONTAINER_LEVEL}.json"), &to_json(first)),
        ] {
            let path = input.join(name);
            files::create(&path)?
                .write_all(content)
                .at("write", &path)?;
        }
        if archive {
            files::create(&input.join("archive"))?;
        }
        Ok(staging)
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

/// The host's name, without its domain.
fn hostname() -> Result<String> {
    let path = "/proc/sys/kernel/hostname";
    let name = std::fs::read_to_string(path).at("read", path)?;
    Ok(name.trim().split('.').next().unwrap_or_default().to_owned())
}

/// Tells one content of the deployment's `/etc/puppet` from another, hiera aside.
fn etc_puppet(folder: &Path) -> Result<String> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).at("read", folder)? {
        let path = entry.at("read", folder)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "hieradata" || name.starts_with("hiera.yaml") || name == "ssl" {
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
