//! The distributions an image can be based on, and what templates are told about each.

use std::fmt;
use std::str::FromStr;

/// A base distribution, as `--base` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// Debian.
    #[default]
    Debian,
    /// Rocky Linux.
    Rocky,
    /// Ubuntu.
    Ubuntu,
}

impl Base {
    /// Every base there is.
    pub const ALL: [Base; 3] = [Base::Debian, Base::Rocky, Base::Ubuntu];

    /// Its name on the command line and in templates (`base_distro`).
    pub fn name(self) -> &'static str {
        match self {
            Base::Debian => "debian",
            Base::Rocky => "rocky",
            Base::Ubuntu => "ubuntu",
        }
    }

    /// The image its `base` starts from where `--base-image` does not say.
    pub fn default_image(self) -> &'static str {
        match self {
            Base::Debian => "debian",
            Base::Rocky => "quay.io/rockylinux/rockylinux",
            Base::Ubuntu => "ubuntu",
        }
    }

    /// That image's tag where `--base-tag` does not say.
    pub fn default_tag(self) -> &'static str {
        match self {
            Base::Debian => "trixie",
            Base::Rocky => "10",
            Base::Ubuntu => "24.04",
        }
    }

    /// `PRETTY_NAME` of the releases supported (`supported_distro_name`).
    pub fn pretty_name(self) -> &'static str {
        match self {
            Base::Debian => "Debian GNU/Linux 13 (trixie)",
            Base::Rocky => "Rocky Linux 10.* (Red Quartz)",
            Base::Ubuntu => "Ubuntu 24.04.* LTS",
        }
    }

    /// `deb` or `rpm` (`base_package_type`).
    pub fn package_type(self) -> &'static str {
        match self {
            Base::Rocky => "rpm",
            Base::Debian | Base::Ubuntu => "deb",
        }
    }

    /// The package manager (`distro_package_manager`).
    pub fn package_manager(self) -> &'static str {
        match self {
            Base::Rocky => "dnf",
            Base::Debian | Base::Ubuntu => "apt",
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no base distribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no base distribution is called '{0}'; there are debian, rocky and ubuntu")]
pub struct UnknownBase(pub String);

impl FromStr for Base {
    type Err = UnknownBase;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Base::ALL
            .into_iter()
            .find(|base| base.name() == name)
            .ok_or_else(|| UnknownBase(name.to_owned()))
    }
}
