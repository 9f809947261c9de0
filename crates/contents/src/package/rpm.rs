//! RPM's database.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use slipway_files::ScratchDirectory;

use super::rpm_header::Header;
use super::{Package, PackageId, PackageKind};

/// The directories that releases of RPM keep the database in.
const DIRECTORIES: [&str; 2] = ["var/lib/rpm", "usr/lib/sysimage/rpm"];

/// The largest header of a package, in bytes. Those of the largest packages have 10 MB.
const MAX_HEADER: i32 = 64 << 20;

/// The most packages of a database.
const MAX_PACKAGES: usize = 200_000;

/// A file of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseFile {
    /// The database, or its log of changes, which SQLite reads together.
    Sqlite,
    /// A format of older or other releases.
    Unsupported,
}

/// Returns the role of a file; `None` for files that are no database.
pub(crate) fn database_file(path: &str) -> Option<DatabaseFile> {
    let (directory, name) = path.rsplit_once('/')?;
    if !DIRECTORIES.contains(&directory) {
        return None;
    }
    match name {
        "rpmdb.sqlite" | "rpmdb.sqlite-wal" => Some(DatabaseFile::Sqlite),
        "Packages" | "Packages.db" => Some(DatabaseFile::Unsupported),
        _ => None,
    }
}

/// Copies of an image's databases.
#[derive(Debug)]
pub(crate) struct Databases {
    copies: ScratchDirectory,
}

impl Databases {
    /// Prepares a private directory for the copies.
    pub(crate) fn new() -> io::Result<Databases> {
        Ok(Databases {
            copies: ScratchDirectory::new_in(&std::env::temp_dir(), "slipway-contents-")?,
        })
    }

    /// Copies a file of a database.
    pub(crate) fn add(&self, path: &str, contents: &mut impl Read) -> io::Result<()> {
        let copy = self.copies.path().join(path);
        if let Some(directory) = copy.parent() {
            std::fs::create_dir_all(directory)?;
        }
        io::copy(contents, &mut File::create_new(copy)?)?;
        Ok(())
    }

    /// Returns the path of each database in the image, and its packages or the reason why there are none.
    pub(crate) fn packages(&self) -> Vec<(String, Result<Vec<Package>, String>)> {
        let databases = DIRECTORIES.map(|directory| format!("{directory}/rpmdb.sqlite"));
        databases
            .into_iter()
            .map(|path| (self.copies.path().join(&path), path))
            .filter(|(copy, _)| copy.exists())
            .map(|(copy, path)| (path, packages(&copy)))
            .collect()
    }
}

/// Returns the packages of a database.
fn packages(copy: &Path) -> Result<Vec<Package>, String> {
    let mut packages = Vec::new();
    let mut broken = None;
    each_header(copy, |header| {
        let read = package(header).and_then(|package| {
            packages.push(package);
            let is_within = packages.len() <= MAX_PACKAGES;
            is_within
                .then_some(())
                .ok_or_else(|| format!("it has more than {MAX_PACKAGES} packages"))
        });
        broken = read.err();
        broken.is_none()
    })
    .map_err(|error| format!("SQLite cannot read it: {error}"))?;
    broken.map_or(Ok(packages), Err)
}

/// Passes on the header of each package until `accept` returns false. The database comes from an image:
/// nothing in its schema runs.
fn each_header(copy: &Path, mut accept: impl FnMut(&[u8]) -> bool) -> rusqlite::Result<()> {
    // SQLite writes to the copy where a log of changes is beside it.
    let database = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    ] {
        database.set_db_config(setting, value)?;
    }
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_HEADER)?;
    let mut statement = database.prepare("SELECT blob FROM main.Packages")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !accept(row.get_ref(0)?.as_blob()?) {
            break;
        }
    }
    Ok(())
}

