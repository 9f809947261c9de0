//! Decrypts files of ansible-vault and values of hiera-eyaml.
//!
//! [`KeyFiles`] names the files of keys; [`KeyFiles::read`] returns the [`Keys`]. [`Keys::decrypt_file`]
//! decrypts a file that `ansible-vault encrypt` wrote, and [`Keys::decrypt_values`] each
//! `ENC[PKCS7,...]` in a value. Text that is not encrypted stays as it is, with or without keys. Nothing
//! is written to disk, and no other program runs.
//!
//! ```
//! use slipway_vault::Keys;
//!
//! let none = Keys::default();
//! assert_eq!(none.decrypt_file("a: 1\n")?, None);
//! let error = none.decrypt_file("$ANSIBLE_VAULT;1.1;AES256\n3332\n").unwrap_err();
//! assert!(error.to_string().contains("--vault-password-file"));
//! # Ok::<(), slipway_vault::VaultError>(())
//! ```
//!
//! | format | keys | algorithms |
//! |---|---|---|
//! | ansible-vault 1.1 and 1.2 | a file with the password | AES-256-CTR, HMAC-SHA-256, PBKDF2 |
//! | hiera-eyaml, PKCS7 | the RSA private key, PEM | AES-256-CBC, RSA |

mod ansible;
mod error;
mod eyaml;
mod keys;

pub use error::VaultError;
pub use keys::{KeyFiles, Keys};

/// The result of a function of this crate.
pub type Result<T, E = VaultError> = std::result::Result<T, E>;
