//! The values of a container's keys, in the forms in which they are written.
//!
//! Definitions come from YAML, from JSON and from Heat, so a number may arrive as a string and a
//! string as a number; what paunch would have put on the docker command line is what counts.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;
use slipway_pyvalue::truth;

/// A command: its words.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<String>);

impl Command {
    /// The command's words.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Command {
    /// A list of words, or a string that is split at whitespace; quotes mean nothing in it, as
    /// in paunch.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Command, D::Error> {
        let words = match Value::deserialize(deserializer)? {
            Value::String(line) => Ok(line.split_whitespace().map(str::to_owned).collect()),
            Value::Array(items) => items.iter().map(scalar).collect::<Result<_, _>>(),
            other => Err(unexpected("a string or a list of words", &other)),
        };
        words.map(Command).map_err(D::Error::custom)
    }
}

/// An environment variable.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value; when `None`, that of the process that makes the container, if it has one.
    pub value: Option<String>,
}

/// The name in `NAME=value` or `NAME`.
pub(super) fn env_name(text: &str) -> &str {
    text.split_once('=').map_or(text, |(name, _)| name)
}

impl From<&str> for EnvVar {
    fn from(text: &str) -> EnvVar {
        EnvVar {
            name: env_name(text).to_owned(),
            value: text.split_once('=').map(|(_, value)| value.to_owned()),
        }
    }
}

/// One entry of `volumes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeMount {
    /// A host path or a volume's name; a volume without a name when `None`.
    pub source: Option<String>,
    /// Its path inside.
    pub target: String,
    /// `ro`, `z`, `shared`, …
    pub options: Vec<String>,
}

impl FromStr for VolumeMount {
    type Err = String;

    fn from_str(text: &str) -> Result<VolumeMount, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts[..] {
            [target] => (None, target, ""),
            [source, target] => (Some(source), target, ""),
            [source, target, options] => (Some(source), target, options),
            _ => return Err(format!("`{text}`: expected source:target[:options]")),
        };
        if !target.starts_with('/') {
            return Err(format!("`{text}`: the path inside must be absolute"));
        }
        if let Some(source) = source {
            let is_name = !source.is_empty() && !source.contains('/');
            if !is_name && !source.starts_with('/') {
                return Err(format!(
                    "`{text}`: the source must be an absolute path or a volume's name"
                ));
            }
        }
        Ok(VolumeMount {
            source: source.map(str::to_owned),
            target: target.to_owned(),
            options: options
                .split(',')
                .filter(|o| !o.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

impl std::fmt::Display for VolumeMount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        f.write_str(&self.target)?;
        match self.options.is_empty() {
            true => Ok(()),
            false => write!(f, ":{}", self.options.join(",")),
        }
    }
}

/// The restart policy of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Never.
    No,
    /// Whenever it stops.
    Always,
    /// Whenever it stops, unless somebody stopped it.
    UnlessStopped,
    /// After a non-zero exit, at most this often (no limit when `None`).
    OnFailure(Option<u32>),
}

impl FromStr for RestartPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<RestartPolicy, String> {
        match text {
            "no" => Ok(RestartPolicy::No),
            "always" => Ok(RestartPolicy::Always),
            "unless-stopped" => Ok(RestartPolicy::UnlessStopped),
            "on-failure" => Ok(RestartPolicy::OnFailure(None)),
            other => {
                let times = other.strip_prefix("on-failure:");
                let times = times.and_then(|times| times.parse().ok());
                let policy = times.map(|times| RestartPolicy::OnFailure(Some(times)));
                policy.ok_or_else(|| {
                    format!("`{text}`: expected no, always, unless-stopped or on-failure[:times]")
                })
            }
        }
    }
}

impl std::fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RestartPolicy::No => f.write_str("no"),
            RestartPolicy::Always => f.write_str("always"),
            RestartPolicy::UnlessStopped => f.write_str("unless-stopped"),
            RestartPolicy::OnFailure(None) => f.write_str("on-failure"),
            RestartPolicy::OnFailure(Some(times)) => write!(f, "on-failure:{times}"),
        }
    }
}

