//! The environment of the programs that this crate runs.

use tokio::process::Command;

/// Variables that every child gets: enough to find programs, its user's files and its language.
const EVERYWHERE: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TERM",
    "XDG_RUNTIME_DIR",
];

/// Leaves a child these variables, as far as they are set, and those that every child gets. The
/// others, secrets among them, are not its business.
pub(super) fn clear_all_but(command: &mut Command, names: &[&str]) {
    command.env_clear();
    for name in EVERYWHERE.iter().chain(names) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}
