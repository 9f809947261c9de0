//! Values, and how strings become them.

use super::ini::is_space;
use super::option::Kind;

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is set nowhere and has no default.
    None,
    /// A string.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A list of strings.
    List(Vec<String>),
    /// Strings by name, in the order in which they are written.
    Dict(Vec<(String, String)>),
}

impl Value {
    /// Parses a string as a value of a kind. The error names the valid values.
    pub(super) fn parse(text: &str, kind: &Kind) -> Result<Value, String> {
        match kind {
            Kind::Text | Kind::Multi => Ok(Value::Text(text.to_owned())),
            Kind::Choice(choices) if choices.contains(&text) => Ok(Value::Text(text.to_owned())),
            Kind::Choice(choices) => Err(format!("must be one of {}", choices.join(", "))),
            Kind::Bool => match text.to_lowercase().as_str() {
                "true" | "1" | "on" | "yes" => Ok(Value::Bool(true)),
                "false" | "0" | "off" | "no" => Ok(Value::Bool(false)),
                _ => Err("must be true or false".to_owned()),
            },
            Kind::Int { min } => int(text, *min),
            Kind::List => Ok(Value::List(list(text))),
            Kind::Dict => dict(text).map(Value::Dict),
        }
    }

    /// Returns the value as Python prints it, which is what a `$name` that refers to it becomes.
    pub(super) fn printed(&self) -> String {
        match self {
            Value::None => String::new(),
            Value::Text(text) => text.clone(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Dict(pairs) => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| format!("{}: {}", quoted(key), quoted(value)))
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }
}

/// Quotes a string as Python does in a list.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t");
    if text.contains('\'') && !text.contains('"') {
        format!("\"{escaped}\"")
    } else {
        format!("'{}'", escaped.replace('\'', "\\'"))
    }
}

fn int(text: &str, min: Option<i64>) -> Result<Value, String> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Ok(Value::None);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let number = match is_number {
        true => text.replace('_', "").parse::<i64>().ok(),
        false => None,
    };
    match (number, min) {
        (None, _) => Err("must be an integer".to_owned()),
        (Some(number), Some(min)) if number < min => Err(format!("must be {min} or more")),
        (Some(number), _) => Ok(Value::Int(number)),
    }
}

fn list(text: &str) -> Vec<String> {
    let text = text.trim_matches(is_space).trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    let items = text.split(',');
    items
        .map(|item| item.trim_matches(is_space).to_owned())
        .collect()
}

/// Parses `name:value,name:value`. A piece without a colon is part of the next one.
fn dict(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let text = text.trim_matches(is_space);
    let mut pieces = text.split(',');
    while let Some(piece) = pieces.next().filter(|_| !text.is_empty()) {
        let mut pair = piece.to_owned();
        while !pair.contains(':') {
            match pieces.next() {
                Some(more) => pair = format!("{pair},{more}"),
                None => return Err("must be NAME:VALUE pairs with commas between them".to_owned()),
            }
        }
        let (key, value) = pair.split_once(':').unwrap_or_default();
        let (key, value) = (key.trim_matches(is_space), value.trim_matches(is_space));
        if key.is_empty() {
            return Err("has a value without a name".to_owned());
        }
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(format!("names {key} twice"));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_pythons() {
        let int = |text| int(text, Some(0));
        assert_eq!(int(" 1_0 "), Ok(Value::Int(10)));
        assert_eq!(int("+7"), Ok(Value::Int(7)));
        assert_eq!(int(""), Ok(Value::None));
        for bad in ["-1", "1__0", "x", "1.0", "_1", "99999999999999999999"] {
            assert!(int(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_and_dicts_split_at_commas() {
        assert_eq!(list(" a,, b ,, "), ["a", "", "b"]);
        assert_eq!(list("a,b,,"), ["a", "b"]);
        assert_eq!(list(","), Vec::<String>::new());
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            dict("a:1, b:http://x,c"),
            Err("must be NAME:VALUE pairs with commas between them".to_owned())
        );
        assert_eq!(dict("a,b:1:2 "), Ok(vec![pair("a,b", "1:2")]));
        assert_eq!(dict(" "), Ok(vec![]));
        assert!(dict(":1").is_err() && dict("a:1,a:2").is_err());
    }

    #[test]
    fn lists_print_as_in_python() {
        let list = Value::List(vec!["a".to_owned(), "it's".to_owned()]);
        assert_eq!(list.printed(), "['a', \"it's\"]");
    }
}
