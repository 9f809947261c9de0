//! Listings of the graph: names, dependencies.

use serde_json::{Value, json};

use super::{Graph, Node, Selection};

impl Graph {
    /// Names of the images with a selection, sorted.
    pub(crate) fn names(&self, selection: Selection) -> Vec<&str> {
        let nodes = self.nodes.iter();
        nodes
            .filter(|node| node.selection == selection)
            .map(|node| node.name.as_str())
            .collect()
    }

    /// Returns a warning for each of these patterns that matches no image, with the nearest name.
    pub(crate) fn unmatched(&self, patterns: &[String]) -> Vec<String> {
        let names = || self.nodes.iter().map(|node| node.name.as_str());
        let matches_any = |pattern: &str| {
            let regex = slipway_pyregex::compile(pattern);
            regex.is_ok_and(|regex| names().any(|name| regex.is_match(name).unwrap_or(false)))
        };
        let unmatched = patterns.iter().filter(|pattern| !matches_any(pattern));
        let warning = |pattern: &String| {
            let hint = slipway_suggest::did_you_mean(pattern, names());
            format!("no image matches {pattern}{hint}")
        };
        unmatched.map(warning).collect()
    }

    /// The image of a name.
    pub(crate) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The images that are built from each image (`--list-dependencies`): each image that has children is
    /// an object of its name and its children, any other its name. Only images asked for, and the
    /// one that all others stand on.
    pub(crate) fn dependencies(&self) -> Value {
        let nodes = self.nodes.iter().enumerate();
        let roots = nodes.filter(|(_, node)| node.parents.is_empty());
        let roots: Vec<usize> = roots.map(|(index, _)| index).collect();
        if let [only] = roots[..] {
            return self.tree_of(only);
        }
        let trees: Vec<Value> = roots
            .into_iter()
            .filter_map(|index| self.descendants(index))
            .collect();
        match <[Value; 1]>::try_from(trees) {
            Ok([only]) => only,
            Err(trees) => Value::Array(trees),
        }
    }

    fn descendants(&self, index: usize) -> Option<Value> {
        let node = &self.nodes[index];
        if node.selection != Selection::Matched {
            return None;
        }
        let is_leaf = node.children.is_empty() && !node.parents.is_empty();
        Some(match is_leaf {
            true => json!(node.name),
            false => self.tree_of(index),
        })
    }

    fn tree_of(&self, index: usize) -> Value {
        let node = &self.nodes[index];
        let children: Vec<Value> = node
            .children
            .iter()
            .filter_map(|&child| self.descendants(child))
            .collect();
        json!({ node.name.as_str(): children })
    }

    /// Each image that was asked for, with the images it is built from.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let nodes = &self.nodes;
        let matched = nodes
            .iter()
            .filter(|node| node.selection == Selection::Matched);
        matched.map(|node| {
            let parents = node.parents.iter();
            let parents = parents.map(|&parent| nodes[parent].name.as_str());
            (node.name.as_str(), parents.collect())
        })
    }
}
