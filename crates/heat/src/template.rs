//! A template as it is written: its sections, checked and ready to be resolved.

use compact_str::CompactString;
use slipway_suggest::did_you_mean;
use slipway_yaml::{Data, Entries, Node, Options, take};

use crate::error::{Error, Problem, Result};
use crate::expression::{Context, Expression, compile};
use crate::parameter::Parameter;
use crate::version::Version;

/// By name, in the order in which they are written.
pub(crate) type NameMap<T> = indexmap::IndexMap<CompactString, T, foldhash::fast::RandomState>;

/// A nested template.
#[derive(Debug)]
pub(crate) struct Template {
    /// Its path, for errors and for references to other files.
    pub(crate) path: std::path::PathBuf,
    /// Its path for people: below the directory of templates, if it is.
    pub(crate) name: String,
    pub(crate) parameters: NameMap<Parameter>,
    pub(crate) conditions: NameMap<Expression>,
    pub(crate) resources: NameMap<Definition>,
    pub(crate) outputs: NameMap<Output>,
}

/// A resource as a template defines it.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) kind: Expression,
    // Few resources have one.
    pub(crate) condition: Option<Box<Expression>>,
    pub(crate) properties: Properties,
    pub(crate) metadata: Option<Box<Expression>>,
    pub(crate) update_policy: Option<Box<Expression>>,
    pub(crate) deletion_policy: Option<Box<Expression>>,
    /// The resources that must be created first, besides those that the properties name.
    pub(crate) depends_on: Vec<CompactString>,
}

impl Definition {
    /// Calls `visit` with the name of each resource that must be created first.
    pub(crate) fn dependencies<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        self.depends_on.iter().for_each(|name| visit(name));
        match &self.properties {
            Properties::Each(entries) => {
                let values = entries.iter();
                values.for_each(|(_, value)| value.resources(visit));
            }
            Properties::Whole(value) => value.resources(visit),
        }
        if let Some(metadata) = &self.metadata {
            metadata.resources(visit);
        }
    }
}

/// A resource's properties.
#[derive(Debug)]
pub(crate) enum Properties {
    Each(Vec<(CompactString, Expression)>),
    /// A function that returns all of them.
    Whole(Expression),
}

/// An output.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) condition: Option<Expression>,
    pub(crate) value: Expression,
}

