use std::fs;
use std::path::Path;

use crate::{BuildConfig, Error, Tree, render};

/// Renders the image `web-api` of a tree with these files, under these overrides.
fn try_web(files: &[(&str, &str)], overrides: &[&str]) -> Result<String, Error> {
    let dir = tempfile::tempdir().unwrap();
    let mut options = BuildConfig::new(dir.path().join("images")).unwrap();
    options.base_arch = "x86_64".to_owned();
    fs::create_dir_all(options.tree.join("web-api")).unwrap();
    for (name, text) in files {
        fs::write(options.tree.join(name), text).unwrap();
    }
    for (index, text) in overrides.iter().enumerate() {
        let path = dir.path().join(format!("override{index}.j2"));
        fs::write(&path, text).unwrap();
        options.template_overrides.push(path);
    }
    let tree = Tree::open(&options.tree, &options.docker_dirs)?;
    Ok(render(&tree, &options)?.remove("web-api").unwrap())
}

fn web(template: &str, overrides: &[&str]) -> String {
    try_web(&[("web-api/Dockerfile.j2", template)], overrides).unwrap()
}

fn template_error(template: &str, overrides: &[&str]) -> crate::TemplateError {
    match try_web(&[("web-api/Dockerfile.j2", template)], overrides) {
        Err(Error::Template(error)) => *error,
        other => panic!("{other:?}"),
    }
}

const PACKAGES: &str =
    "{% set p = ['a', 'b', 'a'] %}{{ p | customizable('packages') | join(' ') }}";

#[test]
fn customizable_without_overrides_changes_nothing() {
    assert_eq!(web(PACKAGES, &[]), "a b a");
    assert_eq!(web(PACKAGES, &["{% extends parent_template %}\n"]), "a b a");
}

#[test]
fn customizable_appends_then_removes_the_first_of_each() {
    let text = "{% extends parent_template %}\n{% set web_api_packages_append = ['c', 'd'] %}\n\
                {% set web_api_packages_remove = ['a', 'c', 'none'] %}";
    assert_eq!(web(PACKAGES, &[text]), "b a d");
}

#[test]
fn customizable_override_wins_over_append() {
    let text = "{% extends parent_template %}\n{% set web_api_packages_append = ['c'] %}\n\
                {% set web_api_packages_override = ['x'] %}";
    assert_eq!(web(PACKAGES, &[text]), "x");
}

#[test]
fn an_override_for_another_image_changes_nothing() {
    let text = "{% extends parent_template %}\n{% set web_packages_append = ['c'] %}";
    assert_eq!(web(PACKAGES, &[text]), "a b a");
}

#[test]
fn an_undefined_list_stays_undefined() {
    let template = "{% for p in missing | customizable('packages') %}{{ p }}{% endfor %}-";
    let text = "{% extends parent_template %}\n{% set web_api_packages_append = ['c'] %}";
    assert_eq!(web(template, &[text]), "-");
}

#[test]
fn false_conditions_and_empty_values_change_nothing() {
    for value in ["['a'] if tag == 'none'", "''", "{}", "()", "[]"] {
        let text = format!(
            "{{% extends parent_template %}}\n{{% set web_api_packages_append = {value} %}}\n\
             {{% set web_api_packages_remove = {value} %}}"
        );
        assert_eq!(web(PACKAGES, &[&text]), "a b a", "{value}");
    }
}

#[test]
fn output_behind_extends_is_not_evaluated() {
    let text = "{% extends parent_template %}\n# RUN {{ macros.install_pip(x | customizable(\"p\")) }}\n\
                {% if true %}{{ nothing.at.all }}{% endif %}{% set x = 'set' %}";
    assert_eq!(web("{{ x }}", &[text]), "set");
}

#[test]
fn line_ends_are_newlines_and_the_last_is_no_text() {
    let text = "A\r\n{% set x = 1 %}\r\nB {{ x }}\r\n";
    assert_eq!(web("", &[text]), "A\n\nB 1");
    assert_eq!(web("A\r\n{{ 'a\rb' }}\r\n", &[]), "A\na\nb");
}

