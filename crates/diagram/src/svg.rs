//! SVG of boxes that have their places.

use std::fmt::Write as _;

use slipway_page::escaped;
use unicode_width::UnicodeWidthStr;

use crate::graph::{Graph, Mark, Node};

/// The space around everything.
pub const MARGIN: f64 = 16.0;
/// The space above the first row, for the title and the legend.
pub const TOP: f64 = 64.0;
/// The height of column headings.
pub const HEADING: f64 = 24.0;
/// The space between columns, for the lines.
pub const GAP: f64 = 56.0;
/// The space between rows.
pub const ROW_GAP: f64 = 8.0;

const LETTER: f64 = 7.4;
const SMALL_LETTER: f64 = 6.2;

const STYLE: &str = "\
svg{background:#fff;font:12px sans-serif}text{fill:#222}.h{font-size:16px}.c,.m{fill:#666}.m{font-size:10px}\
.s{fill:#dcebf7;stroke:#4f86b5}.a{fill:#fbe6cf;stroke:#c9761f}.r{fill:#e3f2e3;stroke:#5c9a5c}\
.d{fill:#fff;stroke:#888;stroke-dasharray:4 3}.l{fill:#f6f6f6}path{fill:none;stroke:#999;stroke-width:1.2}\
path:hover{stroke:#c9761f;stroke-width:3}\
@media(prefers-color-scheme:dark){svg{background:#16181b}text{fill:#e4e4e4}.c,.m{fill:#a0a0a0}\
.s{fill:#1f3a52}.a{fill:#4a3117}.r{fill:#22402a}.d{fill:#16181b}.l{fill:#1e2125}path{stroke:#6b7178}}";

/// A heading of a column.
pub struct Heading<'a> {
    pub text: &'a str,
    pub x: f64,
}

/// The background of a lane.
pub struct Band<'a> {
    pub label: &'a str,
    pub top: f64,
    pub bottom: f64,
}

/// A diagram whose boxes have their places.
pub struct Drawing<'a> {
    pub graph: &'a Graph,
    /// The left upper corner of each node's box.
    pub positions: Vec<(f64, f64)>,
    /// The width of each node's box.
    pub widths: Vec<f64>,
    pub headings: Vec<Heading<'a>>,
    pub bands: Vec<Band<'a>>,
    pub width: f64,
    pub height: f64,
}

/// Returns the width of a text of normal size. Fonts differ: it is an upper estimate.
pub fn text_width(text: &str) -> f64 {
    text.width() as f64 * LETTER
}

/// Returns the width of a node's box.
pub fn box_width(node: &Node) -> f64 {
    let detail = node.detail.as_deref().map_or(0, UnicodeWidthStr::width);
    text_width(&node.label).max(detail as f64 * SMALL_LETTER) + 20.0
}

/// Returns the height of all boxes: of two lines if any node has two.
pub fn box_height(graph: &Graph) -> f64 {
    match graph.nodes.iter().any(|node| node.detail.is_some()) {
        true => 36.0,
        false => 24.0,
    }
}

