//! The language of Graphviz.

use std::fmt::Write as _;

use crate::graph::{Graph, Mark, NodeId};
use crate::lanes::Cell;

/// Returns a tree.
pub fn tree(graph: &Graph) -> String {
    let mut text = begin(graph);
    for index in 0..graph.nodes.len() {
        node(&mut text, graph, index, "\t");
    }
    end(text, graph)
}

/// Returns lanes: a cluster for each, and the nodes of a column on one rank.
pub fn lanes(graph: &Graph, columns: &[String], lanes: &[String], cells: &[Cell]) -> String {
    let mut text = begin(graph);
    text.push_str("\tnewrank=true\n");
    // Writing to a string cannot fail.
    for (index, name) in lanes.iter().enumerate() {
        let _ = writeln!(
            text,
            "\tsubgraph cluster_{index} {{\n\t\tlabel={}",
            quoted(name)
        );
        for (at, _) in cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.lane == index)
        {
            node(&mut text, graph, at, "\t\t");
        }
        text.push_str("\t}\n");
    }
    for (index, name) in columns.iter().enumerate() {
        let _ = writeln!(text, "\tc{index} [label={} shape=plaintext]", quoted(name));
        let column = cells.iter().enumerate();
        let column = column.filter(|(_, cell)| cell.column == index);
        let nodes: String = column.map(|(at, _)| format!("; n{at}")).collect();
        let _ = writeln!(text, "\t{{rank=same; c{index}{nodes}}}");
        if index > 0 {
            let _ = writeln!(text, "\tc{} -> c{index} [style=invis]", index - 1);
        }
    }
    end(text, graph)
}

fn begin(graph: &Graph) -> String {
    let title = quoted(&graph.title);
    format!("digraph {title} {{\n\trankdir=LR\n\tnode [shape=box fontname=\"sans-serif\"]\n")
}

fn node(text: &mut String, graph: &Graph, index: usize, indent: &str) {
    let node = &graph.nodes[index];
    let label = match &node.detail {
        Some(detail) => format!("{}\n{detail}", node.label),
        None => node.label.clone(),
    };
    let style = match node.mark {
        Mark::Solid => "style=filled fillcolor=\"#dcebf7\"",
        Mark::Accent => "style=filled fillcolor=\"#fbe6cf\"",
        Mark::Round => "style=\"filled,rounded\" fillcolor=\"#e3f2e3\"",
        Mark::Dashed => "style=dashed",
    };
    let _ = writeln!(text, "{indent}n{index} [label={} {style}]", quoted(&label));
}

fn end(mut text: String, graph: &Graph) -> String {
    for (NodeId(from), NodeId(to)) in &graph.edges {
        let _ = writeln!(text, "\tn{from} -> n{to}");
    }
    text.push_str("}\n");
    text
}

/// Returns a string as Graphviz reads it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_stay_in_their_quotes() {
        assert_eq!(quoted(r#"a"b\"#), r#""a\"b\\""#);
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
    }
}
