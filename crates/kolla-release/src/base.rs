//! The distributions an image can be based on, and what templates are told about each.

use std::fmt;
use std::str::FromStr;

/// A base distribution, as `--base` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// CentOS, and CentOS Stream.
    Centos,
    /// Debian.
    #[default]
    Debian,
    /// Oracle Linux.
    Oraclelinux,
    /// Red Hat Enterprise Linux.
    Rhel,
    /// Rocky Linux.
    Rocky,
    /// Ubuntu.
    Ubuntu,
}

impl Base {
    /// Every base there is.
    pub const ALL: [Base; 6] = [
        Base::Centos,
        Base::Debian,
        Base::Oraclelinux,
        Base::Rhel,
        Base::Rocky,
        Base::Ubuntu,
    ];

    /// Its name on the command line and in templates (`base_distro`).
    pub fn name(self) -> &'static str {
        match self {
            Base::Centos => "centos",
            Base::Debian => "debian",
            Base::Oraclelinux => "oraclelinux",
            Base::Rhel => "rhel",
            Base::Rocky => "rocky",
            Base::Ubuntu => "ubuntu",
        }
    }

    /// The image its `base` starts from where neither `--base-image` nor a Kolla says.
    pub fn default_image(self) -> &'static str {
        match self {
            Base::Centos => "quay.io/centos/centos",
            Base::Rhel => "registry.access.redhat.com/ubi10",
            Base::Rocky => "quay.io/rockylinux/rockylinux",
            other => other.name(),
        }
    }

    /// The tag of that image, for a build where neither `--base-tag` nor the Kolla release names one.
    pub fn default_tag(self) -> &'static str {
        match self {
            Base::Centos => "stream10",
            Base::Debian => "trixie",
            Base::Oraclelinux | Base::Rocky => "10",
            Base::Rhel => "latest",
            Base::Ubuntu => "24.04",
        }
    }

    /// `PRETTY_NAME` of the releases supported (`supported_distro_name`), where no Kolla says.
    pub fn pretty_name(self) -> &'static str {
        match self {
            Base::Centos => "CentOS Stream 10",
            Base::Debian => "Debian GNU/Linux 13 (trixie)",
            Base::Oraclelinux => "Oracle Linux Server 10.*",
            Base::Rhel => "Red Hat Enterprise Linux 10.* (Coughlan)",
            Base::Rocky => "Rocky Linux 10.* (Red Quartz)",
            Base::Ubuntu => "Ubuntu 24.04.* LTS",
        }
    }

    /// `deb` or `rpm` (`base_package_type`).
    pub fn package_type(self) -> &'static str {
        match self {
            Base::Debian | Base::Ubuntu => "deb",
            Base::Centos | Base::Oraclelinux | Base::Rhel | Base::Rocky => "rpm",
        }
    }

    /// The package manager (`distro_package_manager`).
    pub fn package_manager(self) -> &'static str {
        match self {
            Base::Debian | Base::Ubuntu => "apt",
            Base::Centos | Base::Oraclelinux | Base::Rhel | Base::Rocky => "dnf",
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
#[error(
    "no base distribution is called '{0}'; there are centos, debian, oraclelinux, rhel, rocky and ubuntu"
)]
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
