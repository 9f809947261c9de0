//! Reads the contents of an image.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use slipway_archive::{Archive, Kind, Limits, Member, MemberPath};
use slipway_engine::{Engine, ScopedContainer, TarStream};
use slipway_files::ScratchDirectory;
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::file::{FileKind, FileRecord};
use crate::os_release::OsRelease;
use crate::package::rpm::{self, DatabaseFile, Databases};
use crate::package::{Package, deb, pip};

/// The limits of an image's files.
const LIMITS: Limits = Limits {
    total: 256 << 30,
    member: 64 << 30,
    entries: 2_000_000,
    depth: 512,
    path: 4096,
    ratio: u64::MAX,
};

/// The largest package database that is read, in bytes. Large images have 10 MB of dpkg's and 100 MB of RPM's.
const MAX_DATABASE: u64 = 512 << 20;

/// The largest text that lists packages, in bytes.
const MAX_LIST: u64 = 64 << 20;

/// The largest metadata file of a Python distribution, and the largest os-release, in bytes.
const MAX_METADATA: u64 = 4 << 20;

/// The bytes that all names of files and packages may have together: 2 million files of 100 bytes have 200 MB.
const MAX_NAMES: usize = 512 << 20;

/// Chunks of the archive that wait to be read.
const CHUNKS_AHEAD: usize = 4;

/// The files in every container that the engine makes, whatever the image.
const OF_THE_ENGINE: [&str; 1] = [".dockerenv"];

/// The packages and files of an image.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The distribution; empty where the image does not name it.
    pub os: OsRelease,
    /// All packages, sorted.
    pub packages: BTreeSet<Package>,
    /// All files by path, without the first slash.
    pub files: BTreeMap<String, FileRecord>,
    /// Package databases that could not be read, and why.
    pub unread: Vec<String>,
}

impl Contents {
    /// Reads an image of the engine. Nothing of the image runs.
    ///
    /// # Errors
    /// The image is missing, the engine fails, or the image's files are beyond all limits.
    pub async fn read(engine: &Arc<dyn Engine>, image: &str) -> Result<Contents> {
        if engine.find_image(image).await?.is_none() {
            return Err(Error::NoImage(image.to_owned()));
        }
        let container = ScopedContainer::of_image(engine, image).await?;
        let contents = match engine.download(container.id(), "/.").await {
            Ok(stream) => Contents::from_stream(stream).await,
            Err(error) => Err(error.into()),
        };
        container.remove().await?;
        contents
    }

