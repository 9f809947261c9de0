//! Errors. None has a secret in it.

use std::io;
use std::path::PathBuf;

/// The reason why something cannot be decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file of keys cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file of the password has no password.
    #[error("{}: no password in the file; write the password into its first line", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// ansible-vault runs such a file to get the password.
    #[error(
        "{}: the file is executable, and programs are not run for passwords; write the password \
         into a file without that mode", path.display()
    )]
    Program {
        /// The file.
        path: PathBuf,
    },
    /// The file of the private key has none.
    #[error("{}: no RSA private key in PEM form; name the private key that eyaml createkeys wrote", path.display())]
    NoPrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// A file is encrypted by ansible-vault, and there is no password.
    #[error("encrypted by ansible-vault; give the file of its password (--vault-password-file)")]
    PasswordNeeded,
    /// A value is encrypted by hiera-eyaml, and there is no key.
    #[error("encrypted by hiera-eyaml; give the private key (--eyaml-private-key)")]
    PrivateKeyNeeded,
    /// The password is not that of the file.
    #[error("the password of --vault-password-file does not decrypt it, or it was changed")]
    WrongPassword,
    /// The key is not that of the value.
    #[error("the key of --eyaml-private-key does not decrypt it")]
    WrongPrivateKey,
    /// The format is not supported.
    #[error("{found} is not supported; encrypt it as {expected}")]
    Unsupported {
        /// The name of the format, of what was found.
        found: String,
        /// The supported formats.
        expected: &'static str,
    },
    /// The text is cut off or was changed.
    #[error("invalid {format} text: {reason}")]
    Invalid {
        /// The format.
        format: &'static str,
        /// The reason.
        reason: &'static str,
    },
}
