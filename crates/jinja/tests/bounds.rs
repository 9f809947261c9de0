//! A template that takes too much is an error with its place, one test for each way of asking for it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use minijinja::{Environment, ErrorKind};
use slipway_jinja::{adapt, bounds, install};

fn try_render(source: &str) -> Result<String, (Option<usize>, String)> {
    if let Some(line) = bounds::overgrown(source) {
        return Err((Some(line), bounds::too_many_operators("here")));
    }
    let mut env = Environment::new();
    install(&mut env);
    let text = adapt(source).text;
    env.render_str(&text, ()).map_err(|error| {
        let message = match error.kind() {
            ErrorKind::OutOfFuel => bounds::used_up(),
            _ => format!("{error:#}"),
        };
        (error.line(), message)
    })
}

fn rendered(source: &str) -> String {
    try_render(source).unwrap()
}

/// Each of these lines of a template is refused, with this message.
fn refused(message: &str, lines: &[&str]) {
    for line in lines {
        let (at, error) = try_render(&format!("FROM x\n{line}\n")).unwrap_err();
        assert_eq!(at, Some(2), "{line:.200}: {error}");
        assert!(error.contains(message), "{line:.200}: {error}");
    }
}

/// A list of few bytes whose text is long.
const LONG: &str = "(['x' * 100000] * 2000)";

#[test]
fn loops_that_hardly_end() {
    refused(
        "too much is done",
        &[
            "{% for i in range(90000) %}{% for i in range(90000) %}{% endfor %}{% endfor %}",
            "{% for i in range(90000) %}{{ 'a line' * 900 }}{% endfor %}",
        ],
    );
}

#[test]
fn formats_wider_than_memory() {
    refused(
        "what this format makes is too long",
        &[
            "{{ '%1000000000d' % 1 }}",
            "{{ '%.1000000000f' % 1.5 }}",
            "{{ '%(a)-1000000000s' % {'a': 1} }}",
            "{{ '%1000000000s'|format('x') }}",
            "{{ '{:>4000000000}'.format('x') }}",
            "{{ '{:9>4000000000}'.format('x') }}",
            "{{ '{:.1000000000f}'.format(1.5) }}",
            "{{ '{a:99999999999999999999999}'.format(a=1) }}",
            "{{ ('{0}' * 1000000).format('x' * 1000000) }}",
            "{{ ('%(a)s' * 1000)|format(a='x' * 1000000) }}",
        ],
    );
}

#[test]
fn formats_of_a_usual_width() {
    let template = "{{ '%5d|%-4s|%.2f|%%9999999999' % (1, 'a', 0.125) }} \
                    {{ '{:>4}{:*^5}{x}'.format(1, 'a', x=2) }} {{ '{} 99999999999'.format(3) }}";
    let expected = "    1|a   |0.12|%9999999999    1**a**2 3 99999999999";
    assert_eq!(rendered(template), expected);
}

#[test]
fn repeated_texts_and_lists() {
    refused("too much is done", &["{{ 'x' * 10**10 }}"]);
    refused("too much is done", &["{{ [0] * 10**10 }}"]);
    refused("range has too many", &["{{ 'a'.join(range(10**9)) }}"]);
}

#[test]
fn joined_and_replaced_texts() {
    refused(
        "what is joined is too long",
        &[
            "{{ ('x' * 1000000).join(range(90000)|map('string')) }}",
            "{{ range(90000)|join('x' * 1000000) }}",
            "{{ range(90000)|join(d='x' * 1000000) }}",
            &format!("{{{{ {LONG}|join }}}}"),
        ],
    );
    refused(
        "too much is done",
        &[
            "{{ ('a' * 1000000).replace('a', 'x' * 1000000) }}",
            "{{ ('a' * 1000000)|replace('a', 'x' * 1000000) }}",
            "{{ (',' * 50000000).split(',')|length }}",
        ],
    );
    let template = "{{ ', '.join(['1', 'b']) }} {{ [{'uid': 1}]|join('+', attribute='uid') }}\
                    {{ 'aaa'.replace('a', 'b', 2) }} {{ ['a', ['b']]|join(d='-') }}";
    assert_eq!(rendered(template), "1, b 1bba a-['b']");
}

