//! Values of the keys that paunch left to do and that Compose's first version has, in Compose's
//! forms; what they mean is what the docker command makes of the same text.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use slipway_pyvalue::truth;

use super::values::{Ulimit, list, one_or_many, scalar, unexpected};

/// A device of the host inside a container: `host[:inside][:permissions]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Path on the host.
    pub host: String,
    /// Path inside.
    pub inside: String,
    /// Some of `r`, `w` and `m`.
    pub permissions: String,
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Device, String> {
        let is_permissions =
            |part: &str| !part.is_empty() && part.chars().all(|c| "rwm".contains(c));
        let parts: Vec<&str> = text.split(':').collect();
        let (host, inside, permissions) = match parts[..] {
            [host] => (host, host, "rwm"),
            [host, permissions] if is_permissions(permissions) => (host, host, permissions),
            [host, inside] => (host, inside, "rwm"),
            [host, inside, permissions] if is_permissions(permissions) => {
                (host, inside, permissions)
            }
            _ => return Err(format!("`{text}`: expected host[:inside][:rwm]")),
        };
        if !host.starts_with('/') || !inside.starts_with('/') {
            return Err(format!("`{text}`: paths of devices must be absolute"));
        }
        Ok(Device {
            host: host.to_owned(),
            inside: inside.to_owned(),
            permissions: permissions.to_owned(),
        })
    }
}

/// A port of a container: `number[/protocol]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number inside.
    pub number: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// A port of a container that the host has too: `[[ip:]host:]inside[/protocol]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPort {
    /// Address of the host; all of them when `None`.
    pub address: Option<IpAddr>,
    /// Port of the host; any that is free when `None`.
    pub host: Option<u16>,
    /// Port inside.
    pub inside: Port,
}

/// First and last number of `first[-last]`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

/// Number or range inside, and the protocol.
fn inside(text: &str) -> Option<((u16, u16), String)> {
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let known = matches!(protocol.as_str(), "tcp" | "udp" | "sctp");
    Some((range(numbers)?, protocol)).filter(|_| known)
}

fn parse_exposed(text: &str) -> Result<Vec<Port>, String> {
    let wrong = || format!("`{text}`: expected port[/protocol], such as 80 or 53/udp");
    let ((first, last), protocol) = inside(text).ok_or_else(wrong)?;
    let port = |number| Port {
        number,
        protocol: protocol.clone(),
    };
    Ok((first..=last).map(port).collect())
}

fn parse_published(text: &str) -> Result<Vec<PublishedPort>, String> {
    let wrong =
        || format!("`{text}`: expected [[address:]host-port:]port[/protocol], such as 8080:80");
    let (rest, container) = match text.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, text),
    };
    let (address, host) = match rest.map(|rest| rest.rsplit_once(':').unwrap_or(("", rest))) {
        Some((address, host)) => (address, host),
        None => ("", ""),
    };
    let address = match address.trim_start_matches('[').trim_end_matches(']') {
        "" => None,
        address => Some(address.parse().map_err(|_| wrong())?),
    };
    let ((first, last), protocol) = inside(container).ok_or_else(wrong)?;
    let host = match host {
        "" => None,
        host => Some(range(host).ok_or_else(wrong)?),
    };
    if host.is_some_and(|(low, high)| high - low != last - first) {
        return Err(format!(
            "`{text}`: the two ranges of ports differ in length"
        ));
    }
    let published = |number| PublishedPort {
        address,
        host: host.map(|(low, _)| low + (number - first)),
        inside: Port {
            number,
            protocol: protocol.clone(),
        },
    };
    Ok((first..=last).map(published).collect())
}

fn each<'de, D, T>(d: D, parse: fn(&str) -> Result<Vec<T>, String>) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
{
    let mut all = Vec::new();
    for item in list(d)? {
        all.extend(parse(&item).map_err(D::Error::custom)?);
    }
    Ok(all)
}

pub(super) fn exposed<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Port>, D::Error> {
    each(d, parse_exposed)
}

