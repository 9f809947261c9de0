//! Addresses of repositories, and the credentials in them.

/// An address, apart from its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The address as git is given it.
    pub location: String,
    pub credentials: Option<Credentials>,
}

/// Credentials, percent-encoded as the address has them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// Scheme, host and port: `https://host:8443`.
    pub server: String,
    pub user: String,
    pub password: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// Separates the credentials from an address. Those of HTTP are for git's credential protocol; an
    /// ssh address keeps its user, and git's own protocol has none.
    pub(crate) fn parse(address: &str) -> Address {
        let whole = || Address {
            location: address.to_owned(),
            credentials: None,
        };
        let Some((scheme, rest)) = address.split_once("://") else {
            return whole();
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let Some((user_info, host)) = authority.rsplit_once('@') else {
            return whole();
        };
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (user_info, None),
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => Address {
                location: format!("{scheme}://{host}{path}"),
                credentials: Some(Credentials {
                    server: format!("{scheme}://{host}"),
                    user: user.to_owned(),
                    password,
                }),
            },
            "git" => Address {
                location: format!("{scheme}://{host}{path}"),
                credentials: None,
            },
            _ => Address {
                location: format!("{scheme}://{user}@{host}{path}"),
                credentials: None,
            },
        }
    }

    /// The protocols that git may speak to fetch from here. A mirror that the user's own
    /// configuration names (`url.….insteadOf`) may be of a kind that is as safe.
    pub(crate) fn protocols(&self) -> &'static str {
        let is_https = self
            .location
            .get(..8)
            .is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        if is_https {
            "https:ssh:file"
        } else {
            "https:ssh:file:http:git"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_addresses() {
        let parse = |address| {
            let Address {
                location,
                credentials,
            } = Address::parse(address);
            let credentials = credentials.map(|found| (found.server, found.user, found.password));
            (location, credentials)
        };
        let with = |server: &str, user: &str, password: Option<&str>| {
            Some((
                server.to_owned(),
                user.to_owned(),
                password.map(str::to_owned),
            ))
        };
        assert_eq!(
            parse("https://u:p@host:1/a@b"),
            (
                "https://host:1/a@b".to_owned(),
                with("https://host:1", "u", Some("p"))
            )
        );
        assert_eq!(
            parse("HTTP://token@host"),
            ("HTTP://host".to_owned(), with("HTTP://host", "token", None))
        );
        assert_eq!(
            parse("https://u:p:q@h").1,
            with("https://h", "u", Some("p:q"))
        );
        for plain in [
            "https://host/a@b",
            "git@host:a/b",
            "/a/b",
            "ssh://git@host/a",
        ] {
            assert_eq!(parse(plain), (plain.to_owned(), None));
        }
        assert_eq!(
            parse("ssh://u:p@host/a"),
            ("ssh://u@host/a".to_owned(), None)
        );
        assert_eq!(parse("git://u:p@host/a"), ("git://host/a".to_owned(), None));
        assert!(!format!("{:?}", Address::parse("https://u:secret@h")).contains("secret"));
    }
}
