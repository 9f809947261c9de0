//! The value of each option.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use slipway_suggest::nearest;

use super::error::{ConfigError, Place};
use super::files::{ConfigFile, ConfigFiles};
use super::ini::Assignment;
use super::option::{Kind, OptionDef};
use super::schema::{DEFAULT, Schema};
use super::substitute::{Piece, pieces};
use super::value::Value;

/// The depth to which references may lead to references.
const MAX_DEPTH: usize = 32;

/// The bytes that references may fill into one value.
const MAX_FILLED_IN: usize = 1 << 20;

/// The bytes that a reference counts as besides its value.
const REFERENCE_COST: usize = 16;

/// The values of options on the command line, by name, in order. An option of one value has the
/// last.
pub type CommandLine = BTreeMap<String, Vec<String>>;

/// Command line, environment, files and defaults, put together.
#[derive(Clone)]
pub struct Settings {
    schema: Schema,
    command_line: CommandLine,
    environment: BTreeMap<String, String>,
    files: ConfigFiles,
    /// Defaults that the program computes, by section and key.
    defaults: BTreeMap<(String, String), ComputedDefault>,
    /// Keys of section `DEFAULT` that count only on the command line.
    passed_over: BTreeSet<String>,
}

/// A default that the program computes.
#[derive(Clone)]
enum ComputedDefault {
    /// A string, which is parsed as the option's kind.
    Text(String),
    /// The items of a list, which are not parsed: an item may be empty, or contain a comma.
    Items(Vec<String>),
}

/// The values that an option was set to, with their places.
type Assigned = Vec<(String, Place)>;

/// The references that led from the requested value to another.
#[derive(Clone, Copy)]
struct Trail<'a> {
    depth: usize,
    /// Bytes filled in so far, references among them.
    filled_in: &'a Cell<usize>,
}

impl Settings {
    /// Merges the command line, environment variables and files.
    pub fn new(
        schema: Schema,
        command_line: CommandLine,
        environment: BTreeMap<String, String>,
        files: ConfigFiles,
    ) -> Settings {
        Settings {
            schema,
            command_line,
            environment,
            files,
            defaults: BTreeMap::new(),
            passed_over: BTreeSet::new(),
        }
    }

    /// Changes the default of an option.
    pub fn set_default(&mut self, section: &str, key: &str, text: impl Into<String>) {
        self.insert_default(section, key, ComputedDefault::Text(text.into()));
    }

    /// Changes the default of an option whose value is a list. Items stay as they are, empty ones too.
    pub fn set_default_items(&mut self, section: &str, key: &str, items: Vec<String>) {
        self.insert_default(section, key, ComputedDefault::Items(items));
    }

    fn insert_default(&mut self, section: &str, key: &str, default: ComputedDefault) {
        let key = (normal(section), key.to_owned());
        self.defaults.insert(key, default);
    }

    /// Returns the computed default of an option of section `DEFAULT`, if it is a string.
    pub fn default(&self, key: &str) -> Option<&str> {
        let key = (DEFAULT.to_owned(), key.to_owned());
        match self.defaults.get(&key)? {
            ComputedDefault::Text(text) => Some(text),
            ComputedDefault::Items(_) => None,
        }
    }

    /// Returns the place of the last value that files or the environment have for an option of
    /// section `DEFAULT`, passed over or not.
    pub fn place_in_files(&self, key: &str) -> Option<Place> {
        let in_environment = self.in_environment(DEFAULT, key);
        let last = in_environment.or_else(|| self.in_files(DEFAULT, key).into_iter().next_back());
        last.map(|(_, place)| place)
    }

    /// Ignores what files and the environment say of an option of section `DEFAULT`.
    pub fn pass_over(&mut self, key: &str) {
        self.passed_over.insert(key.to_owned());
    }

    /// Returns the files that were read.
    pub fn files(&self) -> &ConfigFiles {
        &self.files
    }

    pub(super) fn schema(&self) -> Schema {
        self.schema
    }

    /// Returns whether an option of section `DEFAULT` is set anywhere; a default does not count.
    pub fn is_set(&self, key: &str) -> bool {
        self.place(DEFAULT, key).is_some()
    }

    /// Returns the value of an option of section `DEFAULT`.
    pub fn get(&self, key: &str) -> Result<Value, ConfigError> {
        self.get_in(DEFAULT, key)
    }

    /// Returns the value of an option of any section.
    pub fn get_in(&self, section: &str, key: &str) -> Result<Value, ConfigError> {
        self.found(section, key)
            .map(|found| found.unwrap_or(Value::None))
    }

    /// Returns the place where an option was set, the last one that counts.
    pub fn place(&self, section: &str, key: &str) -> Option<Place> {
        let option = self.schema.option(section, key)?;
        let assigned = self.assigned(section, key, &option);
        assigned.into_iter().next_back().map(|(_, place)| place)
    }

    /// Returns the sections that files have, besides `DEFAULT`.
    pub fn sections(&self) -> BTreeSet<&str> {
        let files = self.files.files.iter();
        files
            .flat_map(|file| file.sections.iter())
            .map(String::as_str)
            .filter(|section| *section != DEFAULT)
            .collect()
    }

