//! Roles, networks, and excluded files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Error;
use super::rules::{self, Rules};

/// The data that templates are rendered with.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// roles_data, in its order.
    roles: Vec<NamedValue>,
    /// network_data, those that are not enabled included.
    pub(super) networks: Vec<Value>,
    enabled: Vec<NamedValue>,
    pub(super) rules: Rules,
}

/// A role or a network.
#[derive(Debug, Clone)]
pub(super) struct NamedValue {
    pub name: String,
    pub value: Value,
}

impl NamedValue {
    /// A network's name in files.
    pub fn lower(&self) -> String {
        self.value
            .get("name_lower")
            .and_then(Value::as_str)
            .unwrap_or(&self.name)
            .to_owned()
    }
}

impl Inputs {
    /// Reads roles_data and network_data: these files, or those that the templates come with.
    pub fn of(
        templates: &Path,
        roles: Option<&Path>,
        networks: Option<&Path>,
    ) -> Result<Self, Error> {
        let roles_place = roles.map_or_else(|| templates.join("roles_data.yaml"), Path::to_owned);
        let rules = Rules::of(templates);
        let networks_place = networks.map_or_else(|| rules.networks.clone(), Path::to_owned);
        let mut roles = entries(&roles_place, "role")?
            .into_iter()
            .map(|role| with_name(&roles_place, "role", role))
            .collect::<Result<Vec<_>, _>>()?;
        if rules.tags {
            for role in &mut roles {
                rules::tag(&mut role.value, &role.name);
            }
        }
        let mut networks = match read(&networks_place)? {
            Value::Null => Vec::new(),
            networks => list(&networks_place, "network", networks)?,
        };
        if rules.index {
            for (index, network) in networks.iter_mut().enumerate() {
                if let Some(network) = network.as_object_mut() {
                    network.insert("idx".to_owned(), index.into());
                }
            }
        }
        Inputs::new(roles, networks, &networks_place, rules)
    }

    fn new(
        roles: Vec<NamedValue>,
        mut networks: Vec<Value>,
        place: &Path,
        rules: Rules,
    ) -> Result<Self, Error> {
        let mut enabled = Vec::new();
        for network in &mut networks {
            let name = with_name(place, "network", network.clone())?.name;
            if network.get("enabled") == Some(&Value::Bool(false)) {
                continue;
            }
            match network.get("name_lower") {
                lower if !lower.is_some_and(slipway_pyvalue::truth) => {
                    if let Some(network) = network.as_object_mut() {
                        network.insert("name_lower".to_owned(), name.to_lowercase().into());
                    }
                }
                Some(Value::String(lower)) => file_name(place, "network's `name_lower`", lower)?,
                _ => {
                    let message = format!("network `{name}`: `name_lower` is not a string");
                    return Err(Error::data(place, message));
                }
            }
            enabled.push(NamedValue {
                name,
                value: network.clone(),
            });
        }
        Ok(Inputs {
            roles,
            networks,
            enabled,
            rules,
        })
    }

    /// Returns the roles by name. Of two with the same name, the later one counts.
    pub(super) fn roles_by_name(&self) -> impl Iterator<Item = &NamedValue> {
        unique(&self.roles).into_values()
    }

    pub(super) fn networks_by_name(&self) -> impl Iterator<Item = &NamedValue> {
        unique(&self.enabled).into_values()
    }

    pub(super) fn roles_as_data(&self) -> Vec<&Value> {
        self.roles.iter().map(|role| &role.value).collect()
    }
}

fn unique(named: &[NamedValue]) -> IndexMap<&str, &NamedValue> {
    named.iter().map(|one| (one.name.as_str(), one)).collect()
}

/// Reads the files that are not to be rendered, as j2_excludes.yaml names them.
pub(super) fn excluded(root: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let place = root.join("j2_excludes.yaml");
    if !place.exists() {
        return Ok(BTreeSet::new());
    }
    let excludes = read(&place)?;
    let names = match excludes.get("name") {
        None | Some(Value::Null) => return Ok(BTreeSet::new()),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(Error::data(&place, "`name` is not a list of paths")),
    };
    let path = |name: &Value| match name {
        Value::String(name) => Ok(PathBuf::from(name)),
        Value::Null => Ok(PathBuf::from("None")),
        _ => Err(Error::data(&place, "a name is not a path")),
    };
    names.iter().map(path).collect()
}

fn entries(place: &Path, what: &str) -> Result<Vec<Value>, Error> {
    list(place, what, read(place)?)
}

fn list(place: &Path, what: &str, value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(entries) => Ok(entries),
        _ => Err(Error::data(place, format!("not a list of {what}s"))),
    }
}

fn with_name(place: &Path, what: &str, value: Value) -> Result<NamedValue, Error> {
    let name = match value.get("name") {
        Some(Value::String(name)) => name.clone(),
        _ => {
            return Err(Error::data(
                place,
                format!("a {what} has no name: {}", keys(&value)),
            ));
        }
    };
    file_name(place, &format!("{what}'s name"), &name)?;
    if let Some(Value::String(old)) = value.get("deprecated_nic_config_name")
        && !old.is_empty()
    {
        file_name(place, "role's `deprecated_nic_config_name`", old)?;
    }
    Ok(NamedValue { name, value })
}

/// Returns an error for a name that cannot be part of a file's name.
fn file_name(place: &Path, what: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(['/', '\0']) {
        return Err(Error::data(place, format!("`{name}` cannot be a {what}")));
    }
    Ok(())
}

fn keys(value: &Value) -> String {
    let keys =
        |map: &Map<String, Value>| map.keys().take(4).cloned().collect::<Vec<_>>().join(", ");
    match value {
        Value::Object(map) if !map.is_empty() => format!("its keys are {}", keys(map)),
        _ => "it is no map".to_owned(),
    }
}

fn read(place: &Path) -> Result<Value, Error> {
    let bytes = slipway_files::read_input_bytes(place)
        .map_err(|error| Error::file("cannot read", place, error))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText {
        place: place.to_owned(),
    })?;
    crate::read_value(&text).map_err(|error| Error::Yaml {
        place: place.to_owned(),
        message: error.to_string(),
    })
}
