//! Properties of resources, where the attributes of some resources are preset.

use compact_str::CompactString;
use serde_json::Value;

use super::{Resource, Stack};
use crate::error::{Error, Problem, Result};
use crate::template::Properties;

impl Stack<'_> {
    /// Presets a resource's attributes, if the template has it and nothing has resolved it yet.
    pub(crate) fn preset<const N: usize>(&self, name: &str, attributes: [(&str, Value); N]) {
        let index = self.template.resources.get_index_of(name);
        if let Some(slot) = index.and_then(|index| self.resources.get(index)) {
            let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
            slot.known.get_or_init(|| Resource::Known {
                name: name.to_owned(),
                attributes: attributes.into_iter().collect(),
            });
        }
    }

    /// Returns the names of a resource's properties.
    pub(crate) fn property_names(&self, resource: &str) -> Result<Vec<&str>> {
        let (_, definition) = self
            .find_resource(resource)
            .map_err(|error| error.in_template(&self.template.name))?;
        match &definition.properties {
            Properties::Each(entries) => {
                Ok(entries.iter().map(|(name, _)| name.as_str()).collect())
            }
            Properties::Whole(_) => {
                let problem = Problem::Declaration("its properties must be a map".to_owned());
                Err(self.in_resource(problem.into(), resource))
            }
        }
    }

    /// Returns a property of a resource, or null.
    pub(crate) fn property(&self, resource: &str, name: &str) -> Result<Value> {
        let (_, definition) = self.find_resource(resource)?;
        let Properties::Each(entries) = &definition.properties else {
            return Ok(Value::Null);
        };
        let found = entries
            .iter()
            .find(|(known, _): &&(CompactString, _)| known == name);
        found.map_or(Ok(Value::Null), |(_, value)| {
            value
                .owned(self)
                .map_err(|error| self.in_resource(error.at(name).at("properties"), resource))
        })
    }

    fn in_resource(&self, error: Error, resource: &str) -> Error {
        self.here(error.at(resource).at("resources"))
    }
}
