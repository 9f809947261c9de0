//! The references of images: valid before anything is built.

use super::BuildConfig;

/// The characters that a tag may have at most.
const LONGEST_TAG: usize = 128;

/// The characters that a reference without its tag may have at most.
const LONGEST_NAME: usize = 255;

impl BuildConfig {
    /// Checks that the references of images are valid. The error names the option to change.
    pub fn check_names(&self) -> Result<(), String> {
        if let Some(registry) = self.registry.as_deref().filter(|text| !text.is_empty())
            && !is_host(registry)
        {
            return Err(format!(
                "registry: '{registry}' is invalid: expected HOST or HOST:PORT"
            ));
        }
        let namespace = match &self.registry {
            Some(registry) if !registry.is_empty() => self.namespace.as_str(),
            // The first part may be a registry.
            _ => match self.namespace.split_once('/') {
                Some((host, rest)) if is_registry(host) => {
                    if !is_host(host) {
                        return Err(format!(
                            "namespace: '{host}' is no registry: expected HOST or HOST:PORT"
                        ));
                    }
                    rest
                }
                _ => self.namespace.as_str(),
            },
        };
        if !namespace.split('/').all(is_component) {
            return Err(format!(
                "namespace: '{}' is invalid: expected lower-case letters and digits, separated by \
                 one of . _ - or /",
                self.namespace
            ));
        }
        let prefix = self.image_prefix();
        if !format!("{prefix}x").split('/').all(is_component) {
            return Err(format!(
                "image_name_prefix: '{prefix}' is invalid: expected lower-case letters and digits, \
                 separated by one of . _ - or /"
            ));
        }
        if self.full_namespace().len() + prefix.len() >= LONGEST_NAME {
            return Err(format!(
                "namespace: a reference must be shorter than {LONGEST_NAME} characters"
            ));
        }
        check_tag(&self.tag())
    }
}

fn check_tag(tag: &str) -> Result<(), String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !tag.is_empty()
        && tag.len() <= LONGEST_TAG
        && !tag.starts_with(['.', '-'])
        && tag.chars().all(is_valid)
    {
        true => Ok(()),
        false => Err(format!(
            "tag: '{tag}' is invalid: expected up to {LONGEST_TAG} letters, digits and . _ -, \
             not beginning with . or -"
        )),
    }
}

/// Returns whether the first part of a name is a registry, as Docker tells it.
fn is_registry(part: &str) -> bool {
    part.contains(['.', ':', '[']) || part == "localhost" || part.chars().any(char::is_uppercase)
}

/// Returns whether this is a host with or without a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    is_host && port.is_none_or(is_port)
}

/// Returns whether this is a part of a name: runs of lower-case letters and digits, with one `.`,
/// one or two `_`, or any number of `-` between them.
fn is_component(part: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(is_plain).filter(|text| !text.is_empty());
    part.starts_with(is_plain)
        && part.ends_with(is_plain)
        && separators
            .into_iter()
            .all(|text| [".", "_", "__"].contains(&text) || text.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use crate::BuildConfig;

    fn checked(change: impl Fn(&mut BuildConfig)) -> Result<(), String> {
        let mut config = BuildConfig::new("images").unwrap();
        change(&mut config);
        config.check_names()
    }

    #[test]
    fn references_that_engines_accept_are_valid() {
        for namespace in [
            "kolla",
            "10.0.0.5:4000/kolla",
            "localhost/a",
            "registry.example.org/a/b-c",
            "[::1]:5000/a",
            "a__b/c.d",
            "HOST:1/a",
        ] {
            let found = checked(|config| config.namespace = namespace.to_owned());
            assert_eq!(found, Ok(()), "{namespace}");
        }
        for prefix in ["", "sub/", "debian-", "a/b_", "a--"] {
            let found = checked(|config| config.image_name_prefix = prefix.to_owned());
            assert_eq!(found, Ok(()), "{prefix}");
        }
    }

    #[test]
    fn others_are_errors_of_their_option() {
        for namespace in [
            "", "/a", "a/", "Kolla", "a//b", "a..b", "h:x/a", "a_-b", "-a", "a:1",
        ] {
            let error = checked(|config| config.namespace = namespace.to_owned());
            assert!(
                error.is_err_and(|e| e.starts_with("namespace:")),
                "{namespace}"
            );
        }
        for prefix in ["A", "-", "/", "a//", "é"] {
            let error = checked(|config| config.image_name_prefix = prefix.to_owned());
            assert!(
                error.is_err_and(|e| e.starts_with("image_name_prefix:")),
                "{prefix}"
            );
        }
        for registry in ["a/b", "h:", "a b", "-h"] {
            let error = checked(|config| config.registry = Some(registry.to_owned()));
            assert!(
                error.is_err_and(|e| e.starts_with("registry:")),
                "{registry}"
            );
        }
        for tag in ["", ".a", "a:b", &"x".repeat(129)] {
            let error = checked(|config| config.tag = Some(tag.to_owned()));
            assert!(error.is_err_and(|e| e.starts_with("tag:")), "{tag}");
        }
    }
}
