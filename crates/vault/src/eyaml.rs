//! Values of hiera-eyaml: `ENC[PKCS7,...]`, an encrypted message in base64.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
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
        Message::parse(&message).map_err(|_| invalid("it is no message of PKCS7 for one key"))?;
    if message.cipher != AES_256_CBC {
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

/// The parts of a message of PKCS7, as OpenSSL writes it for one key.
struct Message<'a> {
    /// The key of the cipher, encrypted.
    key: &'a [u8],
    cipher: ObjectIdentifier,
    iv: &'a [u8],
    text: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(message: &'a [u8]) -> der::Result<Message<'a>> {
        let mut info = enter(&mut SliceReader::new(message)?, Tag::Sequence)?;
        read(&mut info, Tag::ObjectIdentifier)?;
        let mut envelope = enter(&mut info, context(true))?;
        let mut envelope = enter(&mut envelope, Tag::Sequence)?;
        read(&mut envelope, Tag::Integer)?;
        let mut recipients = enter(&mut envelope, Tag::Set)?;
        let mut recipient = enter(&mut recipients, Tag::Sequence)?;
        read(&mut recipient, Tag::Integer)?;
        // The certificate's issuer, and the algorithm.
        read(&mut recipient, Tag::Sequence)?;
        read(&mut recipient, Tag::Sequence)?;
        let key = read(&mut recipient, Tag::OctetString)?;
        let mut content = enter(&mut envelope, Tag::Sequence)?;
        read(&mut content, Tag::ObjectIdentifier)?;
        let mut cipher = enter(&mut content, Tag::Sequence)?;
        recipients.finish()?;
        Ok(Message {
            key,
            cipher: ObjectIdentifier::decode(&mut cipher)?,
            iv: read(&mut cipher, Tag::OctetString)?,
            text: read(&mut content, context(false))?,
        })
    }
}

/// Returns the content of the next element, which has this tag.
fn read<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    let element = AnyRef::decode(reader)?;
    element.tag().assert_eq(tag)?;
    Ok(element.value())
}

/// Returns a reader of the next element's content.
fn enter<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<SliceReader<'a>> {
    SliceReader::new(read(reader, tag)?)
}

/// Returns the tag `[0]`.
fn context(constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(0),
    }
}

fn invalid(reason: &'static str) -> VaultError {
    VaultError::Invalid {
        format: "hiera-eyaml",
        reason,
    }
}
