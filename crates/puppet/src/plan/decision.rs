//! Decides whether a run is due, and why.

use std::collections::BTreeMap;

use slipway_engine::ImageSummary;
use slipway_service::{Hiera, Step};

use crate::error::{Failure, Result};
use crate::input::merge::Run;
use crate::plan::Planner;
use crate::plan::state::Record;
use crate::report::Planned;
use crate::volume::Places;
use crate::volume::hashes::Hashes;

/// The purpose of a run in a container.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// Generates a config volume.
    Volume,
    /// Tries whether it could be generated; nothing is kept (NO_ARCHIVE).
    Trial,
    /// Changes a running service, once for each step and input. `depends_on` stands for whatever
    /// else its success depends on.
    Task { step: Step, depends_on: &'a str },
}

impl Purpose<'_> {
    /// Returns the kind and the name of the record of a run.
    pub fn record(&self, run: &Run) -> (&'static str, String) {
        match self {
            Purpose::Volume | Purpose::Trial => ("volumes", run.volume.to_string()),
            Purpose::Task { step, .. } => ("tasks", format!("{step}.{}", run.volume)),
        }
    }
}

/// The decision about a run.
pub struct Decision {
    /// Digests of its inputs; hiera data is apart.
    pub inputs: BTreeMap<String, String>,
    /// The record of its last success.
    pub before: Option<Record>,
    /// The reason why it is due; `None` if it is not.
    pub reason: Option<String>,
}

impl Planner<'_> {
    /// Decides about a run.
    pub async fn decide(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        image: &ImageSummary,
    ) -> Result<Decision, Failure> {
        let (kind, name) = purpose.record(run);
        let before = self.state.load(kind, &name);
        let inputs = self.container_inputs(run, purpose, image);
        let reason = self
            .reason(run, purpose, first, before.as_ref(), &inputs)
            .await?;
        Ok(Decision {
            inputs,
            before,
            reason,
        })
    }

    /// Returns true if a run uses the host's network.
    pub fn has_net(&self, purpose: Purpose<'_>) -> bool {
        self.puppet.settings.net_host || matches!(purpose, Purpose::Task { .. })
    }

    /// Returns what would be done for a config volume.
    pub async fn plan(&self, run: &Run, first: &Hiera) -> Result<Planned> {
        let planned = |why| Planned {
            name: run.volume.to_string(),
            why,
        };
        let Some(image) = self.puppet.engine.find_image(&run.config_image).await? else {
            let why = format!("image {} is not here yet", run.config_image);
            return Ok(planned(Some(why)));
        };
        match self.decide(run, Purpose::Volume, first, &image).await {
            Ok(decision) => Ok(planned(decision.reason)),
            Err(Failure::Result(error)) => Err(*error),
            Err(failure) => Ok(planned(Some(failure.to_string()))),
        }
    }

    fn container_inputs(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        image: &ImageSummary,
    ) -> BTreeMap<String, String> {
        let settings = &self.puppet.settings;
        let options = format!("{} {}", settings.net_host, run.privileged);
        // What a task reads of a config volume that it mounts counts as much as its manifest.
        let hashes = Hashes::of(&settings.paths);
        let mounted = hashes.for_mounts(run.volumes.iter().map(String::as_str));
        let mounted = mounted.unwrap_or_default();
        let volumes = run.volumes.join("\n");
        let mut more = vec![
            ("the image", image.id.as_str()),
            ("puppet_tags", &run.puppet_tags),
            ("options", &options),
            ("volumes", &volumes),
            ("a mounted config volume", &mounted),
        ];
        if let Purpose::Task { depends_on, .. } = purpose {
            more.push(("what it depends on", depends_on));
        }
        self.inputs(&run.manifest, &more)
    }

    /// Returns why a run is due.
    async fn reason(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        before: Option<&Record>,
        inputs: &BTreeMap<String, String>,
    ) -> Result<Option<String>, Failure> {
        let because = |text: &str| Ok(Some(text.to_owned()));
        if self.puppet.settings.force {
            return because("forced");
        }
        if matches!(purpose, Purpose::Trial) {
            return because("nothing is kept");
        }
        let Some(before) = before else {
            return because("not done before");
        };
        let keys = before.lookups.keys().map(String::as_str);
        let lookups = self.state.lookups(keys, first, &self.puppet.hiera);
        if let Some(difference) = before.difference(inputs, &lookups) {
            return Ok(Some(difference));
        }
        match (purpose, &before.result) {
            (Purpose::Volume, Some(result)) => {
                let paths = &self.puppet.settings.paths;
                Places::new(paths, run.volume.as_str()).edited(result).await
            }
            (Purpose::Volume, None) => because("not done before"),
            (Purpose::Task { .. } | Purpose::Trial, _) => Ok(None),
        }
    }
}