/// Keys, and the first version that has each.
type Keys = [(&'static str, Version)];

const SECTIONS: &Keys = &[
    ("heat_template_version", Version::Icehouse),
    ("description", Version::Icehouse),
    ("parameter_groups", Version::Icehouse),
    ("parameters", Version::Icehouse),
    ("conditions", Version::Newton),
    ("resources", Version::Icehouse),
    ("outputs", Version::Icehouse),
];

const RESOURCE_KEYS: &Keys = &[
    ("type", Version::Icehouse),
    ("properties", Version::Icehouse),
    ("metadata", Version::Icehouse),
    ("depends_on", Version::Icehouse),
    ("deletion_policy", Version::Icehouse),
    ("update_policy", Version::Icehouse),
    ("description", Version::Icehouse),
    ("external_id", Version::Newton),
    ("condition", Version::Newton),
];

const OUTPUT_KEYS: &Keys = &[
    ("description", Version::Icehouse),
    ("value", Version::Icehouse),
    ("condition", Version::Newton),
];

impl Template {
    /// Returns the number of its declarations.
    pub(crate) fn declared(&self) -> usize {
        self.parameters.len() + self.conditions.len() + self.resources.len() + self.outputs.len()
    }

    /// Reads a template. The error's template is not named yet.
    pub(crate) fn parse(path: std::path::PathBuf, name: String, text: &str) -> Result<Self> {
        let document = slipway_yaml::read_with(text, Options::PYYAML).map_err(Problem::Syntax)?;
        let Data::Map(mut sections) = document.data else {
            return Err(Problem::NotATemplate("it is not a map".to_owned()).into());
        };
        let version = version(&sections)?;
        if let Some((key, hint)) = unknown(&sections, SECTIONS, version) {
            let reason = format!("unknown section {key}{hint}");
            return Err(Error::from(Problem::Declaration(reason)).at(key));
        }
        let values = Context {
            version,
            condition: false,
        };
        let conditions = Context {
            version,
            condition: true,
        };
        Ok(Self {
            path,
            name,
            parameters: section(&mut sections, "parameters", |name, declared| {
                Parameter::parse(name, declared, version).map_err(Error::from)
            })?,
            conditions: section(&mut sections, "conditions", |_, declared| {
                Ok(compile(declared, conditions))
            })?,
            resources: section(&mut sections, "resources", |_, declared| {
                definition(declared, values, conditions)
            })?,
            outputs: section(&mut sections, "outputs", |_, declared| {
                output(declared, values, conditions)
            })?,
        })
    }
}

/// Returns the first key that a version does not know, and a hint about it.
fn unknown<'a>(entries: &'a Entries, keys: &Keys, version: Version) -> Option<(&'a str, String)> {
    let known = || {
        let known = keys.iter().filter(|(_, since)| *since <= version);
        known.map(|(key, _)| *key)
    };
    let mut written = entries.iter().map(|(key, _)| key.as_str());
    let unknown = written.find(|key| !known().any(|known| known == *key))?;
    Some((unknown, did_you_mean(unknown, known())))
}

fn version(sections: &Entries) -> Result<Version> {
    let mut sections = sections.iter();
    let written = sections.find(|(name, _)| name == "heat_template_version");
    let text = match written.map(|(_, node)| &node.data) {
        Some(Data::Text(text)) => text,
        Some(_) => {
            return Err(Problem::NotATemplate(
                "its heat_template_version is not a string".to_owned(),
            )
            .into());
        }
        None => {
            return Err(Problem::NotATemplate("it has no heat_template_version".to_owned()).into());
        }
    };
    Version::parse(text).ok_or_else(|| {
        Problem::NotATemplate(format!(
            "its heat_template_version is {text}; known are {}",
            Version::all()
        ))
        .into()
    })
}

fn section<T>(
    sections: &mut Entries,
    name: &str,
    read: impl Fn(&str, Node) -> Result<T>,
) -> Result<NameMap<T>> {
    let entries = match take(sections, name).map(|node| node.data) {
        None | Some(Data::Null) => return Ok(NameMap::default()),
        Some(Data::Map(entries)) => entries,
        Some(_) => {
            let problem = Problem::Declaration("it must be a map".to_owned());
            return Err(Error::from(problem).at(name));
        }
    };
    let mut named = NameMap::with_capacity_and_hasher(entries.len(), Default::default());
    for (key, declared) in entries {
        match read(&key, declared) {
            Ok(entry) => named.insert(key, entry),
            Err(error) => return Err(error.at(key).at(name)),
        };
    }
    Ok(named)
}

fn definition(declared: Node, values: Context, conditions: Context) -> Result<Definition> {
    let wrong = |reason: String| Error::from(Problem::Declaration(reason));
    let Data::Map(mut declared) = declared.data else {
        return Err(wrong("a resource must be a map".to_owned()));
    };
    if let Some((key, hint)) = unknown(&declared, RESOURCE_KEYS, values.version) {
        return Err(wrong(format!("unknown key {key}{hint}")).at(key));
    }
    let depends_on = take(&mut declared, "depends_on").map_or_else(Vec::new, names);
    let mut part = |key: &str, context| Some(compile(take(&mut declared, key)?, context));
    let kind =
        part("type", values).ok_or_else(|| wrong("a resource must have a type".to_owned()))?;
    let properties = match part("properties", values) {
        None => Properties::Each(Vec::new()),
        Some(Expression::Map(entries)) => Properties::Each(entries),
        Some(call @ (Expression::Call(_) | Expression::Invalid(_))) => Properties::Whole(call),
        Some(_) => return Err(wrong("its properties must be a map".to_owned())),
    };
    Ok(Definition {
        kind,
        condition: part("condition", conditions).map(Box::new),
        properties,
        metadata: part("metadata", values).map(Box::new),
        update_policy: part("update_policy", values).map(Box::new),
        deletion_policy: part("deletion_policy", values).map(Box::new),
        depends_on,
    })
}

/// Returns a name, or a list of names.
fn names(declared: Node) -> Vec<CompactString> {
    match declared.data {
        Data::Text(name) => vec![name.as_str().into()],
        Data::List(items) => items.into_iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

fn output(declared: Node, values: Context, conditions: Context) -> Result<Output> {
    let wrong = || Problem::Declaration("an output must be a map with a value".to_owned());
    let Data::Map(mut declared) = declared.data else {
        return Err(wrong().into());
    };
    if let Some((key, hint)) = unknown(&declared, OUTPUT_KEYS, values.version) {
        let reason = format!("unknown key {key}{hint}");
        return Err(Error::from(Problem::Declaration(reason)).at(key));
    }
    let value = take(&mut declared, "value").ok_or_else(wrong)?;
    Ok(Output {
        condition: take(&mut declared, "condition").map(|value| compile(value, conditions)),
        value: compile(value, values),
    })
}
