//! The options that each section has.

use super::option::{Kind, OptionDef};

/// The name of the section of options that belong to no other.
pub(super) const DEFAULT: &str = "DEFAULT";

/// The options of a program.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The options of section `DEFAULT`.
    pub default: &'static [OptionDef],
    /// The options of any other section, by its name in lower case.
    pub section: fn(&str) -> Section,
}

/// The options of a section.
#[derive(Clone, Copy, Debug)]
pub enum Section {
    /// These.
    Options(&'static [OptionDef]),
    /// Any key is an option of this kind.
    Any(Kind),
}

impl Schema {
    /// The options of a section that have names of their own.
    pub(super) fn options(&self, section: &str) -> &'static [OptionDef] {
        match section {
            DEFAULT => self.default,
            other => match (self.section)(other) {
                Section::Options(options) => options,
                Section::Any(_) => &[],
            },
        }
    }

    /// The option of a key.
    pub(super) fn option(&self, section: &str, key: &str) -> Option<OptionDef> {
        if section != DEFAULT
            && let Section::Any(kind) = (self.section)(section)
        {
            return Some(OptionDef::new("", kind, ""));
        }
        let options = self.options(section).iter();
        options.copied().find(|option| option.has_key(key))
    }
}
