//! Keys, and the files that they are read from.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use serde_json::{Map, Value};

use crate::error::VaultError;
use crate::{Result, ansible, eyaml};

/// The files of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFiles {
    /// The file with the password of ansible-vault.
    pub vault_password: Option<PathBuf>,
    /// The private key of hiera-eyaml.
    pub eyaml_private_key: Option<PathBuf>,
}

/// Keys. `Debug` shows none.
#[derive(Clone, Default)]
pub struct Keys {
    vault_password: Option<String>,
    eyaml_private_key: Option<PrivateKey>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl KeyFiles {
    /// Reads the keys.
    ///
    /// # Errors
    /// A file cannot be read, or has no key.
    pub fn read(&self) -> Result<Keys> {
        Ok(Keys {
            vault_password: self.vault_password.as_deref().map(password).transpose()?,
            eyaml_private_key: self
                .eyaml_private_key
                .as_deref()
                .map(private_key)
                .transpose()?,
        })
    }
}

impl Keys {
    /// Decrypts the text of a file that ansible-vault encrypted. `None` for any other text.
    ///
    /// # Errors
    /// The password is missing or wrong, or the text is invalid.
    pub fn decrypt_file(&self, text: &str) -> Result<Option<String>> {
        if !ansible::is_encrypted(text) {
            return Ok(None);
        }
        let password = self.vault_password.as_deref();
        ansible::decrypt(text, password.ok_or(VaultError::PasswordNeeded)?).map(Some)
    }

    /// Decrypts the values of hiera-eyaml in a mapping, at any depth. Returns the decrypted secrets.
    ///
    /// # Errors
    /// As for a value; the error names the key.
    pub fn decrypt_values(
        &self,
        map: &mut Map<String, Value>,
    ) -> Result<Vec<String>, (String, VaultError)> {
        let mut secrets = Vec::new();
        for (key, value) in map {
            self.decrypt_value(value, &mut secrets)
                .map_err(|error| (key.clone(), error))?;
        }
        Ok(secrets)
    }

    fn decrypt_value(&self, value: &mut Value, secrets: &mut Vec<String>) -> Result<()> {
        match value {
            Value::String(text) => {
                if let Some(plain) = eyaml::decrypt(text, self.eyaml_private_key.as_ref(), secrets)?
                {
                    *text = plain;
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.decrypt_value(item, secrets)?;
                }
            }
            Value::Object(map) => {
                for item in map.values_mut() {
                    self.decrypt_value(item, secrets)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<String> {
    slipway_files::read_input(path).map_err(|source| VaultError::Read {
        path: path.to_owned(),
        source,
    })
}

fn password(path: &Path) -> Result<String> {
    let is_program = |metadata: std::fs::Metadata| {
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    };
    if path.metadata().is_ok_and(is_program) {
        return Err(VaultError::Program {
            path: path.to_owned(),
        });
    }
    let password = read(path)?.trim().to_owned();
    match password.is_empty() {
        true => Err(VaultError::NoPassword {
            path: path.to_owned(),
        }),
        false => Ok(password),
    }
}

fn private_key(path: &Path) -> Result<PrivateKey> {
    let pem = read(path)?;
    let key = PrivateKey::from_pkcs1_pem(&pem).ok();
    let key = key.or_else(|| PrivateKey::from_pkcs8_pem(&pem).ok());
    key.ok_or_else(|| VaultError::NoPrivateKey {
        path: path.to_owned(),
    })
}
