//! Decides for each image, when its turn comes, whether it is built.

mod elsewhere;
mod engine_images;
mod fingerprint;
mod plan;
mod prepare;

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_engine::{Engine, ImageSummary};

use crate::error::{Error, ImageError, Result};
use crate::graph::{Images, Selection};
pub(crate) use elsewhere::labels_elsewhere;
pub(crate) use engine_images::EngineImages;
use fingerprint::Parent;
pub use fingerprint::{FINGERPRINT_LABEL, INPUTS_LABEL, PARENTS_LABEL};
pub use plan::{Action, Decision, Plan, PlanFailure, Reason};
pub(crate) use prepare::{Preparation, Prepared, make_digest_key, prepare};

/// Plans a build, with reasons. Changes nothing.
pub(crate) async fn plan(images: &Arc<Images>, engine: &dyn Engine) -> Result<Plan> {
    let preparation = prepare(images).await?;
    let mut state = RunState::read(images, engine).await?;
    let mut plan = Plan::default();
    // Images that cannot be built: index → the image whose fault it is.
    let mut failed = BTreeMap::new();
    for &index in &images.graph.order {
        match verdict(images, &state, &preparation, &failed, index)? {
            Verdict::Decided(decision) => {
                state.assume(images, &preparation.ready, index, decision.action);
                plan.decisions.push(decision);
            }
            Verdict::NotRequested => {}
            Verdict::Fails(failure, culprit) => {
                failed.insert(index, culprit);
                plan.failed.push(failure);
            }
        }
    }
    Ok(plan)
}

/// A plan's result for one image.
enum Verdict {
    Decided(Decision),
    NotRequested,
    /// It cannot be built, because of this image.
    Fails(PlanFailure, usize),
}

fn verdict(
    images: &Images,
    state: &RunState,
    preparation: &Preparation,
    failed: &BTreeMap<usize, usize>,
    index: usize,
) -> Result<Verdict> {
    let nodes = &images.graph.nodes;
    let node = &nodes[index];
    if matches!(
        node.selection,
        Selection::Unmatched | Selection::Unbuildable
    ) {
        return Ok(Verdict::NotRequested);
    }
    let culprit = node.parents.iter().find_map(|parent| failed.get(parent));
    if let Some(&culprit) = culprit {
        let failure = PlanFailure::of_parent(&node.name, &nodes[culprit].name);
        return Ok(Verdict::Fails(failure, culprit));
    }
    let of_itself = |error: &ImageError| {
        let failure = PlanFailure::of_itself(&node.name, &error.to_string());
        Verdict::Fails(failure, index)
    };
    if let Some(error) = preparation.failed.get(&index) {
        return Ok(of_itself(error));
    }
    match state.decide(images, &preparation.ready, index) {
        Ok(Some(decision)) => Ok(Verdict::Decided(decision)),
        Ok(None) => Ok(Verdict::NotRequested),
        Err(Error::Image { source, .. }) => Ok(of_itself(&source)),
        Err(error) => Err(error),
    }
}

/// The state of the images during a run.
#[derive(Debug)]
pub(crate) struct RunState {
    engine: EngineImages,
    /// The distribution's images: reference → id, where the engine has them.
    bases: BTreeMap<String, Option<String>>,
    /// Images of the tree that are done with, by index.
    done: BTreeMap<usize, Done>,
    /// Skipped parents that could not be pulled, and why.
    unpulled: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Done {
    parent: Parent,
    was_rebuilt: bool,
}

impl RunState {
    /// Looks up the images of a run in the engine, and those of the distribution.
    pub(crate) async fn read(images: &Images, engine: &dyn Engine) -> Result<RunState> {
        let wanted = || {
            let nodes = images.graph.nodes.iter();
            nodes.filter(|node| {
                !matches!(
                    node.selection,
                    Selection::Unmatched | Selection::Unbuildable
                )
            })
        };
        let own = wanted().map(|node| node.reference.as_str()).collect();
        let of_others = wanted().flat_map(|node| node.bases.iter().map(String::as_str));
        let known = EngineImages::read(engine, own, of_others.collect()).await?;
        let mut bases = BTreeMap::new();
        for index in images.graph.matched() {
            for base in &images.graph.nodes[index].bases {
                bases.insert(base.clone(), known.find(base).map(|image| image.id.clone()));
            }
        }
        Ok(RunState {
            engine: known,
            bases,
            done: BTreeMap::new(),
            unpulled: BTreeMap::new(),
        })
    }

