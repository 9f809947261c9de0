//! Decides which runs are due: compares a run's inputs with the record of its last success.

pub mod decision;
pub mod inputs;
pub mod state;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::plan::state::State;
use crate::puppet::Puppet;
use crate::run::container::SCRIPTS;
use crate::run::module;
use crate::settings::processors;

/// Decides which runs are due. Takes no lock and writes nothing.
pub struct Planner<'a> {
    /// The deployment.
    pub puppet: &'a Puppet,
    /// The records of earlier runs.
    pub state: State,
    /// The host's name, without its domain.
    pub hostname: String,
    etc_puppet: String,
    host_modules: String,
}

impl<'a> Planner<'a> {
    /// Reads the inputs that all runs share.
    pub fn new(puppet: &'a Puppet, state: State) -> Result<Planner<'a>> {
        let settings = &puppet.settings;
        let modules = settings.host_modules.as_deref();
        Ok(Planner {
            puppet,
            state,
            hostname: inputs::hostname()?,
            etc_puppet: inputs::etc_puppet(&settings.paths.puppet_etc(), settings.check_mode)?,
            host_modules: modules
                .map(inputs::listing)
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// Returns digests of the inputs of a run, by the names that users see, without hiera data.
    pub fn inputs(
        &self,
        manifest: &str,
        more: &[(&'static str, &str)],
    ) -> BTreeMap<String, String> {
        let module = module::digest();
        let slipway = [
            env!("CARGO_PKG_VERSION"),
            &SCRIPTS.map(|(_, text)| text).concat(),
        ]
        .concat();
        let hiera = self.puppet.hiera.decided_by().unwrap_or_default();
        let host = format!("{} {}", self.hostname, processors());
        let shared = [
            ("the manifest", manifest),
            ("Slipway", &slipway),
            ("Slipway's Puppet module", &module),
            ("the deployment's /etc/puppet", &self.etc_puppet),
            ("hiera's configuration", hiera),
            ("the host's Puppet modules", &self.host_modules),
            ("the host", &host),
        ];
        self.state
            .inputs(shared.into_iter().chain(more.iter().copied()))
    }

    /// Returns a digest of what facts depend on: the image, the custom facts of modules, and the
    /// machine.
    pub fn facts_digest(&self, image_id: &str) -> String {
        let machine = inputs::machine();
        let inputs = self.inputs("", &[("the image", image_id), ("the machine", &machine)]);
        let digests: Vec<&str> = inputs.values().map(String::as_str).collect();
        self.state.digest(digests.concat().as_bytes())
    }
}
