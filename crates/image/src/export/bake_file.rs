//! The format of `docker-bake.json`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

/// A file that docker buildx bake reads.
#[derive(Debug, Serialize)]
pub(super) struct BakeFile {
    pub group: BTreeMap<&'static str, Group>,
    pub target: IndexMap<String, Target>,
}

/// Targets that are built together.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub targets: Vec<String>,
}

/// The build of one image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Target {
    pub context: Literal,
    pub dockerfile: Literal,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<Literal, Literal>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<Literal, Literal>,
    pub labels: BTreeMap<Literal, Literal>,
    pub tags: Vec<Literal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Literal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Literal>,
    #[serde(skip_serializing_if = "is_false")]
    pub no_cache: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub pull: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<Literal>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A string that bake takes as it is. Bake evaluates `${…}` and `%{…}` in the strings and keys of its
/// file, so they are escaped there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Literal(pub String);

impl From<&str> for Literal {
    fn from(text: &str) -> Literal {
        Literal(text.to_owned())
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let escaped = self.0.replace("${", "$${").replace("%{", "%%{");
        serializer.serialize_str(&escaped)
    }
}

/// Returns texts as bake takes them.
pub(super) fn literals(texts: &BTreeMap<String, String>) -> BTreeMap<Literal, Literal> {
    texts
        .iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_escaped() {
        let written = |text: &str| serde_json::to_string(&Literal::from(text)).unwrap();
        assert_eq!(written("$a ${b} %{if} 100%"), r#""$a $${b} %%{if} 100%""#);
    }
}
