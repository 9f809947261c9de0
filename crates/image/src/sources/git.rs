//! Sources in git repositories.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use slipway_git::check_out;
use slipway_redact::mask_urls;

use super::error::SourceError;
use super::{Source, pack};

/// Clones a repository, checks out the reference and packs it with its history, from which pbr
/// makes versions. Returns what identifies the archive: the address, the commit and the name.
pub(super) fn archive(
    source: &Source,
    to: &Path,
    timeout: Duration,
) -> Result<String, SourceError> {
    let fault = |message: String| SourceError::Git {
        source_name: source.name.clone(),
        message,
    };
    let reference = source.reference.as_deref().ok_or_else(|| {
        fault("its section has no reference, which a source of type git needs".to_owned())
    })?;
    let name = to.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let top = format!("{name}-{}", reference.replace('/', "-"));
    let clone = to.with_file_name(&top);
    let io = |error| SourceError::io(&clone, error);
    if clone.exists() {
        std::fs::remove_dir_all(&clone).map_err(io)?;
    }
    let commit = check_out(&source.location, reference, &clone, timeout);
    let commit = commit.map_err(|error| fault(error.to_string()))?;
    pack::directory(&clone, &top, to)?;
    std::fs::remove_dir_all(&clone).map_err(io)?;
    let address = mask_urls(&source.location);
    Ok(format!("git {address} {commit} {top}"))
}
