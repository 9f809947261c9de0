//! Visits every resource of a stack and of its nested stacks, dependencies first.

use std::collections::HashSet;

use serde_json::Value;

use super::{Birth, Deployment};
use crate::error::{Problem, Result};
use crate::stack::{Resource, Stack};

/// The resource by whose name tripleo-common finds deployments.
const DEPLOYMENT: &str = "TripleODeployment";

/// The native deployment beside it.
const NATIVE: &str = "TripleOSoftwareDeployment";

/// Returns the deployments of a stack and of its nested stacks.
pub(super) fn deployments(stack: &Stack<'_>) -> Result<Vec<Deployment>> {
    let mut found = Vec::new();
    of_stack(stack, &[], &mut found)?;
    Ok(found)
}

/// `parents` are the names of the resources that lead to the stack.
fn of_stack(stack: &Stack<'_>, parents: &[&str], found: &mut Vec<Deployment>) -> Result<()> {
    let Some(birth) = stack.birth() else {
        return Ok(());
    };
    for name in in_order(stack)? {
        let resource = stack.resource(name)?;
        if name == DEPLOYMENT
            && let Some(deployment) = deployment(resource, stack, birth, parents)?
        {
            found.push(deployment);
        }
        // A deployment inside another's native deployment is a part of that one.
        if name != NATIVE {
            let below: Vec<&str> = parents.iter().copied().chain([name]).collect();
            of_resource(resource, &below, found)?;
        }
    }
    Ok(())
}

fn of_resource<'a>(
    resource: &'a Resource<'_>,
    parents: &[&'a str],
    found: &mut Vec<Deployment>,
) -> Result<()> {
    match resource {
        Resource::Nested(nested) => of_stack(nested, parents, found),
        Resource::Group(members) => members.iter().try_for_each(|(name, member)| {
            let below: Vec<&str> = parents.iter().copied().chain([name.as_str()]).collect();
            of_resource(member, &below, found)
        }),
        Resource::Chain(members) => members
            .iter()
            .try_for_each(|member| of_resource(member, parents, found)),
        Resource::Nothing
        | Resource::Value(_)
        | Resource::Known { .. }
        | Resource::Config { .. }
        | Resource::Made { .. }
        | Resource::Unknown { .. } => Ok(()),
    }
}

/// Returns the names of a stack's resources in an order in which they can be created.
fn in_order<'a>(stack: &'a Stack<'_>) -> Result<Vec<&'a str>> {
    let mut order = Order {
        stack,
        seen: HashSet::new(),
        names: Vec::new(),
    };
    for name in stack.template().resources.keys() {
        order.visit(name)?;
    }
    Ok(order.names)
}

struct Order<'a, 'r> {
    stack: &'a Stack<'r>,
    seen: HashSet<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Order<'a, '_> {
    fn visit(&mut self, name: &str) -> Result<()> {
        let Some((name, definition)) = self.stack.template().resources.get_key_value(name) else {
            return Ok(());
        };
        // A circle is found when the resource is resolved.
        if !self.stack.is_created(name)? || !self.seen.insert(name) {
            return Ok(());
        }
        let mut needed = Vec::new();
        definition.dependencies(&mut |name| needed.push(name));
        for name in needed {
            self.visit(name)?;
        }
        self.names.push(name);
        Ok(())
    }
}

/// Returns the deployment that a resource of that name describes.
fn deployment(
    resource: &Resource<'_>,
    stack: &Stack<'_>,
    birth: &Birth,
    parents: &[&str],
) -> Result<Option<Deployment>> {
    let Resource::Value(value) = resource else {
        return Ok(None);
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let name = text("name").filter(|name| !name.is_empty());
    let name = name.or_else(|| named_by(parents)).unwrap_or(DEPLOYMENT);
    let Some(server) = text("server") else {
        let problem = Problem::Declaration(format!("deployment {name} has no server"));
        return Err(problem.into());
    };
    Ok(Some(Deployment {
        name: name.to_owned(),
        server: server.to_owned(),
        physical_name: birth.physical_name(DEPLOYMENT),
        config: match stack.resource(NATIVE)? {
            Resource::Made { reference, .. } => birth.derived(reference),
            Resource::Nested(nested) => match nested.resource(NATIVE)? {
                Resource::Made { reference, .. } => birth.derived(reference),
                _ => None,
            },
            _ => None,
        },
    }))
}

/// Returns the innermost name that is no number: members of groups are numbered.
fn named_by<'a>(parents: &[&'a str]) -> Option<&'a str> {
    let mut inner = parents.iter().rev().copied();
    inner.find(|name| name.parse::<u64>().is_err())
}
