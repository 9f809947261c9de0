//! Random bytes of the system.

use std::fs::File;
use std::io::{self, Read as _};

/// The system's source of random bytes, for messages.
pub const RANDOM_SOURCE: &str = "/dev/urandom";

/// Returns random bytes, fit for keys and passwords.
///
/// # Errors
/// The system has no source of random bytes.
pub fn random_bytes<const COUNT: usize>() -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    File::open(RANDOM_SOURCE)?.read_exact(&mut bytes)?;
    Ok(bytes)
}
