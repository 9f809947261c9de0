//! Errors of `kolla_set_configs`.

use crate::fs::FsError;

/// A config.json that was not applied, or that differs from the files in place. The variants before
/// [`ApplyError::Unexpected`] are those for which Kolla's script has names.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The config.json or the strategy is invalid.
    #[error("InvalidConfig: {0}")]
    InvalidConfig(String),
    /// A source is missing and not optional.
    #[error("MissingRequiredSource: {0} file is not found")]
    MissingRequiredSource(String),
    /// Files differ from their sources.
    #[error("ConfigFileBadState: Following files are in bad state: {0}")]
    ConfigFileBadState(String),
    /// `/run_command` holds another command.
    #[error("ConfigFileCommandDiffers: Running command differs from the configured one")]
    ConfigFileCommandDiffers,
    /// Files are in place that config.json no longer has.
    #[error(
        "StateMismatch: The following config files are tracked in state but missing from the config file. They would be restored or removed: {0}"
    )]
    StateMismatch(String),
    /// The files were copied before, and were to be copied once.
    #[error("ImmutableConfig: The config strategy prevents copying new configs")]
    ImmutableConfig,
    /// Any other error.
    #[error("Unexpected error: {0}")]
    Unexpected(String),
}

impl ApplyError {
    /// Returns the exit code of Kolla's script for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            ApplyError::ImmutableConfig => 0,
            ApplyError::Unexpected(_) => 2,
            _ => 1,
        }
    }
}

impl From<FsError> for ApplyError {
    fn from(error: FsError) -> ApplyError {
        ApplyError::Unexpected(error.to_string())
    }
}
