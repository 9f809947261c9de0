//! Any text as one of Kolla's Python files: what it assigns is read, and the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = slipway_kolla_release::constants(text);
    assert_eq!(names, slipway_kolla_release::constants(text));
});
