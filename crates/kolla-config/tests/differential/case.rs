//! Test cases: a tree and the runs on it, generated at random or read from a file.
//!
//! Left out is what is different on purpose (see `slipway_kolla_config::apply`): links that root does not own,
//! files whose names are globs, flags that say "no" in quotes, and sources that end in "..".

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    pub tree: Vec<Node>,
    pub steps: Vec<Step>,
}

/// Something in the tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    pub path: String,
    pub kind: Kind,
    pub owner: (u32, u32),
    pub mode: u32,
    pub time: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kind {
    File { text: String, attribute: bool },
    Directory,
    Link { target: String },
    Pipe,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The text of config.json, or of config.yaml.
    pub config: String,
    pub yaml: bool,
    pub strategy: Option<String>,
    pub check: bool,
    /// A file is changed before.
    pub tamper: bool,
}

const NAMES: [&str; 7] = ["a", "b", "c.conf", "d.conf", ".h", "e f", "x1"];

/// A name, or a path of up to three.
fn names() -> impl Strategy<Value = String> {
    let path = |most| subsequence(NAMES.to_vec(), 1..=most).prop_shuffle();
    prop_oneof![path(1), path(3)].prop_map(|names| names.join("/"))
}

fn text(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(choices).prop_map(str::to_owned)
}

fn node() -> impl Strategy<Value = Node> {
    let kind = prop_oneof![
        10 => (select(&["", "one", "two", "three\n\u{e9}"][..]), weighted(0.2, Just(()))).prop_map(
            |(text, attribute)| Kind::File { text: text.to_owned(), attribute: attribute.is_some() }
        ),
        8 => Just(Kind::Directory),
        5 => text(&[
            "a", "b", "..", ".", "nothere", "../a", "/src/a", "/src", "/dst/a", "/dst", "c.conf",
            "/etc/k/a", "/dst/b/c.conf", "/x1", "x1",
        ])
        .prop_map(|target| Kind::Link { target }),
        1 => Just(Kind::Pipe),
    ];
    let top = select(&["/src", "/src", "/dst", "/etc/k"][..]);
    let owner = select(&[(0, 0), (1001, 2001), (1002, 2002)][..]);
    let file_mode = select(&[0o644, 0o600, 0o640, 0o755, 0o4755, 0o2644, 0o400][..]);
    let directory_mode = select(&[0o755, 0o700, 0o750, 0o1777, 0o2755][..]);
    (
        top,
        names(),
        kind,
        owner,
        file_mode,
        directory_mode,
        0..10u8,
    )
        .prop_map(|(top, names, kind, owner, file, directory, time)| Node {
            path: format!("{top}/{names}"),
            mode: if matches!(kind, Kind::Directory) {
                directory
            } else {
                file
            },
            kind,
            owner,
            time,
        })
}

/// Shorter paths first, so that directories are there for what is in them.
fn tree() -> impl Strategy<Value = Vec<Node>> {
    vec(node(), 0..24).prop_map(|mut nodes| {
        nodes.sort_by_key(|node| node.path.matches('/').count());
        nodes
    })
}

fn below(top: &'static str, end: &'static str) -> impl Strategy<Value = String> {
    names().prop_map(move |names| format!("{top}/{names}{end}"))
}

fn source() -> impl Strategy<Value = String> {
    prop_oneof![
        35 => below("/src", ""),
        25 => text(&[
            "/src/*", "/src/*.conf", "/src/?", "/src/[ab]", "/src/[!a]", "/src/.*", "/src/*/*",
            "/src/*/a", "/src/a/*", "/src/**", "/src/*/", "/*/a",
        ]),
        10 => text(&["/src", "/src/", "/src/."]),
        5 => below("/src", "/"),
        10 => below("/src/../src/", ""),
        10 => text(&[
            "", "src/a", "/nope", "/dst/a", "/dst/b", "/dst/*", "/dst/?", "/dst", "/etc/k/*",
        ]),
    ]
}

fn dest() -> impl Strategy<Value = String> {
    prop_oneof![
        50 => below("/dst", ""),
        10 => below("/dst", "/"),
        10 => text(&["/dst/", "/dst", "/dst//a"]),
        10 => below("/dst/new/deep", ""),
        5 => below("/etc/k", ""),
        5 => below("/dst/../dst/.", ""),
        5 => text(&["dst/q", "/", "rel", ""]),
    ]
}

fn any_of(good: &'static [&'static str], bad: Vec<Value>) -> impl Strategy<Value = Value> {
    prop_oneof![
        19 => text(good).prop_map(Value::from),
        1 => select(bad),
    ]
}

fn owner() -> impl Strategy<Value = Value> {
    let bad = json!(["nobody", "lone", "key:none", "0:0", "", ":", null, 5]);
    let good = &["root", "key", "key:", "key:kolla", "svc:key", "root:root"];
    any_of(good, bad.as_array().unwrap().clone())
}

fn perm() -> impl Strategy<Value = Value> {
    let bad = json!(["9", "08", "u=rw", null, 420, "0o7", "66440"]);
    let good = &["0600", "644", "0o640", "0755", "0444", "2755", ""];
    any_of(good, bad.as_array().unwrap().clone())
}

fn flag() -> impl Strategy<Value = Value> {
    select(
        json!([true, true, true, false, false, "text", 1, 0, null, ""])
            .as_array()
            .unwrap()
            .clone(),
    )
}

fn often(flag: impl Strategy<Value = Value>, often: f64) -> impl Strategy<Value = Option<Value>> {
    weighted(often, flag)
}

