//! RPM's database.

use super::rpm_header::Header;
use super::{Package, PackageId, PackageKind, sqlite};

/// The directories that releases of RPM keep the database in.
const DIRECTORIES: [&str; 2] = ["var/lib/rpm/", "usr/lib/sysimage/rpm/"];

/// A file of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// A database that can be read.
    Sqlite,
    /// SQLite's log of changes that the database does not have yet.
    Journal,
    /// A format of older or other releases.
    Unsupported,
}

/// Returns the role of a file; `None` for files that are no database.
pub(crate) fn database(path: &str) -> Option<Database> {
    let name = DIRECTORIES
        .iter()
        .find_map(|directory| path.strip_prefix(directory))?;
    match name {
        "rpmdb.sqlite" => Some(Database::Sqlite),
        "rpmdb.sqlite-wal" => Some(Database::Journal),
        "Packages" | "Packages.db" => Some(Database::Unsupported),
        _ => None,
    }
}

/// Returns the packages of a database.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let headers = sqlite::blobs(bytes, "Packages")?;
    headers.iter().map(|header| package(header)).collect()
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
    use super::*;

    #[test]
    fn databases_are_known_by_their_paths() {
        assert_eq!(database("var/lib/rpm/rpmdb.sqlite"), Some(Database::Sqlite));
        assert_eq!(
            database("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
            Some(Database::Journal)
        );
        assert_eq!(
            database("var/lib/rpm/Packages"),
            Some(Database::Unsupported)
        );
        assert_eq!(database("var/lib/rpm/.rpm.lock"), None);
        assert_eq!(database("rpmdb.sqlite"), None);
    }
}