pub(super) fn published<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<PublishedPort>, D::Error> {
    each(d, parse_published)
}

/// A mapping, or a list of `name=value`.
pub(super) fn pairs<'de, D>(d: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    match Value::deserialize(d)? {
        Value::Null => Ok(BTreeMap::new()),
        Value::Array(items) => {
            let items = items.iter().filter(|item| truth(*item)).map(scalar);
            items
                .map(|item| {
                    let item = item.map_err(D::Error::custom)?;
                    let (name, value) = item.split_once('=').unwrap_or((&item, ""));
                    Ok((name.to_owned(), value.to_owned()))
                })
                .collect()
        }
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| {
                let text = match value {
                    Value::Null => Ok(String::new()),
                    value => scalar(value),
                };
                let text = text.map_err(|why| D::Error::custom(format!("{name}: {why}")))?;
                Ok((name.clone(), text))
            })
            .collect(),
        other => Err(D::Error::custom(unexpected("a list or a mapping", &other))),
    }
}

/// Paths inside, each with options after a colon, or none.
pub(super) fn tmpfs<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut mounts = BTreeMap::new();
    for item in one_or_many(d)? {
        let (path, options) = item.split_once(':').unwrap_or((&item, ""));
        if !path.starts_with('/') {
            let message = format!("`{item}`: the path inside must be absolute");
            return Err(D::Error::custom(message));
        }
        mounts.insert(path.to_owned(), options.to_owned());
    }
    Ok(mounts)
}

/// `{nofile: 1024, nproc: {soft: 1, hard: 2}}`.
pub(super) fn ulimits<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Ulimit>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Limits {
        One(i64),
        Two { soft: i64, hard: i64 },
    }
    let limits: Option<BTreeMap<String, Limits>> = Option::deserialize(d).map_err(|_| {
        D::Error::custom("expected a mapping such as {nofile: 1024, nproc: {soft: 1, hard: 2}}")
    })?;
    limits
        .unwrap_or_default()
        .into_iter()
        .map(|(name, limits)| {
            let (soft, hard) = match limits {
                Limits::One(limit) => (limit, limit),
                Limits::Two { soft, hard } => (soft, hard),
            };
            Ulimit::new(name, soft, hard).map_err(D::Error::custom)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        let device = |text: &str| {
            let device: Device = text.parse().unwrap();
            format!("{} {} {}", device.host, device.inside, device.permissions)
        };
        assert_eq!(device("/dev/kvm"), "/dev/kvm /dev/kvm rwm");
        assert_eq!(device("/dev/kvm:r"), "/dev/kvm /dev/kvm r");
        assert_eq!(device("/dev/a:/dev/b"), "/dev/a /dev/b rwm");
        assert_eq!(device("/dev/a:/dev/b:rw"), "/dev/a /dev/b rw");
        for wrong in ["", "kvm", "/dev/a:b", "/dev/a:/dev/b:x", "/a:/b:r:w"] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ports() {
        let ports = |text: &str| -> Vec<String> {
            let published = parse_published(text).unwrap();
            let text = |p: PublishedPort| format!("{:?} {:?} {}", p.address, p.host, p.inside);
            published.into_iter().map(text).collect()
        };
        assert_eq!(ports("80"), ["None None 80/tcp"]);
        assert_eq!(ports("8080:80/UDP"), ["None Some(8080) 80/udp"]);
        assert_eq!(ports("127.0.0.1::80"), ["Some(127.0.0.1) None 80/tcp"]);
        assert_eq!(ports("[::1]:8080:80"), ["Some(::1) Some(8080) 80/tcp"]);
        assert_eq!(
            ports("8000-8001:80-81"),
            ["None Some(8000) 80/tcp", "None Some(8001) 81/tcp"]
        );
        for wrong in [
            "", "http", "80:http", "1-2:3", "x:1:2", "0", "80/tls", "70000",
        ] {
            assert!(parse_published(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_exposed("53/udp").unwrap()[0].to_string(), "53/udp");
    }
}
