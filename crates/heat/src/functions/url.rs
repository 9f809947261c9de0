//! `make_url`.

use serde_json::{Map, Value};

use super::wants;
use crate::error::{Problem, Result};
use crate::expression::Expression;
use slipway_pyvalue as py;

const KEYS: [&str; 8] = [
    "scheme", "username", "password", "host", "port", "path", "query", "fragment",
];

/// Checks the arguments as far as possible before they are known.
pub(super) fn check(argument: &Expression) -> Result<(), Problem> {
    let entries = match argument {
        Expression::Map(entries) => entries,
        Expression::Call(_) | Expression::Invalid(_) => return Ok(()),
        _ => return Err(wants("a map")),
    };
    let mut keys = entries.iter().map(|(key, _)| key.as_str());
    match keys.find(|key| !KEYS.contains(key)) {
        Some(key) => Err(wants(&format!("{}, not {key}", KEYS.join(", ")))),
        None => Ok(()),
    }
}

pub(super) fn make(argument: &Value) -> Result<Value> {
    let map = argument.as_object().ok_or_else(|| wants("a map"))?;
    let text = |key: &str| match map.get(key) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(wants(&format!("a string for {key}"))),
    };
    let scheme = text("scheme")?;
    if scheme.contains(':') {
        return Err(wants("a scheme without a colon").into());
    }
    let mut place = String::new();
    let (username, password) = (text("username")?, text("password")?);
    if !username.is_empty() || !password.is_empty() {
        place.push_str(&quote(username, ""));
        if !password.is_empty() {
            place.push(':');
            place.push_str(&quote(password, ""));
        }
        place.push('@');
    }
    place.push_str(&host(text("host")?));
    if let Some(port) = port(map)? {
        place.push(':');
        place.push_str(&port);
    }
    let path = quote(text("path")?, "/");
    let query = match map.get("query") {
        None => String::new(),
        Some(Value::Object(query)) => encode_query(query),
        Some(_) => return Err(wants("a map for query").into()),
    };
    let fragment = quote(text("fragment")?, "/");
    Ok(Value::String(assemble(
        scheme, &place, &path, &query, &fragment,
    )))
}

fn host(host: &str) -> String {
    let host = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(host);
    let host = quote(host, ":");
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    }
}

fn port(map: &Map<String, Value>) -> Result<Option<String>> {
    let Some(port) = map.get("port") else {
        return Ok(None);
    };
    let number = match port {
        Value::Number(number) => number.as_i64(),
        Value::Bool(number) => Some(i64::from(*number)),
        Value::String(text) => py::number::int(text).and_then(|number| i64::try_from(number).ok()),
        _ => None,
    };
    match number {
        Some(1..=65535) => Ok(Some(py::str(port))),
        _ => Err(wants("a port from 1 to 65535").into()),
    }
}

fn encode_query(query: &Map<String, Value>) -> String {
    let pairs: Vec<_> = query
        .iter()
        .map(|(key, value)| format!("{}={}", quote_plus(key), quote_plus(&py::str(value))))
        .collect();
    pairs.join("&").replace("%2F", "/")
}

fn assemble(scheme: &str, place: &str, path: &str, query: &str, fragment: &str) -> String {
    const WITH_PLACE: &[&str] = &[
        "",
        "ftp",
        "http",
        "gopher",
        "nntp",
        "telnet",
        "imap",
        "wais",
        "file",
        "mms",
        "https",
        "shttp",
        "snews",
        "prospero",
        "rtsp",
        "rtsps",
        "rtspu",
        "rsync",
        "svn",
        "svn+ssh",
        "sftp",
        "nfs",
        "git",
        "git+ssh",
        "ws",
        "wss",
        "itms-services",
    ];
    let mut url = path.to_owned();
    if !place.is_empty()
        || (!scheme.is_empty() && WITH_PLACE.contains(&scheme) && !url.starts_with("//"))
    {
        if !url.is_empty() && !url.starts_with('/') {
            url.insert(0, '/');
        }
        url = format!("//{place}{url}");
    }
    if !scheme.is_empty() {
        url = format!("{scheme}:{url}");
    }
    if !query.is_empty() {
        url = format!("{url}?{query}");
    }
    if !fragment.is_empty() {
        url = format!("{url}#{fragment}");
    }
    url
}

/// Percent-encodes all but letters, digits, `_.-~` and what is `safe`.
fn quote(text: &str, safe: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"_.-~".contains(&byte)
            || safe.as_bytes().contains(&byte)
        {
            quoted.push(char::from(byte));
        } else {
            quoted.push_str(&format!("%{byte:02X}"));
        }
    }
    quoted
}

fn quote_plus(text: &str) -> String {
    quote(text, " ").replace(' ', "+")
}