/// An entry out of its keys, now and then without one of them.
fn entry(
    keys: impl Strategy<Value = Vec<(&'static str, Option<Value>)>>,
) -> impl Strategy<Value = Value> {
    (keys, weighted(0.02, any::<prop::sample::Index>())).prop_map(|(keys, dropped)| {
        let mut entry: Map<String, Value> = keys
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect();
        if let Some(dropped) = dropped {
            let key = entry.keys().nth(dropped.index(entry.len())).cloned();
            entry.remove(&key.unwrap_or_default());
        }
        Value::Object(entry)
    })
}

fn config_file() -> impl Strategy<Value = Value> {
    let properties = weighted(0.6, (owner(), perm()));
    let preserve = prop_oneof![9 => Just(json!(true)), 1 => flag()];
    entry(
        (
            source(),
            dest(),
            properties,
            weighted(0.2, Just(())),
            preserve,
            often(flag(), 0.4),
            often(prop_oneof![2 => Just(json!(true)), 1 => flag()], 0.6),
            often(Just(json!(1)), 0.01),
        )
            .prop_map(
                |(source, dest, properties, both, preserve, merge, optional, unknown)| {
                    let preserved = properties.is_none() || both.is_some();
                    let (owner, perm) = properties.unzip();
                    vec![
                        ("source", Some(source.into())),
                        ("dest", Some(dest.into())),
                        ("owner", owner),
                        ("perm", perm),
                        ("preserve_properties", preserved.then_some(preserve)),
                        ("merge", merge),
                        ("optional", optional),
                        ("unknown", unknown),
                    ]
                },
            ),
    )
}

fn permission() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        2 => text(&[
            "/dst", "/dst/*", "/dst/*/*", "/dst/.*", "/dst/[ab]", "/etc/k/*", "/nope", "/dst/a/",
            "/dst/*/", "/src/a",
        ]),
        1 => below("/dst", ""),
    ];
    let exclude = json!([["a$"], ["conf"], ["^/dst/a", "b"], [], "ab", [".*"], ["("]]);
    let exclude = select(exclude.as_array().unwrap().clone());
    let keys = (
        path,
        owner(),
        often(perm(), 0.7),
        often(flag(), 0.6),
        often(exclude, 0.3),
        often(flag(), 0.1),
    );
    entry(
        keys.prop_map(|(path, owner, perm, recurse, exclude, optional)| {
            vec![
                ("path", Some(path.into())),
                ("owner", Some(owner)),
                ("perm", perm),
                ("recurse", recurse),
                ("exclude", exclude),
                ("optional", optional),
            ]
        }),
    )
}

fn created() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        4 => below("/dst", ""),
        4 => text(&["/dst/n/m", "/dst/n/", "/etc/k/z", "/src/a", "/dst/a", "/dst/b"]),
        1 => text(&["/dst/*", "rel", ""]),
    ];
    let keys = (path, owner(), perm(), often(flag(), 0.2));
    entry(keys.prop_map(|(path, owner, perm, recurse)| {
        vec![
            ("path", Some(path.into())),
            ("owner", Some(owner)),
            ("perm", Some(perm)),
            ("recurse", recurse),
        ]
    }))
}

fn list(
    entries: impl Strategy<Value = Value> + 'static,
    least: usize,
    often: f64,
) -> impl Strategy<Value = Option<Value>> {
    let odd = json!([{}, null, "", 3, [1], {"a": 1}, "x"]);
    let odd = select(odd.as_array().unwrap().clone());
    let usual = vec(entries, least..=2 + usize::from(least == 0)).prop_map(Value::from);
    weighted(often, prop_oneof![99 => usual, 1 => odd])
}

fn config() -> impl Strategy<Value = String> {
    let command = prop_oneof![
        49 => text(&["true", "httpd -DFOREGROUND", "\u{e9}", ""]).prop_map(Value::from),
        1 => select(vec![json!(null), json!(5), json!(["a"])]),
    ];
    let whole = (
        often(command, 0.98),
        list(config_file(), 0, 0.9),
        list(created(), 1, 0.3),
        list(created(), 1, 0.3),
        list(permission(), 1, 0.5),
    )
        .prop_map(|(command, config_files, directories, files, permissions)| {
            let keys = [
                ("command", command),
                ("config_files", config_files),
                ("directories", directories),
                ("files", files),
                ("permissions", permissions),
            ];
            let config: Map<String, Value> = keys
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect();
            Value::Object(config).to_string()
        });
    prop_oneof![
        99 => whole,
        1 => text(&["", "{", "[]", "null", "\"command\"", "{\"command\":\"a\"}x", "3"]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let strategy = prop_oneof![
        16 => Just(Some("COPY_ALWAYS".to_owned())),
        2 => Just(Some("COPY_ONCE".to_owned())),
        1 => Just(Some("bogus".to_owned())),
        1 => Just(None),
    ];
    let rarely = |rarely| weighted(rarely, Just(()));
    (config(), rarely(0.1), strategy, rarely(0.4), rarely(0.2)).prop_map(
        |(config, yaml, strategy, check, tamper)| Step {
            config,
            yaml: yaml.is_some(),
            strategy,
            check: check.is_some(),
            tamper: tamper.is_some(),
        },
    )
}

/// One to three runs, of the same config about as often as of another.
pub fn case() -> impl Strategy<Value = Case> {
    let further = vec((any::<bool>(), step()), 0..3);
    (tree(), step(), further).prop_map(|(tree, first, further)| {
        let mut steps = vec![Step {
            check: false,
            tamper: false,
            ..first
        }];
        for (same, step) in further {
            let last = &steps[steps.len() - 1];
            let (config, yaml) = match same {
                true => (last.config.clone(), last.yaml),
                false => (step.config, step.yaml),
            };
            steps.push(Step {
                config,
                yaml,
                ..step
            });
        }
        Case { tree, steps }
    })
}
