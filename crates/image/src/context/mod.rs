//! An image's build context: the files that the engine gets.

mod directory;
mod dockerignore;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest, Sha256};
use slipway_engine::TarStream;
use tokio::sync::mpsc;

use crate::error::{ImageError, Result};
pub(crate) use dockerignore::{DOCKERIGNORE, Ignored};
use slipway_files::AtPath;

/// The Dockerfile's name in a context.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

/// Bytes that are read from a file, or sent, at once.
const CHUNK: usize = 16 * 1024;

/// Chunks that wait for the engine before packing pauses.
const CHUNKS_AHEAD: usize = 4;

/// A rendered Dockerfile and the files beside it. The files stay on disk until they are sent.
#[derive(Clone, Debug)]
pub struct Context {
    dockerfile: String,
    files: BTreeMap<String, ContextFile>,
    /// Directories that are there even when nothing is in them.
    directories: BTreeSet<String>,
}

/// A file of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextFile {
    path: PathBuf,
    executable: bool,
    size: u64,
    digest: [u8; 32],
    /// The identity of a file whose bytes differ each time that it is made.
    fixed_identity: Option<String>,
}

impl ContextFile {
    fn read(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).at(path)?;
        let (size, digest) = digest(&mut File::open(path).at(path)?).at(path)?;
        let executable = metadata.permissions().mode() & 0o111 != 0;
        Ok(ContextFile {
            path: path.to_owned(),
            executable,
            size,
            digest,
            fixed_identity: None,
        })
    }

    /// Returns the identity of the file: its mode and bytes. A build cannot tell files of the same
    /// identity apart.
    pub(crate) fn identity(&self) -> String {
        if let Some(fixed_identity) = &self.fixed_identity {
            return fixed_identity.clone();
        }
        format!(
            "{}{}",
            if self.executable { "x" } else { "-" },
            hex::encode(self.digest)
        )
    }
}

impl Context {
    /// Collects a context, and reads every file once for its digest.
    pub(crate) fn read<'a>(
        dockerfile: String,
        files: impl Iterator<Item = (&'a str, &'a Path)>,
    ) -> Result<Context> {
        let mut context = Context {
            dockerfile,
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
        };
        for (name, path) in files.filter(|(name, _)| *name != DOCKERFILE) {
            context
                .files
                .insert(name.to_owned(), ContextFile::read(path)?);
        }
        Ok(context)
    }

    /// Adds a file. `fixed_identity` identifies a file whose bytes differ each time that it is made.
    pub(crate) fn add(
        &mut self,
        name: &str,
        path: &Path,
        fixed_identity: Option<String>,
    ) -> Result<()> {
        let file = ContextFile {
            fixed_identity,
            ..ContextFile::read(path)?
        };
        self.files.insert(name.to_owned(), file);
        Ok(())
    }

    /// Adds a directory, which may stay empty.
    pub(crate) fn add_directory(&mut self, name: &str) {
        self.directories.insert(name.to_owned());
    }

    /// Removes the files that a `.dockerignore` excludes. Their directories stay, unless they are
    /// excluded too.
    pub(crate) fn keep_out(&mut self, ignored: &Ignored) {
        let (files, directories) = (&mut self.files, &mut self.directories);
        directories.retain(|name| !ignored.keeps_out(name));
        files.retain(|name, _| {
            let is_kept = !ignored.keeps_out(name);
            if !is_kept {
                let above = |name: &String| Some(name.rsplit_once('/')?.0.to_owned());
                let above = std::iter::successors(above(name), above);
                directories.extend(above.filter(|name| !ignored.keeps_out(name)));
            }
            is_kept
        });
    }

    /// The rendered Dockerfile.
    pub fn dockerfile(&self) -> &str {
        &self.dockerfile
    }

    /// Names of the other files, sorted.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn files(&self) -> &BTreeMap<String, ContextFile> {
        &self.files
    }

    /// The directories that nothing need be in.
    pub(crate) fn directories(&self) -> &BTreeSet<String> {
        &self.directories
    }

    /// True when the context has a file or a directory of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let directory = format!("{name}/");
        self.files.contains_key(name)
            || self.directories.contains(name)
            || self
                .directories
                .range(directory.clone()..)
                .next()
                .is_some_and(|f| f.starts_with(&directory))
            || self
                .files
                .range(directory.clone()..)
                .next()
                .is_some_and(|(f, _)| f.starts_with(&directory))
    }

    /// The context as a tar archive, packed as it is read: names sorted, no times, everything
    /// root's, modes 0644 or 0755. The same context always gives the same bytes. A file that has
    /// changed since its digest was taken breaks the stream: its image would carry a fingerprint
    /// that is not its own.
    pub fn tar(&self) -> TarStream {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let context = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut chunks = ChunkWriter {
                sender,
                buffer: Vec::with_capacity(CHUNK),
            };
            let result = context.pack(&mut chunks).and_then(|()| chunks.flush());
            if let Err(error) = result {
                // The other end is gone only when nobody wants the archive any more.
                let _ = chunks.sender.blocking_send(Err(error));
            }
        });
        Box::pin(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        }))
    }

    fn pack(&self, to: &mut impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(to);
        for name in &self.directories {
            let mut header = header(0, 0o755);
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, name, io::empty())?;
        }
        let mut dockerfile_is_in = false;
        for (name, file) in &self.files {
            if !dockerfile_is_in && name.as_str() > DOCKERFILE {
                self.pack_dockerfile(&mut archive)?;
                dockerfile_is_in = true;
            }
            let mut reader = Checked::open(file)?;
            let mut header = header(file.size, if file.executable { 0o755 } else { 0o644 });
            archive.append_data(&mut header, name, &mut reader)?;
            reader.finish()?;
        }
        if !dockerfile_is_in {
            self.pack_dockerfile(&mut archive)?;
        }
        archive.into_inner()?;
        Ok(())
    }

    fn pack_dockerfile(&self, archive: &mut tar::Builder<impl Write>) -> io::Result<()> {
        let mut header = header(self.dockerfile.len() as u64, 0o644);
        archive.append_data(&mut header, DOCKERFILE, self.dockerfile.as_bytes())
    }
}

