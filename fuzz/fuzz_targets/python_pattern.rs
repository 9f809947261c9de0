//! Any text as one of Python's regular expressions: it is compiled or refused, and a match ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (pattern, subject) = text
        .split_once('\n')
        .unwrap_or((text, "ironic-neutron-agent"));
    if let Ok(regex) = slipway_pyregex::compile(pattern) {
        let _ = regex.is_match(subject);
    }
});
