//! Inputs that all runs of a deployment share, as text that changes with them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{At, Result};
use crate::volume::hash;
use crate::volume::tree::Tree;

/// Returns the host's name without its domain: TripleO's name of a node.
///
/// # Errors
/// When the kernel's file cannot be read.
pub fn hostname() -> Result<String> {
    let path = "/proc/sys/kernel/hostname";
    let name = std::fs::read_to_string(path).at("read", path)?;
    Ok(name.trim().split('.').next().unwrap_or_default().to_owned())
}

/// Returns a text that changes with the content of the deployment's `/etc/puppet`; hiera data is left
/// out.
pub fn etc_puppet(directory: &Path, check_mode: bool) -> Result<String> {
    let mut entries = Vec::new();
    let found = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        found => found.at("read", directory)?,
    };
    for entry in found {
        let path = entry.at("read", directory)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_hiera = name == "hieradata" || name.starts_with("hiera.yaml");
        if of_hiera || name == "ssl" || name == "check-mode" && !check_mode {
            continue;
        }
        let content = match path.is_dir() {
            true => hash::hash(&Tree::open(&path)?)?.exact,
            false => hex::encode(Sha256::digest(std::fs::read(&path).at("read", &path)?)),
        };
        entries.push(format!("{name} {content}"));
    }
    entries.sort();
    Ok(entries.join("\n"))
}

/// Returns a text that changes with a directory of modules: names, sizes and times, because some are
/// large.
pub fn listing(directory: &Path) -> Result<String> {
    let mut entries = Vec::new();
    let mut pending = vec![directory.to_owned()];
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

/// Returns a text that changes with the names of modules in these directories, and their times.
pub fn modules_of_the_host(directories: &[std::path::PathBuf]) -> String {
    let mut entries: Vec<String> = directories
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| {
            let metadata = std::fs::metadata(entry.path()).ok()?;
            Some(format!("{} {}", entry.path().display(), metadata.mtime()))
        })
        .collect();
    entries.sort();
    entries.join("\n")
}

/// Returns a text that changes with the kernel, the boot and the memory of the machine.
pub fn machine() -> String {
    let files = ["/proc/sys/kernel/random/boot_id", "/proc/version"];
    let mut lines: Vec<String> = files
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .collect();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    lines.extend(memory.lines().next().map(str::to_owned));
    lines.join("\n")
}
