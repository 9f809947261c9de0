//! Bounded reading of files that somebody else made.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The size of the largest text file that is read whole: 64 MiB.
pub const MAX_TEXT: u64 = 64 << 20;

/// A file that was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refuses.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It is a directory, a device, a pipe or a socket.
    #[error("{}: cannot be read: it is a {kind}, not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// The kind of the file, such as a device.
        kind: &'static str,
    },
    /// It is larger than its reader allows.
    #[error("{}: larger than {max} bytes, the limit for this kind of file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        max: u64,
    },
    /// It is not UTF-8 text.
    #[error("{}: not UTF-8 text: invalid byte at offset {offset}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The offset of the first invalid byte.
        offset: usize,
    },
}

impl ReadError {
    /// Tells whether the file is missing.
    pub fn is_missing(&self) -> bool {
        matches!(self, ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Returns the reason alone, for an error that names the path itself.
    pub fn into_reason(self) -> io::Error {
        match self {
            ReadError::Io { source, .. } => source,
            ReadError::NotAFile { kind, .. } => {
                let error = match kind {
                    "directory" => io::ErrorKind::IsADirectory,
                    _ => io::ErrorKind::InvalidInput,
                };
                io::Error::new(error, format!("it is a {kind}, not a file"))
            }
            ReadError::TooLarge { max, .. } => too_large(max),
            ReadError::NotText { offset, .. } => io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is not UTF-8 text: invalid byte at offset {offset}"),
            ),
        }
    }
}

/// Reads a whole file of at most `max` bytes.
///
/// Symlinks are followed. A named pipe or a device is refused at once instead of waited for or read
/// without end; `/dev/null` is an empty file. A pipe that the shell opened (`/dev/stdin`,
/// `/dev/fd/63`) is read.
///
/// # Errors
/// See [`ReadError`].
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let Some(file) = open(path)? else {
        return Ok(Vec::new());
    };
    let length = file
        .metadata()
        .map_or(0, |metadata| metadata.len().min(max));
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    (&file)
        .take(max.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(failed)?;
    match content.len() as u64 > max {
        true => Err(ReadError::TooLarge {
            path: path.to_owned(),
            max,
        }),
        false => Ok(content),
    }
}

/// Reads a whole text file of at most `max` bytes, as [`read`] does.
///
/// # Errors
/// See [`ReadError`].
pub fn read_text(path: &Path, max: u64) -> Result<String, ReadError> {
    String::from_utf8(read(path, max)?).map_err(|error| ReadError::NotText {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Reads a text file of at most [`MAX_TEXT`] bytes that a user, an image or another program made. The
/// error does not name the path: its caller does.
///
/// # Errors
/// Those of [`read_text`], as [`ReadError::into_reason`] returns them.
pub fn read_input(path: impl AsRef<Path>) -> io::Result<String> {
    read_text(path.as_ref(), MAX_TEXT).map_err(ReadError::into_reason)
}

/// Reads a file of at most [`MAX_TEXT`] bytes as [`read_input`] does, text or not.
///
/// # Errors
/// Those of [`read`], as [`ReadError::into_reason`] returns them.
pub fn read_input_bytes(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    read(path.as_ref(), MAX_TEXT).map_err(ReadError::into_reason)
}

/// Reads text of at most [`MAX_TEXT`] bytes from a stream, such as standard input.
///
/// # Errors
/// Those of the stream, and `FileTooLarge` when it has more.
pub fn read_stream(input: impl io::Read) -> io::Result<String> {
    let mut text = String::new();
    input
        .take(MAX_TEXT.saturating_add(1))
        .read_to_string(&mut text)?;
    match text.len() as u64 > MAX_TEXT {
        true => Err(too_large(MAX_TEXT)),
        false => Ok(text),
    }
}

fn too_large(max: u64) -> io::Error {
    let message = format!("it is larger than {max} bytes, the limit for this kind of file");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

/// Opens a file that can be read to its end; `None` is `/dev/null`.
fn open(path: &Path) -> Result<Option<File>, ReadError> {
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let is_shells = ["/dev/stdin", "/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|known| path.starts_with(known));
    let flags = match is_shells {
        true => OFlags::NOCTTY,
        // Without it, opening a named pipe waits for somebody who writes to it.
        false => OFlags::NOCTTY | OFlags::NONBLOCK,
    };
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let kind = metadata.file_type();
    let kind = if kind.is_file() || kind.is_fifo() && is_shells {
        return Ok(Some(file));
    } else if kind.is_char_device() && metadata.rdev() == rustix::fs::makedev(1, 3) {
        return Ok(None);
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "named pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    };
    Err(ReadError::NotAFile {
        path: path.to_owned(),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_file_of_the_limit_is_read_and_a_larger_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        let error = read(&path, 3).unwrap_err().to_string();
        assert!(error.ends_with("larger than 3 bytes, the limit for this kind of file"));
    }

    #[test]
    fn devices_and_named_pipes_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let begun = Instant::now();
        for (path, kind) in [
            (Path::new("/dev/zero"), "a device"),
            (&pipe, "a named pipe"),
            (dir.path(), "a directory"),
        ] {
            let error = read(path, MAX_TEXT).unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert_eq!(read(Path::new("/dev/null"), 1).unwrap(), b"");
    }

    #[test]
    fn a_pipe_of_the_shell_is_read_up_to_the_limit() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
        std::thread::spawn(move || {
            // It fails once the reader has seen enough.
            while io::Write::write_all(&mut writer, &[b'x'; 4096]).is_ok() {}
        });
        assert!(matches!(
            read(&path, 100_000),
            Err(ReadError::TooLarge { .. })
        ));
    }

    #[test]
    fn text_is_utf_8() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"ab\xff").unwrap();
        let error = read_text(&path, 10).unwrap_err().to_string();
        assert!(error.ends_with("invalid byte at offset 2"), "{error}");
        assert!(
            read_text(&dir.path().join("no"), 10)
                .unwrap_err()
                .is_missing()
        );
    }
}
