//! A template that takes too much is an error with its place: Kolla's own filter and functions, includes and
//! overrides.

use super::{template_error, web};

/// Each of these lines of a template is refused, with this message.
fn refused(message: &str, lines: &[&str]) {
    for line in lines {
        let error = template_error(&format!("FROM x\n{line}\n"), &[]);
        assert_eq!(error.line, Some(2), "{line}: {error}");
        assert!(error.message.contains(message), "{line}: {error}");
    }
}

#[test]
fn lists_that_are_customized_without_end() {
    refused(
        "too much is done",
        &[
            "{% set web_api_packages_append = range(90000) %}{% set l = [] %}\
             {% for i in range(90000) %}{{ l|customizable('packages')|length }}{% endfor %}",
        ],
    );
    refused(
        "a list cannot hold itself",
        &[
            "{% set l = ['a'] %}{% set web_api_packages_append = [l] %}{{ l|customizable('packages') }}",
        ],
    );
    let template = "{% set l = [['a']] %}{{ l.count(l) }}{% set web_api_packages_remove = [l] %}\
                    {{ l|customizable('packages') }}{{ l.index(['a']) }}";
    assert_eq!(web(template, &[]), "0[['a']]0");
}

#[test]
fn long_arguments_of_functions_are_refused() {
    let long = "['x' * 100000] * 2000";
    let messages = [
        format!("{{{{ raise_error({long}) }}}}"),
        format!("{{{{ debian_package_install({long}) }}}}"),
    ];
    refused("the text of this value is too long", &[&messages[0]]);
    refused("too much is done", &[&messages[1]]);
}

#[test]
fn templates_that_include_themselves() {
    refused(
        "recursion limit",
        &["{% include 'web-api/Dockerfile.j2' %}"],
    );
}

#[test]
fn expressions_that_the_parser_has_no_stack_for() {
    let template = format!("FROM scratch\n{{{{ {}1 }}}}", "not ".repeat(100_000));
    let error = template_error(&template, &[]).to_string();
    assert!(
        error.contains("Dockerfile.j2:2: more than 500 operators"),
        "{error:.200}"
    );
    let error = template_error("", &["\n", &template]).to_string();
    assert!(error.contains("override1.j2:2: more than"), "{error:.200}");
}
