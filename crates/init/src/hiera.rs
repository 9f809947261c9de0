//! The hiera data of a new deployment.

use std::collections::{BTreeMap, BTreeSet};

use slipway_service::{HieraKey, HieraType};

use crate::error::{InitError, Result};
use crate::secret;
use crate::{Entry, Options};

/// The hiera data of a deployment.
pub(crate) struct Data {
    pub text: String,
    pub secrets: Vec<String>,
    pub missing: Vec<String>,
}

/// Returns hiera data with a value of each key that the services need and do not set. Secrets are
/// generated; other keys without a value are left to the reader, as a comment.
pub(crate) fn data(services: &[Entry], options: &Options) -> Result<Data> {
    let mut keys: BTreeMap<&str, &HieraKey> = BTreeMap::new();
    for (key, hiera) in services
        .iter()
        .flat_map(|service| &service.description.hiera)
    {
        let known = keys.entry(key).or_insert(hiera);
        // A value of any service is enough.
        if known.default.is_none() {
            *known = hiera;
        }
    }
    if let Some((unknown, _)) = options
        .values
        .iter()
        .find(|(key, _)| !keys.contains_key(key.as_str()))
    {
        return Err(InitError::UnknownKey(unknown.clone()));
    }
    let values: BTreeMap<&str, &str> = options
        .values
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let mut data = Data {
        text: "# Hiera data of this deployment, over that of services/. It contains secrets: mode 0600.\n"
            .to_owned(),
        secrets: Vec::new(),
        missing: Vec::new(),
    };
    for key in looked_up(services).filter(|key| !keys.contains_key(key)) {
        data.lacks(key, "of a service that was not chosen");
    }
    for (key, hiera) in keys {
        match values.get(key) {
            Some(value) => data.add(key, hiera, value),
            None if hiera.default.is_some() => {}
            None => data.add_new(key, hiera)?,
        }
    }
    Ok(data)
}

/// Returns the keys that definitions look up without a default, each once.
fn looked_up(services: &[Entry]) -> impl Iterator<Item = &str> {
    let parts = services
        .iter()
        .flat_map(|service| service.text.split("lookup('").skip(1));
    let keys = parts.filter_map(|part| part.split_once("')").map(|(key, _)| key));
    let keys: BTreeSet<&str> = keys
        .filter(|key| !key.contains(['\'', '$', '\n']))
        .collect();
    keys.into_iter()
}

impl Data {
    fn add_new(&mut self, key: &str, hiera: &HieraKey) -> Result<()> {
        let value = match hiera.kind {
            HieraType::Password => secret::password()?,
            HieraType::FernetKey => secret::fernet_key()?,
            HieraType::String
            | HieraType::Number
            | HieraType::Boolean
            | HieraType::List
            | HieraType::Mapping
            | HieraType::Address => {
                self.describe(hiera);
                self.lacks(key, hiera.kind.name());
                return Ok(());
            }
        };
        self.secrets.push(key.to_owned());
        self.add(key, hiera, &value);
        Ok(())
    }

    fn add(&mut self, key: &str, hiera: &HieraKey, value: &str) {
        self.describe(hiera);
        // In single quotes YAML knows no escape but the doubled quote.
        let value = value.replace('\'', "''");
        self.text.push_str(&format!("{key}: '{value}'\n"));
    }

    /// Leaves a key without a value to the reader.
    fn lacks(&mut self, key: &str, wanted: &str) {
        self.missing.push(key.to_owned());
        self.text.push_str(&format!("#{key}: {wanted}\n"));
    }

    fn describe(&mut self, hiera: &HieraKey) {
        self.text.push('\n');
        if let Some(description) = &hiera.description {
            self.text.push_str(&format!("# {description}\n"));
        }
    }
}
