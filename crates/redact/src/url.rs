//! Finds the credentials in URLs.

use std::ops::Range;

use crate::MASK;
use crate::keys::names_secret;

/// Returns the text with `***` in place of the credentials of each URL in it.
pub(crate) fn mask(mut text: String) -> String {
    if !text.contains("://") && !text.contains('@') {
        return text;
    }
    for range in in_prose(&text).into_iter().rev() {
        text.replace_range(range, MASK);
    }
    text
}

/// Returns the credentials in a value that is a URL, a list of URLs, or a list
/// `user:password@host,…` without a scheme.
///
/// Where a password holds characters that it should have encoded, more than one reading of the URL
/// is possible: each one's password is returned.
pub(crate) fn credentials_of_value(value: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for url in urls(value, |_| false) {
        found.extend(url.credentials().into_iter().map(|range| &value[range]));
        found.extend(url.longest_password().map(|range| &value[range]));
    }
    if !value.contains("://") {
        let hosts = logins_without_scheme(value, 0..value.len());
        found.extend(hosts.into_iter().map(|range| &value[range]));
    }
    found.retain(|credential| !credential.is_empty());
    found
}

/// Returns the places of credentials in running text, in order.
fn in_prose(text: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`');
    let mut found: Vec<Range<usize>> = urls(text, ends).iter().flat_map(Url::credentials).collect();
    let mut start = 0;
    for word in text.split(ends) {
        let range = start..start + word.len();
        // A single `a:b@c` in running text may be anything.
        if word.contains(',') && !word.contains("://") {
            found.extend(logins_without_scheme(text, range.clone()));
        }
        start = range.end + text[range.end..].chars().next().map_or(0, char::len_utf8);
    }
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| (range.start, range.end));
    found.dedup_by(|next, kept| next.start < kept.end);
    found
}

/// A URL inside of a text.
struct Url<'a> {
    text: &'a str,
    is_web: bool,
    /// Everything behind `://`.
    rest: Range<usize>,
}

/// Finds the URLs of a text. One reaches to the next one's scheme, or to a character that `ends` it.
fn urls(text: &str, ends: impl Fn(char) -> bool) -> Vec<Url<'_>> {
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let schemes: Vec<Range<usize>> = text
        .match_indices("://")
        .filter_map(|(colon, _)| {
            let start = text[..colon].rfind(|c| !in_scheme(c)).map_or(0, |at| {
                at + text[at..].chars().next().map_or(0, char::len_utf8)
            });
            (start < colon).then_some(start..colon)
        })
        .collect();
    schemes
        .iter()
        .enumerate()
        .map(|(index, scheme)| {
            let start = scheme.end + "://".len();
            let next = schemes.get(index + 1).map_or(text.len(), |next| next.start);
            let end = next.max(start);
            let end = text[start..end].find(&ends).map_or(end, |at| start + at);
            Url {
                text,
                is_web: matches!(&text[scheme.clone()], "http" | "https"),
                rest: start..end,
            }
        })
        .collect()
}

impl Url<'_> {
    /// Returns the places of the credentials.
    fn credentials(&self) -> Vec<Range<usize>> {
        let authority = self.authority();
        let mut found = Vec::new();
        for login in logins(self.text, authority.clone()) {
            match self.text[login.clone()].find(':') {
                Some(colon) => {
                    let user = login.start..login.start + colon;
                    if self.is_web && looks_like_token(&self.text[user.clone()]) {
                        found.push(user);
                    }
                    found.push(login.start + colon + 1..login.end);
                }
                // A user without a password is nobody's secret, unless it is an access token.
                None if self.is_web => found.push(login),
                None => {}
            }
        }
        found.extend(self.parameters(authority.end));
        found
    }

    /// Returns the place of users, passwords, hosts and ports.
    fn authority(&self) -> Range<usize> {
        let rest = &self.text[self.rest.clone()];
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        // A password that was not encoded may hold the very characters that end an authority.
        let end = match rest.rfind('@') {
            Some(at) if at > end && !rest[..end].contains('@') && !is_host(&rest[..end]) => {
                let host = &rest[at..];
                at + host.find(['/', '?', '#']).unwrap_or(host.len())
            }
            _ => end,
        };
        self.rest.start..self.rest.start + end
    }

    /// Returns the place of the password where all but the last `@` belong to it.
    fn longest_password(&self) -> Option<Range<usize>> {
        let rest = &self.text[self.rest.clone()];
        let colon = rest.find(':')?;
        let at = rest.rfind('@')?;
        let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let is_login = colon < at && rest[..authority].contains('@');
        let start = self.rest.start;
        is_login.then(|| start + colon + 1..start + at)
    }

    /// Returns the places of the values of secret query parameters.
    fn parameters(&self, from: usize) -> Vec<Range<usize>> {
        let Some(question) = self.text[from..self.rest.end].find('?') else {
            return Vec::new();
        };
        let mut start = from + question + 1;
        let mut found = Vec::new();
        for parameter in self.text[start..self.rest.end].split(['&', ';', '#']) {
            if let Some((key, value)) = parameter.split_once('=')
                && is_secret_parameter(key)
            {
                let value_start = start + key.len() + 1;
                found.push(value_start..value_start + value.len());
            }
            start += parameter.len() + 1;
        }
        found
    }
}

