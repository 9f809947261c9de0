//! Free space of file systems.

use std::path::Path;

use rustix::fs::statvfs;

use crate::report::{Check, Status, Subject};

const GIB: u64 = 1 << 30;

/// Below this, a build of images does not end.
const TOO_LITTLE: u64 = GIB;

/// Below this, a deployment of several services may not fit.
const LITTLE: u64 = 5 * GIB;

/// Checks the free space of the file system that has a path, or will have it.
pub(crate) fn check(purpose: &str, path: &Path) -> Check {
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    match statvfs(existing) {
        Ok(system) => judge(
            purpose,
            existing,
            system.f_bavail.saturating_mul(system.f_frsize),
        ),
        Err(error) => Check::warning(
            Subject::FreeSpace,
            format!("{}: {error}", existing.display()),
            "make the directory readable",
        ),
    }
}

fn judge(purpose: &str, path: &Path, free: u64) -> Check {
    let tenths = free / (GIB / 10);
    let found = format!(
        "{}.{} GiB free in {} for {purpose}",
        tenths / 10,
        tenths % 10,
        path.display()
    );
    let status = match free {
        0..TOO_LITTLE => Status::Failed,
        TOO_LITTLE..LITTLE => Status::Warning,
        LITTLE.. => return Check::good(Subject::FreeSpace, found),
    };
    let advice = "free some space: remove unused images (docker image prune, podman image prune)";
    Check::bad(Subject::FreeSpace, status, found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_warns_and_too_little_fails() {
        let of = |free| judge("images", Path::new("/var"), free);
        assert_eq!(of(20 * GIB).found, "20.0 GiB free in /var for images");
        assert_eq!(of(20 * GIB).status, Status::Good);
        assert_eq!(of(3 * GIB).status, Status::Warning);
        assert_eq!(of(GIB / 2).status, Status::Failed);
    }

    #[test]
    fn a_missing_directory_is_judged_by_its_parent() {
        let found = check("x", Path::new("/no-such-directory/below")).found;
        assert!(found.contains(" free in / "), "{found}");
    }
}
