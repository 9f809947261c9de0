//! RPM's database.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

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

/// Copies of an image's databases, in a directory that the caller keeps as long as they are read.
#[derive(Debug)]
pub(crate) struct Databases {
    copies: PathBuf,
}

impl Databases {
    /// Keeps the copies in a directory.
    pub(crate) fn in_directory(copies: &Path) -> Databases {
        Databases {
            copies: copies.to_owned(),
        }
    }

    /// Copies a file of a database.
    pub(crate) fn add(&self, path: &str, contents: &mut impl Read) -> io::Result<()> {
        let copy = self.copies.join(path);
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
            .map(|path| (self.copies.join(&path), path))
            .filter(|(copy, _)| copy.exists())
            .map(|(copy, path)| (path, packages(&copy)))
            .collect()
    }
}

/// Returns the packages of a database. Together they are no larger than its files, so pages that belong to
/// several rows take no more time than others.
fn packages(copy: &Path) -> Result<Vec<Package>, String> {
    let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |found| found.len());
    let limit = size(copy.to_owned()) + size(copy.with_extension("sqlite-wal"));
    packages_within(copy, limit)
}

fn packages_within(copy: &Path, limit: u64) -> Result<Vec<Package>, String> {
    let mut left = limit;
    let mut packages = Vec::new();
    let mut broken = None;
    each_header(copy, |header| {
        let size = u64::try_from(header.len()).unwrap_or(u64::MAX);
        let read = match (left.checked_sub(size), packages.len() < MAX_PACKAGES) {
            (Some(rest), true) => {
                left = rest;
                package(header).map(|package| packages.push(package))
            }
            (None, _) => Err("its packages are larger than the database".to_owned()),
            (_, false) => Err(format!("it has more than {MAX_PACKAGES} packages")),
        };
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
    if !has_stored_headers(&database)? {
        return Err(rusqlite::Error::InvalidColumnName(
            "Packages.blob".to_owned(),
        ));
    }
    let mut statement = database.prepare("SELECT blob FROM main.Packages NOT INDEXED")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !accept(row.get_ref(0)?.as_blob()?) {
            break;
        }
    }
    Ok(())
}

/// Returns true if the headers are a column of a table: a view, a virtual table and a generated column
/// would compute them, for as long as the image likes.
fn has_stored_headers(database: &Connection) -> rusqlite::Result<bool> {
    const QUERY: &str = "SELECT count(*) FROM main.sqlite_schema AS tables \
                         JOIN pragma_table_xinfo('Packages', 'main') AS columns \
                         WHERE tables.name = 'Packages' AND tables.type = 'table' AND tables.rootpage > 0 \
                         AND columns.name = 'blob' AND columns.hidden = 0";
    database.query_row(QUERY, [], |row| Ok(row.get::<_, i64>(0)? == 1))
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

    /// A database in a directory of its own. Its log stays beside it while the connection is open.
    struct Made {
        _directory: tempfile::TempDir,
        path: PathBuf,
        connection: Connection,
    }

    /// Makes a database by statements, and adds headers.
    fn database(statements: &str, headers: &[Vec<u8>]) -> Made {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rpmdb.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(statements).unwrap();
        for header in headers {
            let insert = "INSERT INTO Packages (blob) VALUES (?)";
            connection.execute(insert, [header]).unwrap();
        }
        Made {
            _directory: directory,
            path,
            connection,
        }
    }

    /// Returns the names of the packages of a database.
    fn names(statements: &str, headers: &[Vec<u8>]) -> Result<Vec<String>, String> {
        let made = database(statements, headers);
        let found = packages(&made.path)?;
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
        for computed in [
            "CREATE TABLE Other (a)",
            "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS \
             (SELECT x'00' UNION ALL SELECT blob FROM n) SELECT blob FROM n",
            "CREATE TABLE Packages (a, blob AS (zeroblob(a))); INSERT INTO Packages VALUES (1)",
            "CREATE VIRTUAL TABLE Packages USING fts5(blob)",
        ] {
            let error = names(computed, &[]).unwrap_err();
            assert_eq!(
                error, "SQLite cannot read it: Invalid column name: Packages.blob",
                "{computed}"
            );
        }
        let error = names(TABLE, &[Vec::new()]).unwrap_err();
        assert_eq!(error, "the header of a package is broken");
    }

    #[test]
    fn headers_larger_than_the_database_are_an_error() {
        let header = header_of("bash", "5");
        let made = database(TABLE, std::slice::from_ref(&header));
        let size = u64::try_from(header.len()).unwrap();
        assert_eq!(packages_within(&made.path, size).unwrap().len(), 1);
        let error = packages_within(&made.path, size - 1).unwrap_err();
        assert_eq!(error, "its packages are larger than the database");
    }

    #[test]
    fn a_broken_database_is_an_error_and_never_a_panic() {
        let headers = [10, 5000, 700].map(|size| header_of("bash", &"x".repeat(size)));
        let made = database(&format!("PRAGMA page_size=512; {TABLE}"), &headers);
        drop(made.connection);
        let path = made.path;
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
