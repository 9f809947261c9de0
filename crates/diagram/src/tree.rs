//! Trees: parents on the left, children on the right.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::graph::{Graph, Mark, Node, NodeId};
use crate::svg::{Drawing, Heading};
use crate::{dot, svg};

/// A diagram of what is made of what. A node may have several parents.
#[derive(Clone, Debug)]
pub struct Tree {
    graph: Graph,
}

impl Tree {
    /// Begins a diagram.
    pub fn new(title: &str) -> Tree {
        Tree {
            graph: Graph::new(title),
        }
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) -> NodeId {
        self.graph.add(node)
    }

    /// Draws a line from a parent to its child.
    pub fn connect(&mut self, parent: NodeId, child: NodeId) {
        self.graph.connect(parent, child);
    }

    /// Explains a mark, if a node has it.
    pub fn explain(&mut self, mark: Mark, meaning: &str) {
        self.graph.legend.push((mark, meaning.to_owned()));
    }

    /// Returns the diagram as SVG.
    pub fn svg(&self) -> String {
        let places = Places::of(&self.graph);
        let widths = self.column_widths(&places.columns);
        let mut starts = vec![svg::MARGIN];
        for width in &widths {
            let last = starts.last().copied().unwrap_or(svg::MARGIN);
            starts.push(last + width + svg::GAP);
        }
        let height = svg::box_height(&self.graph);
        let pitch = height + svg::ROW_GAP;
        let position = |index: usize| {
            let x = starts[places.columns[index]];
            (x, svg::TOP + places.rows[index] * pitch)
        };
        let nodes = 0..self.graph.nodes.len();
        let rows = places.rows.iter().copied().fold(0.0, f64::max) + 1.0;
        let right = starts.last().map_or(svg::MARGIN, |end| end - svg::GAP);
        Drawing {
            graph: &self.graph,
            positions: nodes.map(position).collect(),
            widths: places
                .columns
                .iter()
                .map(|&column| widths[column])
                .collect(),
            headings: Vec::<Heading>::new(),
            bands: Vec::new(),
            width: right + svg::MARGIN,
            height: svg::TOP + rows * pitch,
        }
        .svg()
    }

    /// Returns the diagram for Graphviz.
    pub fn dot(&self) -> String {
        dot::tree(&self.graph)
    }

    fn column_widths(&self, columns: &[usize]) -> Vec<f64> {
        let count = columns.iter().max().map_or(0, |last| last + 1);
        let mut widths = vec![0.0_f64; count];
        for (node, &column) in self.graph.nodes.iter().zip(columns) {
            widths[column] = widths[column].max(svg::box_width(node));
        }
        widths
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Tree", 2)?;
        object.serialize_field("nodes", &self.graph.nodes)?;
        object.serialize_field("edges", &self.graph.edges)?;
        object.end()
    }
}

/// The column and the row of each node.
struct Places {
    columns: Vec<usize>,
    rows: Vec<f64>,
}

impl Places {
    fn of(graph: &Graph) -> Places {
        let columns = columns(graph);
        let children = drawn_below(graph, &columns);
        let rows = rows(graph, &children);
        Places { columns, rows }
    }
}

/// Returns the length of the longest way to each node. Nodes on a circle are in the first column.
fn columns(graph: &Graph) -> Vec<usize> {
    let mut columns = vec![0; graph.nodes.len()];
    let mut waiting = vec![0; graph.nodes.len()];
    for (_, child) in &graph.edges {
        waiting[child.0] += 1;
    }
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&n| waiting[n] == 0).collect();
    while let Some(index) = ready.pop() {
        let below = graph.edges.iter().filter(|(parent, _)| parent.0 == index);
        for (_, child) in below {
            columns[child.0] = columns[child.0].max(columns[index] + 1);
            waiting[child.0] -= 1;
            if waiting[child.0] == 0 {
                ready.push(child.0);
            }
        }
    }
    for (column, waiting) in columns.iter_mut().zip(waiting) {
        if waiting > 0 {
            *column = 0;
        }
    }
    columns
}

/// Returns, for each node, the children that are drawn beside it: those whose nearest parent it is.
fn drawn_below(graph: &Graph, columns: &[usize]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); graph.nodes.len()];
    for child in 0..graph.nodes.len() {
        let parents = graph.edges.iter().filter(|(_, to)| to.0 == child);
        let parents = parents.map(|(from, _)| from.0);
        let left = parents.filter(|&parent| columns[parent] < columns[child]);
        if let Some(nearest) = left.max_by_key(|&parent| columns[parent]) {
            children[nearest].push(child);
        }
    }
    children
}

/// Returns the rows: a node without children has one of its own, a parent is in the middle of its
/// children.
fn rows(graph: &Graph, children: &[Vec<usize>]) -> Vec<f64> {
    let mut is_child = vec![false; graph.nodes.len()];
    children
        .iter()
        .flatten()
        .for_each(|&child| is_child[child] = true);
    let mut stack: Vec<usize> = (0..graph.nodes.len()).filter(|&n| !is_child[n]).collect();
    stack.reverse();
    let mut order = Vec::new();
    while let Some(index) = stack.pop() {
        order.push(index);
        stack.extend(children[index].iter().rev());
    }
    let mut rows = vec![0.0; graph.nodes.len()];
    let leaves = order.iter().filter(|&&index| children[index].is_empty());
    for (row, &leaf) in leaves.enumerate() {
        rows[leaf] = row as f64;
    }
    for &index in order.iter().rev() {
        if let (Some(&first), Some(&last)) = (children[index].first(), children[index].last()) {
            rows[index] = f64::midpoint(rows[first], rows[last]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str], edges: &[(usize, usize)]) -> Tree {
        let mut tree = Tree::new("T");
        for name in names {
            tree.add(Node::new(*name, Mark::Solid));
        }
        for &(from, to) in edges {
            tree.connect(NodeId(from), NodeId(to));
        }
        tree
    }

    #[test]
    fn a_parent_is_left_of_its_children_and_in_their_middle() {
        let edges = [(0, 1), (0, 2), (2, 3), (2, 4)];
        let places = Places::of(&tree(&["base", "a", "b", "c", "d"], &edges).graph);
        assert_eq!(places.columns, [0, 1, 1, 2, 2]);
        assert_eq!(places.rows, [0.75, 0.0, 1.5, 1.0, 2.0]);
    }

    #[test]
    fn a_node_with_two_parents_is_right_of_both_and_has_one_row() {
        let places = Places::of(&tree(&["a", "b", "c"], &[(0, 1), (0, 2), (1, 2)]).graph);
        assert_eq!(places.columns, [0, 1, 2]);
        assert_eq!(places.rows, [0.0, 0.0, 0.0]);
    }

    #[test]
    fn no_two_boxes_are_in_one_place() {
        let edges: Vec<_> = (1..60).map(|n| ((n * 7 + 3) % n, n)).collect();
        let names: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let places = Places::of(&tree(&names, &edges).graph);
        for (index, column) in places.columns.iter().enumerate() {
            for other in 0..index {
                let is_near = (places.rows[index] - places.rows[other]).abs() < 1.0;
                assert!(
                    places.columns[other] != *column || !is_near,
                    "{other} {index}"
                );
            }
        }
    }

    #[test]
    fn a_circle_is_drawn() {
        let svg = tree(&["a", "b", "c"], &[(0, 1), (1, 0), (1, 2)]).svg();
        assert_eq!(svg.matches("<rect class=\"s\"").count(), 3);
        assert_eq!(svg.matches("<path ").count(), 3);
        assert!(Tree::new("empty").svg().contains("<title>empty</title>"));
    }
}