    /// Reads the archive of an image's files as it arrives.
    async fn from_stream(mut stream: TarStream) -> Result<Contents> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        // Not the thread's: that goes on after an interrupt.
        let scratch = scratch()?;
        let databases = Databases::in_directory(scratch.path());
        let reading = tokio::task::spawn_blocking(move || {
            let chunk = Bytes::new();
            Contents::with_names(ChunkReader { receiver, chunk }, databases, MAX_NAMES)
        });
        while let Some(chunk) = stream.next().await {
            // The other end is gone after an error, which it returns.
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
        drop(sender);
        match reading.await {
            Ok(contents) => contents,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Reads the archive of an image's files.
    ///
    /// # Errors
    /// The archive is broken or beyond all limits, or a package database is broken.
    pub fn from_archive(archive: impl Read + 'static) -> Result<Contents> {
        let scratch = scratch()?;
        let databases = Databases::in_directory(scratch.path());
        Contents::with_names(archive, databases, MAX_NAMES)
    }

    /// Reads an archive whose names have at most `limit` bytes together.
    fn with_names(
        archive: impl Read + 'static,
        databases: Databases,
        limit: usize,
    ) -> Result<Contents> {
        let mut reading = Reading {
            contents: Contents::default(),
            databases,
            names: 0,
            limit,
        };
        Archive::stream(archive, &LIMITS).members(|member| reading.add(member))?;
        reading.finish()
    }
}

/// The contents of an image whose archive is being read.
struct Reading {
    contents: Contents,
    databases: Databases,
    /// The bytes of all names of files and packages.
    names: usize,
    /// The most bytes that they may have.
    limit: usize,
}

impl Reading {
    /// Counts the bytes of a name, or of another text that stays in memory.
    fn keep(&mut self, length: usize) -> Result<()> {
        self.names = self.names.saturating_add(length);
        let limit = self.limit;
        (self.names <= limit)
            .then_some(())
            .ok_or(Error::Names { limit })
    }

    fn add_packages(&mut self, packages: impl IntoIterator<Item = Package>) -> Result<()> {
        for package in packages {
            self.keep(package.length())?;
            self.contents.packages.insert(package);
        }
        Ok(())
    }

    fn add_unread(&mut self, reason: String) -> Result<()> {
        self.keep(reason.len())?;
        self.contents.unread.push(reason);
        Ok(())
    }

    /// Reads the databases that need more than one file.
    fn finish(mut self) -> Result<Contents> {
        for (path, packages) in self.databases.packages() {
            let packages = packages.map_err(|reason| Error::Database { path, reason })?;
            self.add_packages(packages)?;
        }
        Ok(self.contents)
    }

    fn add(&mut self, member: &mut Member<'_>) -> Result<()> {
        let path = member.path.to_string();
        if member.path.is_empty() || OF_THE_ENGINE.contains(&path.as_str()) {
            return Ok(());
        }
        self.keep(path.len())?;
        let record = |kind, size, digest| FileRecord {
            kind,
            mode: member.mode,
            owner: member.owner,
            size,
            digest,
        };
        let record = match &member.kind {
            Kind::Directory => record(FileKind::Directory, 0, [0; 32]),
            Kind::Symlink { target } => record(FileKind::Symlink, 0, Sha256::digest(target).into()),
            Kind::Other => record(FileKind::Special, 0, [0; 32]),
            Kind::HardLink { target } => match self.linked(target.as_ref()) {
                Some(linked) => linked,
                None => record(FileKind::File, 0, [0; 32]),
            },
            Kind::File { size } => {
                let size = *size;
                let digest = match Wanted::of(&path) {
                    Some(wanted) => self.add_metadata(&path, wanted, size, member)?,
                    None => digest(member)?,
                };
                FileRecord {
                    kind: FileKind::File,
                    mode: member.mode,
                    owner: member.owner,
                    size,
                    digest,
                }
            }
        };
        self.contents.files.insert(path, record);
        Ok(())
    }

    /// Returns the record of the file that a hard link is a further name of.
    fn linked(&self, target: Option<&MemberPath>) -> Option<FileRecord> {
        self.contents.files.get(&target?.to_string()).cloned()
    }

    /// Reads a file that lists packages or names the distribution. Returns the digest of its contents.
    fn add_metadata(
        &mut self,
        path: &str,
        wanted: Wanted,
        size: u64,
        member: &mut Member<'_>,
    ) -> Result<[u8; 32]> {
        let limit = wanted.limit();
        if size > limit {
            self.add_unread(format!(
                "/{path}: it has {size} bytes; the limit is {limit}"
            ))?;
            return Ok(digest(member)?);
        }
        match wanted {
            Wanted::Rpm(DatabaseFile::Sqlite) => {
                let mut contents = Hashing::new(member);
                self.databases.add(path, &mut contents)?;
                Ok(contents.digest())
            }
            Wanted::Rpm(DatabaseFile::Unsupported) => {
                self.add_unread(format!(
                    "/{path}: only RPM databases in SQLite are read, not Berkeley DB and ndb"
                ))?;
                Ok(digest(member)?)
            }
            Wanted::Text(list) => {
                let mut bytes = Vec::new();
                member.read_to_end(&mut bytes)?;
                self.add_text(path, list, &String::from_utf8_lossy(&bytes))?;
                Ok(Sha256::digest(&bytes).into())
            }
        }
    }

    fn add_text(&mut self, path: &str, list: TextFile, text: &str) -> Result<()> {
        match list {
            TextFile::Deb => self.add_packages(deb::parse(text)),
            TextFile::Pip => {
                let location = pip::location(path).unwrap_or_default();
                self.add_packages(pip::parse(text, location))
            }
            TextFile::OsRelease => {
                self.contents.os = OsRelease::parse(text);
                Ok(())
            }
        }
    }
}

/// A file whose contents matter.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Rpm(DatabaseFile),
    Text(TextFile),
}

/// A text whose contents matter.
#[derive(Clone, Copy, Debug)]
enum TextFile {
    Deb,
    Pip,
    OsRelease,
}

impl Wanted {
    fn of(path: &str) -> Option<Wanted> {
        if deb::is_database(path) {
            return Some(Wanted::Text(TextFile::Deb));
        }
        if let Some(file) = rpm::database_file(path) {
            return Some(Wanted::Rpm(file));
        }
        // The file in /etc is a link to the other, or stands alone.
        match path {
            "etc/os-release" | "usr/lib/os-release" => Some(Wanted::Text(TextFile::OsRelease)),
            path => pip::location(path).map(|_| Wanted::Text(TextFile::Pip)),
        }
    }

