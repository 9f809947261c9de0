//! The directory that tripleo-common's config-download wrote.
//!
//! TripleO's templates describe a whole plan: roles, services, and a deployment on each server.
//! [`project`] creates the plan's stack without Heat and arranges its outputs as tripleo-common does.
//! tripleo-common's own templates and task files are part of such a directory, so they are read from a
//! copy of tripleo-common, whose release also decides the arrangement ([`Layout`]). What that release
//! writes wrongly is kept.
//!
//! Two things differ on purpose: every file is private, and unchanged inputs give unchanged files (ids
//! and random passwords are derived from the site's seed).

mod common;
mod deployments;
mod inventory;
mod outputs;
mod roles;

use slipway_heat::Resolver;

use crate::error::Result;
use crate::project::Project;
use crate::site::Site;

pub use common::{Layout, TripleoCommon};
pub use inventory::Undercloud;
use outputs::Outputs;

/// The template of a plan.
const OVERCLOUD: &str = "overcloud.yaml";

/// The inventory's file.
const INVENTORY: &str = "tripleo-ansible-inventory.yaml";

/// The options of a project.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the plan and of its stack.
    pub plan: String,
    /// The user that Ansible logs in as.
    pub ssh_user: String,
    /// The host that runs Ansible, as the inventory describes it.
    pub undercloud: Undercloud,
}

/// A project, and the servers that were left out of it.
#[derive(Debug)]
pub struct Exported {
    /// The files.
    pub project: Project,
    /// The names of deployments on servers that belong to no role.
    pub ignored: Vec<String>,
    /// The number of servers.
    pub servers: usize,
    /// The number of deployments on all servers.
    pub deployments: usize,
}

/// Returns the project of a plan.
///
/// # Errors
/// The templates cannot be resolved, or their outputs are not those of a plan.
pub fn project(
    resolver: &Resolver,
    common: &TripleoCommon,
    site: &Site,
    options: &Options,
) -> Result<Exported> {
    let created = resolver.create(OVERCLOUD, &options.plan, &site.seed())?;
    let outputs = Outputs::new(&created.outputs);
    let servers = outputs.servers()?;
    let mut project = Project::default();
    roles::add_role_data(&mut project, &outputs, common.layout())?;
    roles::add_role_config(&mut project, &outputs)?;
    let arranged = deployments::arrange(&created.deployments, &servers);
    deployments::add(&mut project, &arranged, &outputs, common)?;
    let inventory = inventory::inventory(&outputs, resolver, common.layout(), options)?;
    project.add_yaml(INVENTORY, &inventory)?;
    Ok(Exported {
        project,
        servers: servers.len(),
        deployments: arranged.count(),
        ignored: arranged.ignored,
    })
}