    /// Returns the keys of a section, in files and defaults.
    pub fn keys(&self, section: &str) -> BTreeSet<String> {
        let in_files = self
            .assignments()
            .filter_map(|(name, assignment, _)| (name == section).then(|| assignment.key.clone()));
        let defaults = self.defaults.keys();
        let defaults = defaults
            .filter(|(name, _)| name == section)
            .map(|(_, key)| key.clone());
        in_files.chain(defaults).collect()
    }

    /// Returns what files hold and nothing reads, in order: the sections that are not known, by their
    /// names in lower case, each once, and the keys that no option has. `names` are the sections
    /// that a user may have meant.
    pub fn unknown(&self, is_known: impl Fn(&str) -> bool, names: &[&str]) -> Vec<ConfigError> {
        let mut unknown = Vec::new();
        let mut sections = BTreeSet::new();
        for (section, assignment, place) in self.assignments() {
            if section != DEFAULT && !is_known(&section) {
                if sections.insert(section.clone()) {
                    unknown.push(unknown_section(&section, assignment, place, names));
                }
            } else if self.schema.option(&section, &assignment.key).is_none() {
                unknown.push(self.unknown_key(&section, assignment, place));
            }
        }
        unknown
    }

    fn unknown_key(&self, section: &str, assignment: &Assignment, place: Place) -> ConfigError {
        let key = &assignment.key;
        let options = self.schema.options(section).iter();
        let by_name = options.clone().find(|option| option.name == key);
        let keys: Vec<String> = options.map(OptionDef::key).collect();
        let keys = keys.iter().map(String::as_str);
        let nearest = if let Some(option) = by_name {
            Some(option.key())
        } else if self.schema.option(DEFAULT, key).is_some() {
            Some(format!("{key} in section [{DEFAULT}]"))
        } else {
            nearest(&key.replace('-', "_"), keys).map(str::to_owned)
        };
        ConfigError::UnknownKey {
            place,
            section: assignment.section.clone(),
            key: key.clone(),
            nearest,
        }
    }

    /// Checks that every value of an option is valid, in the sections that are known and on the
    /// command line.
    pub fn check_values(&self, is_known: impl Fn(&str) -> bool) -> Result<(), ConfigError> {
        for (section, assignment, _) in self.assignments() {
            if section == DEFAULT || is_known(&section) {
                self.get_in(&section, &assignment.key)?;
            }
        }
        let options = self.schema.default.iter();
        for option in options.filter(|option| self.command_line.contains_key(option.name)) {
            self.get(&option.key())?;
        }
        Ok(())
    }

    /// Returns the assignments of the files, with their sections' names in lower case and their
    /// places.
    fn assignments(&self) -> impl Iterator<Item = (String, &Assignment, Place)> {
        self.files.files.iter().flat_map(|file| {
            file.assignments.iter().map(|assignment| {
                let place = Place::File {
                    path: file.path.clone(),
                    line: assignment.line,
                };
                (normal(&assignment.section), assignment, place)
            })
        })
    }

    /// Returns the value of an option; `None` when there is no such option.
    fn found(&self, section: &str, key: &str) -> Result<Option<Value>, ConfigError> {
        let trail = Trail {
            depth: 0,
            filled_in: &Cell::new(0),
        };
        self.value(section, key, trail)
    }

    fn value(
        &self,
        section: &str,
        key: &str,
        trail: Trail<'_>,
    ) -> Result<Option<Value>, ConfigError> {
        let section = normal(section);
        let Some(option) = self.schema.option(&section, key) else {
            return Ok(None);
        };
        let mut assigned = self.assigned(&section, key, &option);
        if assigned.is_empty() {
            let place = Place::Default(key.to_owned());
            let default = match self.defaults.get(&(section.clone(), key.to_owned())) {
                Some(ComputedDefault::Items(items)) => {
                    let items = items.iter();
                    let items =
                        items.map(|item| self.substitute(&section, key, item, &place, trail));
                    return Ok(Some(Value::List(items.collect::<Result<_, _>>()?)));
                }
                Some(ComputedDefault::Text(text)) => Some(text.as_str()),
                None => option.default,
            };
            assigned.extend(default.map(|text| (text.to_owned(), place)));
        }
        let mut values = Vec::new();
        for (text, place) in assigned {
            let text = self.substitute(&section, key, &text, &place, trail)?;
            match Value::parse(&text, &option.kind) {
                Ok(value) => values.push(value),
                Err(message) => {
                    return Err(ConfigError::BadValue {
                        place,
                        key: key.to_owned(),
                        value: match option.kind {
                            // Build arguments may be passwords.
                            Kind::Dict => "***".to_owned(),
                            _ => text,
                        },
                        message,
                    });
                }
            }
        }
        Ok(Some(match option.kind {
            Kind::Multi if values.is_empty() => Value::None,
            Kind::Multi => Value::List(values.into_iter().map(|v| v.printed()).collect()),
            _ => values.pop().unwrap_or(Value::None),
        }))
    }

