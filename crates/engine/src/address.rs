//! Addresses of engines.

use std::path::{Path, PathBuf};

/// An address that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port of a host.
    Tcp {
        /// The host's name or address, without brackets.
        host: String,
        port: u16,
        tls: Option<TlsFiles>,
    },
    /// The docker command of a host that `ssh` reaches.
    Ssh(SshTarget),
}

/// The files that a connection with TLS is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The server's certificate is verified.
    pub(crate) verify: bool,
}

/// A host that `ssh` reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SshTarget {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// The engine's socket there; the docker command's own when `None`.
    pub(crate) socket: Option<String>,
}

impl TlsFiles {
    /// The files by their usual names.
    pub(crate) fn in_directory(directory: &Path, verify: bool) -> TlsFiles {
        TlsFiles {
            ca: directory.join("ca.pem"),
            certificate: directory.join("cert.pem"),
            key: directory.join("key.pem"),
            verify,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp { host, port, .. } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")
            }
            Address::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
            Address::Ssh(target) => write!(f, "ssh://{target}"),
        }
    }
}

impl std::fmt::Display for SshTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

impl Address {
    /// Reads an address. `tls` applies to addresses of TCP.
    pub(crate) fn parse(text: &str, tls: Option<TlsFiles>) -> Result<Address, String> {
        if text.starts_with('/') {
            return Ok(Address::Unix(text.into()));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        match scheme {
            "unix" => Ok(Address::Unix(rest.into())),
            "tcp" | "http" => tcp(text, rest, tls),
            "https" => {
                let system = || TlsFiles::in_directory(Path::new(""), true);
                tcp(text, rest, Some(tls.unwrap_or_else(system)))
            }
            "ssh" => ssh(text, rest).map(Address::Ssh),
            _ => Err(format!(
                "{text}: expected unix:///path, tcp://host[:port] or ssh://[user@]host[:port]"
            )),
        }
    }
}

fn tcp(text: &str, rest: &str, tls: Option<TlsFiles>) -> Result<Address, String> {
    let (host, port) = host_and_port(rest.trim_end_matches('/')).ok_or_else(|| {
        format!("{text}: expected tcp://host[:port], or tcp://[IPv6 address][:port]")
    })?;
    let default = match tls {
        Some(_) => 2376,
        None => 2375,
    };
    Ok(Address::Tcp {
        host,
        port: port.unwrap_or(default),
        tls,
    })
}

fn ssh(text: &str, rest: &str) -> Result<SshTarget, String> {
    let wrong = |why: &str| format!("{text}: {why}; expected ssh://[user@]host[:port][/socket]");
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err("ssh://: a password in the address is not supported; use a key".to_owned());
    }
    if text.contains(['?', '#']) {
        return Err(wrong("it has a query or a fragment"));
    }
    let (host, port) = host_and_port(place).ok_or_else(|| wrong("it names no host"))?;
    // What begins with a dash would be an option of ssh.
    if host.starts_with('-') || user.is_some_and(|user| user.starts_with('-') || user.is_empty()) {
        return Err(wrong("it names no host"));
    }
    Ok(SshTarget {
        user: user.map(str::to_owned),
        host,
        port,
        socket: Some(path.to_owned()).filter(|path| !matches!(path.as_str(), "" | "/")),
    })
}

/// Host and port of `host[:port]` or `[IPv6 address][:port]`.
fn host_and_port(place: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    let is_name = !host.is_empty() && !host.contains(['/', '@', ' ']);
    is_name.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, shown) in [
            ("/run/e.sock", "unix:///run/e.sock"),
            ("unix:///run/e.sock", "unix:///run/e.sock"),
            ("tcp://there", "tcp://there:2375"),
            ("tcp://there:1/", "tcp://there:1"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
            ("tcp://[::1]:99", "tcp://[::1]:99"),
            ("https://there", "tcp://there:2376"),
            ("ssh://there", "ssh://there"),
            ("ssh://me@there:2222", "ssh://me@there:2222"),
            (
                "ssh://me@[fe80::1]:22/run/e.sock",
                "ssh://me@[fe80::1]:22/run/e.sock",
            ),
        ] {
            let address = Address::parse(text, None);
            assert_eq!(
                address.map(|address| address.to_string()),
                Ok(shown.to_owned())
            );
        }
    }

    #[test]
    fn errors_of_addresses_name_the_expected_form() {
        for (text, words) in [
            ("tcp://::1", "[IPv6 address]"),
            ("tcp://there:port", "expected tcp://host[:port]"),
            ("tcp://", "expected tcp://host[:port]"),
            ("npipe:////./pipe", "expected unix:///path"),
            ("ssh://-oProxyCommand=x", "it names no host"),
            ("ssh://there?x=1", "a query"),
        ] {
            let error = Address::parse(text, None).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let error = Address::parse("ssh://me:s3cret@there", None).unwrap_err();
        assert!(
            error.contains("password") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
