//! Python's regular expressions, on a Rust engine.
//!
//! Users of the replaced tools write patterns for Python's `re`: names of images, constraints of
//! Heat parameters, YAQL. [`compile`] translates such a pattern and compiles it with `fancy_regex`,
//! which has look-around and back references, and a limit on backtracking.
//!
//! The translation covers what the two syntaxes read differently: `\Z`, `$` before a newline at the
//! end, a literal `{`, `{,n}`, octal and `\uXXXX` escapes, `\<`, brackets and operators in classes,
//! comments, the flags `a` and `u`. A pattern that Python refuses (an unknown escape, a repeated
//! quantifier, `(?<name>…)`) is refused here as well.
//!
//! ```
//! let ironic = slipway_pyregex::compile("^ironic(?!-neutron)")?;
//! assert!(ironic.is_match("ironic-api")?);
//! assert!(!ironic.is_match("ironic-neutron-agent")?);
//! assert!(slipway_pyregex::compile(r"nova-api\Z")?.is_match("nova-api")?);
//! assert!(slipway_pyregex::compile("*nova*").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two differences remain. `\w` also matches combining marks. A global flag inside a pattern, which
//! Python 3.11 refuses and earlier versions apply to the whole, applies from there on.

mod class;
mod escape;
mod translate;

use std::borrow::Cow;

use fancy_regex::RegexBuilder;

pub use fancy_regex::{Captures, Error as MatchError, Regex};
pub use translate::translate;

/// The steps back after which a match is given up.
const BACKTRACK_LIMIT: usize = 100_000;

/// The bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;

/// The characters of a pattern that an error shows.
const SHOWN: usize = 200;

/// A pattern that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    message: String,
}

impl PatternError {
    fn new(message: impl Into<String>) -> PatternError {
        PatternError {
            message: message.into(),
        }
    }
}

/// Flags of a pattern, as `re.compile` takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `re.IGNORECASE`.
    pub ignore_case: bool,
    /// `re.MULTILINE`.
    pub multi_line: bool,
    /// `re.DOTALL`.
    pub dot_all: bool,
}

impl Flags {
    /// The letters of the flags that are set.
    pub fn letters(self) -> String {
        let letters = [
            (self.ignore_case, 'i'),
            (self.multi_line, 'm'),
            (self.dot_all, 's'),
        ];
        let set = letters.into_iter().filter(|(is_set, _)| *is_set);
        set.map(|(_, letter)| letter).collect()
    }
}

/// Compiles a pattern as `re.compile` reads it.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    compile_with(pattern, Flags::default())
}

/// Compiles a pattern with flags.
pub fn compile_with(pattern: &str, flags: Flags) -> Result<Regex, PatternError> {
    let text = translate(pattern, flags)?;
    RegexBuilder::new(&text)
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| PatternError::new(error.to_string()))
}

/// A pattern as an error shows it: its beginning, where it is long.
pub fn shortened(pattern: &str) -> Cow<'_, str> {
    match pattern.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &pattern[..end])),
        None => Cow::Borrowed(pattern),
    }
}
