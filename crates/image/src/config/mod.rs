//! kolla-build's options, and the sections that its files may have.

mod table;

use slipway_oslo_config::{Kind, Schema, Section};

pub use table::{OPTIONS, SOURCE_OPTIONS, USER_OPTIONS, option};

/// The section that lists images by profile.
pub const PROFILES: &str = "profiles";

/// The options of each section of kolla-build's files.
///
/// ```
/// use slipway_image::config::SCHEMA;
/// use slipway_oslo_config::{ConfigFiles, Settings};
///
/// let text = "[DEFAULT]\nnamespace = team\nmaintainer = ${namespace}@example.org\n";
/// let files = ConfigFiles::from_text("kolla-build.conf".as_ref(), text)?;
/// let settings = Settings::new(SCHEMA, Default::default(), Default::default(), files);
/// assert_eq!(settings.text("maintainer")?.as_deref(), Some("team@example.org"));
/// # Ok::<(), slipway_oslo_config::ConfigError>(())
/// ```
pub const SCHEMA: Schema = Schema {
    default: OPTIONS,
    section: |name| match name {
        PROFILES => Section::Any(Kind::List),
        user if user.ends_with("-user") => Section::Options(USER_OPTIONS),
        _ => Section::Options(SOURCE_OPTIONS),
    },
};

/// Whether a section, by its name in lower case, describes a user, the profiles, or a source of
/// one of these images.
pub fn is_known_section(section: &str, images: &[&str]) -> bool {
    section == PROFILES
        || section.ends_with("-user")
        || images.iter().any(|image| is_of(section, image))
}

/// Whether a section describes a source of an image: its own, a plugin's or an addition's.
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