fn is_secret_parameter(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    names_secret(&key) || key == "sig" || key.ends_with("signature")
}

/// Tells whether an authority without `@` is a host, with or without a port.
fn is_host(authority: &str) -> bool {
    authority.starts_with('[')
        || match authority.split_once(':') {
            Some((_, port)) => port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()),
            None => true,
        }
}

/// Tells whether a user's name is an access token in its place.
fn looks_like_token(user: &str) -> bool {
    user.len() >= 20
        && user
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Returns the places of the logins (`user:password` or `user`) in a list of hosts.
fn logins(text: &str, hosts: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = hosts.start;
    let mut piece_start = hosts.start;
    for piece in text[hosts].split(',') {
        let end = piece_start + piece.len();
        match text[start..end].rfind('@') {
            Some(at) => found.push(start..start + at),
            // The first half of a password with a comma belongs to the next piece.
            None if !is_host(&text[start..end]) => {
                piece_start = end + 1;
                continue;
            }
            None => {}
        }
        start = end + 1;
        piece_start = start;
    }
    found
}

/// Returns the places of the passwords in `user:password@host,user:password@host`, if the text is
/// such a list and nothing else.
fn logins_without_scheme(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for login in logins(text, range.clone()) {
        let Some((user, password)) = text[login.clone()].split_once(':') else {
            return Vec::new();
        };
        let host = &text[login.end + 1..range.end];
        let host = &host[..host.find(',').unwrap_or(host.len())];
        if !is_user(user) || !is_plain_host(host) {
            return Vec::new();
        }
        found.push(login.end - password.len()..login.end);
    }
    found
}

fn is_user(user: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !user.is_empty() && user.chars().all(plain) && !matches!(user, "mailto" | "sip" | "sips")
}

/// Tells whether the text behind an `@` is a host; an image's digest, for one, is not.
fn is_plain_host(host: &str) -> bool {
    let host = host.split('/').next().unwrap_or_default();
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']');
    let is_digest = host.starts_with("sha256:") || host.starts_with("sha512:");
    !host.is_empty() && host.chars().all(plain) && is_host(host) && !is_digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        mask(text.to_owned())
    }

    #[test]
    fn every_form_of_a_url_is_masked() {
        for (text, expected) in [
            ("https://u:p@host/a@b", "https://u:***@host/a@b"),
            ("https://token@host/x", "https://***@host/x"),
            (
                "https://ghp_0123456789abcdefghij:x-oauth-basic@host",
                "https://***:***@host",
            ),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("redis://:p@host", "redis://:***@host"),
            ("rabbit://u:p1@h1,u:p2@h2/v", "rabbit://u:***@h1,u:***@h2/v"),
            (
                "rabbit://u:p1@h1:5672,h2:5672",
                "rabbit://u:***@h1:5672,h2:5672",
            ),
            ("rabbit://h1:5672,u:p2@h2", "rabbit://h1:5672,u:***@h2"),
            ("u:p1@h1,u:p2@h2", "u:***@h1,u:***@h2"),
            ("a://u:p,q@h1,u:r@h2", "a://u:***@h1,u:***@h2"),
            ("a://u:p/q?r@h/path", "a://u:***@h/path"),
            ("a://u:p@q@h/path", "a://u:***@h/path"),
            ("a://[::1]:80/x@y", "a://[::1]:80/x@y"),
            ("http://h:8080/x@y", "http://h:8080/x@y"),
            ("a://h?user=u&password=p#x", "a://h?user=u&password=***#x"),
            (
                "http://h/x?X-Amz-Signature=ab&n=1",
                "http://h/x?X-Amz-Signature=***&n=1",
            ),
            (
                "cannot reach 'https://u:p@h/': and (http://v:q@i), \"a://w:r@j\"",
                "cannot reach 'https://u:***@h/': and (http://v:***@i), \"a://w:***@j\"",
            ),
            ("http://u:p@a,http://v:q@b", "http://u:***@a,http://v:***@b"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn text_that_only_resembles_a_login_stays() {
        for text in [
            "registry/kolla/cron:1@sha256:0123",
            "x:1@sha256:0123,y:1@sha256:0123",
            "mailto:a@b,mailto:c@d",
            "at 12:30:45@host",
            "a,b@c,d",
            "://x:y@z é://",
            "é://u@h",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_value_gives_each_reading_of_its_password() {
        assert_eq!(credentials_of_value("a://u:p@q/r@h"), ["p", "p@q/r"]);
        assert_eq!(credentials_of_value("http://h1,http://h2/a@b"), [""; 0]);
        assert_eq!(credentials_of_value("u:pass@host"), ["pass"]);
        assert_eq!(credentials_of_value("x:1@sha256:0123"), [""; 0]);
        assert_eq!(credentials_of_value("http://host/a@b"), [""; 0]);
    }
}