#[test]
fn a_block_sees_only_the_variables_of_its_template() {
    let template = "{% set top = 't' %}{% block one %}{% set local = 'l' %}{% for i in [1] %}\
                    {% block two %}[{{ top }}{{ local }}{{ i }}{{ loop.index }}]{% endblock %}\
                    {% block three scoped %}[{{ local }}{{ i }}{{ loop.index }}]{% endblock %}\
                    {% endfor %}{% endblock %}";
    assert_eq!(
        web(
            &template.replace(
                "{{ loop.index }}]{% endblock %}{% block three",
                "]{% endblock %}{% block three"
            ),
            &[]
        ),
        "[t][l11]"
    );
    let text = "{% extends parent_template %}{% block two %}<{{ top }}{{ local }}>{% endblock %}";
    assert_eq!(web(template, &[text]), "<t>[l11]");
}

#[test]
fn functions_accept_keyword_arguments() {
    let template = "{{ debian_package_install(packages=['a'], clean_package_cache=false) }}";
    assert!(web(template, &[]).contains("--no-install-recommends a"));
    for wrong in [
        "[none]",
        "[1]",
        "[nope]",
        "packages=['a'], pkgs=[]",
        "[], true, 1",
    ] {
        let error = template_error(&format!("{{{{ debian_package_install({wrong}) }}}}"), &[]);
        assert_eq!(error.line, Some(1), "{wrong}");
    }
}

#[test]
fn a_string_in_place_of_a_list_is_refused() {
    let text = "{% extends parent_template %}\n{% set web_api_packages_append = 'puppet' %}";
    let error = template_error(PACKAGES, &[text]);
    assert_eq!(
        error.message,
        "web_api_packages_append must be a list, such as ['puppet'], and is a string"
    );
}

// Differences between minijinja and Jinja2, one test each.

#[test]
fn customizable_changes_the_list_itself() {
    let template = "{% set p = ['a'] %}{{ p | customizable('packages') | join(' ') }};\
                    {{ p | join(' ') }};{{ p | customizable('packages') | length }}";
    let text = "{% extends parent_template %}\n{% set web_api_packages_append = ['c'] %}";
    assert_eq!(web(template, &[text]), "a c;a c;3");
}

#[test]
fn two_names_of_a_list_are_one_list() {
    let template = "{% set p = ['a'] %}{% set q = p %}{% set _ = q.append('b') %}{{ p | join }}\
                    {% set r = p + ['c'] %}{% do r.append('d') %}{{ p | join }}{{ r | join }}";
    assert_eq!(web(template, &[]), "ababababcd".replacen("abab", "ab", 1));
}

#[test]
fn override_variables_reach_body_blocks_and_imported_macros() {
    let files = [
        (
            "macros.j2",
            "{% macro show() %}{{ extra }}+{{ [] | customizable('packages') | join }}{% endmacro %}",
        ),
        (
            "web-api/Dockerfile.j2",
            "{% import \"macros.j2\" as macros with context %}{{ extra }} \
             {% block one %}{{ extra }}{% endblock %} {{ macros.show() }}",
        ),
    ];
    let text = "{% extends parent_template %}\n{% set extra = 'x' %}{% set web_api_packages_append = ['c'] %}";
    assert_eq!(try_web(&files, &[text]).unwrap(), "x x x+c");
}

#[test]
fn an_override_replaces_blocks_and_may_call_super() {
    let template = "{% block one %}1{% endblock %}{% block two %}2{% endblock %}";
    let text = "{% extends parent_template %}{% block one %}<{{ super() }}>{% endblock %}";
    assert_eq!(web(template, &[text]), "<1>2");
}

#[test]
fn several_overrides_are_one() {
    let first = "{% extends parent_template %}\n{% set web_api_packages_append = ['c'] %}\n";
    let second =
        "# note\n{% extends parent_template %}\n{% set web_api_packages_remove = ['b'] %}\n";
    assert_eq!(web(PACKAGES, &[first, second]), "a a c");
}

#[test]
fn percent_formats_strings() {
    assert_eq!(
        web(
            "{{ '%s-%s' % ('a', 2) }} {{ \"%d%%\" % 5 }}{% set x = 'v%s' % base_distro %} {{ x }}",
            &[]
        ),
        "a-2 5% vdebian"
    );
    assert_eq!(web("{{ 7 % 4 }}", &[]), "3");
    assert_eq!(web("{{ 'x%s' % 'a' | upper }}", &[]), "xA");
}

