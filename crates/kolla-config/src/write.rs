//! Writing a config.json where a container will find it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::Config;

/// What [`write()`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There was no such file; now there is.
    Created,
    /// The file said something else before.
    Changed,
    /// The file said the same already and was not touched.
    Unchanged,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Writes `config` to `path`, readable by its owner only.
///
/// Whoever reads `path` finds the old text or the new one, whole. The file's folder is made when
/// it is missing.
pub fn write(path: &Path, config: &Config) -> Result<Written, WriteError> {
    write_private(path, to_nice_json(config).as_bytes())
}

/// Writes `text` to `path` in the same way: whole, readable by its owner only, and not at all
/// where the file says it already.
pub fn write_private(path: &Path, text: &[u8]) -> Result<Written, WriteError> {
    write_with_mode(path, text, 0o600)
}

/// Writes `text` to `path` in the same way, for those whom `mode` allows.
pub fn write_with_mode(path: &Path, text: &[u8], mode: u32) -> Result<Written, WriteError> {
    put(path, text, mode).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

fn put(path: &Path, text: &[u8], mode: u32) -> io::Result<Written> {
    let before = match fs::read(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if before.as_deref() == Some(text) {
        keep_mode(path, mode)?;
        return Ok(Written::Unchanged);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)?;
    // tempfile makes its files with mode 0600.
    let mut beside = tempfile::Builder::new()
        .prefix(".config-")
        .tempfile_in(folder)?;
    beside.write_all(text)?;
    if mode != 0o600 {
        let permissions = Permissions::from_mode(mode);
        beside.as_file().set_permissions(permissions)?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    File::open(folder)?.sync_all()?;
    Ok(if before.is_some() {
        Written::Changed
    } else {
        Written::Created
    })
}

fn keep_mode(path: &Path, mode: u32) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o7777 != mode {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// The text of `config` as Ansible's `to_nice_json` has it: four spaces, sorted keys, ASCII, no
/// newline at the end.
///
/// ```
/// let config: slipway_kolla_config::Config = serde_json::from_str(r#"{"command": "é", "config_files": []}"#)?;
/// assert_eq!(
///     slipway_kolla_config::to_nice_json(&config),
///     "{\n    \"command\": \"\\u00e9\",\n    \"config_files\": []\n}",
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn to_nice_json(config: &Config) -> String {
    // The model has string keys and no numbers: serializing it cannot fail.
    nice_json(serde_json::to_value(config).unwrap_or_default())
}

/// The text of any value in the same form.
pub fn nice_json(mut value: Value) -> String {
    value.sort_all_objects();
    dumps(&value)
}

/// Python's `json.dumps(value, indent=4)`.
pub(crate) fn dumps(value: &Value) -> String {
    let mut text = Vec::new();
    let ascii = Ascii(PrettyFormatter::with_indent(b"    "));
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, ascii);
    let done = value.serialize(&mut serializer);
    debug_assert!(done.is_ok());
    String::from_utf8(text).unwrap_or_default()
}

/// serde_json's pretty form, with every character outside of printable ASCII escaped as Python does.
struct Ascii(PrettyFormatter<'static>);

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                out.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(command: &str) -> Config {
        Config {
            command: command.to_owned(),
            config_files: None,
            directories: None,
            files: None,
            permissions: None,
        }
    }

    #[test]
    fn text_is_what_python_writes() {
        let text =
            r#"{"permissions": [{"path": "/a", "owner": "b", "recurse": true}], "command": "c"}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let expected = concat!(
            "{\n    \"command\": \"c\",\n    \"permissions\": [\n        {\n            \"owner\": \"b\",\n",
            "            \"path\": \"/a\",\n            \"recurse\": true\n        }\n    ]\n}"
        );
        assert_eq!(to_nice_json(&config), expected);
    }

    #[test]
    fn characters_outside_of_printable_ascii_are_escaped() {
        let text = to_nice_json(&config("a\u{7f}ü😀\n\u{1}\"\\/"));
        assert_eq!(
            text,
            "{\n    \"command\": \"a\\u007f\\u00fc\\ud83d\\ude00\\n\\u0001\\\"\\\\/\"\n}"
        );
    }

    #[test]
    fn a_file_is_private_whole_and_touched_only_when_it_changes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("config_files/keystone.json");
        assert_eq!(write(&path, &config("a")).unwrap(), Written::Created);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );

        let before = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(write(&path, &config("a")).unwrap(), Written::Unchanged);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);

        assert_eq!(write(&path, &config("b")).unwrap(), Written::Changed);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "{\n    \"command\": \"b\"\n}"
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_could_read_is_made_private() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.json");
        write(&path, &config("a")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(write(&path, &config("a")).unwrap(), Written::Unchanged);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = write(Path::new("/proc/nothing/a.json"), &config("a")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/proc/nothing/a.json: cannot be written"),
            "{error}"
        );
    }
}
