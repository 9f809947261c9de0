//! Archives at an address.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::error::SourceError;
use super::{Fetching, Source};

const CHUNK: usize = 64 * 1024;

/// Why one attempt failed.
struct Fault {
    reason: String,
    /// Whether another attempt may do better.
    is_passing: bool,
}

impl Fault {
    fn passing(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            is_passing: true,
        }
    }

    fn lasting(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            is_passing: false,
        }
    }
}

/// Downloads to `to`, unless an archive of that digest is kept; gives the path of the file.
pub(super) fn download(source: &Source, to: &Path, how: &Fetching) -> Result<PathBuf, SourceError> {
    let expected = source.sha256.as_ref().map(|digest| digest.to_lowercase());
    let kept = match (&how.cache, &expected) {
        (Some(folder), Some(digest)) if is_digest(digest) => Some(folder.join(digest)),
        _ => None,
    };
    if let (Some(path), Some(expected)) = (&kept, &expected)
        && digest_of(path).is_ok_and(|found| found == *expected)
    {
        return Ok(path.clone());
    }
    let mut wait = Duration::from_secs(1);
    let mut retries = how.retries;
    let found = loop {
        match attempt(&source.location, to, how.patience) {
            Ok(found) => break found,
            Err(fault) if fault.is_passing && retries > 0 => {
                retries -= 1;
                std::thread::sleep(wait);
                wait *= 2;
            }
            Err(fault) => {
                return Err(SourceError::Download {
                    source_name: source.name.clone(),
                    address: public(&source.location),
                    reason: fault.reason,
                });
            }
        }
    };
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(SourceError::Digest {
            source_name: source.name.clone(),
            address: public(&source.location),
            expected,
            found,
        });
    }
    if let Some(path) = kept {
        // Without it, it is downloaded again: no failure.
        let _ = keep(to, &path);
    }
    Ok(to.to_owned())
}

/// Downloads once; gives the digest.
fn attempt(address: &str, to: &Path, patience: Duration) -> Result<String, Fault> {
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .http_status_as_error(false)
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let response = agent.get(address).call().map_err(|error| match error {
        ureq::Error::BadUri(_) => Fault::lasting("is no address"),
        other => Fault::passing(other.to_string()),
    })?;
    let status = response.status().as_u16();
    match status {
        200 => {}
        429 | 500.. => return Err(Fault::passing(format!("the server answers {status}"))),
        _ => return Err(Fault::lasting(format!("the server answers {status}"))),
    }
    let pieces = pieces(response.into_body().into_reader());
    let lasting = |error: std::io::Error| Fault::lasting(error.to_string());
    let mut file = File::create(to).map_err(lasting)?;
    let mut hasher = Sha256::new();
    loop {
        match pieces.recv_timeout(patience) {
            Ok(Ok(bytes)) => {
                hasher.update(&bytes);
                file.write_all(&bytes).map_err(lasting)?;
            }
            Ok(Err(error)) => return Err(Fault::passing(error.to_string())),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let seconds = patience.as_secs();
                return Err(Fault::passing(format!("nothing came for {seconds} s")));
            }
        }
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Reads in a thread of its own, so that one that stands still can be left behind.
fn pieces(mut body: impl Read + Send + 'static) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut buffer = vec![0; CHUNK];
            let piece = match body.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    buffer.truncate(count);
                    Ok(buffer)
                }
                Err(error) => Err(error),
            };
            let is_last = piece.is_err();
            if sender.send(piece).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut super::HashWriter(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

/// Keeps a file for later runs.
fn keep(file: &Path, to: &Path) -> std::io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::copy(file, beside.path())?;
    beside.persist(to).map_err(|error| error.error)?;
    Ok(())
}

/// An address without the name and password that may be in it.
pub(super) fn public(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        assert_eq!(public("https://u:p@host/a@b"), "https://…@host/a@b");
        assert_eq!(public("https://host/a@b"), "https://host/a@b");
        assert_eq!(public("host"), "host");
    }
}
