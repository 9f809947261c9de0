//! Nodes and edges.

use serde::{Serialize, Serializer};

/// The number of a node in its diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The look of a node's box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A filled box.
    Solid,
    /// A box of a second colour.
    Accent,
    /// A box with round ends.
    Round,
    /// A box with a dashed line.
    Dashed,
}

impl Mark {
    /// All marks.
    pub(crate) const ALL: [Mark; 4] = [Mark::Solid, Mark::Accent, Mark::Round, Mark::Dashed];

    pub(crate) fn class(self) -> &'static str {
        match self {
            Mark::Solid => "s",
            Mark::Accent => "a",
            Mark::Round => "r",
            Mark::Dashed => "d",
        }
    }
}

/// A node: a box with a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The label.
    pub label: String,
    /// A second, smaller line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The look of the box.
    #[serde(skip)]
    pub mark: Mark,
}

impl Node {
    /// Returns a node without a second line.
    pub fn new(label: impl Into<String>, mark: Mark) -> Node {
        Node {
            label: label.into(),
            detail: None,
            mark,
        }
    }

    /// Returns the node with a second line.
    pub fn with_detail(self, detail: impl Into<String>) -> Node {
        Node {
            detail: Some(detail.into()),
            ..self
        }
    }
}

/// The nodes and edges of a diagram.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub title: String,
    pub nodes: Vec<Node>,
    pub edges: Vec<(NodeId, NodeId)>,
    /// The meanings of marks.
    pub legend: Vec<(Mark, String)>,
}

impl Graph {
    pub fn new(title: &str) -> Graph {
        Graph {
            title: title.to_owned(),
            nodes: Vec::new(),
            edges: Vec::new(),
            legend: Vec::new(),
        }
    }

    pub fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    pub fn connect(&mut self, from: NodeId, to: NodeId) {
        let edge = (from, to);
        if from != to && !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    /// Returns the meanings of the marks that nodes have.
    pub fn used_legend(&self) -> impl Iterator<Item = (Mark, &str)> {
        let is_used = |mark: Mark| self.nodes.iter().any(|node| node.mark == mark);
        let entries = Mark::ALL.into_iter().filter(move |mark| is_used(*mark));
        entries.filter_map(|mark| {
            let entry = self.legend.iter().find(|(entry, _)| *entry == mark)?;
            Some((mark, entry.1.as_str()))
        })
    }
}
