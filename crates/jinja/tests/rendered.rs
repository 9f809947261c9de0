//! Generated templates and what Jinja2 3.1 makes of them: `rendered.json` has pairs of a template and
//! its text, or null for an error. `tests/parity/build/fragments.py` generates such templates.

use minijinja::{Environment, context};
use slipway_jinja::{adapt, install};

fn render(source: &str) -> Result<String, String> {
    let adapted = adapt(source);
    if let Some((_, mistake)) = adapted.mistake {
        return Err(mistake);
    }
    let mut env = Environment::new();
    install(&mut env);
    let context = context! {
        image_name => "cron",
        base_distro => "ubuntu",
        tag => "20.6.0",
        env => slipway_jinja::dict([]),
    };
    env.render_str(&adapted.text, context)
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn templates_come_out_as_jinja2_renders_them() {
    let cases: Vec<(String, Option<String>)> =
        serde_json::from_str(include_str!("rendered.json")).unwrap();
    assert!(cases.len() > 200);
    for (template, expected) in cases {
        match (render(&template), expected) {
            (Ok(text), Some(expected)) => assert_eq!(text, expected, "{template}"),
            (Err(_), None) => {}
            (Ok(text), None) => panic!("no error: {template}: {text}"),
            (Err(error), Some(_)) => panic!("{template}: {error}"),
        }
    }
}

#[test]
fn places_of_errors_are_those_of_the_original() {
    let source = "{% set x = ['a', \"b\\x41\"] %}{{ x + nope.y.z }}";
    let adapted = adapt(source);
    for part in ["set", "nope", "y.z", "}}"] {
        let at = adapted.text.rfind(part).unwrap();
        assert_eq!(adapted.original(at), source.rfind(part).unwrap(), "{part}");
    }
}
