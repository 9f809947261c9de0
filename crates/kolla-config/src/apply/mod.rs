//! Applying a config.json inside the container, as Kolla's set_configs.py of 23.0.0 does.
//!
//! The result is that of upstream's script, errors and exit codes included. These are the
//! differences and their reasons:
//!
//! - **Symlinks.** Sources are read through any symlink, as upstream does: mounted volumes are full
//!   of them. On the path of a file that is written, or whose owner or mode is set, only symlinks
//!   that root owns are followed. Otherwise a service's user could plant one in a directory of its
//!   own, and root would hand over any file of the container at the next start. Such a symlink is an
//!   error for a copy; `permissions` skips it with a warning.
//! - **Atomic files.** A file is written beside its place, with owner and mode set, and renamed. A
//!   copy whose owner does not exist or whose mode is invalid is not made; upstream leaves it behind
//!   with the source's mode. A file copied onto itself is kept; upstream deletes it. `/` is never
//!   deleted.
//! - **Defaults.** Upstream swaps source and destination in its state file at every start, so each
//!   second restart overwrites the default that it kept. The state file written here has the same
//!   format; the kept default is never overwritten.
//! - **Literal names.** Upstream expands the destination of a copy as a glob when it sets owner and
//!   mode, so a file named `a[1]` keeps the source's mode, and one named `*` changes its neighbours.
//!   Here a destination is never a glob.
//! - **`..` in a destination.** Upstream fails where it leads up from a path that was just replaced.
//! - **Own files.** Upstream writes into the existing `/run_command` and state file, whose owner and
//!   mode `permissions` may have changed. Here both are created anew and belong to root.
//! - **Users and groups** are those of `/etc/passwd` and `/etc/group`. Name services are not asked.
//! - **Regular expressions** have no look-around and no back-references.
//! - **In config.yaml** a flag is false when it says `no` or `off` in quotes, too.
//! - **Limits:** the size of config.json, the nesting of directories, and the bytes that are read from
//!   a device are limited.
//! - **Extensions:** `KOLLA_CONFIG`, `KOLLA_CONFIG_FILE` and modes such as `02755`, which
//!   upstream dropped after 6.2.4 (there `644` without a 0 was a decimal number), and `exclude` and
//!   `ignore_globs` in `config_files`. A user who can set these two variables decides which files
//!   root copies: where a service's user may run this with `sudo`, sudoers must let through
//!   `KOLLA_CONFIG_STRATEGY` alone.

mod compare;
mod copy;
mod defaults;
mod entry;
mod error;
mod load;
mod log;
mod owners;
mod permissions;
mod stream;
mod value;

use std::path::Path;

use serde_json::Value;

pub use error::ApplyError;
pub use load::Environment;
pub use log::Log;
pub use stream::LogStream;

use crate::fs::{Last, Links, NewFile, Root};
use entry::Entry;
use owners::Owners;
use permissions::Permissions;
use value::items;

/// The file that gets the command to run.
const RUN_COMMAND: &str = "/run_command";
/// The marker file that COPY_ONCE writes after its copy.
const CONFIGURED: &str = "/configured";

type Result<T> = std::result::Result<T, ApplyError>;

/// The state that every part of the work shares.
struct Run<'a> {
    root: &'a Root,
    log: &'a Log<'a>,
    owners: Owners<'a>,
}

