//! `customizable` against a model of its rules, for any lists.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use slipway_image::{BuildConfig, Tree, render};

type Items = Vec<String>;

/// The rules: an override replaces the list; otherwise the list itself gets what is appended, and
/// loses the first of each item removed.
fn model(
    list: &mut Items,
    replace: &Option<Items>,
    append: &Option<Items>,
    remove: &Option<Items>,
) -> Items {
    if let Some(replacement) = replace {
        return replacement.clone();
    }
    list.extend(append.iter().flatten().cloned());
    for item in remove.iter().flatten() {
        if let Some(index) = list.iter().position(|i| i == item) {
            list.remove(index);
        }
    }
    list.clone()
}

fn literal(items: &Items) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("'{item}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn rendered(list: &Items, changes: &[(&str, &Option<Items>)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut options = BuildConfig::new(dir.path().join("images")).unwrap();
    std::fs::create_dir_all(options.tree.join("web-api")).unwrap();
    // Used twice and then shown, since the first use may change what the others see.
    let template = format!(
        "{{% set p = {} %}}{{{{ p | customizable('packages') | join(' ') }}}};\
         {{% block b %}}{{{{ p | customizable('packages') | join(' ') }}}}{{% endblock %}};{{{{ p | join(' ') }}}}",
        literal(list)
    );
    std::fs::write(options.tree.join("web-api/Dockerfile.j2"), template).unwrap();
    let mut text = "{% extends parent_template %}\n".to_owned();
    for (kind, items) in changes {
        if let Some(items) = items {
            text += &format!("{{% set web_api_packages_{kind} = {} %}}\n", literal(items));
        }
    }
    let file = dir.path().join("override.j2");
    std::fs::write(&file, text).unwrap();
    options.template_overrides = vec![file];
    let tree = Tree::open(&options.tree, &[]).unwrap();
    render(&tree, &options).unwrap()["web-api"].clone()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn follows_the_rules(
        list in vec("[a-d]", 0..6),
        replace in option::weighted(0.2, vec("[a-f]", 0..4)),
        append in option::of(vec("[a-f]", 0..4)),
        remove in option::of(vec("[a-f]", 0..4)),
    ) {
        let mut expected = list.clone();
        let first = model(&mut expected, &replace, &append, &remove).join(" ");
        let second = model(&mut expected, &replace, &append, &remove).join(" ");
        let changes = [("override", &replace), ("append", &append), ("remove", &remove)];
        prop_assert_eq!(rendered(&list, &changes), format!("{first};{second};{}", expected.join(" ")));
    }
}
