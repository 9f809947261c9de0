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

#[cfg(test)]
mod tests {
    use super::*;

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
