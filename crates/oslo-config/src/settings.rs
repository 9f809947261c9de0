//! What each option is worth.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use slipway_suggest::nearest;

use super::error::{ConfigError, Place};
use super::files::ConfigFiles;
use super::option::{Kind, OptionDef};
use super::schema::{DEFAULT, Schema};
use super::substitute::{Piece, pieces};
use super::value::Value;

/// How deep references may lead to references.
const MAX_DEPTH: usize = 32;

/// How many bytes one value may be made of, by way of references.
const MOST_FILLED_IN: usize = 1 << 20;

/// The bytes that a reference counts as, whatever it stands for.
const REFERENCE: usize = 16;

/// What the command line says: option → values, in order. Options that take one value have the
/// last.
pub type CommandLine = BTreeMap<String, Vec<String>>;

/// Command line, environment, files and defaults, put together.
#[derive(Clone)]
pub struct Settings {
    schema: Schema,
    command_line: CommandLine,
    environment: BTreeMap<String, String>,
    files: ConfigFiles,
    /// Defaults that depend on the release or on how the program is called: (section, key) → text.
    defaults: BTreeMap<(String, String), String>,
}

/// Texts an option was given, with where.
type Given = Vec<(String, Place)>;

/// What led from the value that was asked for to another that it refers to.
#[derive(Clone, Copy)]
struct Trail<'a> {
    depth: usize,
    /// Bytes filled in so far, references among them.
    filled_in: &'a Cell<usize>,
}

