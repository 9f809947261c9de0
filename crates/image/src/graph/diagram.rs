//! The diagram of images by parent.

use std::collections::BTreeMap;

use slipway_diagram::{Mark, Node, NodeId, Tree};

use super::Graph;

impl Graph {
    /// Returns the requested images and their parents as a diagram.
    pub(crate) fn diagram(&self) -> Tree {
        let mut tree = Tree::new("Images");
        let mut ids: BTreeMap<&str, NodeId> = BTreeMap::new();
        for (image, _) in self.edges() {
            ids.insert(image, tree.add(Node::new(image, Mark::Solid)));
        }
        for (image, parents) in self.edges() {
            for parent in parents {
                let not_requested = || tree.add(Node::new(parent, Mark::Dashed));
                let parent = *ids.entry(parent).or_insert_with(not_requested);
                if let Some(image) = ids.get(image) {
                    tree.connect(parent, *image);
                }
            }
        }
        tree.explain(Mark::Dashed, "not requested");
        tree
    }
}
