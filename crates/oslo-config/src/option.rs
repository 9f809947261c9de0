//! What an option is.

/// What kind of value an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// Yes or no: `--name` and `--noname`, or any of true, 1, on, yes and their opposites.
    Bool,
    /// A whole number.
    Int {
        /// The least it may be.
        min: Option<i64>,
    },
    /// Texts with commas between them.
    List,
    /// `name:value` pairs with commas between them.
    Dict,
    /// Any number of texts: the option is repeated.
    Multi,
}

/// An option of a program.
#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    /// Its name on the command line, without dashes in front.
    pub name: &'static str,
    /// Its one-letter name.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// What it is worth when nobody says; `None` where that depends, or where it is nothing.
    pub default: Option<&'static str>,
    /// Whether the command line has it too, not only files.
    pub on_command_line: bool,
    /// Whether it is an argument of the command line without a name. The values of files count
    /// only when there is no such argument.
    pub is_positional: bool,
    /// What it is for.
    pub help: &'static str,
}

impl OptionDef {
    /// Its key in a file.
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Whether this is its key in a file.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.name.len() == key.len() && self.key() == key
    }

    /// An option on the command line and in files.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
        OptionDef {
            name,
            short: None,
            kind,
            default: None,
            on_command_line: true,
            is_positional: false,
            help,
        }
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
}