#[test]
fn python_methods_and_printing() {
    let template = "{{ 'a,b'.split(',')[1] }} {{ '{}-{}'.format(1, 'x') }} {{ 'abc'[1:] }} \
                    {{ True }} {{ None }} {{ users.items() | length }} {{ 'Ab'.lower() }} {{ ['a'] }}";
    assert_eq!(web(template, &[]), "b 1-x bc True None 0 ab ['a']");
}

#[test]
fn raw_text_and_comments_are_left_alone() {
    let template =
        "{% raw %}{% set x = [1] %}{% endraw %}{# {% set x = [ #}{% set x %}y{% endset %}{{ x }}";
    assert_eq!(web(template, &[]), "{% set x = [1] %}y");
}

#[test]
fn any_white_space_may_stand_in_a_tag() {
    let template = "{%\u{a0}for\u{a0}c\u{2003}in ['\u{a0}'] %}<{{\u{a0}c }}>{% endfor %}";
    assert_eq!(web(template, &[]), "<\u{a0}>");
    let operators = "{{ 'a'\u{a0}~\u{a0}tag\u{a0}if\u{a0}'%s'\u{a0}%\u{a0}tag\u{a0}else 1 }}";
    assert_eq!(web(operators, &[]), "alatest");
}

#[test]
fn a_set_that_compares_or_unpacks_still_works() {
    let template =
        "{% set x = 1 if tag == 'latest' else 2 %}{% set a, b = (3, 4) %}{{ x }}{{ a }}{{ b }}";
    assert_eq!(web(template, &[]), "134");
}

// Errors.

#[test]
fn a_syntax_error_of_an_override_names_file_and_line() {
    let text = "{% extends parent_template %}\n\n{% set x = ['a' %}\n";
    let error = template_error("FROM a\n", &[text]);
    assert_eq!(error.image, "web-api");
    assert_eq!(error.file.file_name().unwrap(), "override0.j2");
    assert_eq!(error.line, Some(3));
    assert_eq!(error.text.as_deref(), Some("{% set x = ['a' %}"));
    assert!(error.message.starts_with("syntax error: "), "{error}");
    let shown = error.to_string();
    assert!(
        shown.contains("override0.j2:3:") && shown.contains("3 | {% set x = ['a' %}"),
        "{shown}"
    );
    assert!(
        !shown.contains("_own") && !shown.contains("_publish"),
        "{shown}"
    );
}

#[test]
fn an_error_in_a_further_override_names_that_file() {
    let first = "{% extends parent_template %}\n{% set x = 1 %}\n";
    let second = "{% extends parent_template %}\n{% set y = 2 %}\n{% set z = nothing.at.all %}\n";
    let error = template_error("FROM a\n{{ y }}\n", &[first, second]);
    assert_eq!(
        (error.file.file_name().unwrap().to_str(), error.line),
        (Some("override1.j2"), Some(3))
    );
}

#[test]
fn a_mistake_after_a_rewritten_tag_has_its_own_column() {
    let error = template_error("FROM a\n{% set x = ['a'] %}{{ x.y.z }}\n", &[]);
    assert_eq!(error.line, Some(2));
    let columns = error.columns.unwrap();
    assert_eq!(&error.text.unwrap()[columns], ".y.z");
}

#[test]
fn an_error_in_an_imported_file_names_it_and_its_importer() {
    let files = [
        ("macros.j2", "\n{% set x = raise_error('no user x') %}"),
        (
            "web-api/Dockerfile.j2",
            "FROM a\n\n\n{% import 'macros.j2' as m with context %}\n",
        ),
    ];
    let Err(Error::Template(error)) = try_web(&files, &[]) else {
        panic!("it rendered")
    };
    assert_eq!(error.message, "no user x");
    assert!(error.file.ends_with("macros.j2"), "{error}");
    assert_eq!(error.line, Some(2));
    assert!(
        error
            .via
            .iter()
            .any(|via| via.ends_with("web-api/Dockerfile.j2:4")),
        "{error}"
    );
}

