//! dpkg's database.

use super::{Package, PackageId, PackageKind, field};

/// Returns true for a file of the database: `status`, or one file for each package, as images without
/// dpkg have them.
pub(crate) fn is_database(path: &str) -> bool {
    match path.strip_prefix("var/lib/dpkg/") {
        Some("status") => true,
        Some(rest) => rest
            .strip_prefix("status.d/")
            .is_some_and(|name| !name.contains('/') && !name.ends_with(".md5sums")),
        None => false,
    }
}

/// Returns the installed packages of a database file.
pub(crate) fn parse(text: &str) -> Vec<Package> {
    text.split("\n\n").filter_map(package).collect()
}

fn package(stanza: &str) -> Option<Package> {
    // Files of single packages have no status: all of them are installed.
    let status = field(stanza, "Status");
    let is_installed = status.is_none_or(|status| status.ends_with(" installed"));
    let package = Package {
        id: PackageId {
            kind: PackageKind::Deb,
            name: field(stanza, "Package")?.to_owned(),
            architecture: field(stanza, "Architecture").map(str::to_owned),
            location: None,
        },
        version: field(stanza, "Version")?.to_owned(),
        license: None,
    };
    is_installed.then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_packages_are_left_out() {
        let status = "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2-3\n\
                      Description: first\n Package: no\n\nPackage: b\nStatus: deinstall ok config-files\n\
                      Architecture: all\nVersion: 1\n\n\nPackage: c\nStatus: hold ok installed\nVersion: 4\n";
        let found = parse(status);
        let found: Vec<_> = found
            .iter()
            .map(|p| (p.id.name.as_str(), p.version.as_str()))
            .collect();
        assert_eq!(found, [("a", "1:2-3"), ("c", "4")]);
    }

    #[test]
    fn single_files_of_packages_are_read() {
        assert!(is_database("var/lib/dpkg/status"));
        assert!(is_database("var/lib/dpkg/status.d/base"));
        assert!(!is_database("var/lib/dpkg/status.d/base.md5sums"));
        assert!(!is_database("var/lib/dpkg/status-old"));
        assert_eq!(parse("Package: base\nVersion: 1\n").len(), 1);
    }
}
