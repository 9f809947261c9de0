//! Recognises faults of the network by the messages of programs.
//!
//! A failed instruction fails again, unless the network was the reason. Upstream retries every failed
//! build; Slipway retries only builds whose last output has one of these messages.

/// Messages of apt, dnf, curl, pip, git and Go about transient faults, in lower case.
const TRANSIENT: [&str; 22] = [
    "bad gateway",
    "connection refused",
    "connection reset",
    "connection timed out",
    "could not resolve",
    "could not connect to",
    "couldn't connect to",
    "couldn't resolve",
    "curl error (28)",
    "failed to connect to",
    "gateway time",
    "hash sum mismatch",
    "name resolution",
    "network is unreachable",
    "operation timed out",
    "operation too slow",
    "read timed out",
    "remote end hung up unexpectedly",
    "service unavailable",
    "temporary failure resolving",
    "tls handshake timeout",
    "unable to connect to",
];

/// The first of a failed instruction's last lines that tells of a fault that may pass.
pub(super) fn first<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    lines.find(|line| {
        let line = line.to_lowercase();
        TRANSIENT.iter().any(|words| line.contains(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_the_network_are_recognised() {
        for line in [
            "  Unable to connect to deb.debian.org:http: [IP: 192.0.2.1 80]",
            "  Could not connect to deb.debian.org:80 (192.0.2.1), connection timed out",
            "  Temporary failure resolving 'deb.debian.org'",
            "curl: (6) Could not resolve host: tarballs.example",
            "fatal: the remote end hung up unexpectedly",
            "pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.",
            "E: Failed to fetch http://mirror/a.deb  503  Service Unavailable [IP: 192.0.2.1 80]",
        ] {
            assert_eq!(
                first(["Reading package lists...", line].into_iter()),
                Some(line)
            );
        }
    }

    #[test]
    fn mistakes_stay() {
        let lines = [
            "E: Unable to locate package memcache",
            "E: Failed to fetch http://mirror/a.deb  404  Not Found",
            "/bin/sh: 1: apt-gte: not found",
            "error: could not compile `nova` (lib)",
        ];
        assert_eq!(first(lines.into_iter()), None);
    }
}