fn package(header: &[u8]) -> Result<Package, String> {
    const NAME: u32 = 1000;
    const VERSION: u32 = 1001;
    const RELEASE: u32 = 1002;
    const EPOCH: u32 = 1003;
    const LICENSE: u32 = 1014;
    const ARCHITECTURE: u32 = 1022;

    let header = Header::parse(header)?;
    let required = |tag| header.string(tag).ok_or("a package has no name or version");
    let (version, release) = (required(VERSION)?, required(RELEASE)?);
    Ok(Package {
        id: PackageId {
            kind: PackageKind::Rpm,
            name: required(NAME)?,
            architecture: header.string(ARCHITECTURE),
            location: None,
        },
        version: match header.number(EPOCH) {
            Some(epoch) => format!("{epoch}:{version}-{release}"),
            None => format!("{version}-{release}"),
        },
        license: header.string(LICENSE),
    })
}

#[cfg(test)]
mod tests {
    use super::super::rpm_header::tests::header_of;
    use super::*;

    /// Makes a database by statements, and returns the names of its packages.
    fn names(statements: &str, headers: &[Vec<u8>]) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rpmdb.sqlite");
        let database = Connection::open(&path).unwrap();
        database.execute_batch(statements).unwrap();
        for header in headers {
            let insert = "INSERT INTO Packages (blob) VALUES (?)";
            database.execute(insert, [header]).unwrap();
        }
        // The log stays beside the database where the connection is not closed.
        let found = packages(&path)?;
        Ok(found.into_iter().map(|package| package.id.name).collect())
    }

    const TABLE: &str =
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);";

    #[test]
    fn databases_are_known_by_their_paths() {
        let sqlite = Some(DatabaseFile::Sqlite);
        assert_eq!(database_file("var/lib/rpm/rpmdb.sqlite"), sqlite);
        assert_eq!(
            database_file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
            sqlite
        );
        let unsupported = Some(DatabaseFile::Unsupported);
        assert_eq!(database_file("var/lib/rpm/Packages"), unsupported);
        assert_eq!(database_file("var/lib/rpm/.rpm.lock"), None);
        assert_eq!(database_file("var/lib/rpm/x/rpmdb.sqlite"), None);
        assert_eq!(database_file("rpmdb.sqlite"), None);
    }

    #[test]
    fn packages_in_the_log_of_changes_are_read() {
        let log = format!("PRAGMA journal_mode=WAL; {TABLE}");
        for statements in [TABLE, &log] {
            let headers = [
                header_of("bash", "5"),
                header_of("large", &"x".repeat(100_000)),
            ];
            assert_eq!(names(statements, &headers).unwrap(), ["bash", "large"]);
        }
    }

    #[test]
    fn a_database_that_is_no_table_of_headers_is_an_error() {
        let recursion = "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS \
                         (SELECT x'00' UNION ALL SELECT blob FROM n) SELECT blob FROM n";
        let error = names(recursion, &[]).unwrap_err();
        assert!(error.starts_with("SQLite cannot read it: "), "{error}");
        let large = "CREATE TABLE Packages (a, blob AS (zeroblob(100000000))); INSERT INTO Packages VALUES (1)";
        let error = names(large, &[]).unwrap_err();
        assert!(error.contains("too big"), "{error}");
        let error = names(TABLE, &[Vec::new()]).unwrap_err();
        assert_eq!(error, "the header of a package is broken");
        let error = names("CREATE TABLE Other (a)", &[]).unwrap_err();
        assert!(error.contains("no such table"), "{error}");
    }

    #[test]
    fn a_broken_database_is_an_error_and_never_a_panic() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rpmdb.sqlite");
        let database = Connection::open(&path).unwrap();
        database
            .execute_batch(&format!("PRAGMA page_size=512; {TABLE}"))
            .unwrap();
        for size in [10, 5000, 700] {
            let header = header_of("bash", &"x".repeat(size));
            database
                .execute("INSERT INTO Packages (blob) VALUES (?)", [header])
                .unwrap();
        }
        drop(database);
        let bytes = std::fs::read(&path).unwrap();
        let end = |end: usize| bytes[..end].to_vec();
        let flip = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            bytes
        };
        let ends = (0..bytes.len()).step_by(97).map(end);
        for bytes in ends.chain((0..1024).step_by(3).map(flip)) {
            std::fs::write(&path, bytes).unwrap();
            let _ = packages(&path);
        }
    }
}
