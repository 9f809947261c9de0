//! The labels of images that another builder builds.

use std::collections::BTreeMap;

use super::fingerprint::{self, Parent};
use super::{Prepared, fingerprint_of};
use crate::graph::Images;

/// Returns the labels of the prepared images. The ids of their parents are unknown and recorded as
/// empty; a later build of Slipway compares such an image by its fingerprint alone.
pub(crate) fn labels_elsewhere(
    images: &Images,
    prepared: &BTreeMap<usize, Prepared>,
) -> BTreeMap<usize, BTreeMap<String, String>> {
    let nodes = &images.graph.nodes;
    let mut fingerprints: BTreeMap<usize, String> = BTreeMap::new();
    let mut labels = BTreeMap::new();
    for &index in &images.graph.order {
        let Some(inputs) = prepared.get(&index) else {
            continue;
        };
        let node = &nodes[index];
        let ours = node.parents.iter().map(|parent| {
            let fingerprint = fingerprints.get(parent).cloned().unwrap_or_default();
            (nodes[*parent].reference.clone(), fingerprint, true)
        });
        let bases = node.bases.iter().cloned();
        let bases = bases.map(|base| (base, String::new(), false));
        let parents = ours.chain(bases).map(|(reference, fingerprint, is_ours)| {
            let parent = Parent {
                fingerprint,
                id: String::new(),
                is_ours,
            };
            (reference, parent)
        });
        let parents = parents.collect();
        let fingerprint = fingerprint_of(inputs, &parents);
        labels.insert(
            index,
            fingerprint::labels(&fingerprint, &inputs.inputs, &parents),
        );
        fingerprints.insert(index, fingerprint);
    }
    labels
}