#[test]
fn users_come_from_the_tree_and_have_their_own_group() {
    let files = [
        (
            "users.yaml",
            "web-user: {uid: 1, gid: 2}\nweb2-user: {uid: 3, gid: 4, group: web}\n",
        ),
        (
            "web-api/Dockerfile.j2",
            "{% for n, u in users | dictsort() %}{{ n }} {{ u.uid }} {{ u.gid }} {{ u.group }};{% endfor %}",
        ),
    ];
    assert_eq!(try_web(&files, &[]).unwrap(), "web 1 2 web;web2 3 4 web;");
}

#[test]
fn overlays_replace_single_files() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        &dir.path().join("one/a/Dockerfile.j2"),
        "FROM x\nCOPY f /\n",
    );
    write(&dir.path().join("one/a/f"), "one");
    write(
        &dir.path().join("two/a/Dockerfile.j2"),
        "FROM y\nCOPY f /\n",
    );
    write(&dir.path().join("two/deep/b/Dockerfile.j2"), "FROM z\n");
    let tree = Tree::open(&dir.path().join("one"), &[dir.path().join("two")]).unwrap();
    assert_eq!(tree.image_names().collect::<Vec<_>>(), ["a", "b"]);
    let rendered = render(&tree, &BuildConfig::new(dir.path()).unwrap()).unwrap();
    assert_eq!(rendered["a"], "FROM y\nCOPY f /");
    let context: Vec<_> = tree.context("a").collect();
    assert_eq!(context, [("f", dir.path().join("one/a/f").as_path())]);
}

// Package repositories, whose exact text templates of Kolla 23 rely on.

const REPOS: &str = "\
deb:
  shared: {url: 'http://a', suite: 'x-{openstack_release_codename}', component: main, gpg_key: a.asc}
debian:
  debian: {distro: true}
  mirror: {url: 'http://b', suite: ./, component: '', gpg_key: /k, build_only: true, arch: amd64, trusted: true}
debian-x86_64:
  shared: {component: contrib}
";

fn repos(call: &str) -> Result<String, Error> {
    let template = format!("{{{{ {call} }}}}");
    let files = [
        ("repos.yaml", REPOS),
        ("web-api/Dockerfile.j2", template.as_str()),
    ];
    try_web(&files, &[])
}

#[test]
fn repositories_are_written_one_after_another() {
    let file = "/etc/apt/sources.list.d/shared.sources";
    assert_eq!(
        repos("handle_repos(['shared'], 'enable')").unwrap(),
        format!(
            "RUN echo 'Uris: http://a' >{file} && echo 'Components: contrib' >>{file} \
             && echo 'Types: deb' >>{file} && echo 'Suites: x-epoxy' >>{file} \
             && echo 'Signed-By: /etc/kolla/apt-keys/a.asc' >>{file}"
        )
    );
    assert_eq!(repos("handle_repos(['debian'], 'enable')").unwrap(), "");
    assert_eq!(repos("handle_repos(['shared'], 'disable')").unwrap(), "");
}

#[test]
fn a_repository_for_the_build_is_put_back() {
    let enabled = repos("handle_repos(['mirror', 'shared'], 'enable')").unwrap();
    let keep = "/tmp/kolla-repos-backup";
    assert!(
        enabled.starts_with(&format!("RUN mkdir -p {keep} && cp ")),
        "{enabled}"
    );
    assert!(
        enabled.contains(&format!(
            "touch {keep}/mirror.enabled && echo 'Uris: http://b'"
        )),
        "{enabled}"
    );
    assert!(enabled.contains("echo 'Architectures: amd64'"), "{enabled}");
    let cleanup = repos("cleanup_repos()").unwrap();
    assert!(
        cleanup.starts_with(&format!("RUN [ -f {keep}/mirror.enabled ] && ( mv ")),
        "{cleanup}"
    );
    assert!(
        cleanup.ends_with(&format!(" \\\n    && rm -rf {keep}")),
        "{cleanup}"
    );
}

#[test]
fn an_unknown_repository_is_an_error() {
    let error = repos("handle_repos(['mirrror'], 'enable')")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("there is no repository mirrror in repos.yaml"),
        "{error}"
    );
}

mod bounds;
