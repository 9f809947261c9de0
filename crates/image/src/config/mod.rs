//! kolla-build's configuration.
//!
//! [`OPTIONS`] is the one table of options. The command line of `slipway build` and kolla-build, the
//! keys of files and the variables of the environment all come from it. [`Configuration::load`]
//! reads them into a [`BuildConfig`], which has one typed field for each option and is what the
//! rest of the crate takes. To add an option, add a line to the table and a field to
//! `BuildConfig`; without either, every run fails and so do the tests.

mod build_config;
mod load;
mod names;
mod sources;
mod table;
mod users;

use slipway_oslo_config::{Kind, Schema, Section};

pub use build_config::BuildConfig;
pub use load::{Configuration, Request, Unknown};
pub use table::{OPTIONS, SOURCE_OPTIONS, USER_OPTIONS};

/// The section that lists images by profile.
pub(crate) const PROFILES: &str = "profiles";

/// The options of each section of kolla-build's files.
pub const SCHEMA: Schema = Schema {
    default: OPTIONS,
    section: |name| match name {
        PROFILES => Section::Any(Kind::List),
        user if user.ends_with("-user") => Section::Options(USER_OPTIONS),
        _ => Section::Options(SOURCE_OPTIONS),
    },
};

/// Returns Debian's name of an architecture that the kernel names so.
pub(crate) fn debian_arch(base_arch: &str) -> &str {
    match base_arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "ppc64le" => "ppc64el",
        other => other,
    }
}

/// Returns whether a section, by its name in lower case, describes a user, the profiles, or a source of
/// one of these images.
pub fn is_known_section(section: &str, images: &[&str]) -> bool {
    section == PROFILES
        || section.ends_with("-user")
        || images.iter().any(|image| is_of(section, image))
}

/// Returns whether a section describes a source of an image: its own, a plugin's or an addition's.
fn is_of(section: &str, image: &str) -> bool {
    section.strip_prefix(image).is_some_and(|rest| {
        rest.is_empty()
            || ["-plugin-", "-additions-"]
                .iter()
                .any(|kind| rest.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_known_section;

    #[test]
    fn sections_of_sources_users_and_profiles_are_known() {
        let images = ["horizon", "nova-base"];
        for known in [
            "horizon",
            "nova-base",
            "horizon-plugin-x",
            "horizon-additions-y",
            "my-user",
            "profiles",
        ] {
            assert!(is_known_section(known, &images), "{known}");
        }
        for unknown in ["horizon-", "horizon-plugin-", "horizon-x", "nova", ""] {
            assert!(!is_known_section(unknown, &images), "{unknown}");
        }
    }
}
