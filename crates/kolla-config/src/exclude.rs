//! The regular expressions of `exclude`.

use regex_lite::{Error, Regex};

/// Compiles a pattern for a search as `re.search` does it.
///
/// Python's syntax differs in look-around and back-references, which a search in linear time cannot
/// have, and in the name of the end of the text.
pub(crate) fn pattern(pattern: &str) -> Result<Regex, Error> {
    Regex::new(&pattern.replace(r"\Z", r"\z"))
}