#[test]
fn texts_of_lists() {
    let uses = [
        "LONG",
        "LONG ~ ''",
        "'' ~ LONG",
        "LONG | upper",
        "LONG|replace('a', 'b')",
        "LONG|pprint",
        "LONG|tojson",
    ];
    let lines = uses.map(|what| format!("{{{{ {} }}}}", what.replace("LONG", LONG)));
    refused(
        "the text of this value is too long",
        &lines.each_ref().map(String::as_str),
    );
    refused(
        "too much is done",
        &["{{ [0] * 10**8 }}", "{{ ([0] * 10**8)|string }}"],
    );
    let template = "{{ ['a'] ~ '|' ~ {'b': 1} }} {{ ['c']|upper }} {{ [1]|string }}";
    assert_eq!(rendered(template), "['a']|{'b': 1} ['C'] [1]");
}

#[test]
fn indented_texts() {
    refused(
        "too much is done",
        &[
            "{{ 'a'|indent(10**9, true) }}",
            "{{ [1]|batch(10**9, 'x') }}",
        ],
    );
    refused("too much is done", &["{{ [1]|slice(10**9) }}"]);
    let json =
        ["[[1]]", "{'a': {'b': 1}}"].map(|what| format!("{{{{ {what}|tojson(indent=10**9) }}}}"));
    refused("this indented JSON is too long", &[&json[0], &json[1]]);
    let template = "{{ {'a': [1, '<']}|tojson }} {{ [1]|tojson(indent=1) }}";
    let expected = "{\"a\": [1, \"\\u003c\"]} [\n 1\n]";
    assert_eq!(rendered(template), expected);
}

#[test]
fn lists_that_grow() {
    refused(
        "too much is done",
        &[
            "{% set l = [0] * 10**8 %}",
            "{% set l = ['a'] %}{% for i in range(60) %}{% do l.extend(l) %}{% endfor %}",
            "{% set l = ['a'] %}{% for i in l %}{% do l.append(i) %}{% endfor %}",
            "{% set l = range(90000)|list %}{% for i in l %}{% do l.insert(0, i) %}{% endfor %}",
            "{% set l = range(90000)|list %}{% for i in l %}{{ l.count(i) }}{% endfor %}",
            "{% with a = [0] * 10**8 %}{{ (a + a)|length }}{% endwith %}",
            "{{ ([range(90000)|list] * 90000)|sum(start=[])|length }}",
        ],
    );
    refused("sum adds no strings", &["{{ ['x', 'y']|sum(start='') }}"]);
    let template = "{{ [1, 2]|sum }} {{ [[1], [2]]|sum(start=[]) }} {{ 1e+2 }} {{ [1] + [2] }}\
                    {{ 'a' + 'b' }}{{ 1 + 1 }}";
    assert_eq!(rendered(template), "3 [1, 2] 100.0 [1, 2]ab2");
}

#[test]
fn lists_in_themselves() {
    refused(
        "a list cannot hold itself",
        &[
            "{% set l = ['a'] %}{% do l.append(l) %}{{ l }}",
            "{% set l = ['a'] %}{% set m = [l] %}{% do l.extend([m]) %}",
        ],
    );
}

#[test]
fn comparing_a_list_with_its_items_does_not_deadlock() {
    assert_eq!(
        rendered("{% set l = [['a']] %}{{ l.count(l) }}{{ l.index(['a']) }}"),
        "00"
    );
    let lines =
        ["index", "remove"].map(|name| format!("{{% set l = [['a']] %}}{{{{ l.{name}(l) }}}}"));
    refused(
        "[['a']] is not in the list",
        &lines.each_ref().map(String::as_str),
    );
    assert_eq!(
        rendered("{% set l = [1, 2, 1] %}{% do l.remove(1) %}{{ l }}"),
        "[2, 1]"
    );
}

