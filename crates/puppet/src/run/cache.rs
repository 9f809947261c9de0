//! Results of a run that later runs of the same image use: facts, and compiled Ruby code.
//!
//! An image only ever gets what a run of the same image wrote: one that is hostile can mislead its
//! own runs, which it can do anyway.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{At, Result};
use crate::files;
use crate::input::merge::Run;
use crate::plan::Planner;
use crate::run::container::SCRIPTS;

/// A cached result: a file of a run's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// The facts that Facter found, as JSON.
    Facts,
    /// Ruby code as its virtual machine takes it.
    Code,
}

impl Cached {
    /// Every kind.
    pub const ALL: [Cached; 2] = [Cached::Facts, Cached::Code];

    /// The name of the file in a run's output; facts have it in a run's input as well.
    pub fn file(self) -> &'static str {
        match self {
            Cached::Facts => "facts.json",
            Cached::Code => "compiled",
        }
    }

    /// The directory among Slipway's records.
    pub fn directory(self) -> &'static str {
        match self {
            Cached::Facts => "facts",
            Cached::Code => "compiled",
        }
    }

    fn largest(self) -> u64 {
        match self {
            Cached::Facts => 16 << 20,
            Cached::Code => 48 << 20,
        }
    }
}

/// The caches of a run's results. Facts are cached only if they hold in other runs too.
#[derive(Clone, Debug)]
pub struct Caches {
    facts: Option<PathBuf>,
    code: PathBuf,
}

impl Caches {
    /// Returns the caches for a run of an image.
    pub fn of(planner: &Planner<'_>, run: &Run, image_id: &str, net_host: bool) -> Caches {
        let state = &planner.state;
        let scripts = SCRIPTS.map(|(_, text)| text).concat();
        let name = state.digest(format!("{image_id}\n{scripts}").as_bytes());
        let code = state.directory(Cached::Code.directory()).join(name);
        let facts = sees_the_host(run, net_host).then(|| {
            let name = planner.facts_digest(image_id);
            let directory = state.directory(Cached::Facts.directory());
            directory.join(format!("{name}.json"))
        });
        Caches { facts, code }
    }

    /// Returns the facts that an earlier run found out.
    pub fn facts(&self) -> Option<Vec<u8>> {
        std::fs::read(self.facts.as_ref()?).ok()
    }

    /// Returns the code that an earlier run compiled, and marks it as used.
    pub fn code(&self) -> Option<&Path> {
        let file = std::fs::File::open(&self.code).ok()?;
        // It is used all the same if its time cannot be set.
        let _ = file.set_modified(SystemTime::now());
        Some(&self.code)
    }

    /// Keeps the results of a run, after its container has been removed.
    pub fn keep(&self, out: &Path) -> Result<()> {
        for kind in Cached::ALL {
            let place = match kind {
                Cached::Facts => self.facts.as_deref(),
                Cached::Code => Some(self.code.as_path()),
            };
            let written = out.join(kind.file());
            match (files::read_untrusted(&written, kind.largest()), place) {
                (Ok(content), Some(place)) => {
                    files::write(place, &content)?;
                }
                (Ok(_), None) => {}
                // The run had it already, or its Puppet does not start by our script.
                (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => {}
                (Err(error), _) => return Err(error).at("read", written),
            }
        }
        Ok(())
    }
}

/// Returns true if a run sees what other runs of its image see. With mounts, devices or a network,
/// facts may be others.
fn sees_the_host(run: &Run, net_host: bool) -> bool {
    !net_host && !run.privileged && run.volumes.is_empty()
}

/// Removes caches that were not used for a long time.
pub fn remove_unused(directory: &Path) {
    const LONG: Duration = Duration::from_secs(30 * 24 * 3600);
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    for entry in entries.filter_map(|entry| entry.ok()) {
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = used
            .ok()
            .and_then(|used| used.elapsed().ok())
            .is_some_and(|age| age > LONG);
        if is_old {
            // A file that stays does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_bounded_size_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let caches = Caches {
            facts: None,
            code: dir.path().join("code"),
        };
        caches.keep(&out).unwrap();
        assert!(caches.code().is_none());
        std::fs::write(out.join("compiled"), "code").unwrap();
        std::fs::write(out.join("facts.json"), "of one run").unwrap();
        caches.keep(&out).unwrap();
        assert_eq!(std::fs::read(caches.code().unwrap()).unwrap(), b"code");
        assert_eq!(caches.facts(), None);

        let file = std::fs::File::create(out.join("compiled")).unwrap();
        file.set_len(Cached::Code.largest() + 1).unwrap();
        assert!(caches.keep(&out).is_err());
        std::fs::remove_file(out.join("compiled")).unwrap();
        std::os::unix::fs::symlink("/etc/shadow", out.join("compiled")).unwrap();
        assert!(caches.keep(&out).is_err());
    }

    #[test]
    fn an_unused_cache_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| dir.path().join(name));
        for path in [&old, &new] {
            std::fs::write(path, "").unwrap();
        }
        let long_ago = SystemTime::now() - Duration::from_secs(40 * 24 * 3600);
        std::fs::File::open(&old)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        remove_unused(dir.path());
        assert!(!old.exists() && new.exists());
    }
}
