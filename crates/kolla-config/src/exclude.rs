//! The regular expressions of `exclude`.
//!
//! `kolla_set_configs` is a static file in every image, so it uses `regex-lite`. The engine of
//! `slipway-pyregex`, which reads all of Python's syntax, would add 1.3 MB to its 1.8 MB. A pattern
//! with look-around or a back-reference is an error that names the pattern, here and when a
//! config.json is checked.

use regex_lite::{Error, Regex};

/// Compiles a pattern for a search as `re.search` does it. `\Z` becomes `\z`, the end of the text.
pub(crate) fn pattern(pattern: &str) -> Result<Regex, Error> {
    Regex::new(&pattern.replace(r"\Z", r"\z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_end_where_pythons_end() {
        let ends = pattern(r"\.conf\Z").unwrap();
        assert!(ends.is_match("/etc/a.conf") && !ends.is_match("/etc/a.conf.d"));
    }

    #[test]
    fn look_around_and_back_references_are_errors() {
        assert!(pattern(r"^ironic(?!-neutron)").is_err());
        assert!(pattern(r"(a)\1").is_err());
    }
}