    /// The distribution's images that the engine does not have.
    pub(crate) fn missing_bases(&self) -> Vec<String> {
        self.bases
            .iter()
            .filter(|(_, id)| id.is_none())
            .map(|(base, _)| base.clone())
            .collect()
    }

    /// The distribution's images.
    pub(crate) fn bases(&self) -> impl Iterator<Item = &str> {
        self.bases.keys().map(String::as_str)
    }

    /// Records a pulled image of the distribution.
    pub(crate) fn add_base(&mut self, reference: &str, id: String) {
        self.bases.insert(reference.to_owned(), Some(id));
    }

    /// The skipped parents that images need: all, or those that the engine does not have.
    pub(crate) fn skipped_parents(&self, images: &Images, all: bool) -> Vec<String> {
        let nodes = &images.graph.nodes;
        let is_needed = |&child: &usize| nodes[child].selection == Selection::Matched;
        let needed = nodes.iter().filter(|node| {
            node.selection == Selection::SkippedParent && node.children.iter().any(is_needed)
        });
        needed
            .map(|node| node.reference.clone())
            .filter(|reference| all || self.engine.find(reference).is_none())
            .collect()
    }

    /// Records a pulled parent, or the reason why it could not be pulled.
    pub(crate) fn add_parent(&mut self, reference: &str, pulled: Result<ImageSummary, String>) {
        match pulled {
            Ok(image) => self.engine.add(reference, image),
            // The engine's own may be stale.
            Err(why) => {
                self.engine.forget(reference);
                self.unpulled.insert(reference.to_owned(), why);
            }
        }
    }

    /// Decides about an image whose parents are all done; `None` when it was not asked for.
    pub(crate) fn decide(
        &self,
        images: &Images,
        prepared: &BTreeMap<usize, Prepared>,
        index: usize,
    ) -> Result<Option<Decision>> {
        let node = &images.graph.nodes[index];
        let options = &images.options;
        let existing = self.engine.find(&node.reference);
        let (action, reasons) = match node.selection {
            Selection::Unmatched | Selection::Unbuildable => return Ok(None),
            Selection::SkippedParent if options.no_parents => {
                (Action::Skip, vec![Reason::LeftOutParent])
            }
            Selection::SkippedParent => (Action::Skip, vec![Reason::SkippedParent]),
            Selection::Matched if options.skip_existing && existing.is_some() => {
                (Action::Skip, vec![Reason::SkippedExisting])
            }
            Selection::Matched => match self.reasons(images, prepared, index, existing)? {
                reasons if reasons.is_empty() => (Action::Keep, vec![Reason::Unchanged]),
                reasons => (Action::Build, reasons),
            },
        };
        Ok(Some(Decision {
            image: node.name.clone(),
            reference: node.reference.clone(),
            action,
            reasons,
        }))
    }

    fn reasons(
        &self,
        images: &Images,
        prepared: &BTreeMap<usize, Prepared>,
        index: usize,
        existing: Option<&ImageSummary>,
    ) -> Result<Vec<Reason>> {
        let parents = self.parents(images, index)?;
        let options = &images.options;
        let mut reasons = match (existing, prepared.get(&index)) {
            _ if options.force => vec![Reason::Forced],
            _ if !options.cache => vec![Reason::NoCache],
            (None, _) | (_, None) => vec![Reason::NotInEngine],
            (Some(image), Some(prepared)) => {
                let parents = fingerprint::as_recorded(&image.labels, parents);
                let fingerprint = fingerprint_of(prepared, &parents);
                fingerprint::compare(&image.labels, &fingerprint, &prepared.inputs, &parents)
            }
        };
        for reason in &mut reasons {
            *reason = self.put_in_words(images, index, reason);
        }
        Ok(reasons)
    }

