//! Packages, as the databases in an image list them.

pub(crate) mod deb;
pub(crate) mod pip;
pub(crate) mod rpm;
mod rpm_header;

use std::fmt;

use serde::Serialize;

/// The manager of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// dpkg.
    Deb,
    /// RPM.
    Rpm,
    /// pip, or another installer of Python distributions.
    Pip,
}

impl PackageKind {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            PackageKind::Deb => "deb",
            PackageKind::Rpm => "rpm",
            PackageKind::Pip => "pip",
        }
    }
}

impl fmt::Display for PackageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The identity of a package in every image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageId {
    /// Its manager.
    pub kind: PackageKind,
    /// Its name.
    pub name: String,
    /// Its architecture, where the manager has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The directory that it is installed in, for Python distributions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Package {
    /// Its identity.
    #[serde(flatten)]
    pub id: PackageId,
    /// Its whole version, as the manager prints it.
    pub version: String,
    /// Its licence, as the package names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

impl Package {
    /// The bytes of its texts.
    pub(crate) fn length(&self) -> usize {
        let optional = [&self.id.architecture, &self.id.location, &self.license];
        let optional = optional.into_iter().flatten().map(String::len);
        self.id.name.len() + self.version.len() + optional.sum::<usize>()
    }
}

/// Returns the values of a field in a block of `Name: value` lines. Names are not case-sensitive;
/// continued lines are left out.
fn field<'a>(block: &'a str, name: &str) -> Option<&'a str> {
    block.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
