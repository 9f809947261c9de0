//! Diagrams of boxes and lines, as SVG and for Graphviz.
//!
//! A [`Tree`] shows what is made of what, such as images and their parents: parents on the left, children
//! on the right. [`Lanes`] show what happens when, such as services and their steps: a lane for each
//! service, a column for each step. Both place their boxes themselves; no Graphviz is needed. The SVG
//! loads nothing and follows the reader's choice of light or dark.
//!
//! ```
//! use slipway_diagram::{Mark, Node, Tree};
//!
//! let mut tree = Tree::new("Images");
//! let base = tree.add(Node::new("base", Mark::Solid));
//! let cron = tree.add(Node::new("cron", Mark::Solid).with_detail("12 MB"));
//! tree.connect(base, cron);
//! assert!(tree.svg().starts_with("<svg "));
//! assert!(tree.dot().contains("n0 -> n1"));
//! ```
//!
//! `Serialize` gives the same data as nodes and edges.

mod dot;
mod graph;
mod lanes;
mod svg;
mod tree;

pub use graph::{Mark, Node, NodeId};
pub use lanes::{LaneId, Lanes};
pub use tree::Tree;
