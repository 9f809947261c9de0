//! One run at a time on a deployment.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

use crate::exit::Locked;
use crate::output::{Level, Output};

/// Held as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the deployment with this state folder. Another run that holds it is
    /// waited for, or, with `no_wait`, named in the error.
    pub fn take(state: &Path, no_wait: bool, output: &Output) -> anyhow::Result<Lock> {
        std::fs::create_dir_all(state)
            .with_context(|| format!("cannot make {}", state.display()))?;
        let path = state.join("lock");
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = open.with_context(|| format!("cannot open {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.read_to_string(&mut holder).unwrap_or_default();
            let message = format!(
                "another run on this deployment is under way (process {})",
                holder.trim()
            );
            if no_wait {
                return Err(Locked(format!("{message}; it holds {}", path.display())).into());
            }
            output.line(Level::Normal, &format!("{message}: waiting for its end"));
            flock(&file, FlockOperation::LockExclusive)
                .with_context(|| format!("cannot lock {}", path.display()))?;
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Lock { _file: file })
    }
}
