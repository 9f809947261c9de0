//! Sources in git repositories.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::download::public;
use super::error::SourceError;
use super::{Source, pack};

/// Clones a repository, checks out the reference, packs it with its history (pbr asks that for
/// versions), and gives what tells it from others: the address and the commit.
pub(super) fn archive(source: &Source, to: &Path) -> Result<String, SourceError> {
    let fault = |message: String| SourceError::Git {
        source_name: source.name.clone(),
        message,
    };
    let reference = match source.reference.as_deref() {
        Some(reference) if !reference.is_empty() && !reference.starts_with('-') => reference,
        Some(reference) => return Err(fault(format!("{reference:?} is no git reference"))),
        None => {
            let message = "its section has no reference, which a source of type git needs";
            return Err(fault(message.to_owned()));
        }
    };
    let name = to.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let top = format!("{name}-{}", reference.replace('/', "-"));
    let clone = to.with_file_name(&top);
    let io = |error| SourceError::io(&clone, error);
    if clone.exists() {
        std::fs::remove_dir_all(&clone).map_err(io)?;
    }
    let address = public(&source.location);
    let run = |what: &str, arguments: &[&OsStr]| git(what, arguments).map_err(fault);
    run(
        &format!("git clone {address}"),
        &["clone", "--quiet", "--", &source.location]
            .map(OsStr::new)
            .into_iter()
            .chain([clone.as_os_str()])
            .collect::<Vec<_>>(),
    )?;
    let inside = |arguments: &[&str]| {
        let all = [OsStr::new("-C"), clone.as_os_str()];
        let arguments = all.into_iter().chain(arguments.iter().map(OsStr::new));
        run(
            &format!(
                "git {} in {address}",
                arguments_shown(arguments.clone().skip(2))
            ),
            &arguments.collect::<Vec<_>>(),
        )
    };
    inside(&["checkout", "--quiet", reference])?;
    let commit = inside(&["rev-parse", "HEAD"])?;
    inside(&["remote", "remove", "origin"])?;
    pack::directory(&clone, &top, to)?;
    std::fs::remove_dir_all(&clone).map_err(io)?;
    Ok(format!("git {address} {} {top}", commit.trim()))
}

fn arguments_shown<'a>(arguments: impl Iterator<Item = &'a OsStr>) -> String {
    let words: Vec<_> = arguments.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn git(what: &str, arguments: &[&OsStr]) -> Result<String, String> {
    let output = Command::new("git")
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run git, which sources of type git need: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what}: {}", said.trim()))
}
