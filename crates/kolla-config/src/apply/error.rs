//! How applying ends when it does not end well.

use crate::fs::FsError;

/// Why a config.json was not applied, or how what is in place differs from it. The variants up to
/// [`ApplyError::Unexpected`] are the errors that Kolla's script has names for.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The config.json is not one, or the strategy is not.
    #[error("InvalidConfig: {0}")]
    InvalidConfig(String),
    /// Something to copy is not there, and is not optional.
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
    /// Everything else.
    #[error("Unexpected error: {0}")]
    Unexpected(String),
}

impl ApplyError {
    /// The exit code that Kolla's script has for it.
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