/// Applies the config.json that `environment` points to, in the file system below `root`: copies files, sets
/// owners and modes, and writes the command.
pub fn apply(root: &Path, environment: &Environment, log: &Log) -> Result<()> {
    let root = Root::open(root, &environment.cwd)?;
    let config = load::load(&root, environment, log)?;
    let run = Run {
        root: &root,
        log,
        owners: Owners::of(&root),
    };
    let strategy = environment.strategy.as_deref();
    log.info(format_args!(
        "Kolla config strategy set to: {}",
        strategy.unwrap_or("None")
    ));
    match strategy {
        Some("COPY_ALWAYS") => run.put_in_place(&config),
        Some("COPY_ONCE") if root.exists(Path::new(CONFIGURED)) => Err(ApplyError::ImmutableConfig),
        Some("COPY_ONCE") => {
            run.put_in_place(&config)?;
            let configured = Path::new(CONFIGURED);
            Ok(root
                .find(configured, Links::Trusted, Last::Keep)?
                .create_empty(configured, 0o600)?)
        }
        _ => Err(ApplyError::InvalidConfig(
            "KOLLA_CONFIG_STRATEGY is not set properly; set it to COPY_ALWAYS or COPY_ONCE"
                .to_owned(),
        )),
    }
}

/// Compares the files in place with config.json. An error names the difference.
pub fn check_applied(root: &Path, environment: &Environment, log: &Log) -> Result<()> {
    let root = Root::open(root, &environment.cwd)?;
    let config = load::load(&root, environment, log)?;
    let run = Run {
        root: &root,
        log,
        owners: Owners::of(&root),
    };
    run.compare_command(&config)?;
    run.compare_files(&config)
}

impl Run<'_> {
    fn put_in_place(&self, config: &Value) -> Result<()> {
        self.create_directories(config)?;
        self.create_files(config)?;
        self.handle_defaults(config)?;
        self.copy_files(config)?;
        self.write_command(config)?;
        for permission in items(config, "permissions")? {
            self.set_permissions(&Permissions::from_value(permission)?)?;
        }
        Ok(())
    }

    fn create_directories(&self, config: &Value) -> Result<()> {
        if config.get("directories").is_some() {
            self.log.info(format_args!("Creating directories"));
        }
        for created in items(config, "directories")? {
            let permissions = Permissions::from_value(created)?;
            self.root.make_dirs(Path::new(&permissions.path))?;
            self.set_permissions(&permissions)?;
        }
        Ok(())
    }

    fn create_files(&self, config: &Value) -> Result<()> {
        if config.get("files").is_some() {
            self.log.info(format_args!("Creating files"));
        }
        for created in items(config, "files")? {
            let permissions = Permissions::from_value(created)?;
            self.create_file(Path::new(&permissions.path))?;
            self.set_permissions(&permissions)?;
        }
        Ok(())
    }

    fn create_file(&self, path: &Path) -> Result<()> {
        let place = self.root.find(path, Links::Trusted, Last::Keep)?;
        let refuse = |reason: &str| {
            Err(ApplyError::Unexpected(format!(
                "{reason} ({})",
                crate::fs::show(path)
            )))
        };
        match &place.node {
            None => Ok(place.create_empty(path, 0o666)?),
            Some(node) if node.is_link() => {
                refuse("Path is a symbolic link, expected regular file")
            }
            Some(node) if node.is_dir() => refuse("Path is a directory, expected file"),
            Some(_) => Ok(()),
        }
    }

    fn copy_files(&self, config: &Value) -> Result<()> {
        if config.get("config_files").is_some() {
            self.log
                .info(format_args!("Copying service configuration files"));
        }
        for file in items(config, "config_files")? {
            self.copy(&Entry::from_value(file)?)?;
        }
        Ok(())
    }

    fn write_command(&self, config: &Value) -> Result<()> {
        self.log
            .info(format_args!("Writing out command to execute"));
        let not_text = || ApplyError::Unexpected("`command` is not a string".to_owned());
        let command = config
            .get("command")
            .and_then(Value::as_str)
            .ok_or_else(not_text)?;
        let path = Path::new(RUN_COMMAND);
        let place = self.root.find(path, Links::Trusted, Last::Keep)?;
        let mut file = NewFile::create(&place, path, 0o600)?;
        file.write(path, command.as_bytes())?;
        // The service's user reads it.
        file.set_mode(path, 0o644)?;
        Ok(file.put(&place, path)?)
    }
}
