//! New secrets.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use slipway_files::{RANDOM_SOURCE, random_bytes};

use crate::error::{InitError, Result};

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
    random_bytes().map_err(InitError::read(Path::new(RANDOM_SOURCE)))
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
