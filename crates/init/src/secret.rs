//! New secrets.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::error::{InitError, Result};

const SOURCE: &str = "/dev/urandom";

/// Characters of a password.
const LENGTH: usize = 24;

/// Returns a password of letters and digits: passwords become parts of URLs and of files of other
/// programs.
pub(crate) fn password() -> Result<String> {
    let mut password = String::new();
    while password.len() < LENGTH {
        let text = STANDARD.encode(bytes()?);
        let fit = text.chars().filter(char::is_ascii_alphanumeric);
        password.extend(fit.take(LENGTH - password.len()));
    }
    Ok(password)
}

/// Returns a key of 32 bytes in URL-safe base64.
pub(crate) fn fernet_key() -> Result<String> {
    Ok(URL_SAFE.encode(bytes()?))
}

fn bytes() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open(SOURCE)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(InitError::read(Path::new(SOURCE)))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_letters_and_digits_and_is_never_the_same() {
        let (first, second) = (password().unwrap(), password().unwrap());
        assert_eq!(first.len(), LENGTH);
        assert!(first.chars().all(|c| c.is_ascii_alphanumeric()), "{first}");
        assert_ne!(first, second);
    }

    #[test]
    fn a_fernet_key_has_44_characters() {
        let key = fernet_key().unwrap();
        assert_eq!((key.len(), key.ends_with('=')), (44, true));
    }
}
