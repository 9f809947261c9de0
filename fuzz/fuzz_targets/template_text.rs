//! Any text as a Jinja2 template: the rewriting for minijinja ends, and so does the rendering.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut env = minijinja::Environment::new();
    slipway_jinja::install(&mut env);
    let adapted = slipway_jinja::adapt(text);
    let _ = env.render_str(
        &adapted.text,
        minijinja::context! { name => "nova", list => ["a", "b"] },
    );
});