/// Adds files that do not come from the tree, where the Dockerfile copies them and the tree does
/// not have them.
pub(crate) fn with_supplied<'a>(
    mut files: BTreeMap<&'a str, &'a Path>,
    copied: &[String],
    supplied: &'a BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<&'a str, &'a Path>, ImageError> {
    let is_copied = |name: &str| {
        let is_below = |directory: &String| {
            let inside = name.strip_prefix(directory.as_str());
            inside.is_some_and(|inside| inside.is_empty() || inside.starts_with('/'))
        };
        copied.iter().any(is_below)
    };
    for (name, path) in supplied {
        if files.contains_key(name.as_str()) || !is_copied(name) {
            continue;
        }
        if !path.is_file() {
            return Err(ImageError::NotSupplied {
                name: name.clone(),
                path: path.clone(),
            });
        }
        files.insert(name, path);
    }
    Ok(files)
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn digest(reader: &mut impl Read) -> io::Result<(u64, [u8; 32])> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hasher.finalize().into()));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

/// A file that must still have the size and digest it had.
struct Checked<'a> {
    expected: &'a ContextFile,
    file: io::Take<File>,
    hasher: Sha256,
}

impl<'a> Checked<'a> {
    fn open(expected: &'a ContextFile) -> io::Result<Self> {
        let file = File::open(&expected.path)?;
        if file.metadata()?.len() != expected.size {
            return Err(changed(&expected.path));
        }
        Ok(Checked {
            expected,
            file: file.take(expected.size),
            hasher: Sha256::new(),
        })
    }

    fn finish(self) -> io::Result<()> {
        let digest: [u8; 32] = self.hasher.finalize().into();
        if digest == self.expected.digest {
            Ok(())
        } else {
            Err(changed(&self.expected.path))
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

fn changed(path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} changed while it was being built; build again",
        path.display()
    ))
}

