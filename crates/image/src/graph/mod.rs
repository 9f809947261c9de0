//! Images and their parents: who is built from whom, in what order, and which were asked for.

mod diagram;
pub(crate) mod dockerfile;
mod images;
mod listing;

use std::collections::BTreeMap;

use slipway_pyregex::Regex;
use slipway_suggest::nearest;

use crate::config::BuildConfig;
use crate::error::{Error, Result, TemplateError};
use crate::render::Dockerfile;
use dockerfile::Instruction;
pub(crate) use images::Images;

/// An image of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub name: String,
    pub reference: String,
    /// The rendered Dockerfile; empty where its template does not render.
    pub dockerfile: String,
    /// The reason why its template does not render. Its parents are unknown then.
    pub fault: Option<Box<TemplateError>>,
    /// True when it starts from something. A template may render to nothing where its image is not
    /// for this distribution.
    pub has_from: bool,
    /// Images of the tree that it starts from.
    pub parents: Vec<usize>,
    /// Other images that it starts from: the distribution's.
    pub bases: Vec<String>,
    /// Images that start from it.
    pub children: Vec<usize>,
    /// The number of images that follow one another below this one.
    pub height: usize,
    pub selection: Selection,
}

impl Node {
    /// The instructions of its Dockerfile. They are read when they are needed, which is for few images:
    /// all of them would take more memory than the Dockerfiles.
    pub(crate) fn instructions(&self) -> Vec<Instruction> {
        dockerfile::instructions(&self.dockerfile)
    }
}

/// The part of an image in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Build it.
    Matched,
    /// Not asked for.
    Unmatched,
    /// Left out by `--skip-parents` or `--no-parents`, and a parent of a requested image.
    SkippedParent,
    /// Cannot be built with this distribution, install type or architecture, says the Kolla.
    Unbuildable,
}

/// All images of a tree. Indices are positions in `nodes`, which are sorted by name.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// Parents before children; among equals, those with more below them first.
    pub order: Vec<usize>,
}

impl Graph {
    pub(crate) fn new(
        dockerfiles: BTreeMap<String, Dockerfile>,
        options: &BuildConfig,
    ) -> Result<Graph> {
        let mut nodes: Vec<Node> = dockerfiles
            .into_iter()
            .map(|(name, rendered)| {
                let (dockerfile, fault) = match rendered {
                    Ok(dockerfile) => (dockerfile, None),
                    Err(fault) => (String::new(), Some(fault)),
                };
                let instructions = dockerfile::instructions(&dockerfile);
                let bases = dockerfile::parents(&instructions, &options.build_args);
                Node {
                    reference: options.reference(&name),
                    has_from: instructions.iter().any(|i| i.name == "FROM"),
                    name,
                    dockerfile,
                    fault,
                    parents: Vec::new(),
                    bases,
                    children: Vec::new(),
                    height: 0,
                    selection: Selection::Unmatched,
                }
            })
            .collect();
        link(&mut nodes, options);
        let order = order(&mut nodes)?;
        rename_infrastructure(&mut nodes, &order, options);
        select(&mut nodes, &order, options)?;
        Ok(Graph { nodes, order })
    }

    /// The image of the tree that a missing reference may be meant for: the nearest name, when the
    /// reference is named like an image of the tree.
    pub(crate) fn nearest(&self, reference: &str, options: &BuildConfig) -> Option<String> {
        let ours = options.reference("\0");
        let (before, after) = ours.split_once('\0')?;
        let name = reference.strip_prefix(before)?.strip_suffix(after)?;
        let names = self.nodes.iter().map(|node| node.name.as_str());
        nearest(name, names).map(str::to_owned)
    }

    /// The images that were asked for, parents first.
    pub(crate) fn matched(&self) -> impl Iterator<Item = usize> {
        self.order
            .iter()
            .copied()
            .filter(|&i| self.nodes[i].selection == Selection::Matched)
    }
}

/// Finds every image's parents by its `FROM` lines. What is no image of the tree is taken from the
/// engine, even when it is named like one of the tree.
fn link(nodes: &mut [Node], options: &BuildConfig) {
    let mut by_reference: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        by_reference.insert(node.reference.clone(), index);
        by_reference.extend(
            options
                .infra_reference(&node.name)
                .map(|name| (name, index)),
        );
    }
    for index in 0..nodes.len() {
        let parents = std::mem::take(&mut nodes[index].bases);
        for parent in parents {
            match by_reference.get(&parent) {
                Some(&found) => {
                    nodes[index].parents.push(found);
                    nodes[found].children.push(index);
                }
                None => nodes[index].bases.push(parent),
            }
        }
    }
}

