//! Values of hiera-eyaml: `ENC[PKCS7,...]`, an encrypted message in base64.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use rsa::{Pkcs1v15Encrypt, PrivateKey};

use crate::Result;
use crate::der::{EXPLICIT, IMPLICIT, INTEGER, OBJECT, OCTETS, Reader, SEQUENCE, SET};
use crate::error::VaultError;

const BEGIN: &str = "ENC[";

/// 2.16.840.1.101.3.4.1.42
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// Decrypts each encrypted part of a text, and adds the decrypted parts to `secrets`. Returns `None` if no
/// part is encrypted.
pub fn decrypt(
    text: &str,
    key: Option<&PrivateKey>,
    secrets: &mut Vec<String>,
) -> Result<Option<String>> {
    if !text.contains(BEGIN) {
        return Ok(None);
    }
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (inside, behind) = after.split_once(']').ok_or(invalid("a ] is missing"))?;
        plain.push_str(before);
        let secret = part(inside, key)?;
        plain.push_str(&secret);
        secrets.push(secret);
        rest = behind;
    }
    plain.push_str(rest);
    Ok(Some(plain))
}

/// Decrypts `PKCS7,...`.
fn part(text: &str, key: Option<&PrivateKey>) -> Result<String> {
    let (kind, message) = text.split_once(',').ok_or(invalid("a comma is missing"))?;
    if kind != "PKCS7" {
        return Err(VaultError::Unsupported {
            found: kind.chars().take(20).collect(),
            expected: "PKCS7",
        });
    }
    let key = key.ok_or(VaultError::PrivateKeyNeeded)?;
    let base64: String = message.split_whitespace().collect();
    let message = STANDARD
        .decode(base64)
        .map_err(|_| invalid("it is not base64"))?;
    let message =
        Message::parse(&message).ok_or(invalid("it is no message encrypted for one key"))?;
    if message.algorithm != AES_256_CBC {
        return Err(VaultError::Unsupported {
            found: "another cipher than AES-256-CBC".to_owned(),
            expected: "hiera-eyaml does",
        });
    }
    let wrong = |_| VaultError::WrongPrivateKey;
    let secret = key.decrypt(Pkcs1v15Encrypt, message.key).map_err(wrong)?;
    let wrong = |_| VaultError::WrongPrivateKey;
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&secret, message.iv).map_err(wrong)?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(message.text);
    let plain = plain.map_err(|_| VaultError::WrongPrivateKey)?;
    String::from_utf8(plain).map_err(|_| invalid("it is not UTF-8"))
}

/// The parts of an encrypted message.
struct Message<'a> {
    /// The key of the cipher, encrypted.
    key: &'a [u8],
    algorithm: &'a [u8],
    iv: &'a [u8],
    text: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(message: &'a [u8]) -> Option<Message<'a>> {
        let mut info = Reader(message).enter(SEQUENCE)?;
        info.read(OBJECT)?;
        let mut data = info.enter(EXPLICIT)?.enter(SEQUENCE)?;
        data.read(INTEGER)?;
        let mut recipient = data.enter(SET)?.enter(SEQUENCE)?;
        recipient.read(INTEGER)?;
        recipient.read(SEQUENCE)?;
        recipient.read(SEQUENCE)?;
        let key = recipient.read(OCTETS)?;
        let mut content = data.enter(SEQUENCE)?;
        content.read(OBJECT)?;
        let mut algorithm = content.enter(SEQUENCE)?;
        Some(Message {
            key,
            algorithm: algorithm.read(OBJECT)?,
            iv: algorithm.read(OCTETS)?,
            text: content.read(IMPLICIT)?,
        })
    }
}

fn invalid(reason: &'static str) -> VaultError {
    VaultError::Invalid {
        format: "hiera-eyaml",
        reason,
    }
}