/// One entry of `ulimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ulimit {
    /// `nofile`, `nproc`, …
    pub name: String,
    /// Soft limit.
    pub soft: i64,
    /// Hard limit.
    pub hard: i64,
}

impl FromStr for Ulimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Ulimit, String> {
        let wrong = || format!("`{text}`: expected name=soft[:hard], such as nofile=1024");
        let (name, limits) = text.split_once('=').ok_or_else(wrong)?;
        let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
        let limit = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        Ulimit::new(name.to_owned(), limit(soft)?, limit(hard)?)
    }
}

impl Ulimit {
    pub(super) fn new(name: String, soft: i64, hard: i64) -> Result<Ulimit, String> {
        if hard != -1 && (soft > hard || soft == -1) {
            return Err(format!(
                "`{name}={soft}:{hard}`: the soft limit is above the hard one"
            ));
        }
        Ok(Ulimit { name, soft, hard })
    }
}

/// The text of a single value, as Python writes it: paunch put it on a command line.
pub(super) fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        other => Err(unexpected("a string or a number", other)),
    }
}

/// Names the kind of a wrong value, not the value: it may be a password.
pub(super) fn unexpected(wanted: &str, found: &Value) -> String {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    format!("expected {wanted}, found {kind}")
}

pub(super) fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(None),
        value => {
            let text = scalar(&value).map_err(D::Error::custom)?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
    }
}

/// serde would take a list for a mapping's values in their order.
pub(super) fn mapping<'de, D, T>(d: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    match Value::deserialize(d)? {
        Value::Null => Ok(None),
        map @ Value::Object(_) => serde_json::from_value(map)
            .map(Some)
            .map_err(D::Error::custom),
        other => Err(D::Error::custom(unexpected("a mapping", &other))),
    }
}

/// Returns `true` when a string contains NUL: engines cut such a string off, or refuse everything
/// around it.
pub(super) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(super) fn maybe<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Value::String(text) if text.is_empty() => Ok(None),
        other => Err(D::Error::custom(unexpected("true or false", &other))),
    }
}

pub(super) fn no_unless_true<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(maybe(d)?.unwrap_or_default())
}

pub(super) fn integer<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = text(d)? else {
        return Ok(None);
    };
    let number = text.trim().parse();
    number
        .map(Some)
        .map_err(|_| D::Error::custom("expected a whole number"))
}

/// A whole number in any form in which YAML, JSON and Heat write it: `1`, `"1"`, `1.0`.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
            (number.abs() < 2_f64.powi(53)).then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn not_whole(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("expected a whole number, found {number}"),
        other => unexpected("a whole number", other),
    }
}

pub(super) fn whole_number<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(0),
        value => whole(&value).ok_or_else(|| D::Error::custom(not_whole(&value))),
    }
}

pub(super) fn exit_codes<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<i64>, D::Error> {
    let codes = match Value::deserialize(d)? {
        Value::Null => return Ok(Vec::new()),
        Value::Array(codes) => codes,
        other => return Err(D::Error::custom(unexpected("a list of exit codes", &other))),
    };
    let codes = codes.iter();
    codes
        .map(|code| whole(code).ok_or_else(|| D::Error::custom(not_whole(code))))
        .collect()
}

/// Items that conditions left empty do not count.
fn present(items: &[Value]) -> Result<Vec<String>, String> {
    let items = items.iter().filter(|item| truth(*item));
    items.map(scalar).collect()
}

pub(super) fn list<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => present(&items).map_err(D::Error::custom),
        other => Err(D::Error::custom(unexpected("a list", &other))),
    }
}

pub(super) fn one_or_many<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let items = match Value::deserialize(d)? {
        Value::Array(items) => items,
        single => vec![single],
    };
    present(&items).map_err(D::Error::custom)
}

pub(super) fn parsed_list<'de, D, T>(d: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    let items = list(d)?.into_iter();
    items
        .map(|item| item.parse().map_err(D::Error::custom))
        .collect()
}

