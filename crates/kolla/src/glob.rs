//! Python's `fnmatch` patterns, which are what a glob's components are.

/// Whether `path` is a glob at all, as Python's `glob.has_magic` decides.
pub(crate) fn has_magic(path: &str) -> bool {
    path.contains(['*', '?', '['])
}
