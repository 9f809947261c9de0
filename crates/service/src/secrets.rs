//! Keeping secrets out of whatever people and log files get to see.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use serde_json::Value;

use crate::Hiera;

/// What stands where a secret stood.
const MASK: &str = "***";
/// Shorter values are not masked: they would take half of every text with them.
const SHORTEST: usize = 4;

/// Replaces every secret of a deployment, in every form it may take on its way, by `***`.
///
/// ```
/// let hiera = serde_json::json!({"keystone::admin_password": "t0p/secret"});
/// let redactor = slipway_service::Redactor::from_hiera(hiera.as_object().unwrap());
/// assert_eq!(
///     redactor.redact("cannot log in: mysql://keystone:t0p%2Fsecret@db (t0p/secret)"),
///     "cannot log in: mysql://keystone:***@db (***)",
/// );
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Option<Arc<AhoCorasick>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Knows the secrets found in hiera data.
    pub fn from_hiera(hiera: &Hiera) -> Redactor {
        let mut secrets = Secrets::default();
        secrets.hiera(hiera);
        secrets.redactor()
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        match &self.forms {
            Some(forms) => {
                let mut clean = String::with_capacity(text.len());
                forms.replace_all_with(text, &mut clean, |_, _, clean| {
                    clean.push_str(MASK);
                    true
                });
                clean
            }
            None => text.to_owned(),
        }
    }
}

/// Collects secrets for a [`Redactor`] from several places.
#[derive(Default)]
pub struct Secrets {
    values: BTreeSet<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Adds the secrets of hiera data: values of keys that name a secret, whatever is beneath
    /// them, and passwords inside URLs under any key.
    pub fn hiera(&mut self, hiera: &Hiera) -> &mut Secrets {
        for (key, value) in hiera {
            self.value(value, names_secret(key));
        }
        self
    }

    /// Adds the secrets among `KEY=value` settings, such as a container's environment.
    pub fn environment<'a>(&mut self, settings: impl IntoIterator<Item = &'a str>) -> &mut Secrets {
        for (key, value) in settings.into_iter().filter_map(|item| item.split_once('=')) {
            self.text(value, names_secret(key));
        }
        self
    }

    /// Adds a value known to be secret.
    pub fn add(&mut self, secret: &str) -> &mut Secrets {
        self.text(secret, true);
        self
    }

    /// What replaces the secrets collected so far.
    pub fn redactor(&self) -> Redactor {
        let forms: BTreeSet<String> = self
            .values
            .iter()
            .flat_map(|secret| forms(secret))
            .collect();
        let forms = (!forms.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(forms)
        });
        // Building fails only beyond 2^31 bytes of patterns; hiera data is read whole long before.
        Redactor {
            forms: forms.and_then(Result::ok).map(Arc::new),
        }
    }

    fn value(&mut self, value: &Value, secret: bool) {
        match value {
            Value::String(text) => self.text(text, secret),
            Value::Number(number) if secret => self.text(&number.to_string(), true),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, secret)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.value(value, names_secret(key) || secret && !names_setting(key));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, secret: bool) {
        if let Some(password) = url_password(text) {
            self.keep(password);
        } else if secret && !is_plain_setting(text) {
            self.keep(text);
            // Output comes line by line.
            if text.contains('\n') {
                let lines = text.lines().map(str::trim);
                lines
                    .filter(|line| line.len() >= 8 && !line.starts_with("-----"))
                    .for_each(|line| self.keep(line));
            }
        }
    }

    fn keep(&mut self, secret: &str) {
        if secret.trim().len() >= SHORTEST {
            self.values.insert(secret.to_owned());
        }
    }
}

/// Whether a key's last words say that its value is secret.
fn names_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words: Vec<&str> = key
        .split(|c: char| !c.is_ascii_alphanumeric())
        // `fernet_key_0` is a key like any other.
        .filter(|word| !word.is_empty() && !word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let Some(last) = words.last() else {
        return false;
    };
    if names_setting(&key) {
        return false;
    }
    let always = [
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "pass",
        "pw",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "cookie",
        "fernet",
    ];
    let at_the_end = ["token", "tokens", "key", "keys"];
    let glued = ["password", "passwd", "secret"];
    let public = words.contains(&"public") || words.contains(&"authorized");
    words.iter().any(|word| always.contains(word))
        || words
            .iter()
            .any(|word| glued.iter().any(|part| word.contains(part)))
        || at_the_end.contains(last) && !public
}

/// Whether a key's last word says that it is about a secret rather than one.
fn names_setting(key: &str) -> bool {
    const ABOUT: [&str; 40] = [
        "age",
        "algorithm",
        "backend",
        "class",
        "count",
        "dir",
        "directory",
        "driver",
        "enabled",
        "ensure",
        "expiration",
        "expiry",
        "file",
        "files",
        "format",
        "group",
        "hash",
        "host",
        "id",
        "interval",
        "length",
        "lifetime",
        "max",
        "method",
        "min",
        "mode",
        "name",
        "owner",
        "path",
        "policy",
        "port",
        "provider",
        "regex",
        "repository",
        "size",
        "source",
        "timeout",
        "type",
        "user",
        "username",
    ];
    let key = key.to_ascii_lowercase();
    let last = key.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    last.is_some_and(|last| ABOUT.contains(&last))
}

