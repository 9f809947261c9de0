//! Lanes: a lane for each thing, a column for each time.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::graph::{Graph, Mark, Node, NodeId};
use crate::svg::{Band, Drawing, Heading};
use crate::{dot, svg};

/// The space above and below the boxes of a lane.
const PADDING: f64 = 8.0;

/// The number of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneId(usize);

/// The place of a node. Nodes of one place are below one another, in the order of their addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub lane: usize,
    pub column: usize,
}

/// A diagram of what happens when.
#[derive(Clone, Debug)]
pub struct Lanes {
    graph: Graph,
    columns: Vec<String>,
    lanes: Vec<String>,
    cells: Vec<Cell>,
}

impl Lanes {
    /// Begins a diagram with its columns, left to right.
    pub fn new(title: &str, columns: &[&str]) -> Lanes {
        Lanes {
            graph: Graph::new(title),
            columns: columns.iter().map(ToString::to_string).collect(),
            lanes: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Adds a lane below the others. A lane of the same name is returned instead.
    pub fn lane(&mut self, name: &str) -> LaneId {
        let found = self.lanes.iter().position(|lane| lane == name);
        LaneId(found.unwrap_or_else(|| {
            self.lanes.push(name.to_owned());
            self.lanes.len() - 1
        }))
    }

    /// Adds a node to a lane. A column behind the last one is the last one.
    pub fn add(&mut self, lane: LaneId, column: usize, node: Node) -> NodeId {
        self.cells.push(Cell {
            lane: lane.0,
            column: column.min(self.columns.len().saturating_sub(1)),
        });
        self.graph.add(node)
    }

    /// Draws a line from one node to another.
    pub fn connect(&mut self, from: NodeId, to: NodeId) {
        self.graph.connect(from, to);
    }

    /// Explains a mark, if a node has it.
    pub fn explain(&mut self, mark: Mark, meaning: &str) {
        self.graph.legend.push((mark, meaning.to_owned()));
    }

    /// Returns the diagram as SVG.
    pub fn svg(&self) -> String {
        let label_width = self.lanes.iter().map(|lane| svg::text_width(lane));
        let mut x = svg::MARGIN * 2.0 + label_width.fold(0.0, f64::max);
        let mut starts = Vec::new();
        let widths: Vec<f64> = (0..self.columns.len())
            .map(|c| self.column_width(c))
            .collect();
        for width in &widths {
            starts.push(x);
            x += width + svg::GAP;
        }
        let right = x - svg::GAP + svg::MARGIN;
        let pitch = svg::box_height(&self.graph) + svg::ROW_GAP;
        let mut y = svg::TOP + svg::HEADING;
        let mut tops = Vec::new();
        for lane in 0..self.lanes.len() {
            tops.push(y);
            y += self.lane_rows(lane) as f64 * pitch + PADDING * 2.0 - svg::ROW_GAP;
        }
        let position = |(index, cell): (usize, &Cell)| {
            let above = self.cells[..index].iter().filter(|other| *other == cell);
            let top = tops[cell.lane] + PADDING;
            (starts[cell.column], top + above.count() as f64 * pitch)
        };
        let bottoms = tops.iter().skip(1).copied().chain([y]);
        let lanes = self.lanes.iter().zip(&tops).zip(bottoms);
        Drawing {
            graph: &self.graph,
            positions: self.cells.iter().enumerate().map(position).collect(),
            widths: self.cells.iter().map(|cell| widths[cell.column]).collect(),
            headings: self.headings(&starts),
            bands: lanes
                .map(|((label, &top), bottom)| Band { label, top, bottom })
                .collect(),
            width: right,
            height: y,
        }
        .svg()
    }

    /// Returns the diagram for Graphviz.
    pub fn dot(&self) -> String {
        dot::lanes(&self.graph, &self.columns, &self.lanes, &self.cells)
    }

    fn headings(&self, starts: &[f64]) -> Vec<Heading<'_>> {
        let columns = self.columns.iter().zip(starts);
        columns.map(|(text, &x)| Heading { text, x }).collect()
    }

    fn column_width(&self, column: usize) -> f64 {
        let nodes = self.graph.nodes.iter().zip(&self.cells);
        let nodes = nodes.filter(|(_, cell)| cell.column == column);
        let heading = svg::text_width(&self.columns[column]);
        nodes
            .map(|(node, _)| svg::box_width(node))
            .fold(heading, f64::max)
    }

    /// Returns the number of rows that a lane needs; at least one.
    fn lane_rows(&self, lane: usize) -> usize {
        let in_lane = || self.cells.iter().filter(|cell| cell.lane == lane);
        let rows = (0..self.columns.len())
            .map(|column| in_lane().filter(|cell| cell.column == column).count());
        rows.max().unwrap_or(0).max(1)
    }
}

#[derive(Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    node: &'a Node,
    lane: &'a str,
    column: &'a str,
}

impl Serialize for Lanes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nodes = self.graph.nodes.iter().zip(&self.cells);
        let placed = nodes.map(|(node, cell)| Placed {
            node,
            lane: &self.lanes[cell.lane],
            column: &self.columns[cell.column],
        });
        let mut object = serializer.serialize_struct("Lanes", 2)?;
        object.serialize_field("nodes", &placed.collect::<Vec<_>>())?;
        object.serialize_field("edges", &self.graph.edges)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Lanes {
        let mut lanes = Lanes::new("Services", &["Pre", "Step 1"]);
        let (a, b) = (lanes.lane("a"), lanes.lane("b<"));
        let volume = lanes.add(a, 0, Node::new("a", Mark::Accent));
        let first = lanes.add(a, 1, Node::new("a_init", Mark::Round));
        let second = lanes.add(a, 1, Node::new("a_run", Mark::Solid));
        lanes.add(b, 7, Node::new("b", Mark::Solid));
        lanes.connect(volume, first);
        lanes.connect(volume, second);
        lanes.connect(volume, second);
        lanes.explain(Mark::Accent, "config volume");
        lanes.explain(Mark::Dashed, "unused");
        lanes
    }

    #[test]
    fn nodes_of_one_cell_are_below_one_another() {
        let lanes = lanes();
        assert_eq!((lanes.lane_rows(0), lanes.lane_rows(1)), (2, 1));
        let svg = lanes.svg();
        assert!(
            svg.contains(">b&lt;</text>") && svg.contains("config volume"),
            "{svg}"
        );
        assert!(!svg.contains("unused"), "{svg}");
        assert_eq!(svg.matches("<path ").count(), 2);
    }

    #[test]
    fn a_lane_is_made_once() {
        let mut lanes = lanes();
        assert_eq!(lanes.lane("a"), LaneId(0));
        let json = serde_json::to_value(&lanes).unwrap();
        assert_eq!(json["nodes"][3]["lane"], "b<");
        assert_eq!(json["nodes"][3]["column"], "Step 1");
        assert_eq!(json["edges"], serde_json::json!([[0, 1], [0, 2]]));
    }
}