impl Settings {
    /// From what the command line says, environment variables, and files.
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
        }
    }

    /// Changes the default of an option.
    pub fn set_default(&mut self, section: &str, key: &str, text: impl Into<String>) {
        let key = (normal(section), key.to_owned());
        self.defaults.insert(key, text.into());
    }

    /// The files that were read.
    pub fn files(&self) -> &ConfigFiles {
        &self.files
    }

    /// Whether anybody said what this option is to be; a default does not count.
    pub fn is_given(&self, key: &str) -> bool {
        let option = self.schema.option(DEFAULT, key);
        option.is_some_and(|option| !self.given(DEFAULT, key, &option).is_empty())
    }

    /// What an option of section `DEFAULT` is worth.
    pub fn get(&self, key: &str) -> Result<Value, ConfigError> {
        self.get_in(DEFAULT, key)
    }

    /// What an option of another section is worth.
    pub fn get_in(&self, section: &str, key: &str) -> Result<Value, ConfigError> {
        self.found(section, key)
            .map(|found| found.unwrap_or(Value::None))
    }

    /// The text of an option, if there is one.
    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        })
    }

    /// Whether an option is on.
    pub fn flag(&self, key: &str) -> Result<bool, ConfigError> {
        Ok(self.get(key)? == Value::Bool(true))
    }

    /// The number of an option, if there is one.
    pub fn number(&self, key: &str) -> Result<Option<i64>, ConfigError> {
        Ok(match self.get(key)? {
            Value::Int(number) => Some(number),
            _ => None,
        })
    }

    /// The texts of an option that takes several.
    pub fn list(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        Ok(match self.get(key)? {
            Value::List(items) => items,
            _ => Vec::new(),
        })
    }

    /// The pairs of an option that takes such.
    pub fn pairs(&self, key: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        Ok(match self.get(key)? {
            Value::Dict(pairs) => pairs.into_iter().collect(),
            _ => BTreeMap::new(),
        })
    }

    /// Where an option of a section was given, the last place that counts.
    pub fn place(&self, section: &str, key: &str) -> Option<Place> {
        let option = self.schema.option(section, key)?;
        let given = self.given(section, key, &option);
        given.into_iter().next_back().map(|(_, place)| place)
    }

    /// Every section that a file has, besides `DEFAULT`.
    pub fn sections(&self) -> BTreeSet<&str> {
        let files = self.files.files.iter();
        files
            .flat_map(|file| file.sections.iter())
            .map(String::as_str)
            .filter(|section| *section != DEFAULT)
            .collect()
    }

    /// The keys of a section, in files and defaults.
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

    /// Checks that every section is known, by its name in lower case, that every key is an
    /// option's, and that every value is valid. `names` are the sections that a user may have meant.
    pub fn check(
        &self,
        is_known: impl Fn(&str) -> bool,
        names: &[&str],
    ) -> Result<(), ConfigError> {
        for (section, assignment, place) in self.assignments() {
            if section != DEFAULT && !is_known(&section) {
                let known = names.iter().copied().chain([DEFAULT]);
                return Err(ConfigError::UnknownSection {
                    place,
                    nearest: match section.eq_ignore_ascii_case(DEFAULT) {
                        true => Some(DEFAULT.to_owned()),
                        false => nearest(&section, known).map(str::to_owned),
                    },
                    section: assignment.section.clone(),
                });
            }
            if self.schema.option(&section, &assignment.key).is_none() {
                let key = &assignment.key;
                let options = self.schema.options(&section).iter();
                let keys: Vec<String> = options.map(OptionDef::key).collect();
                let keys = keys.iter().map(String::as_str);
                return Err(ConfigError::UnknownKey {
                    place,
                    section: assignment.section.clone(),
                    key: key.clone(),
                    nearest: match self.schema.option(DEFAULT, key) {
                        Some(_) => Some(format!("{key} in section [{DEFAULT}]")),
                        None => nearest(&key.replace('-', "_"), keys).map(str::to_owned),
                    },
                });
            }
            self.get_in(&section, &assignment.key)?;
        }
        for name in self.command_line.keys() {
            self.get(&name.replace('-', "_"))?;
        }
        Ok(())
    }

    /// Every assignment of every file, with its section's normal name and its place.
    fn assignments(&self) -> impl Iterator<Item = (String, &super::Assignment, Place)> {
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

    /// What an option is worth; `None` when there is no such option.
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
        let mut given = self.given(&section, key, &option);
        if given.is_empty() {
            let default = self.defaults.get(&(section.clone(), key.to_owned()));
            let default = default.map(String::as_str).or(option.default);
            let place = Place::Default(key.to_owned());
            given.extend(default.map(|text| (text.to_owned(), place)));
        }
        let mut values = Vec::new();
        for (text, place) in given {
            let text = self.substitute(&section, key, &text, &place, trail)?;
            match Value::parse(&text, &option.kind) {
                Ok(value) => values.push(value),
                Err(message) => {
                    return Err(ConfigError::BadValue {
                        place,
                        key: key.to_owned(),
                        value: text,
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

    /// The texts that count, in order: one, except for options that take several.
    fn given(&self, section: &str, key: &str, option: &OptionDef) -> Given {
        let on_command_line = self.command_line.get(option.name);
        let on_command_line: Given = on_command_line
            .filter(|_| section == DEFAULT)
            .into_iter()
            .flatten()
            .map(|text| (text.clone(), Place::CommandLine(option.name.to_owned())))
            .collect();
        let in_files = self.files.files.iter().flat_map(|file| {
            let assignments = file.assignments.iter();
            let of_this = assignments.filter(|assignment| {
                assignment.key == key && is_called(&assignment.section, section)
            });
            of_this.map(|assignment| {
                let place = Place::File {
                    path: file.path.clone(),
                    line: assignment.line,
                };
                (assignment.value.clone(), place)
            })
        });
        let in_files: Given = in_files.collect();
        if option.kind == Kind::Multi {
            return match option.is_positional && !on_command_line.is_empty() {
                true => on_command_line,
                false => [in_files, on_command_line].concat(),
            };
        }
        let variable = format!("OS_{}__{}", section.to_uppercase(), key.to_uppercase());
        let in_environment = self.environment.get(&variable);
        let last = on_command_line
            .into_iter()
            .next_back()
            .or_else(|| in_environment.map(|text| (text.clone(), Place::Environment(variable))))
            .or_else(|| in_files.into_iter().next_back());
        last.into_iter().collect()
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
            let filled_in = trail.filled_in.get() + REFERENCE + value.len();
            trail.filled_in.set(filled_in);
            if filled_in > MOST_FILLED_IN {
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

/// A section's name as it counts.
fn normal(section: &str) -> String {
    match section {
        DEFAULT => DEFAULT.to_owned(),
        other => other.to_lowercase(),
    }
}

/// Whether a section, as it is written, is the one of this normal name. Asked of every assignment
/// for every option.
fn is_called(section: &str, name: &str) -> bool {
    match section.is_ascii() && section != DEFAULT && name != DEFAULT {
        true => section.eq_ignore_ascii_case(name),
        false => section == name || normal(section) == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Section, Value};

    const OPTIONS: &[OptionDef] = &[
        OptionDef::new("regex", Kind::Multi, "").positional(),
        OptionDef::new("template-override", Kind::Multi, ""),
        OptionDef::new("tag", Kind::Text, ""),
        OptionDef::new("namespace", Kind::Text, ""),
        OptionDef::new("registry", Kind::Text, ""),
        OptionDef::new("maintainer", Kind::Text, ""),
        OptionDef::new("base-image", Kind::Text, ""),
        OptionDef::new("base-tag", Kind::Text, ""),
        OptionDef::new("tarballs-base", Kind::Text, ""),
        OptionDef::new("threads", Kind::Int { min: Some(1) }, "").default("8"),
        OptionDef::new("retries", Kind::Int { min: Some(0) }, "").default("3"),
    ];
    const SOURCE: &[OptionDef] = &[
        OptionDef::new("type", Kind::Choice(&["local", "git", "url"]), ""),
        OptionDef::new("location", Kind::Text, ""),
        OptionDef::new("version", Kind::Text, ""),
    ];
    const SCHEMA: Schema = Schema {
        default: OPTIONS,
        section: |name| match name {
            "profiles" => Section::Any(Kind::List),
            _ => Section::Options(SOURCE),
        },
    };

    fn settings(
        command_line: &[(&str, &[&str])],
        environment: &[(&str, &str)],
        text: &str,
    ) -> Settings {
        let command_line = command_line
            .iter()
            .map(|(name, values)| {
                let values = values.iter().map(ToString::to_string).collect();
                ((*name).to_owned(), values)
            })
            .collect();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let files = ConfigFiles::from_text("f.conf".as_ref(), text).unwrap();
        Settings::new(SCHEMA, command_line, environment, files)
    }

    fn error(text: &str) -> String {
        let settings = settings(&[], &[], text);
        let known = ["nova-base", "horizon"];
        let checked = settings.check(|section| known.contains(&section), &known);
        checked.unwrap_err().to_string()
    }

    #[test]
    fn command_line_environment_file_default() {
        let text = "[DEFAULT]\ntag = file\nnamespace = file\nthreads = 3\nthreads = 4\n";
        let environment = [("OS_DEFAULT__TAG", "env"), ("OS_DEFAULT__NAMESPACE", "env")];
        let settings = settings(&[("tag", &["one", "two"])], &environment, text);
        assert_eq!(settings.text("tag").unwrap().unwrap(), "two");
        assert_eq!(settings.text("namespace").unwrap().unwrap(), "env");
        assert_eq!(settings.number("threads").unwrap(), Some(4));
        assert_eq!(settings.number("retries").unwrap(), Some(3));
        assert_eq!(
            settings.place(DEFAULT, "threads").unwrap().to_string(),
            "f.conf:5"
        );
    }

    #[test]
    fn repeated_keys_are_all_kept_where_several_count() {
        let text = "[DEFAULT]\ntemplate_override = a\nregex = x\ntemplate_override = b\n";
        let given = settings(&[("template-override", &["c"])], &[], text);
        assert_eq!(given.list("template_override").unwrap(), ["a", "b", "c"]);
        assert_eq!(given.list("regex").unwrap(), ["x"]);
        let named = settings(&[("regex", &["y"])], &[], text);
        assert_eq!(named.list("regex").unwrap(), ["y"]);
    }

    #[test]
    fn references_reach_the_own_section_first() {
        let text = "[DEFAULT]\ntarballs_base = http://t\n[nova-base]\ntype = url\n\
                    location = $tarballs_base/${version}.tgz\nversion = 7\n\
                    [horizon]\nlocation = ${nova-base}$nova$$\n";
        let settings = settings(&[], &[], text);
        assert_eq!(
            settings.get_in("nova-base", "location").unwrap(),
            Value::Text("http://t/7.tgz".to_owned())
        );
        let error = settings.get_in("horizon", "location").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("refers to $nova, which is no option"),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(
            error("[DEFAULT]\nnamespce = x\n"),
            "f.conf:2: unknown option namespce in section [DEFAULT]; did you mean namespace?"
        );
        assert_eq!(
            error("[DEFAULT]\n\nbase-tag = x\n"),
            "f.conf:3: unknown option base-tag in section [DEFAULT]; did you mean base_tag?"
        );
        assert_eq!(
            error("[DEFAULT]\nthreads = many\n"),
            "f.conf:2: threads = \"many\" must be a whole number"
        );
        assert_eq!(
            error("[nova-bas]\ntype = git\n"),
            "f.conf:2: unknown section [nova-bas]; did you mean [nova-base]?"
        );
        assert!(
            error("[DEFAULT]\ntag = $tagg\n")
                .ends_with("did you mean tag?; a dollar sign itself is $$")
        );
        assert!(
            error("[DEFAULT]\ntag = a$namespace\nnamespace = $tag").contains("refers to itself")
        );
        assert!(error("[nova-base]\ntype = zip\n").ends_with("must be one of local, git, url"));
        assert!(
            error("[nova-base]\nthreads = 3\n")
                .ends_with("in section [nova-base]; did you mean threads in section [DEFAULT]?")
        );
        assert!(error("[default]\ntag = x\n").ends_with("did you mean [DEFAULT]?"));
    }

    #[test]
    fn references_that_grow_without_end_are_refused() {
        let keys = ["base_tag", "tag", "namespace", "registry", "maintainer"];
        for leaf in ["", &"x".repeat(1000)] {
            let mut text = format!("[DEFAULT]\nbase_image = {leaf}\n");
            let mut last = "base_image";
            for key in keys {
                text += &format!("{key} = {}\n", format!("${last}").repeat(100));
                last = key;
            }
            assert!(
                error(&text).contains("fills in more than"),
                "{}",
                error(&text)
            );
        }
    }

    #[test]
    fn a_section_may_have_any_key() {
        let settings = settings(&[], &[], "[Profiles]\nmine = a, b\n");
        let mine = settings.get_in("profiles", "mine").unwrap();
        assert_eq!(mine, Value::List(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(
            settings.keys("profiles").into_iter().collect::<Vec<_>>(),
            ["mine"]
        );
    }
}