#[test]
fn lists_in_lists_without_end() {
    let chain = "{% set root = [] %}{% set last = [root] %}{% for i in range(40000) %}{% set x = [] %}\
                 {% do last[0].append(x) %}{% do last.pop() %}{% do last.append(x) %}{% endfor %}";
    assert_eq!(rendered(chain), "");
    refused(
        "nested more than 100 deep",
        &[&format!("{chain}{{{{ root }}}}")],
    );
}

#[test]
fn items_removed_in_a_loop_are_skipped() {
    let template =
        "{% set l = [1, 2, 3, 4] %}{% for i in l %}{{ i }}{% do l.remove(i) %}{% endfor %}{{ l }}";
    assert_eq!(rendered(template), "13[2, 4]");
}

#[test]
fn macros_that_double_or_never_end() {
    refused(
        "what is put together here is too long",
        &[
            "{% macro m(t, n) %}{% if n %}{{ m(t ~ t, n - 1) }}{% endif %}{% endmacro %}{{ m('aa', 60) }}",
        ],
    );
    refused(
        "recursion limit",
        &["{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
    );
}

#[test]
fn endless_comparisons_are_refused() {
    // Each is in the one before it twice, and empty when it is put there.
    let doubled = |name: &str| {
        let first = format!("{{% set {name}0 = [] %}}");
        let more = (0..40).map(|i| {
            let next = i + 1;
            format!(
                "{{% set {name}{next} = [] %}}{{% do {name}{i}.append({name}{next}) %}}\
                 {{% do {name}{i}.append({name}{next}) %}}"
            )
        });
        std::iter::once(first).chain(more).collect::<String>()
    };
    let two = doubled("a") + &doubled("b");
    let compare = [
        "{% if a0 == b0 %}x{% endif %}",
        "{{ a0 not in [b0] }}",
        "{{ [a0]|select('equalto', b0)|first }}",
        "{{ [a0, b0]|sort|length }}",
        "{% set l = [] %}{{ l.count(a0) }}",
    ];
    let templates = compare.map(|text| format!("{two}{text}"));
    refused(
        "too much is done",
        &templates.each_ref().map(String::as_str),
    );
    let deep = "{% set r = [] %}{% set l = [r] %}{% for i in range(40000) %}{% set x = [] %}\
                {% do l[0].append(x) %}{% do l.pop() %}{% do l.append(x) %}{% endfor %}";
    refused(
        "nested more than 100 deep",
        &[&format!("{deep}{{% set s = r.copy() %}}{{{{ s == r }}}}")],
    );
    let all = "{% set l = [1, [2]] %}{{ [2] in l }}{{ 3 in l }}{{ 'in' == 'in' }}{{ l == [1, [2]] }}\
               {{ l|sort|length if 2 < 1 else l|length }}{{ l[1] is eq([2]) }}{{ {'x=': 1} == {'x=': 1} }}";
    assert_eq!(rendered(all), "TrueFalseTrueTrue2TrueTrue");
}

#[test]
fn expressions_that_the_parser_has_no_stack_for() {
    let many = |text: &str| text.repeat(100_000);
    let nots = many("not ");
    let overgrown = [
        format!("{{{{ {nots}1 }}}}"),
        format!("{{{{ {nots}1"),
        format!("{{{{ -{}1 }}}}", many("-")),
        format!("{{{{ 'a'{} }}}}", many("|upper")),
        format!("{{{{ 1{} }}}}", many(" if 1 else 1")),
        format!("{{{{ a{} }}}}", many("[0]")),
        format!("{{% if 0 %}}{}{{% endif %}}", many("{% elif 0 %}")),
    ];
    for template in &overgrown {
        refused("more than 500 operators", &[template]);
    }
    let packages = format!(
        "{{% set p = ['a'{}] %}}{{{{ p|length }}}}",
        many(", 'b-c.d'")
    );
    assert_eq!(rendered(&packages), "100001");
}
