//! Files of environment variables, read by the rules of the docker command's `--env-file`.
//!
//! | line | meaning |
//! |---|---|
//! | `NAME=value` | the variable; the value is everything after the first `=`, as it stands |
//! | `NAME` | the variable of the process that makes the container; nothing where it has none |
//! | empty, or whitespace, or begins with `#` | nothing |
//!
//! Whitespace before a name does not count. A byte order mark at the start of the file does not
//! count. A name with whitespace in it (`export X=1`, `X =1`), a line without a name (`=x`), text
//! that is not UTF-8 and a line of 64 KiB or more are errors.

use super::{Host, SpecError};

/// The docker command cannot read longer lines.
const LONGEST_LINE: usize = 64 * 1024;

/// Files larger than this are rejected before they are read whole.
const LARGEST: u64 = 16 << 20;

/// Reads a file: its settings, `NAME=value`, in order.
///
/// # Errors
/// The file cannot be read, or a line is invalid. The error names the line and never its value.
pub(super) fn read(file: &str, host: &Host) -> Result<Vec<String>, SpecError> {
    let settings = bytes(file).and_then(|bytes| parse(&bytes, host));
    settings.map_err(|reason| SpecError {
        key: slipway_service::Key::EnvFile.name(),
        path: file.into(),
        reason,
    })
}

fn bytes(file: &str) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|why| why.to_string())?;
    match bytes.len() as u64 > LARGEST {
        true => Err(format!("it is larger than {} MiB", LARGEST >> 20)),
        false => Ok(bytes),
    }
}

fn parse(bytes: &[u8], host: &Host) -> Result<Vec<String>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut settings = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let at = |reason: String| format!("line {}: {reason}", index + 1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        settings.extend(setting(line, host).map_err(at)?);
    }
    Ok(settings)
}

/// The setting of one line, where it has one.
fn setting(line: &[u8], host: &Host) -> Result<Option<String>, String> {
    if line.len() >= LONGEST_LINE {
        return Err(format!("longer than {} KiB", LONGEST_LINE >> 10));
    }
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (line, None),
    };
    if name.is_empty() {
        return Err("no variable name before `=`".to_owned());
    }
    if name.contains([' ', '\t']) {
        return Err(match value {
            Some(_) => format!("variable `{name}` has whitespace in its name; write NAME=value"),
            // It may be anything, a password too.
            None => "a variable name with whitespace in it; write NAME=value".to_owned(),
        });
    }
    let value = value.or_else(|| host.variable(name));
    Ok(value.map(|value| format!("{name}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<Vec<String>, String> {
        parse(text, &Host::with(&[("HOME", "/h"), ("EMPTY", "")], None))
    }

    #[test]
    fn lines_are_read_as_docker_reads_them() {
        for (text, expected) in [
            (&b"A=1\nB=2\n"[..], &["A=1", "B=2"][..]),
            (b"A=1", &["A=1"]),
            (b"A=1\r\nB=2\r\n", &["A=1", "B=2"]),
            (b"# note\n\n   \n \t# note\nA=1\n", &["A=1"]),
            (b"  \tA=1\n", &["A=1"]),
            (b"A= spaces stay \n", &["A= spaces stay "]),
            (b"A=1=2 # not a note\n", &["A=1=2 # not a note"]),
            (b"A='1'\nB=\"2\"\n", &["A='1'", "B=\"2\""]),
            (b"A=\n", &["A="]),
            (b"HOME\nUNSET\nEMPTY\n", &["HOME=/h", "EMPTY="]),
            (b"a.b-c=1\n1=2\n", &["a.b-c=1", "1=2"]),
            (b"A=\xc3\xa9\n", &["A=\u{e9}"]),
            (b"\xef\xbb\xbfA=1\nB=2\n", &["A=1", "B=2"]),
            (b"", &[]),
        ] {
            assert_eq!(parsed(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn invalid_lines_are_named() {
        let long = [b"A=1\nB=", vec![b'x'; LONGEST_LINE].as_slice()].concat();
        for (text, expected) in [
            (
                &b"A=1\nexport X=1\n"[..],
                "line 2: variable `export X` has whitespace in its name; write NAME=value",
            ),
            (
                b"A =1\n",
                "line 1: variable `A ` has whitespace in its name; write NAME=value",
            ),
            (
                b"\n\nsome words\n",
                "line 3: a variable name with whitespace in it; write NAME=value",
            ),
            (b"=x\n", "line 1: no variable name before `=`"),
            (b"  =x\n", "line 1: no variable name before `=`"),
            (b"A=1\nB=\xff\n", "line 2: not UTF-8"),
            (&long, "line 2: longer than 64 KiB"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), expected);
        }
    }
}
