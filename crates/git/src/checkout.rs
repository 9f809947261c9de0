//! Clones a repository and checks out a reference.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use slipway_redact::mask_urls;

use crate::GitError;
use crate::address::Address;
use crate::command::Command;
use crate::credentials::CredentialConfig;

/// Files that a commit may have.
const MAX_FILES: u64 = 500_000;

/// Bytes that the files of a commit may have together.
const MAX_BYTES: u64 = 8 << 30;

/// The longest line about one file.
const MAX_LINE: usize = 8192;

/// Clones the repository at `address` into `directory`, checks out `reference`, and forgets the
/// address. Returns the commit. git is ended when it makes no progress for `timeout`.
pub fn check_out(
    address: &str,
    reference: &str,
    directory: &Path,
    timeout: Duration,
) -> Result<String, GitError> {
    if reference.is_empty() || reference.starts_with('-') {
        return Err(GitError::Reference(reference.to_owned()));
    }
    let shown = mask_urls(address);
    let address = Address::parse(address);
    clone(&address, &shown, directory, timeout)?;
    let inside = |arguments: &[&str]| {
        let action = format!("git {} in {shown}", arguments.join(" "));
        Command::new(action)
            .in_repository(directory)
            .args(arguments)
            .timeout(timeout)
    };
    let commit = commit_of(reference, inside)?;
    check_size(inside(&["ls-tree", "-r", "-l", "-z", &commit]), &shown)?;
    // With the two dashes, a reference is never the name of a file.
    inside(&["checkout", "--progress", reference, "--"]).run()?;
    let commit = inside(&["rev-parse", "--verify", "HEAD"]).run()?;
    inside(&["remote", "remove", "origin"]).run()?;
    Ok(commit.trim().to_owned())
}

fn clone(
    address: &Address,
    shown: &str,
    directory: &Path,
    timeout: Duration,
) -> Result<(), GitError> {
    let parent = directory.parent().unwrap_or(Path::new("."));
    let credentials = address.credentials.as_ref();
    let credentials = credentials.map(|found| CredentialConfig::write(found, parent));
    let credentials = credentials.transpose()?;
    let mut command = Command::new(format!("git clone {shown}"));
    if let Some(credentials) = &credentials {
        let mut include = std::ffi::OsString::from("include.path=");
        include.push(credentials.path());
        command = command.args([OsStr::new("-c"), &include]);
    }
    command
        .args(["clone", "--progress", "--no-checkout", "--"])
        .args([OsStr::new(&address.location), directory.as_os_str()])
        .protocols(address.protocols())
        .timeout(timeout)
        .run()?;
    Ok(())
}

/// The commit of a reference: one that the clone has itself, or a branch of the repository.
fn commit_of(reference: &str, inside: impl Fn(&[&str]) -> Command) -> Result<String, GitError> {
    for name in [
        reference.to_owned(),
        format!("refs/remotes/origin/{reference}"),
    ] {
        let commit = format!("{name}^{{commit}}");
        let found = inside(&[
            "rev-parse",
            "--quiet",
            "--verify",
            "--end-of-options",
            &commit,
        ])
        .run();
        match found {
            Ok(commit) => return Ok(commit.trim().to_owned()),
            Err(GitError::Failed { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(GitError::Reference(reference.to_owned()))
}

/// Counts a commit's files and bytes before they are written.
fn check_size(list: Command, shown: &str) -> Result<(), GitError> {
    let too_large = |limit: String| GitError::TooLarge {
        action: format!("git checkout in {shown}"),
        limit,
    };
    let (mut files, mut bytes, mut line) = (0_u64, 0_u64, Vec::new());
    list.stream(|piece| {
        for &byte in piece {
            if byte != 0 {
                if line.len() < MAX_LINE {
                    line.push(byte);
                }
                continue;
            }
            files += 1;
            bytes = bytes.saturating_add(size_in(&line));
            line.clear();
            if files > MAX_FILES {
                return Err(too_large(format!("{MAX_FILES} files")));
            }
            if bytes > MAX_BYTES {
                return Err(too_large(format!("{MAX_BYTES} bytes")));
            }
        }
        Ok(())
    })
}

/// The size in a line `mode type object size<tab>path`; 0 for what has none.
fn size_in(line: &[u8]) -> u64 {
    let facts = line.split(|byte| *byte == b'\t').next().unwrap_or_default();
    let facts = String::from_utf8_lossy(facts);
    facts
        .split_whitespace()
        .nth(3)
        .and_then(|size| size.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