/// A list of `NAME=value`, or a mapping, which goes by the order of its names. A value that
/// Python takes for false passes the caller's own value on, as it does with paunch.
pub(super) fn environment<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<EnvVar>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => {
            let items = present(&items).map_err(D::Error::custom)?;
            let variables = items.iter().map(|item| EnvVar::from(item.as_str()));
            let variables: Vec<EnvVar> = variables.collect();
            match variables.iter().any(|variable| variable.name.is_empty()) {
                true => Err(D::Error::custom(
                    "a variable has no name: expected NAME=value or NAME",
                )),
                false => Ok(variables),
            }
        }
        Value::Object(map) => {
            let mut variables = Vec::new();
            for (name, value) in map.iter().filter(|(name, _)| !name.is_empty()) {
                let value = match truth(value) {
                    false => None,
                    true => {
                        Some(scalar(value).map_err(|e| D::Error::custom(format!("{name}: {e}")))?)
                    }
                };
                variables.push(EnvVar {
                    name: name.clone(),
                    value,
                });
            }
            variables.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(variables)
        }
        other => Err(D::Error::custom(unexpected("a list or a mapping", &other))),
    }
}

pub(super) fn restart<'de, D: Deserializer<'de>>(d: D) -> Result<Option<RestartPolicy>, D::Error> {
    match Value::deserialize(d)? {
        // An unquoted `no` of YAML 1.1.
        Value::Bool(false) => Ok(Some(RestartPolicy::No)),
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(D::Error::custom),
        other => Err(D::Error::custom(unexpected("a restart policy", &other))),
    }
}

pub(super) fn health_test<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items
            .iter()
            .map(scalar)
            .collect::<Result<_, _>>()
            .map_err(D::Error::custom),
        single => {
            let script = scalar(&single).map_err(D::Error::custom)?;
            Ok(vec!["CMD-SHELL".to_owned(), script])
        }
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let Some(text) = text(d)? else {
        return Ok(None);
    };
    parse_duration(&text).map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "`{text}`: expected a time such as 90, 30s or 1m30s"
        ))
    })
}

/// Seconds, or numbers with units one after another.
fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end = rest[end..]
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .map_or(rest.len(), |more| end + more);
        seconds += number
            * match &rest[end..unit_end] {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn size<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = text(d)? else {
        return Ok(None);
    };
    parse_size(&text).map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "`{text}`: expected bytes, or a size such as 512m or 2g"
        ))
    })
}

/// Bytes, with docker's units: powers of 1024, one letter, in either case, with or without `b`.
fn parse_size(text: &str) -> Option<i64> {
    if let Ok(bytes) = text.parse::<i64>() {
        return (bytes >= -1).then_some(bytes);
    }
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = lower[digits.len()..]
        .trim_end_matches('b')
        .trim_end_matches('i');
    let number: f64 = digits.trim_end().parse().ok().filter(|n| *n >= 0.0)?;
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    let bytes = number * 1024_f64.powi(power);
    // All whole numbers up to here are numbers of either kind.
    (bytes < 2_f64.powi(63)).then_some(bytes as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let millis = |text| parse_duration(text).map(|d| d.as_millis());
        assert_eq!(millis("90"), Some(90_000));
        assert_eq!(millis("1h2m3s"), Some(3_723_000));
        assert_eq!(millis("1.5s250ms"), Some(1_750));
        for wrong in ["-1", "soon", "5 s", "1x", "s"] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("1048576"), Some(1_048_576));
        assert_eq!(parse_size("512m"), Some(536_870_912));
        assert_eq!(parse_size("1.5GiB"), Some(1_610_612_736));
        assert_eq!(parse_size("10kb"), Some(10_240));
        assert_eq!(parse_size("-1"), Some(-1));
        for wrong in [
            "-2",
            "much",
            "1x",
            "-1m",
            "1e30",
            "9999999999g",
            "NaN",
            "inf",
        ] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }
}
