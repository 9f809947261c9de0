//! One run at a time on one deployment.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::error::{At, PuppetError, Result};
use crate::events::{Event, Observer};
use crate::files;
use crate::paths::Paths;

/// Held while it lives; the kernel lets go of it when the process ends, however it ends.
pub struct Lock {
    _file: File,
}

const PATIENCE: Duration = Duration::from_millis(100);

/// Takes the deployment's lock; waits for another run to end, unless told not to.
pub async fn take(paths: &Paths, wait: bool, observer: &dyn Observer) -> Result<Lock> {
    files::private_dir(&paths.state())?;
    let path = paths.state().join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .at("open", &path)?;
    let mut told = false;
    while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(error).at("lock", &path);
        }
        let mut holder = String::new();
        file.rewind().at("read", &path)?;
        file.read_to_string(&mut holder).at("read", &path)?;
        let holder = holder.trim().to_owned();
        if !wait {
            return Err(PuppetError::Locked { path, holder });
        }
        if !told {
            observer.event(&Event::Waiting { holder: &holder });
            told = true;
        }
        tokio::time::sleep(PATIENCE).await;
    }
    file.set_len(0).at("write", &path)?;
    file.rewind().at("write", &path)?;
    writeln!(file, "{}", std::process::id()).at("write", &path)?;
    Ok(Lock { _file: file })
}
