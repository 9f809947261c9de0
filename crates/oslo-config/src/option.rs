//! Definitions of options.

/// The kind of value that an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A boolean: `--name` and `--noname` on the command line; true, 1, on, yes and their opposites
    /// in files.
    Bool,
    /// An integer.
    Int {
        /// The least valid value.
        min: Option<i64>,
    },
    /// Strings separated by commas.
    List,
    /// `name:value` pairs separated by commas.
    Dict,
    /// Strings: each time the option is given adds one.
    Multi,
}

/// The effect of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It has its effect in every release of the program.
    Full,
    /// It has its effect only in releases that have the option.
    WhereReleased,
    /// It is accepted and has no effect, for this reason.
    Ignored(&'static str),
    /// It is an error, for this reason.
    Refused(&'static str),
}

/// The major releases of a program that have an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// The first one; any when `None`.
    pub first: Option<u32>,
    /// The last one; no end when `None`.
    pub last: Option<u32>,
}

/// An option of a program.
#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    /// Its name on the command line, without the dashes in front.
    pub name: &'static str,
    /// Its key in files and in the environment, where that is not its name with underscores.
    pub dest: Option<&'static str>,
    /// Its one-letter name.
    pub short: Option<char>,
    /// The kind of its value.
    pub kind: Kind,
    /// Its default; `None` where it has none, or where the program computes it.
    pub default: Option<&'static str>,
    /// A release's own default replaces this one.
    pub has_release_default: bool,
    /// The command line has it, not only files.
    pub on_command_line: bool,
    /// It is an argument of the command line without a name. The values of files count only when
    /// there is no such argument.
    pub is_positional: bool,
    /// The releases of the program that have it.
    pub releases: Releases,
    /// Its effect.
    pub support: Support,
    /// The heading that the help shows it under.
    pub heading: &'static str,
    /// The name of its value in the help, where its kind has no better one.
    pub value_name: Option<&'static str>,
    /// The help.
    pub help: &'static str,
}

impl OptionDef {
    /// Returns its key in files and in the environment.
    pub fn key(&self) -> String {
        match self.dest {
            Some(dest) => dest.to_owned(),
            None => self.name.replace('-', "_"),
        }
    }

    /// Returns whether a struct that options are read into has a field for it.
    pub(super) fn has_field(&self) -> bool {
        match self.support {
            Support::Full | Support::WhereReleased => true,
            Support::Ignored(_) | Support::Refused(_) => false,
        }
    }

    /// Returns whether this is its key in files.
    pub(super) fn has_key(&self, key: &str) -> bool {
        match self.dest {
            Some(dest) => dest == key,
            None => {
                let expected = self.name.bytes().map(|byte| match byte {
                    b'-' => b'_',
                    other => other,
                });
                expected.eq(key.bytes())
            }
        }
    }

    /// Defines an option on the command line and in files.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
        OptionDef {
            name,
            dest: None,
            short: None,
            kind,
            default: None,
            has_release_default: false,
            on_command_line: true,
            is_positional: false,
            releases: Releases {
                first: None,
                last: None,
            },
            support: Support::Full,
            heading: "",
            value_name: None,
            help,
        }
    }

    /// Sets its key in files and in the environment.
    pub const fn dest(mut self, dest: &'static str) -> OptionDef {
        self.dest = Some(dest);
        self
    }

    /// Sets its one-letter name.
    pub const fn short(mut self, short: char) -> OptionDef {
        self.short = Some(short);
        self
    }

    /// Sets its default.
    pub const fn default(mut self, default: &'static str) -> OptionDef {
        self.default = Some(default);
        self
    }

    /// Sets a default that a release's own takes the place of.
    pub const fn release_default(mut self, default: Option<&'static str>) -> OptionDef {
        self.default = default;
        self.has_release_default = true;
        self
    }

    /// Makes it an option of files only.
    pub const fn file_only(mut self) -> OptionDef {
        self.on_command_line = false;
        self
    }

    /// Makes it an argument without a name.
    pub const fn positional(mut self) -> OptionDef {
        self.is_positional = true;
        self
    }

    /// Sets the first release that has it.
    pub const fn since(mut self, first: u32) -> OptionDef {
        self.releases.first = Some(first);
        self
    }

    /// Sets the last release that has it.
    pub const fn until(mut self, last: u32) -> OptionDef {
        self.releases.last = Some(last);
        self
    }

    /// Limits its effect to releases that have it.
    pub const fn where_released(mut self) -> OptionDef {
        self.support = Support::WhereReleased;
        self
    }

    /// Accepts it without an effect.
    pub const fn ignored(mut self, reason: &'static str) -> OptionDef {
        self.support = Support::Ignored(reason);
        self
    }

    /// Refuses it.
    pub const fn refused(mut self, reason: &'static str) -> OptionDef {
        self.support = Support::Refused(reason);
        self
    }

    /// Sets the heading that the help shows it under.
    pub const fn under(mut self, heading: &'static str) -> OptionDef {
        self.heading = heading;
        self
    }

    /// Sets the name of its value in the help.
    pub const fn value(mut self, name: &'static str) -> OptionDef {
        self.value_name = Some(name);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_with_underscores_unless_there_is_a_dest() {
        let plain = OptionDef::new("base-tag", Kind::Text, "");
        assert_eq!(plain.key(), "base_tag");
        assert!(
            plain.has_key("base_tag") && !plain.has_key("base-tag_") && !plain.has_key("base_tak")
        );
        let other = OptionDef::new("type", Kind::Text, "").dest("install_type");
        assert_eq!(other.key(), "install_type");
        assert!(other.has_key("install_type") && !other.has_key("type"));
    }
}
