//! What Facter found out, so that it need not find it out for every volume.

use std::path::{Path, PathBuf};

use crate::error::{At, Result};
use crate::files;
use crate::input::merge::Run;
use crate::session::Session;

/// A file of what a run is given, and of what it gives.
pub const FACTS: &str = "facts.json";

impl Session<'_> {
    /// Where the facts are kept that hold in a run; `None` where they may hold nowhere else.
    pub fn facts(&self, run: &Run, image_id: &str, net_host: bool) -> Option<PathBuf> {
        if !sees_what_others_see(run, net_host) {
            return None;
        }
        // Facts change with the machine and with what custom ones there are.
        let of_the_kernel = ["/proc/sys/kernel/random/boot_id", "/proc/version"];
        let mut kernel: Vec<String> = of_the_kernel
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .collect();
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        kernel.extend(memory.lines().next().map(str::to_owned));
        let kernel = kernel.join("\n");
        let digests = self.inputs("", &[("the image", image_id), ("the kernel", &kernel)]);
        let digests: Vec<&str> = digests.values().map(String::as_str).collect();
        let name = self.state.digest(digests.concat().as_bytes());
        Some(self.state.folder("facts").join(format!("{name}.json")))
    }

    /// Keeps what a run found out.
    pub fn keep_facts(&self, staging: &Path, place: &Path) -> Result<()> {
        let found = staging.join("out").join(FACTS);
        let text = match files::read_made(&found) {
            Ok(text) => text,
            // The run was given them, or its Puppet does not go through our script.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).at("read", found),
        };
        files::write(place, &text).map(|_| ())
    }
}

/// Whether a run sees what other runs of its image see; with mounts, devices or a network of its
/// own, it may see another world.
pub fn sees_what_others_see(run: &Run, net_host: bool) -> bool {
    !net_host && !run.privileged && run.volumes.is_empty()
}