impl Drawing<'_> {
    pub fn svg(&self) -> String {
        let title = escaped(&self.graph.title);
        let legend_width = self.legend_width();
        let width = self
            .width
            .max(legend_width)
            .max(text_width(&title) * 1.4 + MARGIN * 2.0);
        let height = self.height + MARGIN;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\"><title>{title}</title>\
             <style>{STYLE}</style>\n<text class=\"h\" x=\"{MARGIN}\" y=\"26\">{title}</text>\n"
        );
        self.draw_legend(&mut text);
        self.draw_bands(&mut text, width);
        self.draw_headings(&mut text);
        self.draw_edges(&mut text);
        self.draw_nodes(&mut text);
        text.push_str("</svg>\n");
        text
    }

    fn legend_width(&self) -> f64 {
        let entries = self.graph.used_legend();
        let widths = entries.map(|(_, meaning)| legend_entry_width(meaning));
        widths.sum::<f64>() + MARGIN * 2.0
    }

    // Writing to a string cannot fail.
    fn draw_legend(&self, text: &mut String) {
        let mut x = MARGIN;
        for (mark, meaning) in self.graph.used_legend() {
            let _ = write!(text, "{}", rectangle(mark, x, 38.0, 18.0, 12.0));
            let label = x + 24.0;
            let meaning_text = escaped(meaning);
            let _ = writeln!(
                text,
                "<text class=\"c\" x=\"{label:.1}\" y=\"48\">{meaning_text}</text>"
            );
            x += legend_entry_width(meaning);
        }
    }

    fn draw_bands(&self, text: &mut String, width: f64) {
        for (index, band) in self.bands.iter().enumerate() {
            let height = band.bottom - band.top;
            if index % 2 == 0 {
                let _ = writeln!(
                    text,
                    "<rect class=\"l\" x=\"0\" y=\"{:.1}\" width=\"{width:.0}\" height=\"{height:.1}\"/>",
                    band.top
                );
            }
            let middle = band.top + height / 2.0 + 4.0;
            let label = escaped(band.label);
            let _ = writeln!(
                text,
                "<text x=\"{MARGIN}\" y=\"{middle:.1}\">{label}</text>"
            );
        }
    }

    fn draw_headings(&self, text: &mut String) {
        let y = TOP + HEADING - 8.0;
        for heading in &self.headings {
            let (x, label) = (heading.x, escaped(heading.text));
            let _ = writeln!(
                text,
                "<text class=\"c\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>"
            );
        }
    }

    fn draw_edges(&self, text: &mut String) {
        let middle = box_height(self.graph) / 2.0;
        for (from, to) in &self.graph.edges {
            let (x, y) = self.positions[from.0];
            let (start, y) = (x + self.widths[from.0], y + middle);
            let (left, below) = self.positions[to.0];
            let (names, below) = (self.edge_title(from.0, to.0), below + middle);
            let path = if left > start + GAP * 1.5 {
                // Boxes of columns in between are not crossed: the line runs in the gap above the row.
                let gap = below - middle - ROW_GAP / 2.0;
                let (out, near) = (start + GAP, left - GAP / 2.0);
                let (turn, end) = (f64::midpoint(start, out), f64::midpoint(near, left));
                format!(
                    "M{start:.1} {y:.1}C{turn:.1} {y:.1} {turn:.1} {gap:.1} {out:.1} {gap:.1}\
                     L{near:.1} {gap:.1}C{end:.1} {gap:.1} {end:.1} {below:.1} {left:.1} {below:.1}"
                )
            } else if left > start {
                let turn = f64::midpoint(start, left);
                format!(
                    "M{start:.1} {y:.1}C{turn:.1} {y:.1} {turn:.1} {below:.1} {left:.1} {below:.1}"
                )
            } else {
                // The box is in the same column or to the left: the line goes round its right side.
                let end = left + self.widths[to.0];
                let turn = start.max(end) + GAP / 2.0;
                format!(
                    "M{start:.1} {y:.1}C{turn:.1} {y:.1} {turn:.1} {below:.1} {end:.1} {below:.1}"
                )
            };
            let _ = writeln!(text, "<path d=\"{path}\"><title>{names}</title></path>");
        }
    }

    fn edge_title(&self, from: usize, to: usize) -> String {
        let nodes = &self.graph.nodes;
        escaped(&format!("{} → {}", nodes[from].label, nodes[to].label))
    }

    fn draw_nodes(&self, text: &mut String) {
        let height = box_height(self.graph);
        let boxes = self
            .graph
            .nodes
            .iter()
            .zip(&self.positions)
            .zip(&self.widths);
        for ((node, &(x, y)), &width) in boxes {
            let _ = write!(text, "{}", rectangle(node.mark, x, y, width, height));
            let (left, label) = (x + 10.0, escaped(&node.label));
            let (first, second) = (y + 16.0, y + 29.0);
            let _ = write!(
                text,
                "<text x=\"{left:.1}\" y=\"{first:.1}\">{label}</text>"
            );
            if let Some(detail) = &node.detail {
                let detail = escaped(detail);
                let _ = write!(
                    text,
                    "<text class=\"m\" x=\"{left:.1}\" y=\"{second:.1}\">{detail}</text>"
                );
            }
            text.push('\n');
        }
    }
}

fn rectangle(mark: Mark, x: f64, y: f64, width: f64, height: f64) -> String {
    let radius = match mark {
        Mark::Round => height / 2.0,
        Mark::Solid | Mark::Accent | Mark::Dashed => 3.0,
    };
    let class = mark.class();
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius:.1}\"/>"
    )
}

fn legend_entry_width(meaning: &str) -> f64 {
    text_width(meaning) + 44.0
}