/// Parents before children. An image is taken up when its last parent is, so what remains in the
/// end is a cycle.
fn order(nodes: &mut [Node]) -> Result<Vec<usize>> {
    let mut waiting: Vec<usize> = nodes.iter().map(|node| node.parents.len()).collect();
    let mut order: Vec<usize> = (0..nodes.len()).filter(|&i| waiting[i] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        for &child in &nodes[order[next]].children {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                order.push(child);
            }
        }
        next += 1;
    }
    if order.len() < nodes.len() {
        return Err(Error::Cycle(cycle(nodes, &waiting)));
    }
    for &index in order.iter().rev() {
        let below = nodes[index]
            .children
            .iter()
            .map(|&child| nodes[child].height + 1)
            .max();
        nodes[index].height = below.unwrap_or(0);
    }
    Ok(order)
}

/// Returns one cycle among the waiting images, from an image back to itself.
fn cycle(nodes: &[Node], waiting: &[usize]) -> Vec<String> {
    let mut path: Vec<usize> = Vec::new();
    let mut at = waiting.iter().position(|&count| count > 0).unwrap_or(0);
    while !path.contains(&at) {
        path.push(at);
        // Every waiting image has a parent that waits.
        at = nodes[at]
            .parents
            .iter()
            .copied()
            .find(|&parent| waiting[parent] > 0)
            .unwrap_or(at);
    }
    let start = path.iter().position(|&index| index == at).unwrap_or(0);
    path[start..]
        .iter()
        .chain([&at])
        .map(|&index| nodes[index].name.clone())
        .collect()
}

/// `--infra-rename`: an image that is of no install type, as are all its parents, has a name
/// without one.
fn rename_infrastructure(nodes: &mut [Node], order: &[usize], options: &BuildConfig) {
    let Some(typed) = options.kolla.as_ref().map(|kolla| kolla.typed_images()) else {
        return;
    };
    let mut is_typed = vec![false; nodes.len()];
    for &index in order {
        let has_typed_parent = nodes[index].parents.iter().any(|&parent| is_typed[parent]);
        is_typed[index] = has_typed_parent || typed.contains(&nodes[index].name);
        if let (false, Some(name)) = (is_typed[index], options.infra_reference(&nodes[index].name))
        {
            nodes[index].reference = name;
        }
    }
}

/// Marks the images that the regular expressions match, and all their parents.
fn select(nodes: &mut [Node], order: &[usize], options: &BuildConfig) -> Result<()> {
    let patterns = options
        .regex
        .iter()
        .map(|pattern| compile(pattern))
        .collect::<Result<Vec<_>>>()?;
    mark_unbuildable(nodes, order, options);
    let is_asked_for = |name: &str| {
        let matches = |pattern: &Regex| pattern.is_match(name).unwrap_or(false);
        match patterns.is_empty() {
            true => !options.on_request.contains(name),
            false => patterns.iter().any(matches),
        }
    };
    let mut matches_none = true;
    for node in nodes.iter_mut().filter(|node| is_asked_for(&node.name)) {
        matches_none = false;
        if node.selection != Selection::Unbuildable {
            node.selection = Selection::Matched;
        }
    }
    if matches_none && options.strict {
        let first = options
            .regex
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        let nearest = nearest(first, nodes.iter().map(|node| node.name.as_str()));
        return Err(Error::NothingMatches {
            patterns: options.regex.clone(),
            nearest: nearest.map(str::to_owned),
        });
    }
    for &index in order.iter().rev() {
        if nodes[index].selection == Selection::Matched {
            for parent in nodes[index].parents.clone() {
                nodes[parent].selection = match nodes[parent].selection {
                    Selection::Unmatched if options.no_parents => Selection::SkippedParent,
                    Selection::SkippedParent => Selection::SkippedParent,
                    Selection::Unmatched | Selection::Matched | Selection::Unbuildable => {
                        Selection::Matched
                    }
                };
            }
        }
    }
    if options.skip_parents {
        for node in nodes.iter_mut() {
            if node.selection == Selection::Matched && !node.children.is_empty() {
                node.selection = Selection::SkippedParent;
            }
        }
    }
    Ok(())
}

/// Marks the images that cannot be built according to the Kolla, and all their children.
fn mark_unbuildable(nodes: &mut [Node], order: &[usize], options: &BuildConfig) {
    let Some(kolla) = options
        .kolla
        .as_ref()
        .filter(|_| !options.enable_unbuildable)
    else {
        return;
    };
    let tag = options.base_tag();
    let install_type = options.metatype().map(|(install_type, _)| install_type);
    let tags = [
        Some(kolla.section(options.base, &tag)),
        install_type,
        Some(&options.base_arch),
    ];
    let tags: Vec<&str> = tags.into_iter().flatten().chain([tag.as_str()]).collect();
    let unbuildable = kolla.unbuildable(&tags);
    for &index in order {
        let is_unbuildable = |node: &Node| node.selection == Selection::Unbuildable;
        let has_parent = nodes[index]
            .parents
            .iter()
            .any(|&p| is_unbuildable(&nodes[p]));
        if has_parent || unbuildable.contains(nodes[index].name.as_str()) {
            nodes[index].selection = Selection::Unbuildable;
        }
    }
}

