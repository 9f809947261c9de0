//! The format of ansible-vault: a header, and under it hexadecimal digits of salt, digest and text.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Result;
use crate::error::VaultError;

const MAGIC: &str = "$ANSIBLE_VAULT;";
const ROUNDS: u32 = 10_000;

/// Returns true if ansible-vault encrypted the text.
pub fn is_encrypted(text: &str) -> bool {
    text.starts_with(MAGIC)
}

/// Decrypts a text.
pub fn decrypt(text: &str, password: &str) -> Result<String> {
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    check_header(header)?;
    let parts = Parts::of(body)?;
    let mut derived = [0; 80];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &parts.salt, ROUNDS, &mut derived);
    let (cipher_key, rest) = derived.split_at(32);
    let (digest_key, counter) = rest.split_at(32);

    let mut digest = Hmac::<Sha256>::new_from_slice(digest_key).map_err(|_| WRONG_LENGTH)?;
    digest.update(&parts.text);
    digest
        .verify_slice(&parts.digest)
        .map_err(|_| VaultError::WrongPassword)?;

    let mut plain = parts.text;
    let mut cipher =
        Ctr128BE::<Aes256>::new_from_slices(cipher_key, counter).map_err(|_| WRONG_LENGTH)?;
    cipher.apply_keystream(&mut plain);
    remove_padding(&mut plain)?;
    String::from_utf8(plain).map_err(|_| invalid("it is not UTF-8"))
}

const WRONG_LENGTH: VaultError = VaultError::Invalid {
    format: "ansible-vault",
    reason: "a key has the wrong length",
};

fn check_header(header: &str) -> Result<()> {
    let fields: Vec<&str> = header.trim_end().split(';').collect();
    match fields[..] {
        [_, "1.1", "AES256"] | [_, "1.2", "AES256", _] => Ok(()),
        _ => Err(VaultError::Unsupported {
            found: fields.into_iter().skip(1).collect::<Vec<_>>().join(";"),
            expected: "1.1;AES256 or 1.2;AES256",
        }),
    }
}

struct Parts {
    salt: Vec<u8>,
    digest: Vec<u8>,
    text: Vec<u8>,
}

impl Parts {
    fn of(body: &str) -> Result<Parts> {
        let digits: String = body.split_whitespace().collect();
        let inner = unhex(digits.as_bytes())?;
        let mut parts = inner.split(|byte| *byte == b'\n').map(unhex);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(salt), Some(digest), Some(text), None) => Ok(Parts {
                salt: salt?,
                digest: digest?,
                text: text?,
            }),
            _ => Err(invalid("it is cut off")),
        }
    }
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>> {
    hex::decode(digits).map_err(|_| invalid("a digit is not hexadecimal, or one is missing"))
}

fn remove_padding(plain: &mut Vec<u8>) -> Result<()> {
    let padding = plain.last().map_or(0, |last| usize::from(*last));
    if padding == 0 || padding > 16 || padding > plain.len() {
        return Err(invalid("its padding is wrong"));
    }
    plain.truncate(plain.len() - padding);
    Ok(())
}

fn invalid(reason: &'static str) -> VaultError {
    VaultError::Invalid {
        format: "ansible-vault",
        reason,
    }
}
