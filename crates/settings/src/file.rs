//! Reads one file of settings.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use slipway_yaml::{Data, Node, Position};

use crate::error::{Result, SettingsError};
use crate::setting::{Kind, Setting};
use crate::sources::Source;
use crate::{Origin, Value};

/// Reads a file; `None` if it is missing and may be.
pub(crate) fn read(source: &Source) -> Result<Option<BTreeMap<Setting, Value>>> {
    let path = source.path();
    match (slipway_files::read_input(path), source) {
        (Ok(text), _) => parse(path, &text).map(Some),
        (Err(error), Source::Optional(_)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (Err(source), _) => Err(SettingsError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<Setting, Value>> {
    let invalid = |at: Position, problem: String| SettingsError::File {
        path: path.to_owned(),
        line: at.line,
        column: at.column,
        problem,
    };
    let document = slipway_yaml::read(text)
        .map_err(|error| invalid(error.position().unwrap_or_default(), error.message()))?;
    let entries = match document.data {
        Data::Map(entries) => entries,
        Data::Null => return Ok(BTreeMap::new()),
        _ => {
            return Err(invalid(
                document.at,
                "expected a mapping of settings".to_owned(),
            ));
        }
    };
    let directory = directory(path);
    let mut values = BTreeMap::new();
    for (key, node) in entries {
        let at = node.at;
        let setting = Setting::named(&key).ok_or_else(|| invalid(at, unknown(&key)))?;
        if node.is_null() {
            continue;
        }
        let texts = texts(setting, node, &directory)
            .map_err(|(at, problem)| invalid(at, format!("{key}: {problem}")))?;
        let origin = Origin::File {
            path: path.to_owned(),
            line: at.line,
        };
        values.insert(
            setting,
            Value {
                values: texts,
                origin,
            },
        );
    }
    Ok(values)
}

fn unknown(key: &str) -> String {
    let known = Setting::ALL.iter().map(|setting| setting.name());
    let hint = slipway_suggest::hint(slipway_suggest::nearest(key, known));
    format!("{key}: unknown setting{hint}")
}

/// Returns the directory that the file's relative paths start from.
fn directory(path: &Path) -> std::path::PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.parent().map(Path::to_owned).unwrap_or_default()
}

fn texts(
    setting: Setting,
    node: Node,
    directory: &Path,
) -> std::result::Result<Vec<String>, (Position, String)> {
    let items = match (node.data, setting.kind()) {
        (Data::List(items), Kind::Paths) => items,
        (data, _) => vec![Node { at: node.at, data }],
    };
    let text = |item: Node| {
        let at = item.at;
        let text = match item.data {
            Data::Text(text) => String::from(text),
            Data::Number(number) => number.to_string(),
            Data::Null | Data::Bool(_) | Data::List(_) | Data::Map(_) => {
                return Err((at, format!("expected {}", expected(setting.kind()))));
            }
        };
        setting
            .kind()
            .check(&text)
            .map_err(|problem| (at, problem))?;
        match setting.kind() {
            Kind::Path | Kind::Paths => {
                match directory.join(&text).into_os_string().into_string() {
                    Ok(path) => Ok(path),
                    Err(_) => Err((at, "the file's directory is not UTF-8".to_owned())),
                }
            }
            Kind::Text | Kind::Count => Ok(text),
        }
    };
    items.into_iter().map(text).collect()
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a string",
        Kind::Path => "a path",
        Kind::Paths => "a path or a list of paths",
        Kind::Count => "a number above 0",
    }
}
