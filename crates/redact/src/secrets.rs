//! Collects the secrets of a deployment and masks them in text.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::{Map, Value};

use crate::forms::forms;
use crate::keys::{is_public_value, names_secret, names_setting};
use crate::{MASK, SHORTEST, url};

/// Masks every known secret, in each form it may take, and the credentials of every URL.
///
/// [`Secrets`] collects what it knows. Without any, it still masks the credentials of URLs.
///
/// ```
/// let hiera = serde_json::json!({"keystone::admin_password": "t0p/secret"});
/// let redactor = slipway_redact::Redactor::from_hiera(hiera.as_object().unwrap());
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
    /// Returns a redactor that knows the secrets of hiera data.
    pub fn from_hiera(hiera: &Map<String, Value>) -> Redactor {
        let mut secrets = Secrets::default();
        secrets.hiera(hiera);
        secrets.redactor()
    }

    /// Returns the text with `***` in place of each secret.
    pub fn redact(&self, text: &str) -> String {
        let known = match &self.forms {
            Some(forms) => {
                let mut masked = String::with_capacity(text.len());
                forms.replace_all_with(text, &mut masked, |_, _, masked| {
                    masked.push_str(MASK);
                    true
                });
                masked
            }
            None => text.to_owned(),
        };
        url::mask(known)
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
    pub fn hiera(&mut self, hiera: &Map<String, Value>) -> &mut Secrets {
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

    /// Adds everything in a value that is secret as a whole, such as a hidden parameter's.
    pub fn hidden(&mut self, value: &Value) -> &mut Secrets {
        match value {
            Value::String(text) => self.keep_lines(text),
            Value::Number(number) => self.keep(&number.to_string()),
            Value::Array(items) => {
                for item in items {
                    self.hidden(item);
                }
            }
            Value::Object(map) => {
                for item in map.values() {
                    self.hidden(item);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        self
    }

    /// Adds a value known to be secret, unless it is an obvious setting such as `true` or a path.
    pub fn add(&mut self, secret: &str) -> &mut Secrets {
        self.text(secret, true);
        self
    }

    /// Returns a redactor of the secrets collected so far.
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
        let credentials = url::credentials_of_value(text);
        if !credentials.is_empty() {
            for credential in credentials {
                // Hiera puts a value of its own there, which is collected under its own key.
                if !credential.starts_with("%{") {
                    self.keep(credential);
                }
            }
        } else if secret && !is_public_value(text) {
            self.keep_lines(text);
        }
    }

    /// Adds a text and, since output comes line by line, each of its longer lines.
    fn keep_lines(&mut self, text: &str) {
        self.keep(text);
        if text.contains('\n') {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| line.len() >= 8 && !line.starts_with("-----"))
                .for_each(|line| self.keep(line));
        }
    }

    fn keep(&mut self, secret: &str) {
        if secret.trim().len() >= SHORTEST {
            self.values.insert(secret.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use serde_json::json;

    fn redactor(hiera: Value) -> Redactor {
        Redactor::from_hiera(hiera.as_object().unwrap())
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
    fn other_values_are_not_masked() {
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
    fn each_host_of_a_url_has_its_own_password() {
        for url in [
            "rabbit://u:first-pw@h1:5672,u:second-pw@h2:5672/vhost",
            "u:first-pw@h1,u:second-pw@h2",
        ] {
            let redactor = redactor(json!({"a::transport_url": url}));
            assert_eq!(
                redactor.redact("login with first-pw or second-pw"),
                "login with *** or ***",
                "{url}"
            );
        }
    }

    #[test]
    fn credentials_of_unknown_urls_are_masked_however_short() {
        assert_eq!(
            Redactor::default().redact("rabbit://u:p1@h1,u:p2@h2 is down"),
            "rabbit://u:***@h1,u:***@h2 is down"
        );
    }

    #[test]
    fn everything_in_a_hidden_value_is_secret() {
        let mut secrets = Secrets::default();
        secrets.hidden(&json!({"a": ["/etc/secret", 12345], "b": "true-ish"}));
        assert_eq!(
            secrets.redactor().redact("/etc/secret 12345 true-ish a b"),
            "*** *** *** a b"
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let redactor = redactor(json!({"a::password": "hidden-value"}));
        assert!(!format!("{redactor:?}").contains("hidden"));
    }
}
