//! The forms in which a secret may appear: quoted, escaped, percent-encoded, in base64.

use std::fmt::Write as _;

use base64::Engine as _;
use serde_json::Value;

use crate::SHORTEST;

/// Returns every form of a secret that is long enough to be masked.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let json = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let once = json(secret);
    let mut forms = vec![
        secret.to_owned(),
        secret.trim().to_owned(),
        // JSON inside JSON is how a container's config travels in its label.
        json(&once),
        once,
        secret.replace('\\', "\\\\").replace('\'', "\\'"),
        secret.replace('\'', "'\\''"),
    ];
    for keep in ["", "/"] {
        let encoded = percent(secret, keep, true);
        forms.push(encoded.replace("%20", "+"));
        forms.push(encoded);
        forms.push(percent(secret, keep, false));
    }
    forms.extend(base64_forms(secret.as_bytes()));
    if let Some(decoded) = unpercent(secret) {
        forms.push(decoded);
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

fn percent(text: &str, keep: &str, upper: bool) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'~')
            || keep.as_bytes().contains(&byte);
        // Writing to a String cannot fail.
        let _ = match (plain, upper) {
            (true, _) => write!(out, "{}", char::from(byte)),
            (false, true) => write!(out, "%{byte:02X}"),
            (false, false) => write!(out, "%{byte:02x}"),
        };
    }
    out
}

/// Returns the password that a percent-encoded one (as in a URL) stands for; `None` where nothing is
/// encoded.
fn unpercent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let hex = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(hex.unwrap_or(first));
        rest = if hex.is_some() { &tail[2..] } else { tail };
    }
    let plain = String::from_utf8(bytes).ok()?;
    (plain != text).then_some(plain)
}

/// Returns the secret in base64, alone and inside of longer data such as `user:secret`.
///
/// Inside of longer data, the secret begins at one of three bit offsets. Only the characters that
/// encode no bit of its neighbours can be recognised.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = vec![STANDARD.encode(secret)];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
        for offset in 0..3 {
            let shifted: Vec<u8> = std::iter::repeat_n(0, offset)
                .chain(secret.iter().copied())
                .collect();
            let encoded = engine.encode(&shifted);
            let own = (offset * 8).div_ceil(6)..shifted.len() * 8 / 6;
            match encoded.get(own) {
                // Fewer characters would match where no secret is.
                Some(core) if core.len() >= 7 => forms.push(core.to_owned()),
                _ => {}
            }
        }
    }
    forms
}
