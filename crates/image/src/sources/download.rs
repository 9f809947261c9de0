//! Archives at an address.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use slipway_redact::mask_urls;
use ureq::tls::TlsConfig;

use super::error::SourceError;
use super::{Fetching, Source};

const CHUNK: usize = 64 * 1024;

/// The largest archive that is downloaded.
pub(super) const MAX_DOWNLOAD: u64 = 4 << 30;

/// The least that comes of a download within the timeout. A server that sends less holds it up.
const MIN_PROGRESS: usize = 64 * 1024;

/// The longest that a download takes, however steadily it comes.
const MAX_TIME: Duration = Duration::from_secs(6 * 3600);

/// The reason why one attempt failed.
struct Fault {
    reason: String,
    /// Another attempt may do better.
    may_pass: bool,
}

impl Fault {
    fn transient(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            may_pass: true,
        }
    }

    fn permanent(reason: impl Into<String>) -> Fault {
        Fault {
            reason: reason.into(),
            may_pass: false,
        }
    }
}

/// Downloads to `to`, unless an archive of that digest is kept; returns the path of the file.
pub(super) fn download(source: &Source, to: &Path, how: &Fetching) -> Result<PathBuf, SourceError> {
    let expected = source.sha256.as_ref().map(|digest| digest.to_lowercase());
    let kept = match (&how.cache, &expected) {
        (Some(directory), Some(digest)) if is_digest(digest) => Some(directory.join(digest)),
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
        match attempt(&source.location, to, how.patience, TlsConfig::default()) {
            Ok(found) => break found,
            Err(fault) if fault.may_pass && retries > 0 => {
                retries -= 1;
                std::thread::sleep(wait);
                wait *= 2;
            }
            Err(fault) => {
                return Err(SourceError::Download {
                    source_name: source.name.clone(),
                    address: mask_urls(&source.location),
                    reason: fault.reason,
                });
            }
        }
    };
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        return Err(SourceError::Digest {
            source_name: source.name.clone(),
            address: mask_urls(&source.location),
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

/// Downloads once; returns the digest.
fn attempt(address: &str, to: &Path, patience: Duration, tls: TlsConfig) -> Result<String, Fault> {
    let is_https = address
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let config = ureq::Agent::config_builder()
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_send_request(Some(patience))
        .timeout_recv_response(Some(patience))
        .http_status_as_error(false)
        // Every redirection is held to it as well.
        .https_only(is_https)
        .tls_config(tls)
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let response = agent.get(address).call().map_err(|error| match error {
        ureq::Error::BadUri(_) => Fault::permanent("is no address"),
        ureq::Error::RequireHttpsOnly(to) => Fault::permanent(format!(
            "the server redirects to {}, which is not encrypted",
            mask_urls(&to)
        )),
        other => Fault::transient(mask_urls(&other.to_string())),
    })?;
    let announced = response.headers().get("content-length");
    let announced = announced.and_then(|size| size.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|size| size > MAX_DOWNLOAD) {
        return Err(too_large());
    }
    let status = response.status().as_u16();
    match status {
        200 => {}
        429 | 500.. => return Err(Fault::transient(format!("the server answers {status}"))),
        _ => return Err(Fault::permanent(format!("the server answers {status}"))),
    }
    let pieces = pieces(response.into_body().into_reader());
    let permanent = |error: std::io::Error| Fault::permanent(error.to_string());
    let mut file = File::create(to).map_err(permanent)?;
    let mut hasher = Sha256::new();
    let mut room = MAX_DOWNLOAD;
    let mut pace = Pace::new(patience, MAX_TIME);
    loop {
        match pieces.recv_timeout(pace.left()) {
            Ok(Ok(bytes)) => {
                pace.received(bytes.len())?;
                room = room.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
                hasher.update(&bytes);
                file.write_all(&bytes).map_err(permanent)?;
            }
            Ok(Err(error)) => return Err(Fault::transient(error.to_string())),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => pace.received(0)?,
        }
    }
    Ok(hex::encode(hasher.finalize()))
}

/// The pace of a download: enough must come within each span of the timeout.
struct Pace {
    span: Duration,
    limit: Duration,
    began: Instant,
    span_began: Instant,
    came: usize,
}

impl Pace {
    fn new(span: Duration, limit: Duration) -> Pace {
        let now = Instant::now();
        Pace {
            span,
            limit,
            began: now,
            span_began: now,
            came: 0,
        }
    }

    /// The time until something is decided.
    fn left(&self) -> Duration {
        let span = self.span.saturating_sub(self.span_began.elapsed());
        span.min(self.limit.saturating_sub(self.began.elapsed()))
    }

    /// Takes what came, which is nothing when the time has passed.
    fn received(&mut self, bytes: usize) -> Result<(), Fault> {
        self.came += bytes;
        if self.began.elapsed() >= self.limit {
            let hours = self.limit.as_secs() / 3600;
            return Err(Fault::permanent(format!(
                "it took more than {hours} hours, the limit of a download"
            )));
        }
        if self.span_began.elapsed() < self.span {
            return Ok(());
        }
        let seconds = self.span.as_secs();
        match std::mem::take(&mut self.came) {
            0 => Err(Fault::transient(format!("nothing came for {seconds} s"))),
            came if came < MIN_PROGRESS => Err(Fault::transient(format!(
                "only {came} bytes came in {seconds} s"
            ))),
            _ => {
                self.span_began = Instant::now();
                Ok(())
            }
        }
    }
}

fn too_large() -> Fault {
    Fault::permanent(format!("it is larger than {} GiB", MAX_DOWNLOAD >> 30))
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
    let directory = to.parent().unwrap_or(Path::new("."));
    // Others could exchange an archive between its check and its use.
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)?;
    let beside = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::copy(file, beside.path())?;
    beside.persist(to).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
