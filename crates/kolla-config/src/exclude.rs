//! The regular expressions of `exclude`.

use regex_lite::{Error, Regex};

/// Compiles a pattern as `re.search` would take it.
///
/// Python's syntax and this one agree, but for look-around and back-references, which a search in
/// linear time cannot have, and for the name of the end of the text.
pub(crate) fn pattern(pattern: &str) -> Result<Regex, Error> {
    Regex::new(&pattern.replace(r"\Z", r"\z"))
}
