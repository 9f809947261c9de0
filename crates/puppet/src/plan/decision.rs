//! Whether a run has to take place, and why.

use std::collections::BTreeMap;

use slipway_engine::ImageSummary;
use slipway_service::{Hiera, Step};

use crate::error::{Failure, Result};
use crate::input::merge::Run;
use crate::plan::state::Record;
use crate::report::Planned;
use crate::run::container;
use crate::session::Session;
use crate::volume::startup::Hashes;

/// What a run in a container is for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// To generate a config volume.
    Volume,
    /// To see whether it could be generated; nothing is kept (NO_ARCHIVE).
    Trial,
    /// To change something that runs, once per step and input. `depends_on` stands for whatever
    /// else its success hangs on.
    Task { step: Step, depends_on: &'a str },
}

impl Purpose<'_> {
    /// Where a run of this purpose is remembered.
    pub fn record(&self, run: &Run) -> (&'static str, String) {
        match self {
            Purpose::Volume | Purpose::Trial => ("volumes", run.volume.to_string()),
            Purpose::Task { step, .. } => ("tasks", format!("{step}.{}", run.volume)),
        }
    }
}

/// What is decided about a run.
pub struct Decided {
    /// Its image.
    pub image: ImageSummary,
    /// Digests of what it is made from, hiera aside.
    pub inputs: BTreeMap<String, String>,
    /// What it was made from the last time, and what came out.
    pub before: Option<Record>,
    /// Why it has to take place, if it has to.
    pub reason: Option<String>,
}

/// What is known of a run before any begins.
pub enum Ahead {
    /// What is decided about it.
    Decided(Box<Result<Decided, Failure>>),
    /// It is decided about when its turn comes.
    Later {
        /// Whether it may be a fork.
        may_fork: bool,
    },
}

impl Ahead {
    /// Whether it takes place, as far as is known, and may be a fork.
    pub fn may_fork(&self) -> bool {
        match self {
            Ahead::Decided(decided) => {
                matches!(&**decided, Ok(decided) if decided.reason.is_some())
            }
            Ahead::Later { may_fork } => *may_fork,
        }
    }
}

impl Session<'_> {
    /// Decides about a run that may be a fork: it counts how many of these take place. Others
    /// may mount what runs before them make.
    pub async fn ahead(&self, run: &Run, purpose: Purpose<'_>, first: &Hiera) -> Ahead {
        if !self.may_fork(run, self.has_net(purpose)) {
            return Ahead::Later { may_fork: false };
        }
        let decided = match self.puppet.engine.find_image(&run.config_image).await {
            Ok(Some(image)) => self.decide(run, purpose, first, image).await,
            // Others need not wait until it is pulled.
            Ok(None) => return Ahead::Later { may_fork: true },
            Err(error) => Err(error.into()),
        };
        Ahead::Decided(Box::new(decided))
    }

    /// The same when its turn has come.
    pub async fn decided(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        ahead: Ahead,
    ) -> Result<Decided, Failure> {
        let may_fork = match ahead {
            Ahead::Decided(decided) => return *decided,
            Ahead::Later { may_fork } => may_fork,
        };
        let puppet = self.puppet;
        let image = container::image(&puppet.engine, &run.config_image, &puppet.events);
        let decided = match image.await {
            Ok(image) => self.decide(run, purpose, first, image).await,
            Err(failure) => Err(failure),
        };
        if may_fork && !matches!(&decided, Ok(decided) if decided.reason.is_some()) {
            self.pool.spared(&run.config_image);
        }
        decided
    }

    async fn decide(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        image: ImageSummary,
    ) -> Result<Decided, Failure> {
        let (kind, name) = purpose.record(run);
        let before = self.state.load(kind, &name);
        let inputs = self.container_inputs(run, purpose, &image);
        let reason = self.reason(run, purpose, first, before.as_ref(), &inputs);
        let reason = reason.await?;
        Ok(Decided {
            image,
            inputs,
            before,
            reason,
        })
    }

    /// Whether a run has the host's network.
    pub fn has_net(&self, purpose: Purpose<'_>) -> bool {
        self.puppet.settings.net_host || matches!(purpose, Purpose::Task { .. })
    }

    /// What would be done for a config volume.
    pub async fn plan(&self, run: &Run, first: &Hiera) -> Result<Planned> {
        let planned = |why| Planned {
            name: run.volume.to_string(),
            why,
        };
        let Some(image) = self.puppet.engine.find_image(&run.config_image).await? else {
            let why = format!("image {} is not here yet", run.config_image);
            return Ok(planned(Some(why)));
        };
        match self.decide(run, Purpose::Volume, first, image).await {
            Ok(decided) => Ok(planned(decided.reason)),
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
        // What a task reads of a config volume it mounts counts as much as its manifest.
        let hashes = Hashes::of(&settings.paths);
        let mounted = hashes.for_mounts(run.volumes.iter().map(String::as_str));
        let mut more = vec![
            ("the image", image.id.as_str()),
            ("puppet_tags", &run.puppet_tags),
            ("options", &options),
        ];
        let volumes = run.volumes.join("\n");
        more.push(("volumes", &volumes));
        let mounted = mounted.unwrap_or_default();
        more.push(("a mounted config volume", &mounted));
        if let Purpose::Task { depends_on, .. } = purpose {
            more.push(("what it depends on", depends_on));
        }
        self.inputs(&run.manifest, &more)
    }

    /// Why a run has to take place, if it has to.
    async fn reason(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        before: Option<&Record>,
        inputs: &BTreeMap<String, String>,
    ) -> Result<Option<String>, Failure> {
        let says = |text: &str| Ok(Some(text.to_owned()));
        if self.puppet.settings.force {
            return says("forced");
        }
        if matches!(purpose, Purpose::Trial) {
            return says("nothing is kept");
        }
        let Some(before) = before else {
            return says("not done before");
        };
        let keys = before.lookups.keys().map(String::as_str);
        let lookups = self.state.lookups(keys, first, &self.puppet.hiera);
        if let Some(difference) = before.difference(inputs, &lookups) {
            return Ok(Some(difference));
        }
        match (&before.result, purpose) {
            (Some(result), Purpose::Volume) => self.touched(run, result).await,
            (None, Purpose::Volume) => says("not done before"),
            _ => Ok(None),
        }
    }
}