    /// A reason as far as one image can tell, with what the run knows of its parents.
    fn put_in_words(&self, images: &Images, index: usize, reason: &Reason) -> Reason {
        let nodes = &images.graph.nodes;
        match reason {
            Reason::ParentChanged(reference) => {
                let parents = nodes[index].parents.iter();
                let parent = parents
                    .copied()
                    .find(|&parent| nodes[parent].reference == *reference);
                let Some(parent) = parent else {
                    return reason.clone();
                };
                let name = nodes[parent].name.clone();
                match self.done.get(&parent) {
                    Some(done) if done.was_rebuilt => Reason::ParentRebuilt(name),
                    _ => Reason::ParentChanged(name),
                }
            }
            Reason::BaseImageChanged(reference) if self.is_missing_base(reference) => {
                Reason::BaseImageMissing(reference.clone())
            }
            other => other.clone(),
        }
    }

    fn is_missing_base(&self, reference: &str) -> bool {
        self.bases.get(reference).is_some_and(Option::is_none)
    }

    /// The parents of an image as they are now, by reference.
    pub(crate) fn parents(
        &self,
        images: &Images,
        index: usize,
    ) -> Result<BTreeMap<String, Parent>> {
        let nodes = &images.graph.nodes;
        let node = &nodes[index];
        let mut parents = BTreeMap::new();
        for &parent in &node.parents {
            let Some(done) = self.done.get(&parent) else {
                return Err(Error::Image {
                    image: node.name.clone(),
                    source: ImageError::SkippedParent {
                        parent: nodes[parent].reference.clone(),
                        unpulled: self.unpulled.get(&nodes[parent].reference).cloned(),
                    },
                });
            };
            parents.insert(nodes[parent].reference.clone(), done.parent.clone());
        }
        for base in &node.bases {
            let id = self.bases.get(base).cloned().flatten().unwrap_or_default();
            parents.insert(
                base.clone(),
                Parent {
                    fingerprint: id.clone(),
                    id,
                    is_ours: false,
                },
            );
        }
        Ok(parents)
    }

    /// The labels an image is built with.
    pub(crate) fn labels(
        &self,
        images: &Images,
        prepared: &Prepared,
        index: usize,
    ) -> Result<BTreeMap<String, String>> {
        let parents = self.parents(images, index)?;
        let fingerprint = fingerprint_of(prepared, &parents);
        Ok(fingerprint::labels(
            &fingerprint,
            &prepared.inputs,
            &parents,
        ))
    }

    /// Records an image that was built.
    pub(crate) fn built(&mut self, index: usize, fingerprint: String, id: String) {
        let parent = Parent {
            fingerprint,
            id,
            is_ours: true,
        };
        self.done.insert(
            index,
            Done {
                parent,
                was_rebuilt: true,
            },
        );
    }

    /// Records an image that is not built. If the engine does not have it, it stays unknown, which is
    /// an error only for the images that need it.
    pub(crate) fn keep(&mut self, images: &Images, index: usize) {
        let Some(image) = self.engine.find(&images.graph.nodes[index].reference) else {
            return;
        };
        let fingerprint = image
            .labels
            .get(FINGERPRINT_LABEL)
            .unwrap_or(&image.id)
            .clone();
        let parent = Parent {
            fingerprint,
            id: image.id.clone(),
            is_ours: true,
        };
        self.done.insert(
            index,
            Done {
                parent,
                was_rebuilt: false,
            },
        );
    }

    /// Records, for a plan, the result that an action would have. The id of an image that would be built is
    /// not known, so its children count as changed.
    pub(crate) fn assume(
        &mut self,
        images: &Images,
        prepared: &BTreeMap<usize, Prepared>,
        index: usize,
        action: Action,
    ) {
        match (action, prepared.get(&index), self.parents(images, index)) {
            (Action::Build, Some(prepared), Ok(parents)) => {
                self.built(index, fingerprint_of(prepared, &parents), String::new());
            }
            _ => self.keep(images, index),
        }
        // It would be pulled, and nobody knows what comes.
        if action == Action::Skip && images.options.pull {
            let parent = Parent {
                fingerprint: String::new(),
                id: String::new(),
                is_ours: true,
            };
            self.done.entry(index).or_insert(Done {
                parent,
                was_rebuilt: false,
            });
        }
    }
}

fn fingerprint_of(prepared: &Prepared, parents: &BTreeMap<String, Parent>) -> String {
    let parents = parents
        .iter()
        .map(|(reference, parent)| (reference.as_str(), parent.fingerprint.as_str()));
    fingerprint::fingerprint(&prepared.context, &prepared.inputs, parents)
}
