//! Values of hiera-eyaml: `ENC[PKCS7,...]`, an encrypted message in base64.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, SetOfVec};
use der::{Decode as _, Sequence, ValueOrd};
use rsa::pkcs8::spki::AlgorithmIdentifierRef;
use rsa::{Pkcs1v15Encrypt, PrivateKey};

use crate::Result;
use crate::error::VaultError;

const BEGIN: &str = "ENC[";

const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

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
        Message::from_der(&message).map_err(|_| invalid("it is no encrypted message of PKCS7"))?;
    let Envelope {
        recipients,
        content,
        ..
    } = &message.content;
    if content.cipher.oid != AES_256_CBC {
        return Err(VaultError::Unsupported {
            found: "another cipher than AES-256-CBC".to_owned(),
            expected: "hiera-eyaml does",
        });
    }
    let wrong = |_| VaultError::WrongPrivateKey;
    let [recipient] = recipients.as_slice() else {
        return Err(invalid("it is not encrypted for one key"));
    };
    let secret = key
        .decrypt(Pkcs1v15Encrypt, recipient.key.as_bytes())
        .map_err(wrong)?;
    let iv = content
        .cipher
        .parameters
        .ok_or(invalid("it has no initialisation vector"))?;
    let wrong = |_| VaultError::WrongPrivateKey;
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&secret, iv.value()).map_err(wrong)?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(content.text.as_bytes());
    let plain = plain.map_err(|_| VaultError::WrongPrivateKey)?;
    String::from_utf8(plain).map_err(|_| invalid("it is not UTF-8"))
}

/// A message of PKCS7, as OpenSSL writes it for one key.
#[derive(Sequence)]
struct Message<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: Envelope<'a>,
}

#[derive(Sequence)]
struct Envelope<'a> {
    version: u8,
    recipients: SetOfVec<Recipient<'a>>,
    content: Content<'a>,
}

#[derive(Sequence, ValueOrd)]
struct Recipient<'a> {
    version: u8,
    certificate: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    /// The key of the cipher, encrypted.
    key: &'a OctetStringRef,
}

#[derive(Sequence)]
struct Content<'a> {
    content_type: ObjectIdentifier,
    /// Its parameter is the initialisation vector.
    cipher: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    text: &'a OctetStringRef,
}

fn invalid(reason: &'static str) -> VaultError {
    VaultError::Invalid {
        format: "hiera-eyaml",
        reason,
    }
}
