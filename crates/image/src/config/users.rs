//! The sections `[<name>-user]`.

use std::collections::BTreeMap;

use slipway_kolla_release::UserChange;
use slipway_oslo_config::{ConfigError, Place, Settings, Value};

/// Returns the accounts that a configuration changes or adds, by name.
pub(super) fn read(settings: &Settings) -> Result<BTreeMap<String, UserChange>, ConfigError> {
    let sections = settings.sections().into_iter();
    let users = sections.filter_map(|section| Some((section, section.strip_suffix("-user")?)));
    users
        .map(|(section, name)| {
            let group = match settings.get_in(section, "group")? {
                Value::Text(group) => Some(group),
                _ => None,
            };
            let change = UserChange {
                uid: id(settings, section, "uid")?,
                gid: id(settings, section, "gid")?,
                group,
            };
            Ok((name.to_owned(), change))
        })
        .collect()
}

fn id(settings: &Settings, section: &str, key: &str) -> Result<Option<u32>, ConfigError> {
    let Value::Int(id) = settings.get_in(section, key)? else {
        return Ok(None);
    };
    let rejected = |_| ConfigError::Rejected {
        place: settings
            .place(section, key)
            .unwrap_or_else(|| Place::Default(key.to_owned())),
        key: key.to_owned(),
        message: format!(
            "{id} is not a valid id: it must be between 0 and {}",
            u32::MAX
        ),
    };
    u32::try_from(id).map(Some).map_err(rejected)
}