fn compile(pattern: &str) -> Result<Regex> {
    slipway_pyregex::compile(pattern).map_err(|error| Error::BadRegex {
        pattern: pattern.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tree::Tree;

    /// A graph of images, each given as (name, FROM).
    fn graph(images: &[(&str, &str)], change: impl Fn(&mut BuildConfig)) -> Result<Graph> {
        let dir = tempfile::tempdir().unwrap();
        for (name, from) in images {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            let parent = match *from {
                "" => "FROM debian:trixie".to_owned(),
                parent => {
                    format!("FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}{parent}:{{{{ tag }}}}")
                }
            };
            fs::write(dir.path().join(name).join("Dockerfile.j2"), parent).unwrap();
        }
        let mut options = BuildConfig::new(dir.path()).unwrap();
        change(&mut options);
        let tree = Tree::open(&options.tree, &options.docker_dirs)?;
        let rendered = crate::render::render_tree(&tree, &options)?;
        Graph::new(rendered.dockerfiles, &options)
    }

    const FAMILY: &[(&str, &str)] = &[
        ("base", ""),
        ("cron", "base"),
        ("keystone", "keystone-base"),
        ("keystone-base", "openstack-base"),
        ("openstack-base", "base"),
    ];

    fn matched(graph: &Graph) -> Vec<&str> {
        graph
            .matched()
            .map(|index| graph.nodes[index].name.as_str())
            .collect()
    }

    #[test]
    fn parents_come_before_children() {
        let graph = graph(FAMILY, |options| {
            options.image_name_prefix = "x-".to_owned()
        })
        .unwrap();
        assert_eq!(
            matched(&graph),
            [
                "base",
                "cron",
                "openstack-base",
                "keystone-base",
                "keystone"
            ]
        );
        let heights: Vec<_> = graph.order.iter().map(|&i| graph.nodes[i].height).collect();
        assert_eq!(heights, [3, 0, 2, 1, 0]);
        assert_eq!(graph.nodes[0].bases, ["debian:trixie"]);
    }

    #[test]
    fn a_regex_brings_its_parents_and_no_children() {
        let only = |pattern: &str, skip_parents| {
            graph(FAMILY, |options| {
                options.regex = vec![pattern.to_owned()];
                options.skip_parents = skip_parents;
            })
        };
        assert_eq!(matched(&only("^cron$", false).unwrap()), ["base", "cron"]);
        assert_eq!(
            matched(&only("stack", false).unwrap()),
            ["base", "openstack-base"]
        );
        assert_eq!(matched(&only("^keystone$", true).unwrap()), ["keystone"]);
        let error = only("keystonee", false).unwrap_err().to_string();
        assert_eq!(error, "no image matches keystonee; did you mean keystone?");
        assert!(matches!(only("(", false), Err(Error::BadRegex { .. })));
    }

    #[test]
    fn some_images_are_built_on_request_only() {
        let of = |patterns: &[&str]| {
            let graph = graph(FAMILY, |options| {
                options.regex = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
                options.on_request = ["cron".to_owned()].into();
            });
            matched(&graph.unwrap()).contains(&"cron")
        };
        assert!(!of(&[]));
        assert!(of(&["^cron$"]) && of(&["."]));
    }

    #[test]
    fn parents_can_be_left_out() {
        let without_parents = |patterns: &[&str]| {
            let graph = graph(FAMILY, |options| {
                options.regex = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
                options.no_parents = true;
            });
            let graph = graph.unwrap();
            let skipped = graph.names(Selection::SkippedParent).join(" ");
            (matched(&graph).join(" "), skipped)
        };
        let of = |matched: &str, skipped: &str| (matched.to_owned(), skipped.to_owned());
        assert_eq!(
            without_parents(&["^keystone-base$"]),
            of("keystone-base", "openstack-base")
        );
        assert_eq!(
            without_parents(&["^keystone$", "^openstack-base$"]),
            of("openstack-base keystone", "base keystone-base")
        );
    }

    #[test]
    fn an_image_that_the_tree_has_not_is_started_from_as_the_engine_has_it() {
        let images = [("base", ""), ("cron", "bsae"), ("web", "elsewhere")];
        let graph = graph(&images, |_| ()).unwrap();
        assert_eq!(matched(&graph), ["base", "cron", "web"]);
        assert_eq!(graph.nodes[1].bases, ["slipway/bsae:latest"]);
        let options = BuildConfig::new("tree").unwrap();
        let nearest = |reference| graph.nearest(reference, &options);
        assert_eq!(nearest("slipway/bsae:latest").as_deref(), Some("base"));
        assert_eq!(nearest("debian:trixie"), None);
    }

    #[test]
    fn a_cycle_is_named() {
        let images = [("a", "c"), ("b", "a"), ("c", "b"), ("d", "a"), ("base", "")];
        let error = graph(&images, |_| ()).unwrap_err().to_string();
        assert_eq!(
            error,
            "these images are parents of each other: a -> c -> b -> a"
        );
        let error = graph(&[("a", "a")], |_| ()).unwrap_err().to_string();
        assert_eq!(error, "these images are parents of each other: a -> a");
    }
}