/// Whether a value cannot be a secret itself, whatever its key is called.
fn is_plain_setting(text: &str) -> bool {
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "present" | "absent" | "undef" | "none" | "null"
    );
    let path = text.starts_with('/') && !text.contains(char::is_whitespace) && {
        // A path, as opposed to a base64 secret that happens to begin with a slash.
        text.len() < 24 || text.matches('/').count() > 1 && !text.ends_with('=')
    };
    let interpolated = text.starts_with("%{") && text.find('}') == Some(text.len() - 1);
    word || path || interpolated
}

/// The password in `scheme://user:password@host…`.
fn url_password(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || !scheme.chars().all(valid) {
        return None;
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    // A password that was not encoded may hold the very characters that end an authority.
    let login = match authority.rfind('@') {
        Some(end) => &authority[..end],
        None => &rest[..rest.rfind('@')?],
    };
    let (_, password) = login.split_once(':')?;
    (!password.is_empty() && !password.starts_with("%{")).then_some(password)
}

/// Every way a secret may be written.
fn forms(secret: &str) -> Vec<String> {
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

/// The plain form of a password that was percent-encoded (in a URL), if it was.
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

/// A secret in base64: alone, or in the midst of more (`user:secret`), where it may begin at any
/// of three offsets and only what depends on nothing but itself can be recognised.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redactor(hiera: Value) -> Redactor {
        Redactor::from_hiera(hiera.as_object().unwrap())
    }

    #[test]
    fn keys_that_name_secrets_are_told_from_keys_about_them() {
        for key in [
            "keystone::admin_password",
            "keystone::admin_token",
            "mysql::server::root_password",
            "snmpd_readonly_user_password",
            "heat::engine::auth_encryption_key",
            "neutron::agents::metadata::shared_secret",
            "rabbitmq::erlang_cookie",
            "keystone::fernet_keys",
            "DB_ROOT_PASSWORD",
            "adminpassword",
            "horizon::secret_key",
            "encryption_key_0",
        ] {
            assert!(names_secret(key), "{key}");
        }
        for key in [
            "keystone::token_expiration",
            "keystone::token_provider",
            "ssh::public_key",
            "keystone::password_hash_algorithm",
            "apache::ssl_key_file",
            "keystone::admin_user",
            "tripleo::keys_path",
            "keystone::endpoint::region",
            "memcached::max_memory",
        ] {
            assert!(!names_secret(key), "{key}");
        }
    }

    #[test]
    fn every_form_is_masked() {
        let secret = "pa\"ss/w ö'rd";
        let redactor = redactor(json!({"a::password": secret}));
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("admin:{secret}!"));
        for text in [
            secret.to_owned(),
            "pa%22ss%2Fw%20%C3%B6%27rd".to_owned(),
            "pa%22ss/w+%C3%B6%27rd".to_owned(),
            json!({"x": secret}).to_string(),
            json!({"x": json!({"y": secret}).to_string()}).to_string(),
            base64::engine::general_purpose::STANDARD.encode(secret),
        ] {
            let clean = redactor.redact(&text);
            assert!(clean.contains("***"), "{text} became {clean}");
            assert!(
                !clean.contains("ss/w") && !clean.contains("ss%2Fw"),
                "{clean}"
            );
        }
        assert!(redactor.redact(&encoded).contains("***"));
    }

    #[test]
    fn what_is_no_secret_stays() {
        let redactor = redactor(json!({
            "a::token_provider": "fernet",
            "a::password": "%{hiera('b::password')}",
            "a::fernet_keys": {"/etc/keystone/fernet-keys/0": {"content": "c2VjcmV0a2V5", "owner": "keystone"}},
            "a::key": "/etc/ssl/private.key",
            "a::enable_credential_setup": "true",
            "short::password": "abc",
        }));
        let text = "fernet %{hiera('b::password')} /etc/ssl/private.key keystone true abc";
        assert_eq!(redactor.redact(text), text);
        assert_eq!(redactor.redact("content => c2VjcmV0a2V5"), "content => ***");
    }

    #[test]
    fn passwords_in_urls_count_under_any_key() {
        let redactor = redactor(json!({
            "keystone::database_connection": "mysql+pymysql://keystone:s3cr%2Fet@10.0.0.1/keystone",
            "plain": "http://10.0.0.1:5000/v3",
        }));
        assert_eq!(
            redactor.redact("s3cr/et s3cr%2Fet http://10.0.0.1:5000"),
            "*** *** http://10.0.0.1:5000"
        );
    }

    #[test]
    fn keys_of_several_lines_are_masked_line_by_line() {
        let redactor = redactor(
            json!({"tls_private_key": "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"}),
        );
        assert_eq!(redactor.redact("2: MIIEvQIBADANBg"), "2: ***");
        assert_eq!(
            redactor.redact("-----BEGIN KEY-----"),
            "-----BEGIN KEY-----"
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let redactor = redactor(json!({"a::password": "hidden-value"}));
        assert!(!format!("{redactor:?}").contains("hidden"));
    }
}