/// A writer that sends chunks to a channel, and waits while the channel is full.
struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender
            .blocking_send(Ok(Bytes::from(chunk)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::StreamExt;

    use super::*;

    fn context(dir: &Path, files: &[(&str, &[u8], u32)]) -> Context {
        let mut paths = Vec::new();
        for (name, bytes, mode) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            paths.push((*name, path));
        }
        let files = paths.iter().map(|(name, path)| (*name, path.as_path()));
        Context::read("FROM x\n".to_owned(), files).unwrap()
    }

    async fn bytes(context: &Context) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut stream = context.tar();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn the_same_files_give_the_same_archive_anywhere() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let big = vec![7u8; 3 * CHUNK + 5];
        let first = context(
            one.path(),
            &[("z", &big, 0o600), ("a/b", b"1", 0o711), ("E", b"", 0o644)],
        );
        let second = context(
            two.path(),
            &[("E", b"", 0o640), ("a/b", b"1", 0o755), ("z", &big, 0o666)],
        );
        let archive = bytes(&first).await.unwrap();
        assert_eq!(archive, bytes(&second).await.unwrap());

        let mut archive = tar::Archive::new(archive.as_slice());
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let owner = (
                    header.uid().unwrap(),
                    header.gid().unwrap(),
                    header.mtime().unwrap(),
                );
                assert_eq!(owner, (0, 0, 0));
                (
                    entry.path().unwrap().display().to_string(),
                    header.mode().unwrap(),
                    entry.size(),
                )
            })
            .collect();
        let expected = [("Dockerfile", 0o644, 7), ("E", 0o644, 0), ("a/b", 0o755, 1)];
        for (found, expected) in entries.iter().zip(expected) {
            assert_eq!((found.0.as_str(), found.1, found.2), expected);
        }
        assert_eq!(entries[3], ("z".to_owned(), 0o644, big.len() as u64));
    }

    #[tokio::test]
    async fn a_file_changed_meanwhile_breaks_the_archive() {
        for later in [b"2".as_slice(), b"longer"] {
            let dir = tempfile::tempdir().unwrap();
            let context = context(dir.path(), &[("f", b"1", 0o644)]);
            fs::write(dir.path().join("f"), later).unwrap();
            let error = bytes(&context).await.unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("changed while it was being built"),
                "{error}"
            );
        }
    }

    #[test]
    fn directories_stay_where_all_in_them_is_kept_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut context = context(
            dir.path(),
            &[
                ("a/b/c", b"", 0o644),
                ("d/e", b"", 0o644),
                ("f", b"", 0o644),
                (".dockerignore", b"a/b/*\nd\n", 0o644),
            ],
        );
        context.add_directory("d/empty");
        context.keep_out(&Ignored::read(&dir.path().join(".dockerignore")).unwrap());
        assert_eq!(
            context.file_names().collect::<Vec<_>>(),
            [".dockerignore", "f"]
        );
        assert!(context.has("a/b") && !context.has("a/b/c") && !context.has("d"));
    }

    #[test]
    fn directories_count_as_there() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path(), &[("a/b/c", b"1", 0o644), ("a.x", b"", 0o644)]);
        assert!(context.has("a") && context.has("a/b") && context.has("a/b/c"));
        assert!(!context.has("b") && !context.has("a/b/c/d"));
    }

    #[test]
    fn supplied_files_fill_gaps_only() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("binary");
        let supplied = BTreeMap::from([("tool".to_owned(), binary.clone())]);
        let copied = ["tool".to_owned()];
        let own = BTreeMap::from([("tool", Path::new("own"))]);
        assert_eq!(with_supplied(own.clone(), &copied, &supplied).unwrap(), own);
        assert!(
            with_supplied(BTreeMap::new(), &[], &supplied)
                .unwrap()
                .is_empty()
        );
        let error = with_supplied(BTreeMap::new(), &copied, &supplied).unwrap_err();
        assert!(
            error.to_string().contains("run scripts/build first"),
            "{error}"
        );
        fs::write(&binary, "").unwrap();
        let filled = with_supplied(BTreeMap::new(), &copied, &supplied).unwrap();
        assert_eq!(filled, BTreeMap::from([("tool", binary.as_path())]));

        let below = BTreeMap::from([
            ("share/a/b".to_owned(), binary.clone()),
            ("shared".to_owned(), binary.clone()),
        ]);
        let filled = with_supplied(BTreeMap::new(), &["share".to_owned()], &below).unwrap();
        assert_eq!(filled, BTreeMap::from([("share/a/b", binary.as_path())]));
    }
}