    fn limit(self) -> u64 {
        match self {
            Wanted::Rpm(_) => MAX_DATABASE,
            Wanted::Text(TextFile::Deb) => MAX_LIST,
            Wanted::Text(TextFile::Pip | TextFile::OsRelease) => MAX_METADATA,
        }
    }
}

/// Makes a directory for copies of databases.
fn scratch() -> io::Result<ScratchDirectory> {
    ScratchDirectory::new_in(&std::env::temp_dir(), "slipway-contents-")
}

fn digest(reader: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut contents = Hashing::new(reader);
    io::copy(&mut contents, &mut io::sink())?;
    Ok(contents.digest())
}

/// A reader that computes the digest of what it reads.
struct Hashing<R> {
    reader: R,
    hasher: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(reader: R) -> Hashing<R> {
        Hashing {
            reader,
            hasher: Sha256::new(),
        }
    }

    fn digest(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Reads the chunks of a stream in a thread that may wait.
struct ChunkReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::*;

    /// An archive of files and hard links (`-> target`).
    fn archive(files: &[(&str, &str)]) -> Cursor<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, contents) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o640);
            header.set_uid(7);
            match contents.strip_prefix("-> ") {
                Some(target) => {
                    header.set_entry_type(tar::EntryType::Link);
                    header.set_size(0);
                    tar.append_link(&mut header, path, target).unwrap();
                }
                None => {
                    header.set_size(contents.len() as u64);
                    tar.append_data(&mut header, path, contents.as_bytes())
                        .unwrap();
                }
            }
        }
        Cursor::new(tar.into_inner().unwrap())
    }

    #[test]
    fn packages_and_files_are_read() {
        let contents = Contents::from_archive(archive(&[
            ("./.dockerenv", ""),
            ("./usr/lib/os-release", "ID=debian\nVERSION_ID=\"13\"\n"),
            (
                "./var/lib/dpkg/status",
                "Package: a\nStatus: install ok installed\nVersion: 1\n",
            ),
            (
                "./opt/v/lib/b-2.dist-info/METADATA",
                "Name: b\nVersion: 2\n\ntext\n",
            ),
            ("./opt/v/one", "x"),
            ("./opt/v/two", "-> ./opt/v/one"),
        ]))
        .unwrap();
        assert_eq!(
            (contents.os.id.as_str(), contents.os.version.as_str()),
            ("debian", "13")
        );
        let packages: Vec<_> = contents
            .packages
            .iter()
            .map(|p| p.id.name.as_str())
            .collect();
        assert_eq!(packages, ["a", "b"]);
        assert_eq!(contents.files.len(), 5);
        let one = &contents.files["opt/v/one"];
        assert_eq!((one.mode, one.owner, one.size), (0o640, (7, 0), 1));
        assert_eq!(one, &contents.files["opt/v/two"]);
        assert!(contents.unread.is_empty());
    }

    #[test]
    fn names_of_files_and_packages_are_bounded() {
        let status = "Package: bash\nVersion: 1\n";
        let files = [("etc/a", ""), ("var/lib/dpkg/status", status)];
        let length = "etc/a".len() + "var/lib/dpkg/status".len() + "bash1".len();
        let read = |limit| {
            let databases = Databases::in_directory(Path::new("unused"));
            Contents::with_names(archive(&files), databases, limit)
        };
        read(length).unwrap();
        let error = read(length - 1).unwrap_err();
        assert!(matches!(error, Error::Names { .. }), "{error}");
    }

    #[test]
    fn a_database_that_cannot_be_read_is_reported() {
        let contents = Contents::from_archive(archive(&[
            ("var/lib/rpm/Packages", "bdb"),
            // A log without a database has no packages.
            ("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "x"),
        ]))
        .unwrap();
        assert_eq!(contents.unread.len(), 1, "{:?}", contents.unread);
        let text = "x".repeat(600);
        let broken = archive(&[("var/lib/rpm/rpmdb.sqlite", text.as_str())]);
        let error = Contents::from_archive(broken).unwrap_err().to_string();
        assert_eq!(
            error,
            "/var/lib/rpm/rpmdb.sqlite: SQLite cannot read it: file is not a database"
        );
    }
}