    /// Returns the values that count, in order: one, except for options that take several.
    fn assigned(&self, section: &str, key: &str, option: &OptionDef) -> Assigned {
        let on_command_line = match section {
            DEFAULT => self.on_command_line(option),
            _ => Vec::new(),
        };
        if section == DEFAULT && self.passed_over.contains(key) {
            return match option.kind {
                Kind::Multi => on_command_line,
                _ => on_command_line
                    .into_iter()
                    .next_back()
                    .into_iter()
                    .collect(),
            };
        }
        let in_files = self.in_files(section, key);
        if option.kind == Kind::Multi {
            return match option.is_positional && !on_command_line.is_empty() {
                true => on_command_line,
                false => [in_files, on_command_line].concat(),
            };
        }
        let last = on_command_line
            .into_iter()
            .next_back()
            .or_else(|| self.in_environment(section, key))
            .or_else(|| in_files.into_iter().next_back());
        last.into_iter().collect()
    }

    fn on_command_line(&self, option: &OptionDef) -> Assigned {
        let values = self.command_line.get(option.name).into_iter().flatten();
        let place = || Place::CommandLine(option.name.to_owned());
        values.map(|text| (text.clone(), place())).collect()
    }

    fn in_environment(&self, section: &str, key: &str) -> Option<(String, Place)> {
        let variable = format!("OS_{}__{}", section.to_uppercase(), key.to_uppercase());
        let text = self.environment.get(&variable)?.clone();
        Some((text, Place::Environment(variable)))
    }

    fn in_files(&self, section: &str, key: &str) -> Assigned {
        let in_file = |file: &ConfigFile| -> Assigned {
            let assignments = file.assignments.iter().filter(|assignment| {
                assignment.key == key && is_called(&assignment.section, section)
            });
            let placed = assignments.map(|assignment| {
                let place = Place::File {
                    path: file.path.clone(),
                    line: assignment.line,
                };
                (assignment.value.clone(), place)
            });
            placed.collect()
        };
        self.files.files.iter().flat_map(in_file).collect()
    }

    fn substitute(
        &self,
        section: &str,
        key: &str,
        text: &str,
        place: &Place,
        trail: Trail<'_>,
    ) -> Result<String, ConfigError> {
        let text = text.replace("\\$", "$$");
        let mut result = String::new();
        for piece in pieces(&text) {
            let name = match piece {
                Piece::Text(text) => {
                    result.push_str(text);
                    continue;
                }
                Piece::Reference(name) => name,
            };
            if trail.depth == MAX_DEPTH {
                return Err(ConfigError::CircularReference {
                    place: place.clone(),
                    key: key.to_owned(),
                    name: name.to_owned(),
                });
            }
            let further = Trail {
                depth: trail.depth + 1,
                ..trail
            };
            let found = match name.split_once('.') {
                Some((other, option)) => self.value(other, option, further)?,
                None => match self.value(section, name, further)? {
                    None => self.value(DEFAULT, name, further)?,
                    found => found,
                },
            };
            let Some(value) = found else {
                let options = self.schema.default.iter();
                let keys: Vec<String> = options.map(OptionDef::key).collect();
                return Err(ConfigError::UnknownReference {
                    place: place.clone(),
                    key: key.to_owned(),
                    name: name.to_owned(),
                    nearest: nearest(name, keys.iter().map(String::as_str)).map(str::to_owned),
                });
            };
            let value = value.printed();
            let filled_in = trail.filled_in.get() + REFERENCE_COST + value.len();
            trail.filled_in.set(filled_in);
            if filled_in > MAX_FILLED_IN {
                return Err(ConfigError::Endless {
                    place: place.clone(),
                    key: key.to_owned(),
                });
            }
            result.push_str(&value);
        }
        Ok(result)
    }
}

/// Shows no values: files hold passwords.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options: Vec<&String> = self.command_line.keys().collect();
        f.debug_struct("Settings")
            .field("command_line", &options)
            .field("files", &self.files.paths().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Returns a section's name in lower case, except that of `DEFAULT`.
fn normal(section: &str) -> String {
    match section {
        DEFAULT => DEFAULT.to_owned(),
        other => other.to_lowercase(),
    }
}

/// Returns whether a section, as it is written, is the one of this name in lower case. Called for
/// every assignment and option.
fn is_called(section: &str, name: &str) -> bool {
    match section.is_ascii() && section != DEFAULT && name != DEFAULT {
        true => section.eq_ignore_ascii_case(name),
        false => section == name || normal(section) == name,
    }
}

fn unknown_section(
    section: &str,
    assignment: &Assignment,
    place: Place,
    names: &[&str],
) -> ConfigError {
    let known = names.iter().copied().chain([DEFAULT]);
    ConfigError::UnknownSection {
        place,
        section: assignment.section.clone(),
        nearest: match section.eq_ignore_ascii_case(DEFAULT) {
            true => Some(DEFAULT.to_owned()),
            false => nearest(section, known).map(str::to_owned),
        },
    }
}

#[cfg(test)]
mod tests;
