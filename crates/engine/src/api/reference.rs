//! Names and image references in the path of a request's URL.

/// Returns `true` for a name or reference whose characters all belong to the path of a URL.
pub(super) fn is_valid(reference: &str) -> bool {
    !reference.is_empty()
        && !reference.contains("..")
        && reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-:/@".contains(c))
}

/// Splits a reference into its repository and its tag.
pub(super) fn split_tag(reference: &str) -> (&str, Option<&str>) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (reference, None),
    }
}

/// Returns the registry that a reference names; `None` for one that means Docker's own.
pub fn named_registry(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_told_from_a_namespace() {
        for (reference, registry) in [
            ("base", None),
            ("kolla/base", None),
            ("localhost/base", Some("localhost")),
            ("reg:5000/kolla/base", Some("reg:5000")),
            ("quay.io/base:1", Some("quay.io")),
        ] {
            assert_eq!(named_registry(reference), registry, "{reference}");
        }
    }

    #[test]
    fn a_registry_port_is_not_a_tag() {
        assert_eq!(
            split_tag("reg:5000/kolla/base"),
            ("reg:5000/kolla/base", None)
        );
        assert_eq!(
            split_tag("reg:5000/kolla/base:1"),
            ("reg:5000/kolla/base", Some("1"))
        );
    }

    #[test]
    fn a_reference_never_leaves_the_path_of_the_url() {
        assert!(is_valid("reg:5000/a/b@sha256:12ab"));
        for bad in ["", "a?b", "../version", "a b", "a#b", "a%2fb"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
