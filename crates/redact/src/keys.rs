//! The keys that name a secret, and the values that cannot be one.

/// Tells whether the value under this key is secret, by the words of the key.
pub(crate) fn names_secret(key: &str) -> bool {
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

/// Tells whether the key's last word describes a secret (its length, its file) instead of naming one.
pub(crate) fn names_setting(key: &str) -> bool {
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

/// Tells whether a value cannot be a secret, whatever its key is called.
pub(crate) fn is_public_value(text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_name_secrets_are_distinguished_from_keys_about_them() {
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
}
