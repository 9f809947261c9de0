//! A whole stack, as Heat creates it on servers that are already there.
//!
//! Heat gives each resource an id, software deployments a configuration of their own, and random
//! strings a value. [`Resolver::create`] does the same without Heat. Ids and random strings are derived
//! from a secret seed, so that creating the same stack again gives the same ones.
//!
//! Resources of a cloud (networks, servers, volumes) are not created. TripleO's `deployed-server`
//! templates need none.

mod identity;
mod software;
mod walk;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::resolver::Resolver;

pub use identity::Seed;
pub use software::{DerivedConfig, Input, Output};
pub(crate) use software::{Kind, SoftwareConfig};

/// A stack that was created.
#[derive(Debug)]
pub struct Created {
    /// The stack's outputs.
    pub outputs: Map<String, Value>,
    /// The deployments in the order in which Heat can create them.
    pub deployments: Vec<Deployment>,
}

/// A resource `TripleODeployment` of the stack or of one of its nested stacks.
#[derive(Debug)]
pub struct Deployment {
    /// The deployment's name: its property, or the name of the resource that it stands behind.
    pub name: String,
    /// The id of the server.
    pub server: String,
    /// The name of the resource in Heat, made of the names of the stacks around it.
    pub physical_name: String,
    /// The configuration; `None` if the deployment does nothing when the stack is created.
    pub config: Option<Rc<DerivedConfig>>,
}

impl Resolver {
    /// Creates a stack of this name from a template, whose path is relative to the directory.
    ///
    /// # Errors
    /// An output or a resource cannot be resolved.
    pub fn create(&self, template: &str, name: &str, seed: &Seed) -> Result<Created> {
        self.created(template, name, seed)
            .map_err(|error| self.explained(error))
    }

    fn created(&self, template: &str, name: &str, seed: &Seed) -> Result<Created> {
        let template = self.template(&self.directory().join(template))?;
        let parameters = &self.environment().parameters;
        let values = template.parameters.keys();
        let values = values.map(|name| parameters.get(name.as_str()).cloned());
        let birth = Birth::of_root(name, seed);
        let stack = self.stack_with(template.clone(), values.collect(), Some(birth))?;
        let deployments = walk::deployments(&stack)?;
        Ok(Created {
            deployments,
            outputs: stack.into_outputs()?,
        })
    }
}

/// The resources that were created so far and that others refer to by id.
#[derive(Debug)]
pub(crate) struct Creation {
    seed: Seed,
    configs: RefCell<HashMap<String, Rc<SoftwareConfig>>>,
    derived: RefCell<HashMap<String, Rc<DerivedConfig>>>,
}

/// A stack's place among those that are created.
#[derive(Clone, Debug)]
pub(crate) struct Birth {
    creation: Rc<Creation>,
    /// The stack's name: the names of the resources that lead to it, joined by hyphens.
    name: String,
    /// The values of the parameters that every stack has.
    pseudo_parameters: [(&'static str, Arc<Value>); 3],
    /// Resource types that the templates around this one stand for. The registry's entry does not
    /// count inside its own template.
    removed_types: Vec<String>,
}

impl Birth {
    fn of_root(name: &str, seed: &Seed) -> Self {
        let creation = Creation {
            seed: seed.clone(),
            configs: RefCell::default(),
            derived: RefCell::default(),
        };
        Self::new(Rc::new(creation), name.to_owned(), Vec::new())
    }

    fn new(creation: Rc<Creation>, name: String, removed_types: Vec<String>) -> Self {
        let id = creation.seed.uuid(&["stack", &name]);
        let text = |text: String| Arc::new(Value::String(text));
        let pseudo_parameters = [
            ("OS::stack_name", text(name.clone())),
            (
                "OS::stack_id",
                text(format!("arn:openstack:heat::admin:stacks/{name}/{id}")),
            ),
            ("OS::project_id", text("admin".to_owned())),
        ];
        Self {
            creation,
            name,
            pseudo_parameters,
            removed_types,
        }
    }

    /// Returns the place of the stack behind a resource of this one. `kind` is the type that the
    /// registry turned into its template.
    pub(crate) fn nested(&self, resource: &str, kind: &str) -> Self {
        let mut removed_types = self.removed_types.clone();
        removed_types.push(kind.to_owned());
        let name = self.physical_name(resource);
        Self::new(Rc::clone(&self.creation), name, removed_types)
    }

    /// Returns the place of a group's stack, which is not made from a template.
    pub(crate) fn group(&self, resource: &str) -> Self {
        let name = self.physical_name(resource);
        Self::new(Rc::clone(&self.creation), name, self.removed_types.clone())
    }

    /// Returns the value of a parameter that every stack has.
    pub(crate) fn pseudo_parameter(&self, name: &str) -> Option<&Arc<Value>> {
        let mut all = self.pseudo_parameters.iter();
        all.find_map(|(known, value)| (*known == name).then_some(value))
    }

    /// Returns true if the registry's entry for this type does not count here.
    pub(crate) fn is_removed(&self, kind: &str) -> bool {
        self.removed_types.iter().any(|removed| removed == kind)
    }

    /// Returns the name that Heat gives a resource of this stack outside it.
    pub(crate) fn physical_name(&self, resource: &str) -> String {
        format!("{}-{resource}", self.name)
    }

    /// Returns the id of a resource of this stack.
    pub(crate) fn id(&self, resource: &str) -> String {
        self.creation.seed.uuid(&["resource", &self.name, resource])
    }

    /// Returns the value of a resource of the type OS::Heat::RandomString.
    pub(crate) fn random_string(&self, resource: &str, length: usize) -> String {
        let of = ["string", self.name.as_str(), resource];
        self.creation.seed.letters(&of, length)
    }

    /// Keeps a configuration for the deployments that name its id. Returns the id.
    pub(crate) fn add_config(&self, resource: &str, config: Rc<SoftwareConfig>) -> String {
        let id = self.id(resource);
        let mut configs = self.creation.configs.borrow_mut();
        configs.insert(id.clone(), config);
        id
    }

    /// Derives the configuration of a native deployment. Returns the deployment's id, or nothing if
    /// the deployment does nothing on creation.
    pub(crate) fn add_deployment(
        &self,
        resource: &str,
        kind: software::Kind,
        properties: &Map<String, Value>,
    ) -> Result<Option<String>> {
        let configs = self.creation.configs.borrow();
        let stack_path = format!("{}/{}", self.name, self.stack_id());
        let origin = software::Origin {
            physical_name: &self.physical_name(resource),
            stack_path: &stack_path,
            resource,
        };
        let source = software::source(&configs, properties).map_err(Error::from)?;
        let Some(mut derived) = software::derive(kind, source, properties, &origin) else {
            return Ok(None);
        };
        derived.id = self
            .creation
            .seed
            .uuid(&["config", &self.name, &derived.fingerprint()]);
        let id = self.id(resource);
        let mut all = self.creation.derived.borrow_mut();
        all.insert(id.clone(), Rc::new(derived));
        Ok(Some(id))
    }

    fn stack_id(&self) -> String {
        self.creation.seed.uuid(&["stack", &self.name])
    }

    /// Returns the configuration of a deployment, by the deployment's id.
    fn derived(&self, id: &str) -> Option<Rc<DerivedConfig>> {
        self.creation.derived.borrow().get(id).cloned()
    }
}
