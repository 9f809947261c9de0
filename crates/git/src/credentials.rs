//! Passes credentials to git through its credential protocol.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::address::Credentials;

/// A configuration for git with the credentials of one server, in a directory that only the user
/// can enter. Removed when dropped.
pub(crate) struct CredentialConfig {
    directory: TempDir,
}

impl CredentialConfig {
    /// Writes the configuration in this directory.
    pub(crate) fn write(credentials: &Credentials, parent: &Path) -> io::Result<CredentialConfig> {
        let directory = tempfile::Builder::new()
            .prefix(".git-")
            .tempdir_in(parent)?;
        let config = CredentialConfig { directory };
        let text = match &credentials.password {
            Some(password) => {
                let store = config.directory.path().join("credentials");
                let (scheme, host) = credentials.server.split_once("://").unwrap_or_default();
                let user = &credentials.user;
                private(&store)?
                    .write_all(format!("{scheme}://{user}:{password}@{host}\n").as_bytes())?;
                let helper = format!("store --file={}", shell_quoted(&store.to_string_lossy()));
                // The empty one first: the user's own helpers must not be told, nor keep it.
                format!("[credential]\n\thelper =\n\thelper = {}\n", quoted(&helper))
            }
            // The user's helpers may know the password.
            None => format!(
                "[credential {}]\n\tusername = {}\n",
                quoted(&credentials.server),
                quoted(&credentials.user)
            ),
        };
        private(&config.path())?.write_all(text.as_bytes())?;
        Ok(config)
    }

    /// The configuration file.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("config")
    }
}

fn private(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// A string as a git configuration has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A string as one word of a shell command.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
